//! Who may do what, against a real server: access tokens and their roles, the audit record, answers that are one
//! caller's own. Not here: the whole table of roles and acts (`core::policy`).

mod support;

use std::{fs, process::Command};

use serde_json::{Value, json};
use support::{Server, http::Answer, more::problem, project, shipway, spec, sse::Stream, wait_for};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Somebody with an access token.
struct Caller<'a> {
    server: &'a Server,
    token: String,
}

impl<'a> Caller<'a> {
    fn new(server: &'a Server, request: Value) -> Self {
        let token = server.post("/api/tokens", request);
        Self { server, token: token["token"].as_str().expect("its text").to_owned() }
    }

    fn with(server: &'a Server, name: &str, role: &str) -> Self {
        Self::new(server, json!({ "name": name, "role": role }))
    }

    fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_with(method, path, &[], body)
    }

    fn call_with(&self, method: &str, path: &str, more: &[(&str, &str)], body: Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers: Vec<_> =
            [JSON, ("Authorization", bearer.as_str())].into_iter().chain(more.iter().copied()).collect();
        let body = if method == "GET" { String::new() } else { body.to_string() };
        self.server.raw(method, path, false, &headers, body.as_bytes())
    }
}

/// The audit record, the newest first.
fn audit(server: &Server, query: &str) -> Vec<Value> {
    server.get(&format!("/api/audit?limit=200{query}"))["items"].as_array().expect("entries").clone()
}

/// Registers the fixture with an environment of each sort.
fn two_environments(server: &Server) {
    let folder = project(server, "");
    server.register(&folder, &format!("{}\n[environments.live]\ntype = \"production\"\n", spec("")));
}

/// Requests that are harmless where they are allowed, because something else stands against them; and the roles that
/// are let so far.
fn probes() -> Vec<(&'static str, &'static str, Value, &'static [&'static str])> {
    let ask = |environment: &str, kind: Value, more: Value| {
        let mut body = json!({ "project": "app", "environment": environment, "kind": kind });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        body
    };
    let deploy = |environment| ask(environment, json!({ "is": "deploy" }), json!({ "exclude": ["nobody"] }));
    let scale = |environment| ask(environment, json!({ "is": "scale", "instances": {} }), json!({}));
    let dry =
        |environment| ask(environment, json!({ "is": "deploy" }), json!({ "exclude": ["nobody"], "dryRun": true }));
    let reset = json!({ "name": "app/test", "reason": "to see" });
    let settings = json!({ "services": { "nobody": {} } });
    vec![
        ("POST", "/api/deployments", deploy("test"), &["developer", "operator", "release-manager", "admin"]),
        ("POST", "/api/deployments", deploy("live"), &["release-manager", "admin"]),
        ("POST", "/api/deployments", deploy("nowhere"), &["release-manager", "admin"]),
        ("POST", "/api/deployments", scale("live"), &["operator", "release-manager", "admin"]),
        ("POST", "/api/deployments", dry("live"), &["developer", "operator", "release-manager", "admin"]),
        ("POST", "/api/breakers/reset", reset, &["operator", "release-manager", "admin"]),
        ("PUT", "/api/projects/app/environments/live", settings, &["release-manager", "admin"]),
        ("POST", "/api/tokens/nobody/revoke", json!({}), &["admin"]),
        ("POST", "/api/uploads", json!({}), &["developer", "operator", "release-manager", "admin"]),
        ("GET", "/api/audit", json!({}), &["operator", "release-manager", "admin"]),
        ("GET", "/api/tokens", json!({}), &["admin"]),
        ("GET", "/api/projects", json!({}), &["viewer", "developer", "operator", "release-manager", "admin"]),
    ]
}

