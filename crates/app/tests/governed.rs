//! What governs an environment, at its edges: the glass that is broken tells everybody, two that ask at once don't
//! exceed a rate, gates and quotas of environments that no file has, data folders that outgrow what they declare.
//!
//! Not here: each gate by itself (`gates`, `approvals`), the arithmetic of quotas (`quota`).

mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use shipway_core::time::Timestamp;
use support::{Server, http::request, people::Person, project, receivers::Hook, spec, wait_for};

/// How far ahead a window opens that several deployments wait for, in ms.
const SOON_MS: u64 = 4000;

fn held_by(server: &Server, id: &str) -> Vec<String> {
    let deployment = server.deployment(id);
    let held = deployment["gated"]["held"].as_array().cloned().unwrap_or_default();
    held.iter().filter_map(|held| Some(held["gate"].as_str()?.to_owned())).collect()
}

fn waits_for(server: &Server, id: &str, gates: &[&str]) {
    wait_for(&format!("{id} before {gates:?}"), || {
        let deployment = server.deployment(id);
        assert!(deployment["completedAt"].is_null(), "it ended: {}", deployment["errors"]);
        (held_by(server, id) == gates).then_some(())
    });
}

#[test]
fn broken_glass_needs_the_right_and_a_reason_tells_everybody_and_stays_on_record() {
    let server = Server::start();
    let folder = project(&server, "");
    server.deploy_well(json!({ "version": "v1" }));
    // Neither wants to hear of such a thing; both are told all the same.
    let (of_environment, of_project) = (Hook::start(), Hook::start());
    let hook = |hook: &Hook, on: &str| format!("webhook = \"http://{}/hook\"\non = [\"{on}\"]\n", hook.address);
    let text = format!(
        "{}\n[[project.notify]]\n{}[[environments.test.notify]]\n{}[environments.test.gates.approvals]\ncount = 2\n",
        spec(""),
        hook(&of_project, "stuck"),
        hook(&of_environment, "failed"),
    );
    server.register(&folder, &text);
    let id = server.ask(json!({ "version": "v2" }));
    waits_for(&server, &id, &["approval"]);
    let path = format!("/api/deployments/{id}/break-glass");
    let (bob, eve) = (Person::new(&server, "bob", "release-manager"), Person::new(&server, "eve", "admin"));
    let why = "the shop takes no orders";
    assert!(bob.is_refused(403, "POST", &path, json!({ "reason": why })).contains("may not break the glass"));
    eve.is_refused(422, "POST", &path, json!({}));
    eve.is_refused(400, "POST", &path, json!({ "reason": " " }));
    assert_eq!(held_by(&server, &id), ["approval"]);
    eve.does("POST", &path, json!({ "reason": why }));
    let ended = server.ended(&id);
    assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
    assert!(server.page("/").1.contains("v2"));
    for hook in [&of_environment, &of_project] {
        let told = hook.told("break-glass", 0).json();
        assert_eq!(told["event"]["deployment"], json!(id));
        let message = told["event"]["message"].as_str().expect("words");
        assert!(message.contains("eve broke the glass of") && message.contains(why), "{message}");
        assert_eq!(told["event"]["details"]["gates"], json!(["approval"]));
        assert_eq!(hook.deliveries().len(), 1, "and of nothing else");
    }
    let audit = server.get("/api/audit?limit=200&project=app&environment=test");
    let audit = audit["items"].as_array().expect("entries").clone();
    let of = |actor: &str| audit.iter().find(|one| one["command"] == "break-glass" && one["actor"] == actor).cloned();
    let (allowed, denied) = (of("eve").expect("an entry"), of("bob").expect("an entry"));
    assert_eq!((&allowed["outcome"], &allowed["reason"]), (&json!("allowed"), &json!(why)), "{allowed}");
    assert_eq!((&allowed["deployment"], &allowed["role"]), (&json!(id), &json!("admin")), "{allowed}");
    assert_eq!(denied["outcome"], "denied", "{denied}");
}

