//! Bad days after traffic moved, and hooks: the way back, its proof, and the spec that wants a person to look first.

mod support;

use serde_json::{Value, json};
use support::{
    day::{Day, assert_cause, behaving, text, web},
    wait_for,
};

const VERIFY: &str = "checks = [{ name = \"front page\", phase = \"verify\", http = \"/\" }]\n";

/// The lines that hooks of a deployment said.
fn hook_lines(day: &Day, id: &str) -> Vec<String> {
    let logs = day.server.get(&format!("/api/deployments/{id}/logs"));
    let lines = logs["lines"].as_array().expect("lines").iter().filter(|line| line["stream"] == "hooks");
    lines.map(|line| text(line, "/line").to_owned()).collect()
}

fn count(lines: &[String], wanted: &str) -> usize {
    lines.iter().filter(|line| *line == wanted).count()
}

fn hook(when: &str, script: &str) -> Value {
    json!({ "when": when, "command": ["sh", "-c", script] })
}

#[test]
fn a_hook_that_fails_before_promotion_ends_it_before_users_see_it() {
    let day = Day::begin("");
    let hooks = json!([
        hook("before-test", "echo migrated $SHIPWAY_VERSION"),
        hook("before-promotion", "echo no permission; exit 9"),
        hook("after-completion", "echo never"),
        hook("on-rollback", "echo put back $SHIPWAY_VERSION"),
    ]);
    let deployment = day.deploy_to_end(json!({ "version": "v2", "config": web(json!({ "hooks": hooks })) }), "failed");
    assert_cause(&deployment, "exited with status 9", "`shipway logs test-2`");
    assert_eq!(deployment["errors"][0]["phase"], "testing");
    let tail = deployment["errors"][0]["logTail"].as_array().expect("a tail");
    assert_eq!(tail.last(), Some(&json!("no permission")));
    let lines = hook_lines(&day, text(&deployment, "/id"));
    assert_eq!(count(&lines, "migrated v2"), 1, "{lines:?}");
    assert_eq!(count(&lines, "put back v2"), 1, "{lines:?}");
    assert_eq!(count(&lines, "never"), 0, "{lines:?}");
    day.unharmed("v1");
}

#[test]
fn a_hook_that_hangs_is_ended() {
    let day = Day::begin("");
    let fields =
        json!({ "hooks": [hook("before-test", "setsid sleep 3600 & sleep 3600")], "timeouts": { "hook_s": 1 } });
    let deployment = day.deploy_to_end(json!({ "version": "v2", "config": web(fields) }), "failed");
    assert_cause(&deployment, "did not end within 1 s", "timeouts.hook_s");
    day.unharmed("v1");
}

#[test]
fn a_failed_verification_goes_back_and_proves_it() {
    let day = Day::begin(VERIFY);
    let checks = json!([{ "name": "greets", "phase": "verify", "http": "/", "expect": { "contains": "hello" } }]);
    let fields = json!({ "checks": checks, "hooks": [hook("on-rollback", "echo put back $SHIPWAY_VERSION")] });
    let deployment = day.deploy_to_end(json!({ "version": "v2", "config": web(fields) }), "rolled_back");
    let error = &deployment["errors"][0];
    assert_eq!(error["phase"], "verifying");
    assert_eq!(error["check"], "greets");
    assert_eq!(error["expected"], "a status from 200 to 399 and a body with \"hello\"");
    assert!(text(error, "/got").starts_with("status 200: web v2 "), "{error}");
    assert!(text(error, "/message").contains("http://app.test.localhost/"), "{error}");
    assert_eq!(deployment["status"], "rolled_back");
    assert!(deployment["metrics"]["backMs"].is_number(), "{}", deployment["metrics"]);
    assert_eq!(deployment["metrics"]["failedBySwitch"], 0);
    let steps = deployment["steps"].as_array().expect("steps");
    let proof = steps.iter().find(|step| step["back"] == true && text(step, "/title") == "verify through the route");
    assert_eq!(proof.expect("the way back is verified")["status"], "done");
    let id = text(&deployment, "/id");
    let report = day.server.get(&format!("/api/deployments/{id}/report"));
    assert_eq!(report["verification"]["passed"], false, "{report}");
    assert_eq!(count(&hook_lines(&day, id), "put back v2"), 1);
    day.unharmed("v1");
}