#[test]
fn each_role_is_let_so_far_and_no_further() {
    let server = Server::start();
    two_environments(&server);
    for role in ["viewer", "developer", "operator", "release-manager", "admin"] {
        let caller = Caller::with(&server, &format!("a-{role}"), role);
        let mut denied = 0;
        for (method, path, body, let_in) in probes() {
            let answer = caller.call(method, path, body.clone());
            let what = format!("{role} {method} {path} {body}: {} {}", answer.status, answer.body);
            if let_in.contains(&role) {
                assert!(![401, 403].contains(&answer.status), "{what}");
                continue;
            }
            denied += 1;
            let told = problem(&answer, 403);
            let detail = told["detail"].as_str().expect("a detail");
            let least = let_in.first().expect("somebody is let in");
            assert!(detail.contains(&format!("a-{role} has the role {role} and may not")), "{what}");
            assert!(detail.ends_with(&format!("it takes the role {least}")), "{what}");
            assert!(told["hint"].as_str().is_some_and(|hint| hint.contains(&format!("--role {least}"))), "{what}");
        }
        let recorded = audit(&server, &format!("&actor=a-{role}"));
        let refused: Vec<_> = recorded.iter().filter(|entry| entry["outcome"] == "denied").collect();
        assert_eq!(refused.len(), denied, "{role}: {recorded:#?}");
        for entry in refused {
            assert_eq!((&entry["role"], entry["token"].is_string()), (&json!(role), true), "{entry}");
            assert!(entry["refusal"].as_str().is_some_and(|why| why.contains("may not")), "{entry}");
        }
    }
}

#[test]
fn a_token_that_was_revoked_or_has_expired_lets_nobody_in() {
    let mut server = Server::start();
    let refuses = |server: &Server, token: &str| {
        let bearer = format!("Bearer {token}");
        server.raw("GET", "/api/projects", false, &[("Authorization", &bearer)], b"").status == 401
    };
    let token = Caller::with(&server, "ann", "viewer").token;
    assert!(!refuses(&server, &token));
    server.refused(409, "POST", "/api/tokens", json!({ "name": "ann", "role": "admin" }));
    // It is known again after a restart.
    server.kill();
    server.boot(&[]);
    assert!(!refuses(&server, &token));
    let (almost, _) = token.split_at(token.len() - 1);
    assert!(refuses(&server, &format!("{almost}x")) && refuses(&server, almost));
    server.post("/api/tokens/ann/revoke", json!({}));
    assert!(refuses(&server, &token));
    server.refused(404, "POST", "/api/tokens/ann/revoke", json!({}));

    let short = json!({ "name": "bo", "role": "viewer", "expiresIn": "50ms" });
    let token = Caller::new(&server, short.clone()).token;
    wait_for("the token to expire", || refuses(&server, &token).then_some(()));
    let listed = server.get("/api/tokens");
    assert_eq!((&listed[0]["name"], &listed[0]["expired"]), (&json!("bo"), &json!(true)));
    // Its name is free again, and the new one is another.
    let again = Caller::new(&server, json!({ "name": "bo", "role": "viewer" })).token;
    assert!(refuses(&server, &token) && !refuses(&server, &again));
    assert_eq!(server.get("/api/tokens").as_array().expect("a list").len(), 1);
    for name in ["admin", "shipway/promotion", "a b", ""] {
        server.refused(400, "POST", "/api/tokens", json!({ "name": name, "role": "viewer" }));
    }
}

#[test]
fn an_open_stream_ends_with_the_token_that_opened_it() {
    let server = Server::start();
    project(&server, "");
    let id = server.deploy_well(json!({}))["id"].as_str().expect("an id").to_owned();
    let events = "/api/events".to_owned();
    let logs = format!("/api/instances/{}/logs", server.live_instances()[0]["id"].as_str().expect("an id"));
    let ann = Caller::with(&server, "ann", "viewer").token;
    let mut open = [&events, &logs].map(|path| Stream::open_as(&server, &ann, path, None));
    let mut owners = Stream::open(&server, &events, None);
    open[0].until("what was deployed", |event| event.data["deployment"] == json!(id));
    server.post("/api/tokens/ann/revoke", json!({}));
    for stream in &mut open {
        while stream.next().is_some() {}
    }
    // One that expires while it looks on.
    let short = json!({ "name": "bo", "role": "viewer", "expiresIn": "1500ms" });
    let bo = Caller::new(&server, short).token;
    let mut open = Stream::open_as(&server, &bo, &events, None);
    while open.next().is_some() {}
    // Whoever may still look sees what comes after.
    let next = server.deploy_well(json!({}))["id"].clone();
    owners.until("what was deployed then", |event| event.data["deployment"] == next);
}

