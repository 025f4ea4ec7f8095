//! Canaries: who meets what, and who decides when it goes on.

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{
    HOST, Server,
    http::request,
    load::Load,
    more::{two_services, version_of},
    project, wait_for,
};

const HEALTH: &str = "health = { startup = { http = \"/healthz\" } }\nstop = { grace_s = 3 }\n";
const CLIENTS: u32 = 200;

fn canary(steps: &str) -> Value {
    json!({ "kind": "canary", "steps": steps })
}

/// What a client with its cookie gets.
fn as_client(server: &Server, client: u32, path: &str) -> String {
    let cookie = format!("shipway_client={client:032x}");
    let answer = request(server.proxy(), "GET", HOST, path, &[("Cookie", &cookie)], b"").expect("the proxy answers");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// The clients that meet that version.
fn those_with(server: &Server, version: &str) -> BTreeSet<u32> {
    (0..CLIENTS).filter(|client| version_of(&as_client(server, *client, "/")) == version).collect()
}

/// Waits at a manual step with that share.
fn at(server: &Server, id: &str, percent: u8) {
    wait_for(&format!("{percent}%"), || {
        let deployment = server.deployment(id);
        assert!(deployment["completedAt"].is_null(), "{} {}", deployment["phase"], deployment["errors"]);
        let reason = deployment["waiting"]["reason"].as_str()?.to_owned();
        reason.contains(&format!("at {percent}%")).then_some(())
    });
}

fn act(server: &Server, id: &str, word: &str) -> Value {
    server.post(&format!("/api/deployments/{id}/{word}"), json!({}))
}

#[test]
fn the_share_grows_and_a_client_stays_on_its_side() {
    let server = Server::start();
    project(&server, HEALTH);
    server.deploy_well(json!({ "version": "v1" }));
    let load = Load::start(server.proxy(), HOST);
    let id = server.ask(json!({ "version": "v2", "strategy": canary("10% manual, 50% manual, 100%") }));
    at(&server, &id, 10);
    let few = those_with(&server, "v2");
    assert!((4..=50).contains(&few.len()), "{} of {CLIENTS}", few.len());
    assert_eq!(those_with(&server, "v2"), few, "the same at the next request");
    // A new client gets its cookie, and stays where it was put.
    let answer = request(server.proxy(), "GET", HOST, "/", &[], b"").expect("the proxy answers");
    let cookie = answer.header("set-cookie").expect("a cookie").split(';').next().expect("its value").to_owned();
    assert!(cookie.starts_with("shipway_client="));
    for _ in 0..20 {
        let again = request(server.proxy(), "GET", HOST, "/", &[("Cookie", &cookie)], b"").expect("the proxy answers");
        assert_eq!(version_of(&again.body), version_of(&answer.body));
    }
    let environment = server.get("/api/projects/app/environments")[0].clone();
    assert!(environment["services"][0]["candidate"].is_object(), "{environment}");
    act(&server, &id, "advance");
    at(&server, &id, 50);
    let half = those_with(&server, "v2");
    assert!((60..=140).contains(&half.len()), "{} of {CLIENTS}", half.len());
    assert!(half.is_superset(&few), "who was in stays in");
    act(&server, &id, "advance");
    let done = server.ended(&id);
    assert_eq!(done["phase"], "completed", "{}", done["errors"]);
    assert_eq!(those_with(&server, "v2").len(), CLIENTS as usize);
    assert_eq!(done["metrics"]["failedBySwitch"], 0);
    server.refused(409, "POST", &format!("/api/deployments/{id}/advance"), json!({}));
    let (count, failures) = load.stop();
    assert!(failures.is_empty(), "of {count}: {failures:?}");
}

#[test]
fn an_abort_takes_everybody_back() {
    let server = Server::start();
    project(&server, HEALTH);
    server.deploy_well(json!({ "version": "v1" }));
    let id = server.ask(json!({ "version": "v2", "strategy": canary("50% manual, 100%") }));
    at(&server, &id, 50);
    let load = Load::start(server.proxy(), HOST);
    act(&server, &id, "abort");
    let ended = server.ended(&id);
    assert_eq!(ended["phase"], "cancelled", "{}", ended["errors"]);
    assert_eq!(ended["cause"], "person");
    assert_eq!(those_with(&server, "v1").len(), CLIENTS as usize);
    let (count, failures) = load.stop();
    assert!(failures.is_empty(), "of {count}: {failures:?}");
    server.refused(409, "POST", &format!("/api/deployments/{id}/abort"), json!({}));
}

#[test]
fn a_pause_holds_the_clock_also_across_a_restart() {
    let mut server = Server::start();
    project(&server, HEALTH);
    server.deploy_well(json!({ "version": "v1" }));
    let id = server.ask(json!({ "version": "v2", "strategy": canary("50% 2s, 100%") }));
    wait_for("the canary", || {
        let routes = server.get("/api/routes");
        let weights = routes["routes"][0]["weights"].as_object()?;
        weights.values().all(|weight| *weight == json!(50)).then_some(())
    });
    act(&server, &id, "pause");
    assert_eq!(server.deployment(&id)["paused"], true);
    server.kill();
    server.boot(&[]);
    let recovered = wait_for("the deployment to be taken up", || {
        server.events(Some(&id)).into_iter().find(|event| event["kind"] == "DEPLOYMENT_RECOVERED")
    });
    assert_eq!(recovered["phase"], "promoting");
    let took_ms = || server.deployment(&id)["durationMs"].as_u64().expect("a number");
    let begun_ms = took_ms();
    wait_for("its time to be over twice", || (took_ms() > begun_ms + 4000).then_some(()));
    let held = server.deployment(&id);
    assert_eq!((&held["paused"], &held["phase"]), (&json!(true), &json!("promoting")));
    assert!((1..CLIENTS as usize).contains(&those_with(&server, "v2").len()));
    act(&server, &id, "resume");
    let done = server.ended(&id);
    assert_eq!(done["phase"], "completed", "{}", done["errors"]);
}

#[test]
fn numbers_beyond_the_limits_take_it_back_and_are_told() {
    let server = Server::start();
    let success = "success = { error_rate_max = 0.05, min_requests = 20 }\n";
    project(&server, &format!("{HEALTH}{success}"));
    server.deploy_well(json!({ "version": "v1" }));
    let id = server.ask(json!({
        "version": "v2", "strategy": canary("50% 100ms, 100%"), "config": { "variables": { "BEHAVIOUR": "error" } },
    }));
    // Nobody asks anything yet, and it says what it waits for.
    let waits = wait_for("the reason", || {
        let reason = server.deployment(&id)["waiting"]["reason"].as_str()?.to_owned();
        reason.contains("of 20").then_some(reason)
    });
    assert!(waits.contains("web"), "{waits}");
    let mut client = 0;
    let ended = wait_for("the end", || {
        for _ in 0..20 {
            client += 1;
            let cookie = format!("shipway_client={client:032x}");
            let answer = request(server.proxy(), "GET", HOST, "/", &[("Cookie", &cookie)], b"");
            assert!([200, 500].contains(&answer.expect("the proxy answers").status));
        }
        let deployment = server.deployment(&id);
        deployment["completedAt"].is_string().then_some(deployment)
    });
    assert_eq!(ended["phase"], "rolled_back", "{ended}");
    let error = &ended["errors"][0];
    assert_eq!(error["check"], "success.error_rate_max", "{error}");
    assert!(error["expected"].as_str().expect("words").contains("0.05"), "{error}");
    let message = error["message"].as_str().expect("words");
    assert!(message.contains("0.05") && message.contains("requests)"), "{message}");
    assert_eq!(those_with(&server, "v1").len(), CLIENTS as usize);
}

#[test]
fn slow_answers_are_beyond_a_limit_too() {
    let server = Server::start();
    project(&server, &format!("{HEALTH}success = {{ p99_ms_max = 50, min_requests = 5 }}\n"));
    server.deploy_well(json!({ "version": "v1" }));
    let id = server.ask(json!({ "version": "v2", "strategy": canary("50% 100ms, 100%") }));
    let mut client = 0;
    let ended = wait_for("the end", || {
        client += 1;
        as_client(&server, client, "/?ms=300");
        let deployment = server.deployment(&id);
        deployment["completedAt"].is_string().then_some(deployment)
    });
    assert_eq!(ended["phase"], "rolled_back", "{}", ended["errors"]);
    assert_eq!(ended["errors"][0]["check"], "success.p99_ms_max");
}

#[test]
fn two_services_move_together_and_the_lane_holds() {
    let mut server = Server::start();
    two_services(&server, "", "");
    server.deploy_well(json!({ "version": "v1" }));
    let seen = |server: &Server, client: u32| {
        as_client(server, client, "/call?api").split(" | ").map(version_of).collect::<Vec<_>>()
    };
    assert_eq!(seen(&server, 1), ["v1", "v1"]);
    let id = server.ask(json!({ "version": "v2", "strategy": canary("30% manual, 70% manual, 100%") }));
    let mut inside = BTreeSet::new();
    for percent in [30, 70] {
        at(&server, &id, percent);
        let mut now = BTreeSet::new();
        for client in 0..CLIENTS {
            let versions = seen(&server, client);
            // The new meets only the new, and the old only the old.
            assert_eq!(versions[0], versions[1], "client {client} at {percent}%");
            if versions[0] == "v2" {
                now.insert(client);
            }
        }
        let share = now.len() * 100 / CLIENTS as usize;
        assert!(share.abs_diff(percent as usize) < 16, "{share}% at {percent}%");
        assert!(now.is_superset(&inside));
        inside = now;
        if percent == 30 {
            // The cohort is the deployment's, not the server process's.
            server.kill();
            server.boot(&[]);
            at(&server, &id, 30);
            let again: BTreeSet<_> = (0..CLIENTS).filter(|client| seen(&server, *client)[0] == "v2").collect();
            assert_eq!(again, inside);
        }
        act(&server, &id, "advance");
    }
    let done = server.ended(&id);
    assert_eq!(done["phase"], "completed", "{}", done["errors"]);
    assert!((0..CLIENTS).all(|client| seen(&server, client) == ["v2", "v2"]));
}