/// The new version answers 500 to users; only that may be seen, and not for long.
fn only_its_own_errors(day: &Day) {
    day.serves_alone("v1", 1);
    let failures = day.load.failures();
    assert!(!failures.is_empty() && failures.iter().all(|failure| failure == "status 500"), "{failures:?}");
    let (count, failed) = (day.load.count(), failures.len());
    wait_for("more requests", || (day.load.count() > count + 20).then_some(()));
    // Those that were on their way are counted late.
    assert!(day.load.failures().len() <= failed + 4, "it still fails: {:?}", day.load.failures().len());
}

#[test]
fn errors_in_the_bake_go_back_by_themselves() {
    let day = Day::begin(VERIFY.replace("http = \"/\"", "http = \"/healthz\"").as_str());
    let fields = json!({ "bake": "60s", "success": { "error_rate_max": 0.05, "min_requests": 20 } });
    let deployment = day.deploy_to_end(behaving("v2", "error", fields), "rolled_back");
    let error = &deployment["errors"][0];
    assert_eq!(error["phase"], "monitoring");
    assert_eq!(error["check"], "success.error_rate_max");
    assert_eq!(error["expected"], "at most 0.05");
    assert!(text(error, "/got").contains("requests)"), "{error}");
    assert_eq!(
        deployment["metrics"]["failedBySwitch"], 0,
        "the application's own answers are no failures of the switch"
    );
    only_its_own_errors(&day);
}

#[test]
fn errors_of_a_canary_go_back_by_themselves() {
    let day = Day::begin("");
    let fields = json!({
        "strategy": { "kind": "canary", "steps": "50% 60s, 100%" },
        "success": { "error_rate_max": 0.05, "min_requests": 20 },
    });
    let deployment = day.deploy_to_end(behaving("v2", "error", fields), "rolled_back");
    assert_eq!(deployment["errors"][0]["phase"], "promoting");
    assert_eq!(deployment["errors"][0]["check"], "success.error_rate_max");
    only_its_own_errors(&day);
}

#[test]
fn on_failure_stop_waits_for_a_person() {
    let day = Day::begin("");
    let checks = json!([{ "name": "greets", "phase": "verify", "http": "/", "expect": { "contains": "hello" } }]);
    let fields = json!({ "checks": checks, "on_failure": "stop" });
    let deployment = day.deploy_to_end(json!({ "version": "v2", "config": web(fields.clone()) }), "stuck");
    let id = text(&deployment, "/id").to_owned();
    assert_eq!(deployment["errors"][0]["check"], "greets");
    let name = text(&deployment, "/name");
    assert!(
        text(&deployment, "/errors/1/hint").contains(&format!("shipway rollback {name}")),
        "{}",
        deployment["errors"]
    );
    assert!(day.server.page("/").1.starts_with("web v2 "), "it stays as it is");
    let back = day.server.post(&format!("/api/deployments/{id}/rollback"), json!({ "reason": "we looked" }));
    day.end(text(&back, "/id"), "completed");
    day.unharmed("v1");
    // The slots are free: another deployment need not wait for the one that stands still.
    let mut halfway = json!({ "version": "v3", "config": web(fields) });
    halfway["strategy"] = json!({ "kind": "canary", "steps": "50% 10ms, 100%" });
    day.deploy_to_end(halfway, "stuck");
    day.deploy_to_end(json!({ "version": "v4" }), "completed");
    day.unharmed("v4");
}