/// Four services, of which each deployment moves another.
fn four(server: &Server) -> std::path::PathBuf {
    let folder = server.home.path().join("project");
    std::fs::create_dir_all(folder.join("app")).expect("a folder");
    std::fs::copy(support::fixture(), folder.join("app/fixture")).expect("the fixture");
    folder
}

fn four_spec(gates: &str) -> String {
    let service = |name: &str| {
        format!(
            "[services.{name}]\nsource = \"app\"\nkind = \"process\"\nrun = [\"./fixture\"]\nrun_as = \"@server\"\n"
        )
    };
    let services: String = ["a", "b", "c", "d"].map(service).concat();
    format!("[project]\nname = \"app\"\n[environments.test]\ntype = \"testing\"\n{gates}\n{services}")
}

#[test]
fn two_that_ask_at_once_do_not_exceed_a_rate() {
    let server = Server::start();
    let folder = four(&server);
    server.register(&folder, &four_spec(""));
    server.deploy_well(json!({ "version": "v1" }));
    // One has begun, so there is one place left; all four come to the window in the same moment.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time");
    let opens = Timestamp(i64::try_from(now.as_millis()).expect("a time")).plus_ms(SOON_MS);
    let wall = opens.to_string().trim_end_matches('Z').replace('T', " ");
    let gates = format!(
        "gates.rate = {{ max = 2, per = \"1h\" }}\n[[environments.test.gates.windows]]\nname = \"soon\"\nzone = \"UTC\"\n\
         from = \"{wall}\"\nuntil = \"2100-01-01\"\n"
    );
    server.register(&folder, &four_spec(&gates));
    let ids = ["a", "b", "c", "d"].map(|service| server.ask(json!({ "version": "v2", "services": [service] })));
    let settled = wait_for("one to move and three to wait", || {
        let all = ids.each_ref().map(|id| server.deployment(id));
        let done = all.iter().filter(|one| one["phase"] == "completed").count();
        let held = ids.iter().filter(|id| held_by(&server, id) == ["rate"]).count();
        (done + held == ids.len()).then_some(all)
    });
    let completed: Vec<_> = settled.iter().filter(|one| one["phase"] == "completed").collect();
    assert_eq!(completed.len(), 1, "{settled:?}");
    let moved = completed[0]["phases"].as_array().expect("phases").iter().find(|one| one["phase"] == "staging");
    let moved: Timestamp = serde_json::from_value(moved.expect("it moved")["at"].clone()).expect("a time");
    assert!(moved >= opens);
    let leases = server.get("/api/projects/app/environments/test/leases");
    assert_eq!((&leases["held"], &leases["waiting"]), (&json!([]), &json!([])), "who waits holds nothing: {leases}");
    for id in ids.iter().filter(|id| held_by(&server, id) == ["rate"]) {
        server.post(&format!("/api/deployments/{id}/cancel"), json!({}));
        assert_eq!(server.ended(id)["phase"], "cancelled");
    }
}

