//! Approvals against a real server: by how many, by whom, of which plan. And schedules, whose declarer doesn't approve
//! what they ask for. Not here: what else holds a deployment (`gates`).

mod support;

use serde_json::{Value, json};
use support::{Server, http::Answer, more::problem, project, spec, wait_for};

/// Somebody with an access token.
struct Person<'a> {
    server: &'a Server,
    token: String,
}

impl<'a> Person<'a> {
    fn new(server: &'a Server, name: &str, role: &str) -> Self {
        let made = server.post("/api/tokens", json!({ "name": name, "role": role }));
        Self { server, token: made["token"].as_str().expect("its text").to_owned() }
    }

    fn post(&self, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
        self.server.raw("POST", path, false, &headers, body.to_string().as_bytes())
    }

    fn approves(&self, id: &str, body: Value) {
        let answer = self.post(&format!("/api/deployments/{id}/approve"), body);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    fn is_refused(&self, status: u16, id: &str, body: Value) -> String {
        let refused = problem(&self.post(&format!("/api/deployments/{id}/approve"), body), status);
        refused["detail"].as_str().expect("why").to_owned()
    }
}

/// A server with the first version live, and two approvals to give since then.
fn guarded() -> Server {
    let server = Server::start();
    let folder = project(&server, "");
    server.deploy_well(json!({ "version": "v1" }));
    let gates = "[environments.test.gates.approvals]\ncount = 2\nroles = [\"operator\", \"release-manager\"]";
    server.register(&folder, &format!("{}\n{gates}", spec("")));
    server
}

/// The hash of the plan that a deployment proposes.
fn proposed(server: &Server, id: &str) -> String {
    wait_for(&format!("what {id} proposes"), || {
        let deployment = server.deployment(id);
        assert!(deployment["completedAt"].is_null(), "it ended: {}", deployment["errors"]);
        deployment["gated"]["held"].as_array()?;
        Some(deployment["gated"]["proposed"]["hash"].as_str()?.to_owned())
    })
}

#[test]
fn two_others_approve_and_it_goes() {
    let server = guarded();
    let (bob, cid) = (Person::new(&server, "bob", "operator"), Person::new(&server, "cid", "release-manager"));
    let (dan, eve) = (Person::new(&server, "dan", "developer"), Person::new(&server, "eve", "operator"));
    let id = server.ask(json!({ "version": "v2" }));
    let hash = proposed(&server, &id);
    assert!(dan.is_refused(403, &id, json!({})).contains("roles"));
    assert!(eve.is_refused(409, &id, json!({ "hash": "0".repeat(32) })).contains("changed"));
    bob.approves(&id, json!({ "hash": hash, "reason": "looks good" }));
    bob.approves(&id, json!({}));
    assert_eq!(server.deployment(&id)["gated"]["approvals"].as_array().expect("approvals").len(), 1);
    assert!(server.page("/").1.contains("v1"), "one person is not two");
    cid.approves(&id, json!({}));
    let ended = server.ended(&id);
    assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
    let by: Vec<_> = ended["gated"]["approvals"].as_array().expect("approvals").iter().map(|one| &one["by"]).collect();
    assert_eq!(by, [&json!("bob"), &json!("cid")]);
    assert!(server.page("/").1.contains("v2"));
    // Whoever approves may be stopped by its own deployment, too.
    let own = eve.post("/api/deployments", json!({ "project": "app", "environment": "test", "version": "v3" }));
    let own: Value = serde_json::from_str(&own.body).expect("a deployment");
    let own = own["id"].as_str().expect("an id");
    proposed(&server, own);
    assert!(eve.is_refused(403, own, json!({})).contains("somebody else"));
}

#[test]
fn another_plan_has_to_be_approved_anew() {
    let server = guarded();
    let (bob, cid) = (Person::new(&server, "bob", "operator"), Person::new(&server, "cid", "release-manager"));
    let id = server.ask(json!({ "version": "v2" }));
    let first = proposed(&server, &id);
    bob.approves(&id, json!({}));
    // It comes between: the slot is not any more what the plan started from.
    server.deploy_well(json!({ "kind": { "is": "scale", "instances": { "web": 2 } } }));
    // To the first plan, if it is not drawn anew by then: either way it counts for nothing.
    let late = cid.post(&format!("/api/deployments/{id}/approve"), json!({ "hash": first }));
    assert!([200, 409].contains(&late.status), "{}", late.body);
    let second = wait_for("another plan", || Some(proposed(&server, &id)).filter(|hash| *hash != first));
    let told = server.events(Some(&id));
    let voided = told.iter().any(|event| {
        event["kind"] == "PLAN_PROPOSED" && event["message"].as_str().is_some_and(|text| text.contains("no more"))
    });
    assert!(voided, "{told:?}");
    assert!(server.deployment(&id)["completedAt"].is_null());
    bob.approves(&id, json!({ "hash": second }));
    cid.approves(&id, json!({ "hash": second }));
    let ended = server.ended(&id);
    assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
}

#[test]
fn a_schedule_asks_once_for_each_time_and_its_declarer_does_not_approve() {
    let mut server = guarded();
    let body = json!({
        "name": "often",
        "every": "* * * * *",
        "deployment": { "project": "app", "environment": "test", "version": "v2" },
    });
    let made = server.post("/api/projects/app/schedules", body.clone());
    assert_eq!((&made["zone"], &made["missed"]), (&json!("UTC"), &json!("skip")), "{made}");
    server.refused(409, "POST", "/api/projects/app/schedules", body);
    let last = || server.get("/api/projects/app/schedules")[0]["last"].clone();
    // Within the minute, and a little.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(75);
    while last()["deployment"].is_null() {
        assert!(std::time::Instant::now() < until, "nothing was asked for in a minute: {}", last());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let id = last()["deployment"].as_str().expect("an id").to_owned();
    server.post("/api/projects/app/schedules/often/pause", json!({}));
    proposed(&server, &id);
    let refused = server.refused(403, "POST", &format!("/api/deployments/{id}/approve"), json!({}));
    assert!(refused["detail"].as_str().expect("why").contains("a change of"), "{refused}");
    server.kill();
    server.boot(&[]);
    let schedule = server.get("/api/projects/app/schedules")[0].clone();
    assert_eq!((&schedule["paused"], &schedule["nextAt"]), (&json!(true), &Value::Null), "{schedule}");
    let all = server.get("/api/projects/app/deployments?environment=test")["items"].as_array().expect("items").len();
    assert_eq!(all, 2, "the first, and one that the schedule asked for");
    server.post("/api/projects/app/schedules/often/delete", json!({}));
    assert_eq!(server.get("/api/projects/app/schedules"), json!([]));
    server.refused(404, "POST", "/api/projects/app/schedules/often/delete", json!({}));
    for bad in ["sometimes", "0 0 30 2 *", "day 09:00 Europe/Atlantis"] {
        let body = json!({ "name": "bad", "every": bad, "deployment": { "project": "app", "environment": "test" } });
        server.refused(409, "POST", "/api/projects/app/schedules", body);
    }
}
