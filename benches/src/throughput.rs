//! `throughput`: the proxy beside nginx, in turns: the same closed-loop load, the same application behind both, the
//! same files. The load and the application share the machine with them, so the processor time per request says more
//! than the rate.

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    Fallible, Options,
    http::{Connection, Request},
    process::{cpu_ms, with_arguments},
    project,
    rivals::nginx::Nginx,
    server::{HOST, Server},
    stats::Values,
    table::{Table, progress},
};

const NAME: &str = "throughput";
const CONNECTIONS: usize = 32;
const SECONDS: u64 = 4;
const ROUNDS: usize = 5;
const SMALL_BYTES: usize = 10_000;
const LARGE_BYTES: usize = 1_000_000;
const SITE: &str = r#"
[services.site]
source = "site"
kind = "static"
run_as = "@server"
routes = [{ host = "files.{environment}.localhost" }]
"#;

/// Who is asked for what.
struct Lane {
    what: &'static str,
    address: [SocketAddr; 2],
    host: &'static str,
    path: [&'static str; 2],
    rate: [Values; 2],
    cpu_us: [Values; 2],
}

/// Runs it.
///
/// # Errors
/// A request fails.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    let server = Server::start(&options.shipway, &[]).await?;
    let site = server.home().join("project/site");
    fs::create_dir_all(&site)?;
    fs::write(site.join("small.bin"), vec![b's'; SMALL_BYTES])?;
    fs::write(site.join("large.bin"), vec![b'l'; LARGE_BYTES])?;
    project::make(&server, &options.app, "./bench-app", SITE).await?;
    server.deploy(&json!({ "project": "bench", "environment": "test", "version": "v1" })).await?;
    let instances = server.get("/api/projects/bench/instances").await?;
    let upstream = instances[0]["address"].as_str().unwrap_or_default().parse()?;
    let nginx = match Nginx::start(options, upstream, &site).await {
        Ok(nginx) => nginx,
        Err(why) => {
            table.text(NAME, "nginx", format!("SKIPPED: {why}"), "0");
            return Ok(());
        }
    };
    let pids = [with_arguments(&["proxy", &server.data().display().to_string()]), nginx.pids()];
    let mut lanes = lanes([server.proxy(), nginx.address()]);
    for round in 0..ROUNDS {
        for lane in &mut lanes {
            lane.measure(&pids).await?;
        }
        progress(format!("{NAME}: round {} of {ROUNDS}", round + 1));
    }
    lanes.iter().for_each(|lane| lane.report(table));
    Ok(())
}

fn lanes(address: [SocketAddr; 2]) -> [Lane; 3] {
    let lane =
        |what, host, path| Lane { what, address, host, path, rate: Default::default(), cpu_us: Default::default() };
    [
        lane("proxied", HOST, ["/", "/"]),
        lane("file of 10 kB", "files.test.localhost", ["/small.bin", "/files/small.bin"]),
        lane("file of 1 MB", "files.test.localhost", ["/large.bin", "/files/large.bin"]),
    ]
}

impl Lane {
    async fn measure(&mut self, pids: &[Vec<u32>; 2]) -> Fallible<()> {
        for (who, pids) in pids.iter().enumerate() {
            let busy = || pids.iter().map(|pid| cpu_ms(*pid)).sum::<Fallible<u64>>();
            let (before, begin) = (busy()?, Instant::now());
            let requests = hammer(self.address[who], self.host, self.path[who]).await?;
            let seconds = begin.elapsed().as_secs_f64();
            self.rate[who].push(requests as f64 / seconds);
            self.cpu_us[who].push((busy()? - before) as f64 * 1000.0 / requests as f64);
        }
        Ok(())
    }

    fn report(&self, table: &mut Table) {
        let what = self.what;
        for (who, name) in ["shipway", "nginx"].into_iter().enumerate() {
            table.number(NAME, format!("{what}: {name}"), "requests/s", &self.rate[who]);
            table.number(NAME, format!("{what}: {name}, its processor time per request"), "µs", &self.cpu_us[who]);
        }
        let rate = self.rate[0].median() / self.rate[1].median();
        let cpu = self.cpu_us[0].median() / self.cpu_us[1].median();
        let text = format!("{rate:.2} × the rate, {cpu:.2} × the processor time per request");
        table.text(NAME, format!("{what}: shipway / nginx"), text, "medians");
    }
}

async fn hammer(address: SocketAddr, host: &'static str, path: &'static str) -> Fallible<u64> {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let client = |_| {
        let (stop, count) = (stop.clone(), count.clone());
        tokio::spawn(async move {
            let mut connection = Connection::open(address).await?;
            while !stop.load(Ordering::Relaxed) {
                let answer = connection.request(&Request::get(host, path)).await?;
                if answer.status != 200 {
                    return Err(format!("{path}: {}", answer.status).into());
                }
                if answer.closes {
                    connection = Connection::open(address).await?;
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
            Fallible::Ok(())
        })
    };
    let clients: Vec<_> = (0..CONNECTIONS).map(client).collect();
    sleep(Duration::from_secs(SECONDS)).await;
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await??;
    }
    Ok(count.load(Ordering::Relaxed))
}
