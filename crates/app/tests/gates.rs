//! Gates against a real server: what holds a deployment before anything moves, without a lease, also across a restart;
//! what lets it go, and what never waits. Not here: windows and clocks (`core::gate`), who may approve (`approvals`).

mod support;

use serde_json::{Value, json};
use shipway_core::time::Timestamp;
use support::{Server, project, spec, wait_for};

/// A window that is not open in anybody's lifetime.
const CLOSED: &str = r#"
[[environments.test.gates.windows]]
name = "next century"
from = "2100-01-01"
until = "2100-01-02"
zone = "UTC"
"#;

/// Seconds that a deployment may take; one that waits for longer must not be ended for that.
const DEADLINE_S: u64 = 8;

/// A server with the first version live, and gates since then.
fn gated(gates: &str) -> Server {
    let server = Server::start();
    let folder = project(&server, "");
    server.deploy_well(json!({ "version": "v1" }));
    server.register(&folder, &format!("{}\n{gates}", spec("")));
    server
}

/// Waits until a gate of a sort holds a deployment.
fn held(server: &Server, id: &str, gate: &str) -> Value {
    wait_for(&format!("{id} before the gate {gate}"), || {
        let deployment = server.deployment(id);
        assert!(deployment["completedAt"].is_null(), "it ended: {}", deployment["errors"]);
        let gates = deployment["gated"]["held"].as_array()?;
        gates.iter().find(|held| held["gate"] == gate).cloned()
    })
}

fn kinds(server: &Server, id: &str) -> Vec<String> {
    let name = |event: Value| event["kind"].as_str().expect("a kind").to_owned();
    server.events(Some(id)).into_iter().map(name).collect()
}

#[test]
fn a_closed_window_holds_without_a_lease_until_the_glass_is_broken() {
    let mut server = gated(CLOSED);
    let id = server.ask(json!({ "version": "v2" }));
    let window = held(&server, &id, "window");
    assert_eq!(window["until"], "2100-01-01T00:00:00.000Z");
    assert!(window["who"].as_str().expect("who").contains("break-glass"), "{window}");
    let gates = server.get("/api/projects/app/environments/test/gates");
    assert_eq!(gates["held"][0]["gate"], "window", "{gates}");
    assert_eq!(gates["held"][0]["until"], "2100-01-01T00:00:00.000Z", "{gates}");
    let leases = server.get("/api/projects/app/environments/test/leases");
    assert_eq!((&leases["held"], &leases["waiting"]), (&json!([]), &json!([])), "{leases}");

    // Others pass meanwhile: it holds nothing that they need.
    let scale = server.deploy_well(json!({ "kind": { "is": "scale", "instances": { "web": 2 } } }));
    assert_eq!(scale["phase"], "completed");

    let told = server.get(&format!("/api/deployments/{id}/explain"));
    assert_eq!(told["waiting"][0]["on"], "gate", "{told}");
    assert_eq!(told["waiting"][0]["gate"], "window", "{told}");

    let proposed = |server: &Server| server.deployment(&id)["gated"]["proposed"]["hash"].clone();
    wait_for("the plan that two instances make", || (server.events(Some(&id)).len() > 1).then_some(()));
    server.kill();
    server.boot(&[]);
    wait_for("the deployment to be taken up", || {
        kinds(&server, &id).contains(&"DEPLOYMENT_RECOVERED".into()).then_some(())
    });
    held(&server, &id, "window");
    assert_eq!(proposed(&server).as_str().expect("a hash").len(), 32);
    assert!(server.page("/").1.contains("v1"));

    server.refused(400, "POST", &format!("/api/deployments/{id}/break-glass"), json!({ "reason": " " }));
    server.post(&format!("/api/deployments/{id}/break-glass"), json!({ "reason": "the shop is down" }));
    let ended = server.ended(&id);
    assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
    assert_eq!(ended["gated"]["broken"]["by"], "admin");
    assert!(kinds(&server, &id).contains(&"GLASS_BROKEN".into()));
    assert!(server.page("/").1.contains("v2"));
    let late = server.refused(409, "POST", &format!("/api/deployments/{id}/break-glass"), json!({ "reason": "late" }));
    assert!(late["detail"].as_str().expect("why").contains("completed"), "{late}");
}

