//! Drift against a real server: what somebody changed by hand is found, shown, told, and put right.

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use support::{HOST, Server, fixture, http::request, receivers::Hook, shipway, wait_for};

const DRIFT: &str = "/api/projects/app/environments/test/drift";

/// A project of a process and a static site, told to a webhook.
fn spec(policy: &str, webhook: &str) -> String {
    format!(
        r#"
[project]
name = "app"

[[project.notify]]
webhook = "{webhook}"
on = ["drift"]

[environments.test]
type = "testing"
{policy}

[services.web]
source = "app"
kind = "process"
run = ["./fixture"]
run_as = "@server"
instances = 2
variables = {{ LEVEL = "info" }}
health = {{ startup = {{ http = "/healthz" }} }}
stop = {{ grace_s = 3 }}
routes = [{{ host = "app.{{environment}}.localhost" }}]

[services.site]
source = "site"
kind = "static"
routes = [{{ host = "site.{{environment}}.localhost" }}]
"#
    )
}

fn two(server: &Server, text: &str) {
    let folder = server.home.path().join("project");
    fs::create_dir_all(folder.join("app")).expect("a folder");
    fs::create_dir_all(folder.join("site")).expect("a folder");
    fs::copy(fixture(), folder.join("app/fixture")).expect("the fixture");
    fs::write(folder.join("app/notes.txt"), "right").expect("a file");
    fs::write(folder.join("site/index.html"), "right").expect("a page");
    server.register(&folder, text);
    server.deploy_well(json!({ "version": "v1" }));
}

/// The folder of a service's live release.
fn release(server: &Server, service: &str) -> PathBuf {
    let environment = server.get("/api/projects/app/environments/test");
    let services = environment["services"].as_array().expect("services").clone();
    let slot = services.iter().find(|slot| slot["service"] == service).expect("the service");
    server.data.join("releases").join(slot["live"]["release"].as_str().expect("a release"))
}

/// Changes a file that is read-only, as a person with rights would.
fn edit(file: &Path, text: &str) {
    let open = |mode| fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("rights");
    open(0o644);
    fs::write(file, text).expect("written");
    open(0o444);
}

/// The differences of a service, once there are so many.
fn found(server: &Server, service: &str, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} differences of {service}"), || {
        let all = server.get(DRIFT);
        let drift = all.as_array()?.iter().find(|drift| drift["slot"]["service"] == service)?.clone();
        let differences = drift["differences"].as_array()?.clone();
        (differences.len() == count).then_some(differences)
    })
}

fn cli(server: &Server, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(shipway())
        .args(arguments)
        .current_dir(server.home.path())
        .env("SHIPWAY_DATA", &server.data)
        .env_remove("SHIPWAY_SERVER")
        .env_remove("SHIPWAY_TOKEN")
        .output()
        .expect("the binary runs");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
    (output.status.code().expect("a code"), said)
}

fn site(server: &Server) -> String {
    let host = HOST.replace("app.", "site.");
    request(server.proxy(), "GET", &host, "/", &[], b"").expect("the proxy answers").body
}

#[test]
fn a_file_and_a_variable_that_were_changed_are_found_shown_told_and_repaired() {
    let hook = Hook::start();
    let server = Server::start();
    two(&server, &spec("", &format!("http://{}", hook.address)));
    assert_eq!(server.get(DRIFT), json!([]));
    let (code, said) = cli(&server, &["repair", "web", "-e", "test"]);
    assert!(code == 1 && said.contains("nothing is known to differ of web in test"), "{said}");

    let before: Vec<_> = server.live_instances().iter().map(|one| one["id"].clone()).collect();
    let notes = release(&server, "web").join("notes.txt");
    edit(&notes, "wrong");
    let record = server.data.join("instances").join(before[0].as_str().expect("an id")).join("launch.json");
    let mut launch: Value = serde_json::from_slice(&fs::read(&record).expect("a record")).expect("JSON");
    launch["execution"]["variables"]["LEVEL"] = json!("hush-hush");
    fs::write(&record, launch.to_string()).expect("written");
    let differences = found(&server, "web", 2);
    assert_eq!(differences[0], json!({ "of": "file", "path": "notes.txt", "change": "changed" }));
    let variable = json!({ "of": "variable", "instance": before[0], "name": "LEVEL", "change": "changed" });
    assert_eq!(differences[1], variable);

    let event = server.event("DRIFT_FOUND", 0);
    assert_eq!((&event["services"], &event["environment"]), (&json!(["web"]), &json!("test")));
    let told = hook.told("drift", 0).body;
    assert!(told.contains("DRIFT_FOUND") && told.contains("web is not what its release"), "{told}");
    for arguments in [&["status"][..], &["env", "show", "test"]] {
        let (code, said) = cli(&server, arguments);
        let shown = said.contains("the file notes.txt was changed") && said.contains("`shipway repair web -e test`");
        assert!(code == 0 && shown && !said.contains("hush-hush"), "{said}");
    }
    // By default it is only told: what is wrong stays, and what runs goes on.
    assert_eq!(fs::read_to_string(&notes).expect("a file"), "wrong");

    // Nobody had asked for the page before, so the proxy has what is wrong in memory from now on.
    edit(&release(&server, "site").join("index.html"), "wrong");
    found(&server, "site", 1);
    assert_eq!(site(&server), "wrong");

    let (code, said) = cli(&server, &["repair", "-e", "test", "--reason", "who did that?"]);
    assert!(code == 0 && said.contains("test is what its releases say"), "{said}");
    assert_eq!(fs::read_to_string(&notes).expect("a file"), "right");
    assert_eq!(server.get(DRIFT), json!([]));
    server.event("DRIFT_REPAIRED", 0);
    wait_for("the page as it was", || (site(&server) == "right").then_some(()));
    let after = server.live_instances();
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(after.iter().all(|one| !before.contains(&one["id"])), "{after:?}");
    assert_eq!(server.page("/").0, 200);
}

#[test]
fn an_environment_may_repair_by_itself() {
    let hook = Hook::start();
    let server = Server::start();
    two(&server, &spec("drift = \"repair\"", &format!("http://{}", hook.address)));
    let before: Vec<_> = server.live_instances().iter().map(|one| one["id"].clone()).collect();
    let notes = release(&server, "web").join("notes.txt");
    edit(&notes, "wrong");
    server.event("DRIFT_FOUND", 0);
    server.event("DRIFT_REPAIRED", 0);
    assert_eq!(fs::read_to_string(&notes).expect("a file"), "right");
    let after = server.live_instances();
    assert!(after.len() == 2 && after.iter().all(|one| !before.contains(&one["id"])), "{after:?}");
    assert_eq!(server.get(DRIFT), json!([]));
    assert_eq!(hook.told("drift", 0).json()["notification"], "drift");
}
