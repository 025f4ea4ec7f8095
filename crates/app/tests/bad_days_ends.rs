//! Deployments that a person or their deadline ends, in every phase: what was before is there, nothing is left.

mod support;

use serde_json::{Value, json};
use support::day::{Day, assert_cause, behaving, built, text};

/// Cancels, and expects it to have been undone.
fn cancel(day: &Day, id: &str) -> Value {
    let asked = day.server.post(&format!("/api/deployments/{id}/cancel"), json!({ "reason": "lunch" }));
    assert_eq!(asked["id"], json!(id));
    let ended = day.end(id, "cancelled");
    assert_eq!(ended["cause"], "person");
    assert_cause(&ended, "cancelled by", "");
    // Too late is said so.
    let again = day.server.call("POST", &format!("/api/deployments/{id}/cancel"), Some(&json!({}))).expect("an answer");
    assert_eq!(again.0, 409, "{}", again.1);
    day.unharmed("v1");
    ended
}

#[test]
fn cancelled_while_it_waits_for_another() {
    let day = Day::begin("");
    let first = day.server.ask(behaving("v2", "slow-start=60000", json!({})));
    day.until_phase(&first, "testing");
    let second = day.server.ask(json!({ "version": "v3" }));
    day.until(&second, "waiting", |deployment| deployment["waiting"].is_object());
    day.server.post(&format!("/api/deployments/{second}/cancel"), json!({}));
    let ended = day.end(&second, "cancelled");
    assert_eq!(ended["waiting"], Value::Null);
    assert_eq!(day.server.deployment(&first)["phase"], "testing", "the other one goes on");
    cancel(&day, &first);
    day.deploy_to_end(json!({ "version": "v4" }), "completed");
    day.unharmed("v4");
}

#[test]
fn cancelled_while_it_builds() {
    let day = Day::begin("");
    let script = "echo begun; setsid sleep 3600 & sleep 3600";
    let id = day.server.ask(built("v2", script, json!({})));
    day.until_phase(&id, "preparing");
    let log = format!("/api/deployments/{id}/logs");
    support::wait_for("the build", || day.server.get(&log).to_string().contains("begun").then_some(()));
    cancel(&day, &id);
}

#[test]
fn cancelled_while_it_starts() {
    let day = Day::begin("instances = 2\n");
    let id = day.server.ask(behaving("v2", "slow-start=60000", json!({})));
    day.until(&id, "starting", |deployment| {
        let steps = deployment["steps"].as_array().expect("steps");
        steps.iter().any(|step| text(step, "/title").starts_with("wait until") && step["status"] == "running")
    });
    cancel(&day, &id);
}

#[test]
fn cancelled_at_a_canary_step() {
    let day = Day::begin("");
    for (version, steps) in [("v2", "50% manual, 100%"), ("v3", "10% 60s, 100%")] {
        let strategy = json!({ "kind": "canary", "steps": steps });
        let id = day.server.ask(json!({ "version": version, "strategy": strategy }));
        day.until(&id, "standing", |deployment| {
            let steps = deployment["steps"].as_array().expect("steps");
            let at_watch = |step: &Value| text(step, "/title").contains(" at ") && step["status"] == "running";
            deployment["phase"] == "promoting" && steps.iter().any(at_watch)
        });
        let ended = cancel(&day, &id);
        assert_eq!(ended["metrics"]["failedBySwitch"], 0, "{}", ended["metrics"]);
    }
}

#[test]
fn cancelled_in_the_middle_of_a_rolling_deployment() {
    let day = Day::begin("instances = 2\nstrategy = { kind = \"rolling\", max_surge = 1 }\n");
    let id = day.server.ask(behaving("v2", "slow-start=400", json!({})));
    day.until(&id, "the first batch", |deployment| {
        let steps = deployment["steps"].as_array().expect("steps");
        steps.iter().any(|step| step["phase"] == "promoting" && step["status"] == "done")
    });
    cancel(&day, &id);
}

