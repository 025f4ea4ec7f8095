//! `deploy`: from the start of the command until the first answer of the new version, minus what the application
//! itself needs to start; beside `pm2 reload` and a script that switches HAProxy, in turns.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    Fallible, Options,
    process::ended,
    project,
    rivals::{haproxy::Haproxy, pm2::Pm2},
    server::{HOST, Server},
    stats::Values,
    table::{Table, progress},
    watch::{CLOSE_US, Sample, Watch, now_us},
};

const NAME: &str = "deploy";
/// More than one, so that an answer that never comes doesn't hide the next.
const POLLERS: usize = 2;
const AROUND_MS: u64 = 100;
const AFTER_MS: u64 = 300;
const PLAIN: &str = "shipway";
const NODE: &str = "shipway (Node.js app)";
/// How long the application takes to start.
pub const START_MS: &str = "500";
const SERVICE: &str = r#"
warm_for = "5s"
health = { startup = { http = "/healthz" } }
variables = { START_MS = "500" }
"#;

/// One who brings versions live.
enum Contestant {
    Shipway { server: Server, folder: PathBuf, name: &'static str, spread: bool },
    Pm2(Pm2),
    Haproxy(Haproxy),
}

/// What was measured of one contestant.
#[derive(Default)]
struct Score {
    overhead_ms: Values,
    total_ms: Values,
    own_ms: Values,
    command_ms: Values,
    failed: usize,
}

/// Runs it.
///
/// # Errors
/// A version does not come live.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    let mut contestants = contestants(options, table).await?;
    let mut scores: Vec<Score> = contestants.iter().map(|_| Score::default()).collect();
    for run in 0..options.runs {
        for (contestant, score) in contestants.iter_mut().zip(&mut scores) {
            let overhead_ms = score.measure(contestant, run).await?;
            progress(format!("{NAME} {run} {}: {overhead_ms:.1} ms beside its own start", contestant.name()));
        }
    }
    for (contestant, score) in contestants.iter().zip(&scores) {
        score.report(table, contestant);
    }
    compare(table, &contestants, &scores);
    Ok(())
}

/// Each rival's total time beside that of Shipway with the same application.
fn compare(table: &mut Table, contestants: &[Contestant], scores: &[Score]) {
    let totals = contestants.iter().zip(scores).map(|(contestant, score)| (contestant.name(), score));
    let total = |name: &str| totals.clone().find(|(given, _)| *given == name).map(|(_, score)| score.total_ms.median());
    let (plain, node) = (total(PLAIN), total(NODE));
    for (name, score) in totals {
        let (ours, reference) = if name.contains("Node.js") { (NODE, node) } else { (PLAIN, plain) };
        if let (false, Some(reference)) = (name.starts_with(PLAIN), reference) {
            let ratio = format!("{:.2} ×", score.total_ms.median() / reference);
            table.text(NAME, format!("total time, {name} / {ours}"), ratio, "medians");
        }
    }
}

async fn contestants(options: &Options, table: &mut Table) -> Fallible<Vec<Contestant>> {
    let mut all = vec![
        shipway(options, PLAIN, &options.app, "./bench-app", false).await?,
        shipway(options, "shipway (the app takes 500 to 750 ms)", &options.app, "./bench-app", true).await?,
    ];
    if options.node_app_runs() {
        all.push(shipway(options, NODE, &options.node_app, "node bench_app.js", false).await?);
    }
    match Haproxy::start(options).await {
        Ok(haproxy) => all.push(Contestant::Haproxy(haproxy)),
        Err(why) => table.text(NAME, "HAProxy", format!("SKIPPED: {why}"), "0"),
    }
    match Pm2::start(options).await {
        Ok(pm2) => all.push(Contestant::Pm2(pm2)),
        Err(why) => table.text(NAME, "pm2", format!("SKIPPED: {why}"), "0"),
    }
    Ok(all)
}

async fn shipway(options: &Options, name: &'static str, app: &Path, run: &str, spread: bool) -> Fallible<Contestant> {
    let server = Server::start(&options.shipway, &[]).await?;
    let folder = project::make(&server, app, run, SERVICE).await?;
    server.deploy(&json!({ "project": "bench", "environment": "test", "version": "v0" })).await?;
    Ok(Contestant::Shipway { server, folder, name, spread })
}

fn version(run: u32) -> String {
    format!("v{}", run + 1)
}

impl Contestant {
    fn name(&self) -> &'static str {
        match self {
            Self::Shipway { name, .. } => name,
            Self::Pm2(_) => "pm2 reload (Node.js app)",
            Self::Haproxy(_) => "script + HAProxy",
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Shipway { server, .. } => server.proxy(),
            Self::Pm2(pm2) => pm2.address(),
            Self::Haproxy(haproxy) => haproxy.address(),
        }
    }

    fn command(&self, run: u32) -> Command {
        let version = version(run);
        match self {
            Self::Shipway { server, folder, spread, .. } => {
                // Each version takes another time, so that no rhythm of probes can fit it by chance.
                let start_ms = if *spread { 500 + run * 53 % 250 } else { 500 };
                // The variables make it another configuration; the build is the same.
                let (version_set, start_set) = (format!("VERSION={version}"), format!("START_MS={start_ms}"));
                let words = ["deploy", "-e", "test", "--version", &version, "--set", &version_set, "--set", &start_set];
                server.verb(folder, &words)
            }
            Self::Pm2(pm2) => pm2.reload(&version),
            Self::Haproxy(haproxy) => haproxy.deploy(&version),
        }
    }
}

impl Score {
    async fn measure(&mut self, contestant: &Contestant, run: u32) -> Fallible<f64> {
        let version = version(run);
        let watch = Watch::start(contestant.address(), HOST, POLLERS, CLOSE_US);
        sleep(Duration::from_millis(AROUND_MS)).await;
        let begin_us = now_us();
        let output = ended(contestant.command(run)).await?;
        self.command_ms.push((now_us() - begin_us) as f64 / 1000.0);
        sleep(Duration::from_millis(AFTER_MS)).await;
        let mut samples: Vec<Sample> = watch.stop().await?.into_iter().flatten().collect();
        samples.sort_by_key(|sample| sample.answered_us);
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{} failed: {said}", contestant.name()).into());
        }
        let is_new = |sample: &&Sample| sample.version.as_deref() == Ok(version.as_str());
        let first = samples.iter().find(is_new).ok_or_else(|| format!("{version} never answered"))?;
        let total = (first.answered_us as f64 - begin_us as f64) / 1000.0;
        let own = first.own_us as f64 / 1000.0;
        self.failed += samples.iter().filter(|sample| sample.version.is_err()).count();
        self.total_ms.push(total);
        self.own_ms.push(own);
        self.overhead_ms.push(total - own);
        Ok(total - own)
    }

    fn report(&self, table: &mut Table, contestant: &Contestant) {
        let name = contestant.name();
        let what = format!("{name}: first answer of the new version, minus the app's own start");
        if matches!(contestant, Contestant::Shipway { spread: false, .. }) {
            table.at_most(NAME, what, (200.0, "ms"), &self.overhead_ms);
        } else {
            table.number(NAME, what, "ms", &self.overhead_ms);
        }
        table.number(NAME, format!("{name}: first answer of the new version"), "ms", &self.total_ms);
        table.number(NAME, format!("{name}: the app's own start"), "ms", &self.own_ms);
        table.number(NAME, format!("{name}: the command's own end"), "ms", &self.command_ms);
        let runs = self.total_ms.len().to_string();
        table.text(NAME, format!("{name}: failed requests of the pollers"), self.failed.to_string(), runs);
    }
}
