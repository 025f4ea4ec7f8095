//! Environments compared and synchronised. Not here: promotion (`promotion`), what counts as a difference
//! (`core::compare`).

mod support;

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use support::{Server, fixture, http::request, shipway, wait_for};

const SPEC: &str = r#"
[project]
name = "app"

[environments.staging]
type = "staging"
promotes_to = "production"
variables = { LEVEL = "debug", EVIL = "<script>alert('x')</script>" }

[environments.production]
type = "production"
variables = { LEVEL = "info", URL = "https://shop.example" }
local = ["variables.URL"]

[environments.production.services.web]
instances = 2

[services.web]
source = "app"
kind = "process"
run = ["./fixture"]
run_as = "@server"
health = { startup = { http = "/healthz" } }
stop = { grace_s = 3 }
warm_for = "0s"
routes = [{ host = "app.{environment}.localhost" }]
"#;

fn two(server: &Server) -> std::path::PathBuf {
    let folder = server.home.path().join("project");
    fs::create_dir_all(folder.join("app")).expect("a folder");
    fs::copy(fixture(), folder.join("app/fixture")).expect("the fixture");
    server.register(&folder, SPEC);
    for environment in ["staging", "production"] {
        let body = json!({ "project": "app", "environment": environment, "version": "v1" });
        let asked = server.post("/api/deployments", body);
        let ended = server.ended(asked["id"].as_str().expect("an id"));
        assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
    }
    folder
}

/// Runs a verb in the project's folder: its code, what it said, and what it complained of.
fn cli(server: &Server, folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(shipway())
        .args(arguments)
        .current_dir(folder)
        .env("SHIPWAY_DATA", &server.data)
        .env_remove("SHIPWAY_SERVER")
        .env_remove("SHIPWAY_TOKEN")
        .output()
        .expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
    (output.status.code().expect("it ends by itself"), text(output.stdout), text(output.stderr))
}

fn key<'a>(comparison: &'a Value, name: &str) -> &'a Value {
    let keys = comparison["services"]["web"]["configuration"].as_array().expect("keys");
    keys.iter().find(|key| key["key"] == name).unwrap_or_else(|| panic!("no {name} in {comparison}"))
}

fn variable(server: &Server, environment: &str, name: &str) -> String {
    let (host, path) = (format!("app.{environment}.localhost"), format!("/variable?{name}"));
    request(server.proxy(), "GET", &host, &path, &[], b"").expect("the proxy answers").body
}

#[test]
fn every_key_is_the_same_or_different_or_only_in_one() {
    let server = Server::start();
    let folder = two(&server);
    let comparison = server.get("/api/projects/app/compare?from=staging&to=production");
    assert_eq!(comparison["differs"], true);
    assert_eq!(key(&comparison, "kind")["state"], "same");
    let level = key(&comparison, "variables.LEVEL");
    assert_eq!((&level["state"], &level["from"], &level["to"]), (&json!("different"), &json!("debug"), &json!("info")));
    assert_eq!(key(&comparison, "variables.EVIL")["state"], "only-from");
    assert_eq!(key(&comparison, "variables.URL")["state"], "only-to");
    let web = &comparison["services"]["web"];
    assert_eq!((&web["version"]["same"], &web["artifact"]["same"]), (&json!(true), &json!(true)));
    assert_eq!((&web["instances"]["from"], &web["instances"]["to"]), (&json!(1), &json!(2)));
    assert_eq!(web["health"]["from"], "healthy");
    assert!(comparison["policies"].to_string().contains("\"kind\""), "{comparison}");
    // The same by way of the command line, which says with 3 that they differ.
    let (code, out, err) = cli(&server, &folder, &["env", "compare", "staging", "production"]);
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("variables.LEVEL") && out.contains("they differ"), "{out}");
    let (code, out, _) = cli(&server, &folder, &["env", "compare", "staging", "staging"]);
    assert_eq!(code, 0, "{out}");
    let (code, out, _) = cli(&server, &folder, &["--json", "env", "compare", "staging", "production"]);
    let said: Value = serde_json::from_str(&out).expect("a JSON document");
    assert_eq!((code, &said["differs"]), (3, &json!(true)));
    let (code, _, err) = cli(&server, &folder, &["env", "compare", "stagin", "production"]);
    assert!(code == 1 && err.contains("did you mean `staging`?"), "{err}");
    let (code, _, err) = cli(&server, &folder, &["env", "compare", "staging", "production", "--services", "wbe"]);
    assert!(code == 1 && err.contains("there is no service `wbe`"), "{err}");
}