#[test]
fn a_token_for_an_environment_opens_no_other() {
    let server = Server::start();
    two_environments(&server);
    let ann = Caller::new(&server, json!({ "name": "ann", "role": "admin", "environments": ["test"] }));
    let ask = |environment: &str| json!({ "project": "app", "environment": environment, "exclude": ["nobody"] });
    assert_eq!(ann.call("POST", "/api/deployments", ask("test")).status, 409);
    let told = problem(&ann.call("POST", "/api/deployments", ask("live")), 403);
    assert_eq!(told["detail"], "ann acts in test alone, and may not deploy in live (of type production)");
    problem(&ann.call("GET", "/api/tokens", json!({})), 403);
    problem(&ann.call("POST", "/api/shutdown", json!({ "applications": false })), 403);
    // What a spec changes in an environment itself takes the right to configure it; what it says of services doesn't.
    let register = |text: String| ann.call("POST", "/api/projects", json!({ "file": "shipway.toml", "text": text }));
    let live = |kind: &str| format!("{}\n[environments.live]\ntype = \"{kind}\"\n", spec("instances = 2"));
    assert_eq!(register(live("production")).status, 200);
    problem(&register(live("testing")), 403);
    problem(&register(spec("")), 403);
    assert!(server.get("/api/projects/app")["folder"].is_string(), "the owner's folder is still known");
}

#[test]
fn what_opens_production_is_what_the_registered_spec_says() {
    let server = Server::start();
    two_environments(&server);
    let developer = Caller::with(&server, "bo", "developer");
    let opened = format!("{}\n[environments.live]\ntype = \"testing\"\n", spec(""));
    let told = developer.call("POST", "/api/projects", json!({ "file": "shipway.toml", "text": opened }));
    let detail = problem(&told, 403)["detail"].as_str().expect("a detail").to_owned();
    assert!(detail.contains("may not change settings in live (of type production)"), "{detail}");
}

#[test]
fn the_same_key_of_another_caller_is_another_request() {
    let server = Server::start();
    project(&server, "");
    let (ann, bo) = (Caller::with(&server, "ann", "developer"), Caller::with(&server, "bo", "developer"));
    let viewer = Caller::with(&server, "cy", "viewer");
    let key = [("Idempotency-Key", "the-same")];
    let ask = |caller: &Caller| {
        let answer =
            caller.call_with("POST", "/api/deployments", &key, json!({ "project": "app", "environment": "test" }));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let view: Value = serde_json::from_str(&answer.body).expect("JSON");
        view["id"].as_str().expect("an id").to_owned()
    };
    let first = ask(&ann);
    assert_eq!(ask(&ann), first);
    let second = ask(&bo);
    assert_ne!(second, first);
    let body = json!({ "project": "app", "environment": "test" });
    problem(&viewer.call_with("POST", "/api/deployments", &key, body), 403);
    server.ended(&second);
    // The record ties each deployment to who asked for it, once.
    let asked: Vec<_> = audit(&server, "&project=app&environment=test").into_iter().rev().collect();
    let told = |entry: &Value| (entry["actor"].clone(), entry["outcome"].clone(), entry["deployment"].clone());
    let expected = [("ann", "allowed", json!(first)), ("bo", "allowed", json!(second)), ("cy", "denied", Value::Null)];
    let expected = expected.map(|(who, outcome, deployment)| (json!(who), json!(outcome), deployment));
    assert_eq!(asked.iter().map(told).collect::<Vec<_>>(), expected);
    let events = server.events(Some(&first));
    assert_eq!(asked[0]["correlationId"], events[0]["correlationId"]);
}