#[test]
fn whoever_asked_does_not_approve_and_may_take_it_back() {
    let server = gated("[environments.test.gates.approvals]\ncount = 2");
    let id = server.ask(json!({ "version": "v2" }));
    let approval = held(&server, &id, "approval");
    assert!(approval["why"].as_str().expect("why").contains("2 approvals"), "{approval}");
    let refused = server.refused(403, "POST", &format!("/api/deployments/{id}/approve"), json!({}));
    assert!(refused["detail"].as_str().expect("why").contains("a change of"), "{refused}");
    assert!(server.deployment(&id)["gated"]["approvals"].as_array().is_none_or(Vec::is_empty));
    let risk = server.deployment(&id)["gated"]["proposed"]["risk"].clone();
    assert!(risk["reasons"][0].as_str().expect("a reason").contains("1 of 1 services"), "{risk}");
    server.refused(400, "POST", &format!("/api/deployments/{id}/reject"), json!({ "reason": "" }));
    server.post(&format!("/api/deployments/{id}/reject"), json!({ "reason": "not on a Friday" }));
    let ended = server.ended(&id);
    assert_eq!(ended["phase"], "cancelled", "{ended}");
    assert!(ended["errors"][0]["message"].as_str().expect("why").contains("not on a Friday"), "{}", ended["errors"]);
}

#[test]
fn a_deployment_goes_at_its_time_and_its_deadline_begins_then() {
    let server = Server::start();
    project(&server, &format!("deadline_s = {DEADLINE_S}"));
    server.deploy_well(json!({ "version": "v1" }));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let soon = Timestamp(i64::try_from(now.as_millis()).expect("a time"));
    let at = soon.plus_ms((DEADLINE_S + 1) * 1000);
    let id = server.ask(json!({ "version": "v2", "at": at }));
    assert_eq!(held(&server, &id, "schedule")["until"], json!(at));
    let ended = server.ended(&id);
    assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
    let staged = ended["phases"].as_array().expect("phases").iter().find(|one| one["phase"] == "staging").cloned();
    let staged: Timestamp = serde_json::from_value(staged.expect("it moved")["at"].clone()).expect("a time");
    assert!(staged >= at, "it moved at {staged}, and not before {at}");
    let back = json!({ "project": "app", "environment": "test", "kind": { "is": "rollback" }, "at": at });
    server.refused(409, "POST", "/api/deployments", back);
}

#[test]
fn what_no_waiting_opens_fails_with_advice() {
    let server = gated("[environments.test.gates]\nbranches = [\"main\"]\nrequired_checks = [\"smoke\"]");
    let plan = server
        .post("/api/deployments", json!({ "project": "app", "environment": "test", "version": "v2", "dryRun": true }));
    let gates: Vec<_> = plan["gates"].as_array().expect("gates").iter().map(|held| held["gate"].clone()).collect();
    assert_eq!(gates, [json!("branch"), json!("required-check")], "{plan}");
    assert_eq!(plan["approvalHash"].as_str().expect("a hash").len(), 32);
    let failed = server.deploy(json!({ "version": "v2" }));
    assert_eq!(failed["phase"], "failed", "{failed}");
    assert!(failed["errors"][0]["message"].as_str().expect("why").contains("no branch"), "{}", failed["errors"]);
    assert!(failed["errors"][0]["hint"].as_str().expect("advice").contains("--break-glass"), "{}", failed["errors"]);
    let bare = json!({ "project": "app", "environment": "test", "version": "v2", "breakGlass": true });
    server.refused(409, "POST", "/api/deployments", bare);
    let broken = server.deploy_well(json!({ "version": "v2", "breakGlass": true, "reason": "an emergency" }));
    assert_eq!(broken["gated"]["broken"]["reason"], "an emergency");
}

#[test]
fn a_rate_holds_deployments_and_never_a_rollback() {
    let server = gated("[environments.test.gates]\nrate = { max = 2, per = \"1h\" }");
    server.deploy_well(json!({ "version": "v2" }));
    let third = server.ask(json!({ "version": "v3" }));
    assert!(held(&server, &third, "rate")["until"].is_string());
    let back = server.roll_back(json!({}));
    assert_eq!(back["phase"], "completed", "{back}");
    assert!(server.page("/").1.contains("v1"));
    server.post(&format!("/api/deployments/{third}/cancel"), json!({}));
    assert_eq!(server.ended(&third)["phase"], "cancelled");
}

#[test]
fn a_time_zone_that_nobody_knows_is_never_another() {
    let server = Server::start();
    let gates = CLOSED.replace("UTC", "Europe/Atlantis");
    let text = format!("{}\n{gates}", spec(""));
    let found = server.post("/api/validations", json!({ "file": "shipway.toml", "text": text }));
    let findings = found["findings"].as_array().expect("findings");
    let zone = findings.iter().find(|one| one["field"] == "environments.test.gates.windows[0].zone");
    let zone = zone.unwrap_or_else(|| panic!("no finding: {found}"));
    assert_eq!(zone["severity"], "critical", "{zone}");
    assert!(zone["message"].as_str().expect("words").contains("Europe/Atlantis"), "{zone}");
}
