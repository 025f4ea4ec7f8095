//! `warm-rollback`: from the start of `shipway rollback` until every new request meets the old version.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::{
    Fallible, Options,
    process::ended,
    project,
    server::{HOST, Server},
    stats::Values,
    table::{Table, progress},
    watch::{self, CLOSE_US, Watch, first_for_good, now_us},
};

const NAME: &str = "warm-rollback";
/// A phase whose first steps run side by side is another path than one with a single step.
const INSTANCES: [u32; 2] = [1, 2];
const POLLERS: usize = 2;
/// Watched before the command, and after its end.
const AROUND_MS: u64 = 150;
const SERVICE: &str = r#"
warm_for = "1m"
health = { startup = { http = "/healthz" } }
variables = { START_MS = "500" }
"#;

struct Timing {
    switched_ms: f64,
    command_ms: f64,
    failed: usize,
}

/// Runs it.
///
/// # Errors
/// A rollback does not bring the old version back.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    for instances in INSTANCES {
        with_instances(options, table, instances).await?;
    }
    Ok(())
}

async fn with_instances(options: &Options, table: &mut Table, instances: u32) -> Fallible<()> {
    let server = Server::start(&options.shipway, &[]).await?;
    let service = format!("instances = {instances}\n{SERVICE}");
    let folder = project::make(&server, &options.app, "./bench-app", &service).await?;
    server.deploy(&json!({ "project": "bench", "environment": "test", "version": "old" })).await?;
    let (mut switched, mut command, mut failed) = (Values::default(), Values::default(), 0);
    for run in 0..options.runs {
        let version = format!("new{run}");
        let config = json!({ "variables": { "RUN": version } });
        let request = json!({ "project": "bench", "environment": "test", "version": version, "config": config });
        server.deploy(&request).await?;
        watch::until(server.proxy(), HOST, &version).await?;
        let timing = once(&server, &folder, &version).await?;
        let (switched_ms, command_ms) = (timing.switched_ms, timing.command_ms);
        progress(format!("{NAME} {instances} × {run}: {switched_ms:.1} ms, command {command_ms:.1} ms"));
        switched.push(switched_ms);
        command.push(command_ms);
        failed += timing.failed;
    }
    let of = format!("{instances} instance{}", if instances == 1 { "" } else { "s" });
    table.at_most(NAME, format!("{of}: command to all new requests on the old version"), (100.0, "ms"), &switched);
    table.number(NAME, format!("{of}: command to its own end (`completed`)"), "ms", &command);
    table.text(NAME, format!("{of}: failed requests of the pollers"), failed.to_string(), switched.len().to_string());
    Ok(())
}

async fn once(server: &Server, folder: &std::path::Path, new: &str) -> Fallible<Timing> {
    let watch = Watch::start(server.proxy(), HOST, POLLERS, CLOSE_US);
    sleep(Duration::from_millis(AROUND_MS)).await;
    let command = server.verb(folder, &["rollback", "-e", "test"]);
    let begin_us = now_us();
    let output = ended(command).await?;
    let command_ms = (now_us() - begin_us) as f64 / 1000.0;
    sleep(Duration::from_millis(AROUND_MS)).await;
    let pollers = watch.stop().await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("`shipway rollback` failed: {said}").into());
    }
    let failed = pollers.iter().flatten().filter(|sample| sample.version.is_err()).count();
    let mut switched_us = 0;
    for samples in &pollers {
        switched_us = switched_us.max(first_for_good(samples, new, "old")?);
    }
    let switched_ms = (switched_us as f64 - begin_us as f64) / 1000.0;
    Ok(Timing { switched_ms, command_ms, failed })
}
