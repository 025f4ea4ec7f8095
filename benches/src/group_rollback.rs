//! `group-rollback`: ten services move together, the last of them fails its verification, and all go back. From the
//! decision to go back until every new request of every service meets the old version again.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    Fallible, Options, project,
    server::{Server, id_of},
    stats::Values,
    table::{Table, progress},
    times::{ms_between, ms_until},
    watch::{self, Sample, Watch, first_for_good},
};

const NAME: &str = "group-rollback";
const PROJECT: &str = "group";
const MEMBERS: usize = 10;
/// One poller for each service, on a new connection every few milliseconds: load, and how fine the answer is.
const REST_US: u64 = 2000;
/// Watched before the deployment, and after its end.
const AROUND_MS: u64 = 100;
/// How long the last member's check takes, so that all others have passed theirs.
const LAST_MS: u64 = 150;
const EVENTS_MAX: u32 = 1000;
const OLD: &str = "old";
const SERVICE: &str = r#"
warm_for = "1m"
health = { startup = { http = "/healthz" } }
variables = { START_MS = "100" }
checks = [{ name = "answers", phase = "verify", http = "/", expect = { contains = "bench" } }]
"#;

/// What one run gave, in milliseconds after the decision.
#[derive(Default)]
struct Series {
    /// The last client of the last service was back.
    back: Values,
    /// The proxy had acknowledged the old routes, and that was recorded.
    acknowledged: Values,
    /// The deployment had ended.
    ended: Values,
    failed: usize,
    failed_by_switch: u64,
    requests: usize,
}

/// Runs it.
///
/// # Errors
/// A group does not go back as a whole.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    let server = Server::start(&options.shipway, &[]).await?;
    project::make_group(&server, &options.app, PROJECT, MEMBERS, SERVICE).await?;
    server.deploy(&json!({ "project": PROJECT, "environment": "test", "version": OLD })).await?;
    let mut series = Series::default();
    for run in 0..options.runs {
        let events = once(&server, &format!("new{run}"), &mut series).await?;
        if let Some(folder) = &options.evidence {
            fs::write(folder.join(format!("{NAME}-{run}.json")), events.to_string())?;
        }
    }
    table.at_most(NAME, "decision to all new requests of all services on the old version", (100.0, "ms"), &series.back);
    table.number(NAME, "decision to the proxy's acknowledgement, as recorded", "ms", &series.acknowledged);
    table.number(NAME, "decision to the deployment's end (`rolled_back`)", "ms", &series.ended);
    let failed = Values::from_iter([series.failed as f64]);
    table.each_at_most(
        NAME,
        format!("failed requests of the clients, of {}", series.requests),
        (0.0, "requests"),
        &failed,
    );
    let failed = Values::from_iter([series.failed_by_switch as f64]);
    table.each_at_most(NAME, "the same by the deployments' own count", (0.0, "requests"), &failed);
    Ok(())
}

/// One deployment that goes back; gives its events.
async fn once(server: &Server, version: &str, series: &mut Series) -> Fallible<Value> {
    let hosts: Vec<_> = project::names(MEMBERS).map(|name| project::host(PROJECT, &name)).collect();
    for host in &hosts {
        watch::until(server.proxy(), host, OLD).await?;
    }
    let watches: Vec<_> = hosts.iter().map(|host| Watch::start(server.proxy(), host, 1, REST_US)).collect();
    sleep(Duration::from_millis(AROUND_MS)).await;
    let answer = server.post("/api/deployments", &request(version)).await?;
    let id = id_of(&answer)?;
    let deployment = server.ended(id).await?;
    sleep(Duration::from_millis(AROUND_MS)).await;
    let mut clients = Vec::new();
    for watch in watches {
        clients.extend(watch.stop().await?);
    }
    if deployment["phase"] != "rolled_back" {
        return Err(format!("{id} is {}: {}", deployment["phase"], deployment["errors"]).into());
    }
    let events = server.get(&format!("/api/events?deployment={id}&limit={EVENTS_MAX}")).await?;
    let moments = Moments::of(&events)?;
    let back_us = all_back(&clients, version)?;
    let back_ms = ms_until(&moments.decided, back_us);
    progress(format!("{NAME} {version}: {back_ms:.1} ms"));
    series.back.push(back_ms);
    series.acknowledged.push(ms_between(&moments.decided, &moments.acknowledged));
    series.ended.push(ms_between(&moments.decided, &deployment["completedAt"]));
    series.failed += clients.iter().flatten().filter(|sample| sample.version.is_err()).count();
    series.failed_by_switch += deployment["metrics"]["failedBySwitch"].as_u64().unwrap_or(u64::MAX);
    series.requests += clients.iter().map(Vec::len).sum::<usize>();
    Ok(events)
}

/// Another configuration for all; the last member's check through the route takes its time and does not pass.
fn request(version: &str) -> Value {
    let path = format!("/?ms={LAST_MS}");
    let expect = json!({ "contains": "what it never says" });
    let check = json!({ "name": "answers", "phase": "verify", "http": path, "expect": expect });
    let mut services = json!({});
    services[format!("s{}", MEMBERS - 1)] = json!({ "checks": [check] });
    let config = json!({ "variables": { "RUN": version }, "services": services });
    json!({
        "project": PROJECT, "environment": "test", "version": version, "strategy": "blue-green", "config": config,
    })
}

/// When the last client of all had its first answer of the old version after which the new one never came again.
fn all_back(clients: &[Vec<Sample>], version: &str) -> Fallible<u64> {
    let mut last_us = 0;
    for samples in clients {
        last_us = last_us.max(first_for_good(samples, version, OLD)?);
    }
    Ok(last_us)
}

/// When what happened, as the server recorded it.
struct Moments {
    /// The failure for good of the last member's check: the event's time is taken before it is made durable.
    decided: Value,
    /// The slots were as before, and every core of the proxy followed.
    acknowledged: Value,
}

impl Moments {
    fn of(events: &Value) -> Fallible<Self> {
        let empty = Vec::new();
        let events = events["items"].as_array().unwrap_or(&empty);
        let at = |wanted: &dyn Fn(&Value) -> bool| {
            events.iter().find(|event| wanted(event)).map(|event| event["at"].clone())
        };
        let is_swap = |event: &Value| event["message"].as_str().is_some_and(|text| text.starts_with("switch "));
        let decided = at(&|event| event["kind"] == "STEP_FAILED").ok_or("no step failed")?;
        let acknowledged =
            at(&|event| event["kind"] == "STEP_COMPLETED" && event["details"]["back"] == true && is_swap(event));
        Ok(Self { decided, acknowledged: acknowledged.ok_or("no step of the way back moved the routes")? })
    }
}