#[test]
fn a_page_shows_values_as_text() {
    let server = Server::start();
    let folder = two(&server);
    let (code, page, _) = cli(&server, &folder, &["env", "compare", "staging", "production", "--html"]);
    assert_eq!(code, 3);
    let path = "/api/projects/app/compare?from=staging&to=production&format=html";
    let answer = server.raw("GET", path, true, &[], b"");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{answer:?}");
    for page in [page, answer.body] {
        assert!(page.starts_with("<!doctype html>") && page.contains("variables.EVIL"), "{page}");
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"), "{page}");
    }
}

#[test]
fn a_comparison_while_a_deployment_runs_is_of_one_commit() {
    let server = Server::start();
    two(&server);
    let body = json!({ "project": "app", "environment": "production", "version": "v2", "allowQuarantined": false });
    let id = server.post("/api/deployments", body)["id"].as_str().expect("an id").to_owned();
    let mut seen = Vec::new();
    wait_for("its end", || {
        let comparison = server.get("/api/projects/app/compare?from=production&to=production");
        // One moment compared with itself: the same whatever the deployment does meanwhile.
        assert_eq!(comparison["differs"], false, "{comparison}");
        seen.push(comparison["commit"].as_u64().expect("a number"));
        server.deployment(&id)["completedAt"].is_string().then_some(())
    });
    assert!(seen.is_sorted() && seen.first() < seen.last(), "it went on meanwhile: {seen:?}");
    let after = server.get("/api/projects/app/compare?from=staging&to=production");
    assert_eq!(after["services"]["web"]["version"]["to"], "v2");
}

#[test]
fn a_sync_takes_over_what_is_not_bound_to_the_environment() {
    let server = Server::start();
    let folder = two(&server);
    let path = "/api/projects/app/environments/production/sync";
    let shown = server.post(path, json!({ "from": "staging", "dryRun": true }));
    let keys = |list: &Value| {
        let keys = list["web"].as_array().cloned().unwrap_or_default();
        keys.iter().map(|key| key["key"].as_str().expect("a key").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&shown["differences"]), ["variables.EVIL", "variables.LEVEL"], "{shown}");
    assert_eq!(keys(&shown["kept"]), ["instances", "variables.URL"], "{shown}");
    assert_eq!(variable(&server, "production", "LEVEL"), "info", "it was only shown");
    // Nobody is there to be asked, and nobody said yes.
    let (code, out, err) = cli(&server, &folder, &["env", "sync", "staging", "production"]);
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.contains("variables.LEVEL") && err.contains("--yes"), "{out}{err}");
    assert_eq!(variable(&server, "production", "LEVEL"), "info");
    let before = server.get("/api/projects/app/compare?from=staging&to=production");
    let only = ["env", "sync", "staging", "production", "--keys", "variables.LEVEL", "--yes", "--reason", "one level"];
    let (code, out, err) = cli(&server, &folder, &only);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("production has the configuration of staging"), "{out}");
    assert_eq!(variable(&server, "production", "LEVEL"), "debug");
    let after = server.get("/api/projects/app/compare?from=staging&to=production");
    assert_eq!(key(&after, "variables.LEVEL")["state"], "same");
    assert_eq!(key(&after, "variables.EVIL")["state"], "only-from", "only the named key went over");
    let web = &after["services"]["web"];
    assert_eq!(web["artifact"], before["services"]["web"]["artifact"], "no build, and no other artifact");
    assert_eq!(web["instances"]["to"], 2);
    let newest = server.get("/api/projects/app/deployments?environment=production")["items"][0].clone();
    let newest = server.deployment(newest["id"].as_str().expect("an id"));
    assert_eq!(newest["origin"], json!({ "is": "sync", "from": "staging" }));
    let (code, out, _) = cli(&server, &folder, &["--json", "env", "sync", "staging", "production", "--yes"]);
    let said: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!((code, &said[0]["equal"]), (0, &json!(true)), "{said}");
    assert_eq!(variable(&server, "production", "URL"), "https://shop.example", "it is local");
    let (code, out, _) = cli(&server, &folder, &["env", "sync", "staging", "production", "--yes"]);
    assert!(code == 0 && out.contains("nothing has to be taken over"), "{out}");
    server.refused(404, "POST", path, json!({ "from": "stagin" }));
    server.refused(409, "POST", path, json!({ "from": "production" }));
}
