//! `memory`: what server, proxy and shims hold when nothing happens.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::{
    Fallible, Options,
    load::Load,
    process::{Memory, memory, with_arguments},
    project,
    server::{HOST, Server},
    stats::Values,
    table::{Table, progress},
};

const NAME: &str = "memory";
const REQUESTS_PER_SECOND: u32 = 600;
const LOAD_S: u64 = 5;
const IDLE_S: u64 = 10;
const INSTANCES: usize = 4;
const KIB_PER_MB: f64 = 1_000_000.0 / 1024.0;
const SERVICE: &str = "instances = 4\nwarm_for = \"1s\"\nhealth = { startup = { http = \"/healthz\" } }\n";

/// Runs it.
///
/// # Errors
/// A process is gone.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    let server = Server::start(&options.shipway, &[]).await?;
    project::make(&server, &options.app, "./bench-app", SERVICE).await?;
    for version in ["v1", "v2"] {
        let config = json!({ "variables": { "VERSION": version } });
        let request = json!({ "project": "bench", "environment": "test", "version": version, "config": config });
        server.deploy(&request).await?;
    }
    let data = server.data().display().to_string();
    let shims = loop {
        let shims = with_arguments(&["shim", &data]);
        if shims.len() <= INSTANCES {
            break shims;
        }
        sleep(Duration::from_millis(100)).await;
    };
    // Memory that a little traffic leaves behind counts too.
    let load = Load::start(server.proxy(), HOST, REQUESTS_PER_SECOND);
    sleep(Duration::from_secs(LOAD_S)).await;
    load.stop().await;
    progress(format!("{NAME}: idle for {IDLE_S} s"));
    sleep(Duration::from_secs(IDLE_S)).await;
    let parts = [
        ("server", vec![server.pid()]),
        ("proxy", with_arguments(&["proxy", &data])),
        ("keeper of the proxy's sockets", with_arguments(&["keeper", &data])),
    ];
    report(table, &parts, &shims)
}

fn report(table: &mut Table, parts: &[(&str, Vec<u32>)], shims: &[u32]) -> Fallible<()> {
    let (mut rss, mut pss) = (0.0, 0.0);
    for (name, pids) in parts {
        let of: Vec<Memory> = pids.iter().map(|pid| memory(*pid)).collect::<Fallible<_>>()?;
        let sum = |field: fn(&Memory) -> u64| of.iter().map(|memory| field(memory) as f64 / KIB_PER_MB).sum::<f64>();
        let (its_rss, its_pss, its_private) = (sum(|it| it.rss), sum(|it| it.pss), sum(|it| it.private));
        let text = format!("RSS {its_rss:.1} MB, PSS {its_pss:.1} MB, private {its_private:.1} MB");
        table.text(NAME, *name, text, pids.len().to_string());
        (rss, pss) = (rss + its_rss, pss + its_pss);
    }
    let one = |value: f64| [value].into_iter().collect::<Values>();
    table.each_at_most(NAME, "server + proxy + keeper, RSS (shared pages counted each time)", (60.0, "MB"), &one(rss));
    table.number(NAME, "server + proxy + keeper, PSS", "MB", &one(pss));
    let shims: Vec<Memory> = shims.iter().map(|pid| memory(*pid)).collect::<Fallible<_>>()?;
    let private: Values = shims.iter().map(|memory| memory.private as f64 / KIB_PER_MB).collect();
    table.each_at_most(NAME, "each shim, private", (3.0, "MB"), &private);
    let rss: Values = shims.iter().map(|memory| memory.rss as f64 / KIB_PER_MB).collect();
    table.number(NAME, "each shim, RSS (mostly the program's file, shared)", "MB", &rss);
    Ok(())
}