#[test]
fn the_text_of_a_token_is_nowhere_but_in_its_answer() {
    let mut server = Server::start();
    let key = [("Idempotency-Key", "once")];
    let (status, made) = server
        .call_with("POST", "/api/tokens", &key, Some(&json!({ "name": "ann", "role": "admin" })))
        .expect("the server answers");
    assert_eq!(status, 200, "{made}");
    let text = made["token"].as_str().expect("its text");
    let (id, secret) = text.strip_prefix("shw_").and_then(|rest| rest.split_once('_')).expect("two parts");
    assert_eq!((made["id"].as_str(), secret.len()), (Some(id), 64));
    server.post("/api/projects", json!({ "file": "shipway.toml", "text": spec("") }));
    server.kill();
    let mut seen = false;
    for file in ["shipway.db", "shipway.db-wal"] {
        let Ok(bytes) = fs::read(server.data.join(file)) else { continue };
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(secret), "{file} holds the secret");
        seen |= holds(id);
    }
    assert!(seen, "the token is stored");
    assert!(!server.log().contains(secret));
}

#[test]
fn the_record_is_read_in_pages_and_from_a_time_on() {
    let server = Server::start();
    for number in 0..5 {
        server.post("/api/tokens", json!({ "name": format!("t{number}"), "role": "viewer" }));
    }
    server.refused(409, "POST", "/api/tokens", json!({ "name": "t0", "role": "viewer" }));
    let mut subjects = Vec::new();
    let mut next = String::new();
    loop {
        let page = server.get(&format!("/api/audit?limit=2{next}"));
        let items = page["items"].as_array().expect("entries").clone();
        assert!(items.len() <= 2);
        subjects.extend(items.iter().map(|entry| (entry["subject"].clone(), entry["outcome"].clone())));
        let Some(place) = page["next"].as_str() else { break };
        next = format!("&before={place}");
    }
    let told = ["t0", "t4", "t3", "t2", "t1", "t0"].map(|name| json!(format!("{name} as viewer")));
    let outcomes = ["refused", "allowed", "allowed", "allowed", "allowed", "allowed"].map(|outcome| json!(outcome));
    assert_eq!(subjects, told.into_iter().zip(outcomes).collect::<Vec<_>>());
    assert_eq!(audit(&server, "&since=1h").len(), 6);
    assert_eq!(audit(&server, "&since=2999-01-01T00:00:00Z").len(), 0);
    server.refused(400, "GET", "/api/audit?since=soon", Value::Null);
    server.refused(400, "GET", "/api/audit?environment=test", Value::Null);
}

#[test]
fn the_command_line_makes_lists_and_revokes_tokens_and_shows_who_asked() {
    let server = Server::start();
    project(&server, "");
    let run = |token: Option<&str>, arguments: &[&str]| {
        let mut command = Command::new(shipway());
        command.args(arguments).env("SHIPWAY_DATA", &server.data).env_remove("SHIPWAY_SERVER");
        command.current_dir(server.home.path().join("project"));
        match token {
            Some(token) => command.env("SHIPWAY_TOKEN", token),
            None => command.env_remove("SHIPWAY_TOKEN"),
        };
        let output = command.output().expect("the binary runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let make = ["token", "create", "ann", "--role", "developer", "--environment", "test", "--expires", "30d"];
    let (code, out, err) = run(None, &make);
    assert_eq!(code, Some(0), "{err}");
    let token = out.lines().find(|line| line.starts_with("shw_")).expect("its text");
    let (_, listed, _) = run(None, &["token", "list"]);
    assert!(listed.contains("ann") && listed.contains("developer") && listed.contains("in 29 d"), "{listed}");
    assert!(!listed.contains(token));
    // Who is not the owner sends the folder itself, and is let to deploy it.
    let (code, out, err) = run(Some(token), &["deploy", "-e", "test", "--reason", "to see"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, _, err) = run(Some(token), &["token", "list"]);
    assert!(code == Some(1) && err.contains("may not manage access tokens"), "{err}");
    let (_, shown, _) = run(None, &["audit", "-e", "test", "--actor", "ann"]);
    let line = shown.lines().find(|line| line.contains("deploy")).expect("the deployment");
    assert!(line.contains("app/test") && line.contains("allowed") && line.contains("to see"), "{shown}");
    let (_, json, _) = run(None, &["--json", "audit", "--since", "1h", "-n", "1"]);
    let page: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(page["items"].as_array().expect("entries").len(), 1);
    assert_eq!(run(None, &["token", "revoke", "ann"]).0, Some(0));
    let (code, _, err) = run(Some(token), &["ps"]);
    assert!(code == Some(1) && err.contains("does not take this token"), "{err}");
}
