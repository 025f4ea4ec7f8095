//! Promotion between environments: the very artifacts, soak, chains that go by themselves, names, holds and pins. Not
//! here: comparing and synchronising (`environments_compared`), what is decided without a server (`core::promotion`).

mod support;

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use support::{Server, fixture, http::request, more::version_of, wait_for};

/// A project of three environments in a chain; `production` is what stands in its table besides the type.
fn chain(server: &Server, production: &str) -> PathBuf {
    let folder = server.home.path().join("project");
    fs::create_dir_all(folder.join("app")).expect("a folder");
    fs::copy(fixture(), folder.join("app/fixture")).expect("the fixture");
    let text = format!(
        r#"
[project]
name = "app"

[environments.dev]
type = "development"
promotes_to = "staging"

[environments.staging]
type = "staging"
promotes_to = "production"

[environments.production]
type = "production"
{production}

[environments.production.services.web.variables]
PLACE = "production"

[services.web]
source = "app"
kind = "process"
run = ["./fixture"]
run_as = "@server"
build = ["/bin/sh", "-c", "date +%N > built"]
health = {{ startup = {{ http = "/healthz" }} }}
stop = {{ grace_s = 3 }}
variables = {{ PLACE = "anywhere" }}
routes = [{{ host = "app.{{environment}}.localhost" }}]
checks = [{{ name = "it answers", phase = "verify", http = "/" }}]
"#
    );
    server.register(&folder, &text);
    folder
}

/// Another source, built to a new artifact and asked for in an environment.
fn ask(server: &Server, environment: &str, version: &str) -> String {
    let folder = server.home.path().join("project");
    fs::write(folder.join("app/source"), version).expect("the source");
    let body = json!({ "project": "app", "environment": environment, "version": version });
    server.post("/api/deployments", body)["id"].as_str().expect("an id").to_owned()
}

fn deploy(server: &Server, environment: &str, version: &str) -> Value {
    let ended = server.ended(&ask(server, environment, version));
    assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
    ended
}

fn wish(more: Value) -> Value {
    let mut body = json!({ "project": "app", "from": "staging", "to": "production" });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    body
}

fn promote(server: &Server, more: Value) -> Value {
    let asked = server.post("/api/promotions", wish(more));
    let ended = server.ended(asked["id"].as_str().expect("an id"));
    assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
    ended
}

fn refused(server: &Server, more: Value) -> String {
    let problem = server.refused(409, "POST", "/api/promotions", wish(more));
    format!("{} {}", problem["detail"], problem["hint"])
}

fn page(server: &Server, environment: &str, path: &str) -> String {
    let host = format!("app.{environment}.localhost");
    request(server.proxy(), "GET", &host, path, &[], b"").expect("the proxy answers").body
}

fn version(server: &Server, environment: &str) -> String {
    version_of(&page(server, environment, "/"))
}

/// Deployments of an environment that Shipway asked for by itself, newest first.
fn automatic(server: &Server, environment: &str) -> Vec<Value> {
    let page = server.get(&format!("/api/projects/app/deployments?environment={environment}"));
    let items = page["items"].as_array().expect("a list").clone();
    items.into_iter().filter(|one| one["initiatedBy"] == "shipway/promotion").collect()
}