#[test]
fn cancelled_while_it_verifies() {
    let day = Day::begin("");
    let checks = json!([{
        "name": "never", "phase": "verify", "http": "/", "retries": 100, "expect": { "contains": "never said" },
    }]);
    let fields = json!({ "checks": checks });
    let id = day.server.ask(json!({ "version": "v2", "config": support::day::web(fields) }));
    day.until_phase(&id, "verifying");
    cancel(&day, &id);
}

#[test]
fn cancelled_in_its_bake() {
    let day = Day::begin("");
    let id = day.server.ask(json!({ "version": "v2", "config": support::day::web(json!({ "bake": "60s" })) }));
    day.until_phase(&id, "monitoring");
    assert!(day.server.page("/").1.starts_with("web v2 "));
    let ended = cancel(&day, &id);
    assert!(ended["metrics"]["backMs"].is_number(), "{}", ended["metrics"]);
}

#[test]
fn a_deadline_ends_what_takes_too_long() {
    let day = Day::begin("");
    let fields = json!({ "deadline_s": 1, "timeouts": { "start_s": 60 } });
    let deployment = day.deploy_to_end(behaving("v2", "slow-start=60000", fields), "failed");
    assert_cause(&deployment, "deadline has passed", "deadline_s");
    assert_eq!(deployment["errors"][0]["phase"], "testing");
    day.unharmed("v1");
    let deployment = day.deploy_to_end(built("v3", "sleep 3600", json!({ "deadline_s": 1 })), "failed");
    assert_cause(&deployment, "deadline has passed", "deadline_s");
    assert_eq!(deployment["errors"][0]["phase"], "preparing");
    let late = support::day::web(json!({ "deadline_s": 2, "bake": "60s" }));
    let deployment = day.deploy_to_end(json!({ "version": "v4", "config": late }), "rolled_back");
    assert_cause(&deployment, "deadline has passed", "deadline_s");
    assert_eq!(deployment["errors"][0]["phase"], "monitoring");
    day.unharmed("v1");
}

/// Deployments that are cancelled once their first, second, … step has begun. Each ends cancelled, or was complete
/// before anybody could stop it; never in between.
fn cancelled_at_any_step(settings: &str) {
    let day = Day::begin(settings);
    let mut live = "v2".to_owned();
    let shown = day.deploy_to_end(json!({ "version": live }), "completed");
    let steps = shown["steps"].as_array().map_or(0, Vec::len);
    let mut cancelled = 0;
    for step in 0..steps {
        let next = format!("next-{step}");
        let id = day.server.ask(behaving(&next, "slow-start=20", json!({})));
        support::wait_for(&format!("step {step}"), || {
            let deployment = day.server.deployment(&id);
            let begun = deployment["steps"][step]["status"].as_str().is_some_and(|status| status != "waiting");
            (begun || deployment["completedAt"].is_string()).then_some(())
        });
        let asked = day.server.call("POST", &format!("/api/deployments/{id}/cancel"), Some(&json!({})));
        let (status, answer) = asked.expect("an answer");
        let ended = day.server.ended(&id);
        match text(&ended, "/phase") {
            "cancelled" => cancelled += 1,
            "completed" => live = next,
            _ => panic!("step {step}, {status}: {}", ended["errors"]),
        }
        assert!(status == 200 || status == 409, "{answer}");
        assert_eq!(ended["metrics"]["failedBySwitch"], 0, "step {step}");
        day.unharmed(&live);
    }
    assert!(cancelled * 2 > steps, "{cancelled} of {steps}");
}

#[test]
fn blue_green_is_cancelled_at_any_step() {
    cancelled_at_any_step("");
}

#[test]
fn rolling_is_cancelled_at_any_step() {
    cancelled_at_any_step("instances = 2\nstrategy = { kind = \"rolling\", max_surge = 1 }\n");
}

#[test]
fn canary_is_cancelled_at_any_step() {
    cancelled_at_any_step("strategy = { kind = \"canary\", steps = \"30% 30ms, 100%\" }\n");
}

#[test]
fn recreate_is_cancelled_at_any_step() {
    cancelled_at_any_step("strategy = \"recreate\"\n");
}
