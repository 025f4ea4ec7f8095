//! The API's surface: every endpoint answers, nobody gets in without the token, every error is a problem, what the
//! documents say of themselves holds. Not here: deployments (`api_deployments`), live streams (`api_streams`),
//! uploads (`api_uploads`).

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shipway_api::{ENDPOINTS, Endpoint};
use shipway_core::flag::reading_key;
use support::{Server, more::problem, project, spec};

const JSON: (&str, &str) = ("Content-Type", "application/json");
/// Bytes of a JSON body that are too many.
const TOO_LONG_BYTES: usize = 8 * 1024 * 1024 + 1000;

/// The path with names of what is there.
fn filled(endpoint: &Endpoint, deployment: &str, instance: &str, token: &str) -> String {
    let id = if endpoint.path.starts_with("/api/projects") {
        "app"
    } else if endpoint.path.starts_with("/api/instances") {
        instance
    } else {
        deployment
    };
    let key = reading_key(token, &"app".into(), &"test".into());
    endpoint.path.replace("{id}", id).replace("{environment}", "test").replace("{name}", "a").replace("{key}", &key)
}

#[test]
fn every_endpoint_of_the_list_answers_and_there_is_no_other() {
    let server = Server::start();
    project(&server, "");
    let first = server.deploy_well(json!({ "version": "v1" }));
    server.deploy_well(json!({ "version": "v2" }));
    let deployment = first["id"].as_str().expect("an id");
    let instance = server.live_instances()[0]["id"].as_str().expect("an id").to_owned();
    for endpoint in ENDPOINTS {
        let path = filled(endpoint, deployment, &instance, server.token());
        let method = endpoint.method.to_uppercase();
        // A body that fits nothing: this asks whether somebody listens, not that it is done.
        let body: &[u8] = if endpoint.body.is_some() { b"{\"noSuchField\":1}" } else { b"" };
        let headers: &[_] = if endpoint.body.is_some() { &[JSON] } else { &[] };
        let answer = server.raw(&method, &path, true, headers, body);
        let missing = answer.status == 404 && answer.body.contains("there is nothing at");
        assert!(!missing && answer.status != 405 && answer.status < 500, "{method} {path}: {answer:?}");
        if endpoint.method == "get" {
            assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        }
    }
    for path in ENDPOINTS.iter().map(|endpoint| endpoint.path).collect::<BTreeSet<_>>() {
        let of_path = || ENDPOINTS.iter().filter(|endpoint| endpoint.path == path);
        let filled = filled(of_path().next().expect("one"), deployment, &instance, server.token());
        for method in ["get", "post", "put", "delete", "patch"] {
            if of_path().all(|endpoint| endpoint.method != method) {
                let answer = server.raw(&method.to_uppercase(), &filled, true, &[], b"");
                problem(&answer, 405);
            }
        }
    }
    assert_eq!(in_the_router(), in_the_list());
}

/// What the router's own text says: an HTTP client can't list it.
fn in_the_router() -> BTreeSet<(String, String)> {
    let text = include_str!("../src/server/router.rs").split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace(".route( ", ".route(");
    let mut found = BTreeSet::new();
    for rest in text.split(".route(\"").skip(1) {
        let (path, rest) = rest.split_once('"').expect("a path");
        let handlers = rest.split(".route(").next().expect("its handlers");
        let bare = ["/healthz", "/metrics", "/flags/{key}"].contains(&path);
        let path = if bare { path.to_owned() } else { format!("/api{path}") };
        for method in ["get", "post", "put", "delete", "patch"] {
            let called = [" ", "."].iter().any(|before| handlers.contains(&format!("{before}{method}(")));
            if called {
                found.insert((method.to_owned(), path.clone()));
            }
        }
    }
    found
}

fn in_the_list() -> BTreeSet<(String, String)> {
    ENDPOINTS.iter().map(|endpoint| (endpoint.method.to_owned(), endpoint.path.to_owned())).collect()
}

