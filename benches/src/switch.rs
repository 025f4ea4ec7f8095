//! `switch`: deploys and rollbacks by every strategy, one after the other under constant open-loop load. How many
//! requests fail?

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    Fallible, Options,
    load::{Load, Tally},
    project,
    server::{HOST, Server, id_of},
    stats::Values,
    table::{Table, progress},
    watch,
};

const NAME: &str = "switch";
const REQUESTS_PER_SECOND: u32 = 1200;
const PROGRESS_EVERY: u32 = 50;
const FAILURES_SHOWN: usize = 20;
const SERVICE: &str = r#"
instances = 2
warm_for = "5s"
health = { startup = { http = "/healthz" } }
"#;

/// What the deployments say of themselves.
#[derive(Default)]
struct Transitions {
    done: u32,
    by_kind: BTreeMap<String, Values>,
    failed_by_switch: u64,
    requests: u64,
    evidence: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// A deployment does not complete.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    let server = Server::start(&options.shipway, &[]).await?;
    project::make(&server, &options.app, "./bench-app", SERVICE).await?;
    server.deploy(&request("v0", 0)).await?;
    watch::until(server.proxy(), HOST, "v0").await?;
    let load = Load::start(server.proxy(), HOST, REQUESTS_PER_SECOND);
    let mut transitions = Transitions { evidence: options.evidence.clone(), ..Transitions::default() };
    let outcome = transit(&server, options.count, &load, &mut transitions).await;
    let (tally, seconds) = load.stop().await;
    transitions.keep("failures.txt", &tally.failures.join("\n"))?;
    transitions.keep("server.log", &server.log())?;
    report(table, &transitions, &tally, seconds);
    outcome
}

async fn transit(server: &Server, count: u32, load: &Load, all: &mut Transitions) -> Fallible<()> {
    let mut number = 0;
    while all.done < count {
        number += 1;
        let begin = load.seconds();
        let failed = load.failed();
        let deployed = server.deploy(&request(&format!("v{number}"), number)).await?;
        all.add(&deployed, load)?;
        let id = id_of(&deployed)?;
        if all.done < count {
            let answer = server.post(&format!("/api/deployments/{id}/rollback"), &json!({})).await?;
            all.add(&server.completed(id_of(&answer)?).await?, load)?;
        }
        if load.failed() > failed {
            let (more, end) = (load.failed() - failed, load.seconds());
            let strategy = &deployed["strategy"];
            progress(format!("{more} requests failed from {begin:.3} s to {end:.3} s: {strategy} v{number} {id}"));
        }
        if number % PROGRESS_EVERY == 0 {
            progress(format!("{} of {count} transitions, {} requests failed", all.done, load.failed()));
        }
    }
    Ok(())
}

/// The strategies take turns.
fn request(version: &str, number: u32) -> Value {
    let strategy = match number % 3 {
        0 => json!("blue-green"),
        1 => json!("rolling"),
        _ => json!({ "kind": "canary", "steps": "50% 100ms, 100%" }),
    };
    let config = json!({ "variables": { "VERSION": version } });
    json!({
        "project": "bench", "environment": "test", "version": version, "strategy": strategy, "config": config,
    })
}

impl Transitions {
    fn add(&mut self, deployment: &Value, load: &Load) -> Fallible<()> {
        self.done += 1;
        let name = format!("{:04}-by-{:.3}s-{}-failed.json", self.done, load.seconds(), load.failed());
        self.keep(&name, &serde_json::to_string_pretty(deployment)?)?;
        let kind = deployment["kind"]["is"].as_str().unwrap_or_default();
        let name = format!("{kind} {}", deployment["strategy"].as_str().unwrap_or_default());
        self.by_kind.entry(name).or_default().push(deployment["durationMs"].as_f64().unwrap_or(f64::NAN));
        self.failed_by_switch += deployment["metrics"]["failedBySwitch"].as_u64().unwrap_or(0);
        self.requests += deployment["metrics"]["requests"].as_u64().unwrap_or(0);
        Ok(())
    }

    fn keep(&self, name: &str, text: &str) -> Fallible<()> {
        if let Some(folder) = &self.evidence {
            fs::create_dir_all(folder)?;
            fs::write(folder.join(name), text)?;
        }
        Ok(())
    }
}

fn report(table: &mut Table, transitions: &Transitions, tally: &Tally, seconds: f64) {
    let done = transitions.done;
    let failed: Values = [tally.failed as f64].into_iter().collect();
    table.each_at_most(NAME, format!("failed requests, {done} deploys and rollbacks"), (0.0, "requests"), &failed);
    let counted: Values = [transitions.failed_by_switch as f64].into_iter().collect();
    let of = transitions.requests;
    table.each_at_most(NAME, format!("the same by the deployments' own count, of {of}"), (0.0, "requests"), &counted);
    let sorts: Vec<_> = tally.sent.iter().map(|(sort, count)| format!("{sort:?} {count}").to_lowercase()).collect();
    let total = tally.total();
    let rate = total as f64 / seconds;
    table.text(NAME, "requests sent", format!("{total} ({}), {rate:.0}/s for {seconds:.0} s", sorts.join(", ")), "1");
    table.text(NAME, "versions that answered", tally.versions.len().to_string(), "1");
    let latencies = tally.latencies_ms();
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| latencies.quantile(share));
    let text = format!("p50 {p50:.2} ms, p99 {p99:.2} ms, p99.9 {p999:.1} ms, max {:.0} ms", latencies.max());
    table.text(NAME, "latency from the schedule, kept and new", text, latencies.len().to_string());
    for (kind, took) in &transitions.by_kind {
        table.number(NAME, format!("whole transition: {kind}"), "ms", took);
    }
    for failure in tally.failures.iter().take(FAILURES_SHOWN) {
        table.text(NAME, "failure", failure.clone(), "1");
    }
}