#[test]
fn the_very_artifacts_go_on_with_the_targets_configuration_and_no_build() {
    let server = Server::start();
    chain(&server, "");
    let nothing = refused(&server, json!({}));
    assert!(nothing.contains("nothing runs in staging"), "{nothing}");
    for one in ["v1", "v2", "v3"] {
        deploy(&server, "staging", one);
    }
    let staged = server.get("/api/projects/app/releases?environment=staging")[0].clone();
    let promoted = promote(&server, json!({ "reason": "the sale" }));
    assert_eq!(promoted["artifacts"]["web"], staged["artifact"], "{promoted}");
    assert_eq!(promoted["services"]["web"]["version"], "v3");
    assert_eq!(promoted["origin"]["is"], "promotion");
    assert_eq!(promoted["origin"]["from"], "staging");
    assert_eq!(promoted["origin"]["releases"]["web"], staged["id"]);
    let logs = server.get(&format!("/api/deployments/{}/logs", promoted["id"].as_str().expect("an id")));
    assert!(logs["lines"].as_array().expect("lines").iter().all(|line| line["stream"] != "build"), "{logs}");
    assert_eq!(version(&server, "production"), "v3");
    assert_eq!(page(&server, "production", "/variable?PLACE"), "production");
    assert_eq!(page(&server, "staging", "/variable?PLACE"), "anywhere");
    let again = refused(&server, json!({}));
    assert!(again.contains("already"), "{again}");
    let unknown = server.refused(404, "POST", "/api/promotions", wish(json!({ "to": "prodution" })));
    assert!(unknown.to_string().contains("did you mean `production`?"), "{unknown}");
    let stranger = refused(&server, json!({ "services": ["wbe"] }));
    assert!(stranger.contains("wbe does not run in staging"), "{stranger}");
}

#[test]
fn a_soak_is_waited_for_and_stages_are_skipped_for_a_reason_only() {
    let server = Server::start();
    chain(&server, "promotion = { soak = \"1h\" }");
    deploy(&server, "dev", "v1");
    let skips = refused(&server, json!({ "from": "dev" }));
    assert!(skips.contains("staging has proven") && skips.contains("--skip-stage"), "{skips}");
    promote(&server, json!({ "from": "dev", "to": "staging" }));
    let early = refused(&server, json!({}));
    assert!(early.contains("it takes 1h") && early.contains("are left") && early.contains("until"), "{early}");
    let mute = refused(&server, json!({ "skipStage": true }));
    assert!(mute.contains("--reason"), "{mute}");
    let cut = promote(&server, json!({ "skipStage": true, "reason": "the shop is down" }));
    assert_eq!(cut["origin"]["soakCut"], true, "{cut}");
    let told = server.event("STAGE_SKIPPED", 0);
    assert!(told["message"].to_string().contains("the shop is down"), "{told}");
    deploy(&server, "dev", "v2");
    let skipped = promote(&server, json!({ "from": "dev", "skipStage": true, "reason": "again" }));
    assert_eq!(skipped["origin"]["skipped"], json!(["staging"]), "{skipped}");
    assert_eq!(version(&server, "production"), "v2");
}

#[test]
fn what_soaked_goes_by_itself_and_what_was_taken_back_does_not_come_again() {
    let server = Server::start();
    chain(&server, "promotion = { soak = \"2s\", automatic = true }");
    deploy(&server, "production", "v0");
    deploy(&server, "staging", "v1");
    wait_for("v1 to go by itself", || (version(&server, "production") == "v1").then_some(()));
    let gone = wait_for("its end", || {
        automatic(&server, "production").first().cloned().filter(|one| one["phase"] == "completed")
    });
    assert_eq!(gone["name"], "production-2");
    let kind = json!({ "is": "rollback" });
    let back = server.post("/api/deployments", json!({ "project": "app", "environment": "production", "kind": kind }));
    assert_eq!(server.ended(back["id"].as_str().expect("an id"))["phase"], "completed");
    assert_eq!(version(&server, "production"), "v0");
    // The next one goes by itself: so what was taken back had its chance to come again before, and didn't.
    deploy(&server, "staging", "v2");
    wait_for("v2 to go by itself", || (version(&server, "production") == "v2").then_some(()));
    let names: Vec<_> = automatic(&server, "production").iter().map(|one| one["version"].clone()).collect();
    assert_eq!(names, ["v2", "v1"]);
}

