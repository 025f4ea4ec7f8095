//! `start`: from the start of `shipway serve` until `/healthz` answers.

use crate::{
    Fallible, Options,
    process::free_port,
    server::Server,
    stats::Values,
    table::{Table, progress},
};

const NAME: &str = "start";

/// Runs it.
///
/// # Errors
/// A server does not start or stop.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    let (mut first, mut again) = (Values::default(), Values::default());
    for run in 0..options.runs {
        let (mut server, ms) = Server::start_timed(&options.shipway, free_port()?).await?;
        first.push(ms);
        server.stop_alone().await?;
        let ms_again = server.restart_timed().await?;
        again.push(ms_again);
        progress(format!("{NAME} {run}: {ms:.1} ms, {ms_again:.1} ms beside its proxy"));
    }
    table.at_most(NAME, "first start, empty data folder, starts the proxy too", (200.0, "ms"), &first);
    table.at_most(NAME, "restart beside a running proxy", (200.0, "ms"), &again);
    Ok(())
}
