//! The crash test: for each strategy the server dies before and after every step, forward and on the way back, under
//! load. The environment ends wholly old or wholly new, nothing that is not wanted runs, and no request fails.

mod support;

use serde_json::{Value, json};
use support::{HOST, Server, load::Load, project, wait_for};

const BLUE_GREEN: &str = "";
const RECREATE: &str = "strategy = \"recreate\"\n";
const ROLLING: &str = "instances = 2\nstrategy = { kind = \"rolling\", max_surge = 1 }\n";
const CANARY: &str = "strategy = { kind = \"canary\", steps = \"50% 100ms, 100%\" }\n";

const CHECKS: &str = r#"
health = { startup = { http = "/healthz" } }
checks = [{ name = "answers", phase = "verify", http = "/" }]
stop = { grace_s = 3 }
"#;

/// So many rollbacks are the storm that an environment otherwise stops.
const STORM: &str = "\n[environments.test.rollback_limit]\nmax = 1000\nper = \"1h\"\n";

#[test]
fn blue_green_survives_a_crash_at_every_step() {
    survives(BLUE_GREEN, 1);
}

#[test]
fn rolling_survives_a_crash_at_every_step() {
    survives(ROLLING, 2);
}

#[test]
fn canary_survives_a_crash_at_every_step() {
    survives(CANARY, 1);
}

#[test]
fn recreate_survives_a_crash_at_every_step() {
    survives(RECREATE, 1);
}

fn survives(strategy: &str, instances: usize) {
    let mut server = Server::start();
    project(&server, &format!("{CHECKS}{strategy}{STORM}"));
    server.deploy_well(json!({ "version": "v0" }));
    let proxy = server.proxy();
    let load = Load::start(proxy, HOST);
    let mut version = 0;
    let mut live = "v0".to_owned();
    for failing in [false, true] {
        // Without a crash first: it shows how many steps there are.
        version += 1;
        let (ended, now) = round(&mut server, None, failing, version, instances, &live, &load);
        live = now;
        let steps =
            ended["steps"].as_array().expect("steps").iter().filter(|step| step["back"] == json!(failing)).count();
        assert!(steps > 2, "{ended}");
        for step in 0..steps {
            for side in ["before", "after"] {
                version += 1;
                let way = if failing { "back" } else { "forward" };
                let point = format!("{way}/{step}/{side}");
                live = round(&mut server, Some(&point), failing, version, instances, &live, &load).1;
            }
        }
    }
    let (count, failures) = load.stop();
    assert!(count > 100);
    assert!(failures.is_empty(), "of {count} requests failed: {failures:?}");
}

/// One deployment with one death of the server. Gives it and the version that is live afterwards.
fn round(
    server: &mut Server,
    crash: Option<&str>,
    failing: bool,
    version: u32,
    instances: usize,
    live: &str,
    load: &Load,
) -> (Value, String) {
    if let Some(point) = crash {
        server.kill();
        server.boot(&[("SHIPWAY_CRASH_POINT", point)]);
    }
    let next = format!("v{version}");
    let behaviour = if failing { "error-on-verify" } else { "fine" };
    let config = json!({ "variables": { "BEHAVIOUR": behaviour }, "services": { "web": services(failing) } });
    let id = server.ask(json!({ "version": next, "config": config }));
    if crash.is_some() {
        wait_for("the death of the server", || (server.has_ended() || is_over(server, &id)).then_some(()));
        if server.has_ended() {
            server.wait_end();
            server.boot(&[]);
        }
    }
    let ended = server.ended(&id);
    let what = format!("{crash:?} {version}: {}", ended["errors"]);
    let expected = if failing { "rolled_back" } else { "completed" };
    assert_eq!(ended["phase"], expected, "{what}");
    let now = if failing { live.to_owned() } else { next };
    wait_for(&format!("only what is wanted to run ({what})"), || settled(server, instances, &now).then_some(()));
    let (status, body) = server.page("/");
    assert_eq!(status, 200, "{what}");
    assert!(body.starts_with(&format!("web {now} ")), "{body} is not {now}: {what}");
    assert_eq!(load.failures(), Vec::<String>::new(), "{what}");
    assert_story(server, &id, crash.is_some());
    (ended, now)
}

/// A verify check that can't pass makes the deployment go back.
fn services(failing: bool) -> Value {
    let path = if failing { "/healthz" } else { "/" };
    let expect = if failing { json!({ "contains": "this is never said" }) } else { json!({ "status": 200 }) };
    json!({ "checks": [{ "name": "answers", "phase": "verify", "http": path, "expect": expect }] })
}

fn is_over(server: &Server, id: &str) -> bool {
    let Ok((200, deployment)) = server.call("GET", &format!("/api/deployments/{id}"), None) else { return false };
    ["completed", "failed", "rolled_back", "cancelled", "stuck"]
        .contains(&deployment["phase"].as_str().unwrap_or_default())
}

/// Whether exactly the live and the warm instances run, and all of the live ones take requests.
fn settled(server: &Server, instances: usize, live: &str) -> bool {
    let recorded = server.instances();
    let count = |role: &str| recorded.iter().filter(|one| one["role"] == role && one["state"] == "ready").count();
    let live_ones = recorded.iter().filter(|one| one["role"] == "live" && one["version"] == live).count();
    let wanted = count("live") + count("warm");
    let pids = server.application_pids().len();
    live_ones == instances && count("live") == instances && recorded.len() == wanted && pids == wanted
}

/// The history tells of the death, and every event has its place.
fn assert_story(server: &Server, id: &str, died: bool) {
    let events = server.get(&format!("/api/events?deployment={id}&limit=1000"));
    let events = events["items"].as_array().expect("events").clone();
    let kinds: Vec<_> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(kinds.contains(&"DEPLOYMENT_RECOVERED"), died, "{kinds:?}");
    let seqs: Vec<_> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
    let ends = ["DEPLOYMENT_SUCCEEDED", "DEPLOYMENT_FAILED"];
    assert_eq!(kinds.iter().filter(|kind| ends.contains(kind)).count(), 1, "{kinds:?}");
}