#[test]
fn nobody_gets_in_without_the_token() {
    let server = Server::start();
    project(&server, "");
    for endpoint in ENDPOINTS {
        let (method, path) = (endpoint.method.to_uppercase(), filled(endpoint, "x", "x", server.token()));
        let answer = server.raw(&method, &path, false, &[], b"");
        if endpoint.path.starts_with("/api") {
            problem(&answer, 401);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        } else {
            assert_eq!(answer.status, 200, "{path}");
        }
    }
    let wrong = "x".repeat(server.token().len());
    for value in [format!("Bearer {wrong}"), "Bearer ".into(), server.token().to_owned(), "Basic eA==".into()] {
        let answer = server.raw("GET", "/api/projects", false, &[("Authorization", &value)], b"");
        problem(&answer, 401);
    }
    // Without a token nobody learns what there is, either.
    problem(&server.raw("GET", "/api/no-such-thing", false, &[], b""), 401);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(server.data.join("admin.token")).expect("the token").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn every_error_is_a_problem() {
    let server = Server::start();
    project(&server, "");
    let send = |method: &str, path: &str, body: &[u8]| server.raw(method, path, true, &[JSON], body);
    problem(&send("GET", "/nothing", b""), 404);
    problem(&send("GET", "/api/nothing", b""), 404);
    problem(&send("DELETE", "/api/projects", b""), 405);
    problem(&send("GET", "/api/projects/none", b""), 404);
    problem(&send("GET", "/api/projects/none/deployments", b""), 404);
    problem(&send("GET", "/api/projects/none/environments", b""), 404);
    problem(&send("GET", "/api/deployments/none", b""), 404);
    problem(&send("GET", "/api/deployments/none/logs", b""), 404);
    problem(&send("GET", "/api/deployments/%ff", b""), 400);
    problem(&send("GET", "/api/events?after=soon", b""), 400);
    problem(&send("GET", "/api/events?afterwards=1", b""), 400);
    problem(&send("GET", "/api/projects/app/deployments?colour=red", b""), 400);
    problem(&send("POST", "/api/deployments", b"{"), 400);
    problem(&send("POST", "/api/deployments/none/cancel", b"{"), 400);
    problem(&send("POST", "/api/deployments/none/rollback", b"{\"forced\":true}"), 422);
    problem(&server.raw("POST", "/api/deployments", true, &[], b"{}"), 415);
    let unknown =
        problem(&send("POST", "/api/deployments", b"{\"project\":\"app\",\"environment\":\"test\",\"colour\":1}"), 422);
    assert!(unknown["detail"].as_str().expect("text").contains("colour"), "{unknown}");
    let wrong = problem(&send("POST", "/api/deployments", b"{\"project\":1,\"environment\":\"test\"}"), 422);
    assert!(wrong["detail"].as_str().expect("text").contains("project"), "{wrong}");
    let nowhere = server.refused(404, "POST", "/api/deployments", json!({ "project": "app", "environment": "moon" }));
    assert!(nowhere["hint"].as_str().expect("a hint").contains("test"), "{nowhere}");
    server.refused(404, "POST", "/api/deployments", json!({ "project": "none", "environment": "test" }));
    server.refused(404, "PUT", "/api/projects/app/environments/moon", json!({ "variables": { "A": "1" } }));
    let long = vec![b' '; TOO_LONG_BYTES];
    problem(&send("POST", "/api/deployments", &long), 413);
    let keyed = [JSON, ("Idempotency-Key", "long")];
    problem(&server.raw("POST", "/api/deployments", true, &keyed, &long), 413);
}

#[test]
fn the_openapi_document_holds_together() {
    let server = Server::start();
    let document = server.get("/api/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["version"].is_string());
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("only references within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for endpoint in ENDPOINTS {
        let operation = &document["paths"][endpoint.path][endpoint.method];
        assert!(ids.insert(operation["operationId"].as_str().expect("an id").to_owned()), "{operation}");
        let parameters = operation["parameters"].as_array().expect("parameters");
        let in_path = parameters.iter().filter(|one| one["in"] == "path").count();
        assert_eq!(in_path, endpoint.path.matches('{').count(), "{}", endpoint.path);
        assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object());
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str().filter(|_| key == "$ref") {
                    Some(reference) => into.push(reference.to_owned()),
                    None => collect(value, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}

#[test]
fn a_project_is_registered_again_with_its_changes() {
    let server = Server::start();
    let folder = project(&server, "");
    let before = server.get("/api/projects/app");
    server.register(&folder, &spec(""));
    let count = |server: &Server| server.events(None).iter().filter(|e| e["kind"] == "PROJECT_REGISTERED").count();
    assert_eq!(count(&server), 1, "the same text is no news");
    let more = spec("").replace("[environments.test]", "[environments.next]\ntype = \"staging\"\n[environments.test]");
    server.register(&folder, &more);
    let after = server.get("/api/projects/app");
    assert_eq!(after["environments"], json!(["next", "test"]));
    assert_eq!(after["createdAt"], before["createdAt"]);
    assert_eq!(count(&server), 2);
    assert_eq!(server.get("/api/projects").as_array().expect("a list").len(), 1);
    // A wrong one is refused whole, with everything that is wrong.
    let wrong = spec("helth = 1\ninstances = \"many\"");
    let body = json!({ "file": "shipway.toml", "text": wrong });
    let refused = server.refused(422, "POST", "/api/projects", body);
    assert!(refused["findings"].as_array().expect("findings").len() >= 2, "{refused}");
    assert_eq!(server.get("/api/projects/app"), after);
    server.refused(400, "POST", "/api/projects", json!({ "file": "../shipway.toml", "text": spec("") }));
}

#[test]
fn a_validation_says_everything_at_once() {
    let server = Server::start();
    let text = spec("helth = { startup = { http = \"/\" } }\ninstances = 0\ndepends_on = [\"nobody\"]\n");
    let found = server.post("/api/validations", json!({ "file": "shop.toml", "text": text }));
    assert_eq!(found["valid"], false);
    let findings = found["findings"].as_array().expect("findings");
    assert!(findings.len() >= 3, "{findings:#?}");
    for finding in findings {
        for field in ["severity", "category", "message", "validator", "at"] {
            assert!(finding[field].is_string(), "{field}: {finding}");
        }
    }
    let unknown = findings.iter().find(|one| one["message"].as_str().expect("text").contains("helth"));
    let unknown = unknown.expect("the unknown key is found");
    assert!(unknown.to_string().contains("`health`"), "{unknown}");
    assert_eq!(unknown["file"], "shop.toml");
    let line = text.lines().position(|line| line.starts_with("helth")).expect("the line") + 1;
    assert_eq!(unknown["line"], json!(line));
    let good = server.post("/api/validations", json!({ "text": spec("") }));
    assert_eq!(good["valid"], true, "{good}");
    let broken = server.post("/api/validations", json!({ "text": "[project\n" }));
    assert_eq!(broken["valid"], false);
    project(&server, "");
    let known = server.post("/api/validations", json!({ "project": "app", "environment": "test" }));
    assert_eq!(known["valid"], true, "{known}");
    server.refused(400, "POST", "/api/validations", json!({}));
    server.refused(404, "POST", "/api/validations", json!({ "project": "none" }));
}

#[test]
fn the_numbers_are_prometheus_text() {
    let server = Server::start();
    project(&server, "");
    server.deploy_well(json!({ "version": "v1" }));
    for _ in 0..5 {
        assert_eq!(server.page("/").0, 200);
    }
    let answer = server.raw("GET", "/metrics", false, &[], b"");
    assert!(answer.header("content-type").expect("a type").starts_with("text/plain; version=0.0.4"));
    let samples = samples(&answer.body);
    let sum = |name: &str| samples.iter().filter(|(found, _, _)| found == name).map(|(_, _, value)| value).sum::<f64>();
    assert_eq!(sum("shipway_proxy_up"), 1.0);
    assert!(sum("shipway_requests_total") >= 5.0, "{}", answer.body);
    assert_eq!(sum("shipway_requests_failed_total"), 0.0);
    assert_eq!(sum("shipway_request_seconds_count"), sum("shipway_requests_total"));
    let last: f64 = samples
        .iter()
        .filter(|(name, labels, _)| name == "shipway_request_seconds_bucket" && labels.contains("le=\"+Inf\""))
        .map(|(_, _, value)| value)
        .sum();
    assert_eq!(last, sum("shipway_request_seconds_count"));
    assert!(samples.iter().any(|(name, labels, value)| {
        name == "shipway_deployments" && labels.contains("status=\"success\"") && *value == 1.0
    }));
}

/// Every line of the format: name, labels, value; each name has its type said before.
fn samples(text: &str) -> Vec<(String, String, f64)> {
    let mut typed = BTreeSet::new();
    let mut samples = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(typed.insert(name.to_owned()), "{name} is said twice");
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series
            .split_once('{')
            .map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').expect("labels are closed")));
        let family = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(typed.contains(name) || typed.contains(family), "{name} has no type");
        samples.push((name.to_owned(), labels.to_owned(), value.parse().expect("a number")));
    }
    samples
}
