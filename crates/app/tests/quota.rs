//! Quotas against a real server: what goes over is refused before anything moves, with the arithmetic.

mod support;

use serde_json::{Value, json};
use support::{Server, more::problem, project, spec};

/// The fixture with limits, within quotas.
fn limited(web: &str, quota: &str) -> String {
    let limits = "limits = { cpu = 0.5, memory_mb = 64, disk_mb = 100 }";
    let text = spec(&format!("{limits}\n{web}"));
    let prices = "[prices]\ncurrency = \"EUR\"\ninstance = 2.0\ncpu = 10.0\n";
    format!("{}\n{prices}", text.replace("type = \"testing\"", &format!("type = \"testing\"\nquota = {{ {quota} }}")))
}

fn findings(answer: &Value) -> Vec<Value> {
    let all = answer["findings"].as_array().expect("findings").clone();
    all.into_iter().filter(|finding| finding["severity"] == "critical").collect()
}

#[test]
fn what_would_go_over_is_refused_with_the_arithmetic_and_all_at_once() {
    let server = Server::start();
    let folder = project(&server, "");
    let quota = "instances = 3, cpu = 1.5, memory_mb = 192, cost_per_month = 25.0";
    server.register(&folder, &limited("instances = 2", quota));
    server.deploy_well(json!({}));
    // Two are replaced by two: what stands side by side for a moment is not counted.
    server.deploy_well(json!({ "config": { "services": { "web": { "variables": { "A": "1" } } } } }));
    let more = json!({ "config": { "services": { "web": { "instances": 4 } } } });
    let refused = server.deploy(more.clone());
    assert_eq!(refused["phase"], "failed", "{refused}");
    let told = findings(&refused);
    let fields: Vec<_> = told.iter().map(|finding| finding["field"].as_str().expect("a field")).collect();
    let quotas =
        ["instances", "cpu", "memory_mb", "cost_per_month"].map(|key| format!("environments.test.quota.{key}"));
    assert_eq!(fields, quotas);
    assert_eq!(
        told[0]["details"],
        "2 instances now, less 2 instances that this replaces, and 4 instances that comes: 4 instances; the quota is 3 \
         instances, which is 1 instance less"
    );
    assert_eq!(told[3]["message"], "test would take 28.00 EUR a month, and its quota is 25.00 EUR a month");
    assert_eq!(server.live_instances().len(), 2);
    // The plan says so too, and so does a change of the count alone.
    let mut plan = more;
    plan.as_object_mut().expect("an object").extend([
        ("project".into(), json!("app")),
        ("environment".into(), json!("test")),
        ("dryRun".into(), json!(true)),
    ]);
    assert_eq!(findings(&server.post("/api/deployments", plan)).len(), 4);
    let scaled = server.deploy(json!({ "kind": { "is": "scale", "instances": { "web": 4 } } }));
    assert_eq!((scaled["phase"].as_str(), findings(&scaled).len()), (Some("failed"), 4), "{scaled}");
    server.deploy_well(json!({ "kind": { "is": "scale", "instances": { "web": 3 } } }));
    let standing = server.get("/api/projects/app/quota?environment=test");
    let of_test = &standing["quotas"][1];
    assert_eq!(of_test["environment"], "test");
    assert_eq!(of_test["resources"][0], json!({ "resource": "instances", "used": 3.0, "limit": 3.0 }));
    assert_eq!(of_test["resources"][4], json!({ "resource": "costPerMonth", "used": 21.0, "limit": 25.0 }));
    assert_eq!(standing["quotas"][0]["resources"][0], json!({ "resource": "instances", "used": 3.0, "limit": null }));
    assert_eq!(standing["services"][0]["costPerMonth"], 21.0);
}

#[test]
fn what_is_counted_must_be_declared() {
    let server = Server::start();
    let folder = project(&server, "");
    server.register(&folder, &spec("").replace("\"testing\"", "\"testing\"\nquota = { memory_mb = 64 }"));
    let refused = server.deploy(json!({}));
    let told = findings(&refused);
    assert_eq!(told.len(), 1, "{refused}");
    assert_eq!(told[0]["field"], "services.web.limits.memory_mb");
    let text = spec("").replace("\"testing\"", "\"testing\"\nquota = { cost_per_month = 5.0 }");
    let answer = server.refused(422, "POST", "/api/projects", json!({ "file": "shipway.toml", "text": text }));
    assert_eq!(findings(&answer)[0]["field"], "environments.test.quota.cost_per_month");
}

#[test]
fn nobody_raises_a_quota_who_may_not_configure() {
    let server = Server::start();
    let folder = project(&server, "");
    let text = |quota: &str| limited("", quota).replace("\"testing\"", "\"production\"");
    server.register(&folder, &text("instances = 1"));
    let token = server.post("/api/tokens", json!({ "name": "bo", "role": "developer" }));
    let bearer = format!("Bearer {}", token["token"].as_str().expect("its text"));
    let register = |text: String| {
        let body = json!({ "file": "shipway.toml", "text": text }).to_string();
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        server.raw("POST", "/api/projects", false, &headers, body.as_bytes())
    };
    assert_eq!(register(text("instances = 1")).status, 200);
    problem(&register(text("instances = 9")), 403);
    let told = problem(&register(text("instances = 1").replace("cpu = 10.0", "cpu = 1.0")), 403);
    let detail = told["detail"].as_str().expect("a detail");
    assert!(detail.contains("may not change the quota and the prices of a project"), "{detail}");
}