#[test]
fn an_environment_that_no_file_has_has_gates_and_a_quota_of_its_own() {
    let server = Server::start();
    project(&server, "limits = { memory_mb = 64 }");
    let path = "/api/projects/app/environments";
    let made = json!({
        "name": "qa",
        "type": "testing",
        "gates": { "windows": [{ "name": "next century", "from": "2100-01-01", "until": "2100-01-02", "zone": "UTC" }] },
        "quota": { "instances": 1 },
    });
    let slip = |from: &str, to: &str| serde_json::from_str::<Value>(&made.to_string().replace(from, to)).expect("JSON");
    for (from, to, word) in [
        ("\"gates\"", "\"gatez\"", "did you mean `gates`?"),
        ("\"quota\"", "\"qouta\"", "did you mean `quota`?"),
        ("\"windows\"", "\"window\"", "did you mean `windows`?"),
        ("2100-01-02", "2099-01-02", "it ends at"),
    ] {
        let refused = server.refused(422, "POST", path, slip(from, to));
        assert!(refused["findings"].to_string().contains(word), "{word}: {refused}");
    }
    server.post(path, made);
    let asked = |more: Value| {
        let mut body = json!({ "project": "app", "environment": "qa", "version": "v1" });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        server.post("/api/deployments", body)["id"].as_str().expect("an id").to_owned()
    };
    // Its quota.
    let over = server.ended(&asked(json!({ "config": { "services": { "web": { "instances": 2 } } } })));
    assert_eq!(over["phase"], "failed", "{over}");
    assert!(over["findings"].to_string().contains("environments.qa.quota.instances"), "{over}");
    let standing = server.get("/api/projects/app/quota?environment=qa");
    assert_eq!(standing["quotas"][1]["resources"][0]["limit"], 1.0, "{standing}");
    // Its gates.
    let id = asked(json!({}));
    waits_for(&server, &id, &["window"]);
    let gates = server.get("/api/projects/app/environments/qa/gates");
    assert_eq!(gates["held"][0]["until"], "2100-01-01T00:00:00.000Z", "{gates}");
    let eve = Person::new(&server, "eve", "admin");
    eve.does("POST", &format!("/api/deployments/{id}/break-glass"), json!({ "reason": "to see it run" }));
    let ended = server.ended(&id);
    assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
    // What lies above all files is no place for either: it is said where they belong.
    for key in ["gates", "quota"] {
        let body = json!({ "set": { key: { "instances": 9 } }, "reason": "a slip" });
        let refused = server.refused(422, "PUT", "/api/projects/app/environments/test", body);
        let message = refused["findings"][0]["message"].as_str().expect("words");
        assert!(message.contains(&format!("unknown key `{key}`")), "{refused}");
        assert!(
            refused["findings"][0]["recommendation"].as_str().is_some_and(|advice| !advice.is_empty()),
            "{refused}"
        );
    }
}

#[test]
fn data_that_outgrows_what_is_declared_is_told_and_stays() {
    let mut server = Server::start();
    project(&server, "limits = { disk_mb = 1 }\ndata = [\"uploads\"]");
    server.deploy_well(json!({ "version": "v1" }));
    let used = |server: &Server| server.get("/api/projects/app/quota")["services"][0]["diskUsedMb"].clone();
    assert!(used(&server).as_u64().is_some_and(|mb| mb <= 1), "{}", used(&server));
    let uploads = server.page("/variable?SHIPWAY_DATA_DIR").1;
    std::fs::write(format!("{uploads}/uploads/large"), vec![7; 3 << 20]).expect("it is written");
    // What was measured a moment ago may hold a little longer.
    support::wait_for("the grown data to be measured", || used(&server).as_u64().filter(|mb| *mb >= 3));
    // Told with a deployment, which goes on.
    let second = server.deploy_well(json!({ "version": "v2" }));
    let found = second["findings"].as_array().expect("findings").iter();
    let found = found.clone().find(|one| one["field"] == "services.web.limits.disk_mb").expect("a finding");
    assert_eq!(found["severity"], "warning", "{found}");
    assert!(found["message"].to_string().contains("and `limits.disk_mb` is 1"), "{found}");
    // And by itself: a leader measures when it begins, and then again and again.
    server.kill();
    let after = 0;
    server.boot(&[]);
    let event = server.event("DISK_OVER", after);
    assert_eq!((&event["services"], &event["environment"]), (&json!(["web"]), &json!("test")), "{event}");
    assert!(event["details"]["usedMb"].as_u64().is_some_and(|mb| mb >= 3), "{event}");
    let answer = request(server.proxy(), "GET", support::HOST, "/", &[], b"").expect("the proxy answers");
    assert_eq!(answer.status, 200, "it runs on");
}
