//! Quotas against a real server: what goes over is refused before anything moves, with the arithmetic.

mod support;

use serde_json::{Value, json};
use support::{Server, more::problem, project, spec, wait_for};

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

/// Two deployments that are validated while nothing runs, and both build until the test lets them: what only one of
/// them may take, exactly one gets.
fn one_of_two_gets_it(text: &dyn Fn(&str) -> String, asked: [Value; 2]) {
    let server = Server::start();
    let folder = project(&server, "");
    let go = server.home.path().join("go");
    let build = format!(
        "instances = 2\nbuild = [\"/bin/sh\", \"-c\", \"until test -e {}; do sleep 0.02; done\"]",
        go.display()
    );
    server.register(&folder, &text(&build));
    let ids = asked.map(|more| {
        let mut body = json!({ "project": "app" });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        server.post("/api/deployments", body)["id"].as_str().expect("an id").to_owned()
    });
    for id in &ids {
        wait_for("both to build", || (server.deployment(id)["phase"] == "preparing").then_some(()));
    }
    std::fs::write(go, "").expect("they go on");
    let ended = ids.map(|id| server.ended(&id));
    let (done, refused): (Vec<_>, Vec<_>) = ended.iter().partition(|one| one["phase"] == "completed");
    assert_eq!((done.len(), refused.len()), (1, 1), "{ended:?}");
    assert_eq!(refused[0]["phase"], "failed", "{}", refused[0]);
    let told = findings(refused[0]);
    assert_eq!(told.len(), 1, "{told:?}");
    let details = told[0]["details"].as_str().expect("the arithmetic");
    assert!(details.starts_with("2 instances now") && details.contains("the quota is 3"), "{details}");
    assert_eq!(server.live_instances().len(), 2);
    // What one gives up another may have.
    let service = |one: &Value| one["services"].as_object().expect("services").keys().next().expect("one").clone();
    let less = json!({ "is": "scale", "instances": { service(done[0]): 1 } });
    server.deploy_well(json!({ "environment": done[0]["environment"], "kind": less }));
    let again = json!({ "environment": refused[0]["environment"], "services": [service(refused[0])] });
    server.deploy_well(again);
}

#[test]
fn two_that_are_validated_at_the_same_moment_do_not_both_get_what_one_may_have() {
    let of_environment = |build: &str| {
        let text = limited(build, "instances = 3");
        let (head, service) = text.split_once("[services.web]").expect("the service");
        let (service, rest) = service.split_once("[prices]").expect("the prices");
        let second = service.replace("app.{environment}", "second.{environment}");
        format!("{head}[services.web]{service}\n[services.second]{second}\n[prices]{rest}")
    };
    let asked = ["web", "second"].map(|service| json!({ "environment": "test", "services": [service] }));
    one_of_two_gets_it(&of_environment, asked);
}

#[test]
fn a_projects_quota_holds_across_its_environments() {
    let of_project = |build: &str| {
        let text = spec(build).replace("name = \"app\"", "name = \"app\"\nquota = { instances = 3 }");
        format!("{text}\n[environments.second]\ntype = \"testing\"\n")
    };
    one_of_two_gets_it(&of_project, ["test", "second"].map(|environment| json!({ "environment": environment })));
}