#[test]
fn fast_builds_do_not_starve_a_soak() {
    let server = Server::start();
    chain(&server, "promotion = { soak = \"4s\", automatic = true }");
    deploy(&server, "staging", "v1");
    let second = ask(&server, "staging", "v2");
    let waits = server.waiting(&second);
    assert!(waits["waiting"]["reason"].to_string().contains("soaks for production until"), "{waits}");
    let third = ask(&server, "staging", "v3");
    let left_out = server.ended(&second);
    assert_eq!(left_out["phase"], "failed");
    assert!(left_out["errors"].to_string().contains("is newer"), "{left_out}");
    wait_for("v1 to go by itself", || (version(&server, "production") == "v1").then_some(()));
    assert_eq!(server.ended(&third)["phase"], "completed");
    wait_for("v3 to go by itself", || (version(&server, "production") == "v3").then_some(()));
    let promoted: Vec<_> = automatic(&server, "production").iter().map(|one| one["version"].clone()).collect();
    assert_eq!(promoted, ["v3", "v1"]);
}

#[test]
fn a_named_combination_goes_later_though_another_runs_by_now() {
    let server = Server::start();
    chain(&server, "");
    let path = "/api/projects/app/environments/staging/combinations";
    deploy(&server, "staging", "v1");
    let named = server.post(path, json!({ "name": "spring" }));
    assert_eq!(named["members"]["web"]["version"], "v1", "{named}");
    server.post(path, json!({ "name": "spring" }));
    deploy(&server, "staging", "v2");
    let taken = server.refused(409, "POST", path, json!({ "name": "spring" }));
    assert!(taken["detail"].to_string().contains("another combination"), "{taken}");
    let all = server.get("/api/projects/app/combinations");
    assert_eq!(all["named"][0]["name"], "spring");
    assert!(all["named"][0]["until"].is_string(), "it runs no more: {all}");
    assert_eq!(all["environments"][1]["combination"]["members"]["web"]["version"], "v2", "{all}");
    let unknown = wish(json!({ "from": null, "combination": "sprin" }));
    let unknown = server.refused(404, "POST", "/api/promotions", unknown);
    assert!(unknown["hint"].to_string().contains("did you mean `spring`?"), "{unknown}");
    let promoted = promote(&server, json!({ "from": null, "combination": "spring" }));
    assert_eq!(promoted["services"]["web"]["version"], "v1");
    assert_eq!(version(&server, "production"), "v1");
}

#[test]
fn what_is_held_stays_and_a_pin_lets_one_version_pass() {
    let server = Server::start();
    chain(&server, "promotion = { automatic = true }");
    let path = "/api/projects/app/environments/production/holds";
    server.refused(404, "POST", path, json!({ "service": "wbe", "reason": "x" }));
    server.refused(409, "POST", path, json!({ "reason": " " }));
    server.post(path, json!({ "service": "web", "pin": "v2", "reason": "the sale" }));
    deploy(&server, "staging", "v1");
    let held = refused(&server, json!({ "services": ["web"] }));
    assert!(held.contains("web in production is pinned to v2") && held.contains("the sale"), "{held}");
    let body = json!({ "project": "app", "environment": "production", "version": "v9" });
    let direct = server.refused(409, "POST", "/api/deployments", body);
    assert!(direct["detail"].to_string().contains("unhold"), "{direct}");
    deploy(&server, "staging", "v2");
    wait_for("what is pinned to go by itself", || (version(&server, "production") == "v2").then_some(()));
    assert_eq!(automatic(&server, "production").len(), 1, "v1 was held");
    server.post(path, json!({ "reason": "a freeze" }));
    assert_eq!(server.get(path).as_array().map(Vec::len), Some(2));
    deploy(&server, "staging", "v3");
    let frozen = refused(&server, json!({}));
    assert!(frozen.contains("production is held"), "{frozen}");
    let end = format!("{path}/end");
    server.post(&end, json!({}));
    server.refused(404, "POST", &end, json!({}));
    server.post(&end, json!({ "service": "web" }));
    wait_for("v3 to go by itself", || (version(&server, "production") == "v3").then_some(()));
}
