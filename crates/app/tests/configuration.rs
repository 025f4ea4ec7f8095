//! Configuration in layers and versions, and environments that are made through the API, on a real server: what an
//! instance finds, who said it, going back, and what is refused.

mod support;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use support::{Server, day::SERVICE, http::request, project, shipway, spec};

const LAYERED: &str = r#"
[settings.scaling]
max = 2

[services.web.variables]
LEVEL = "service"
SEEN = "{variables.LEVEL} in {environment}, {variables.COMPANY}"
REVISION = "{release}"

[environments.test.variables]
LEVEL = "environment"
COMPANY = "environment"

[variables]
LEVEL = "global"
COMPANY = "global"

[[rules]]
key = "settings.scaling.max"
max = 8
"#;

/// A verb of the command line in the project's folder: its exit code and what it says as JSON.
fn verb(server: &Server, folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let mut command = Command::new(shipway());
    command.args(arguments).arg("--json").current_dir(folder).stdin(Stdio::null());
    for name in ["SHIPWAY_SERVER", "SHIPWAY_TOKEN", "SHIPWAY_LOG"] {
        command.env_remove(name);
    }
    let output = command.env("SHIPWAY_DATA", &server.data).output().expect("the binary runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let answer = serde_json::from_str(&out).unwrap_or_else(|_| Value::String(format!("{out}{err}")));
    (output.status.code().expect("it ends by itself"), answer)
}

fn done(server: &Server, folder: &Path, arguments: &[&str]) -> Value {
    let (code, answer) = verb(server, folder, arguments);
    assert_eq!(code, 0, "{arguments:?}: {answer:#}");
    answer
}

/// What the live instance finds in a variable.
fn variable(server: &Server, name: &str) -> String {
    let (status, text) = server.page(&format!("/variable?{name}"));
    assert_eq!(status, 200, "{text}");
    text
}

fn chain(view: &Value, key: &str) -> Vec<(String, Value)> {
    let values = view["services"]["web"].as_array().expect("values");
    let one = values.iter().find(|one| one["key"] == key).unwrap_or_else(|| panic!("no {key} in {view:#}"));
    let links = one["chain"].as_array().expect("a chain");
    links.iter().map(|link| (link["level"].as_str().expect("a level").to_owned(), link["value"].clone())).collect()
}

fn live_artifact(server: &Server) -> Value {
    let releases = server.get("/api/projects/app/releases");
    let live = releases.as_array().expect("a list").iter().find(|release| release["role"] == "live");
    live.expect("a live release")["artifact"].clone()
}

#[test]
fn a_change_is_a_version_is_deployed_alone_and_goes_back() {
    let server = Server::start();
    let folder = project(&server, &format!("{SERVICE}{LAYERED}"));
    server.deploy_well(json!({ "version": "v1" }));
    assert_eq!(variable(&server, "LEVEL"), "service");
    assert_eq!(variable(&server, "SEEN"), "service in test, environment");
    assert_eq!(variable(&server, "REVISION"), variable(&server, "SHIPWAY_RELEASE"));
    assert_eq!(variable(&server, "SHIPWAY_SETTINGS"), r#"{"scaling":{"max":2}}"#);
    let artifact = live_artifact(&server);

    let set = ["config", "set", "variables.LEVEL=api", "settings.scaling.max=4", "-e", "test", "--reason", "a try"];
    assert_eq!(done(&server, &folder, &set)["configVersion"], 1);
    let view = done(&server, &folder, &["config", "show", "web", "-e", "test", "--why"]);
    let expected = [("global", "global"), ("environment", "environment"), ("service", "service"), ("settings", "api")];
    assert_eq!(chain(&view, "variables.LEVEL"), expected.map(|(level, value)| (level.to_owned(), json!(value))));
    let values = view["services"]["web"].as_array().expect("values");
    let level = values.iter().find(|one| one["key"] == "variables.LEVEL").expect("the variable");
    assert_eq!(level["chain"][3]["origin"]["by"], "admin");
    assert_eq!(level["chain"][3]["origin"]["version"], 1);
    assert_eq!(level["chain"][2]["origin"]["file"], "shipway.toml");
    assert_eq!(variable(&server, "LEVEL"), "service", "nothing moves before it is deployed");

    let deployed = done(&server, &folder, &["config", "deploy", "-e", "test"]);
    assert_eq!(deployed["phase"], "completed", "{deployed:#}");
    assert_eq!(variable(&server, "SEEN"), "api in test, environment");
    assert_eq!(variable(&server, "SHIPWAY_SETTINGS"), r#"{"scaling":{"max":4}}"#);
    assert_eq!(variable(&server, "SHIPWAY_VERSION"), "v1");
    assert_eq!(live_artifact(&server), artifact, "the same artifact, in a new release");

    let back = done(&server, &folder, &["config", "rollback", "0", "-e", "test", "--reason", "it was a try"]);
    assert_eq!((&back["number"], &back["tree"]), (&json!(2), &json!({})));
    done(&server, &folder, &["config", "deploy", "web", "-e", "test"]);
    assert_eq!(variable(&server, "LEVEL"), "service");
    let history = done(&server, &folder, &["config", "history", "-e", "test"]);
    let told: Vec<_> = history["items"].as_array().expect("versions").iter().map(|one| one["reason"].clone()).collect();
    assert_eq!(told, ["it was a try", "a try"]);
    let diff = done(&server, &folder, &["config", "diff", "0", "1", "-e", "test"]);
    assert_eq!(
        diff["changes"],
        json!([
            { "key": "settings.scaling.max", "to": 4 },
            { "key": "variables.LEVEL", "to": "api" },
        ])
    );
}

#[test]
fn what_must_not_be_set_is_refused_with_the_reason() {
    let server = Server::start();
    let folder = project(&server, &format!("{SERVICE}{LAYERED}"));
    let path = "/api/projects/app/environments/test";
    let set = |value: u32, expected: u32| json!({ "set": { "settings": { "scaling": { "max": value } } }, "expected": expected, "reason": "ann's" });
    let (status, first) = server.call("PUT", path, Some(&set(3, 0))).expect("the server answers");
    assert_eq!((status, &first["configVersion"]), (200, &json!(1)));
    let second = server.refused(409, "PUT", path, set(5, 0));
    assert_eq!(second["detail"], "the configuration of test is at version 1, not at 0");
    let told = second["errors"][0].as_str().expect("who changed what");
    assert!(told.starts_with("version 1 by admin") && told.ends_with("changed settings.scaling.max: ann's"), "{told}");

    let broken = server.refused(422, "PUT", path, set(9, 1));
    assert_eq!(broken["findings"][0]["message"], "`settings.scaling.max` is 9: it must be 8 or less");
    let unknown = server.refused(404, "GET", "/api/projects/app/environments/tset/config", json!({}));
    assert_eq!(unknown["detail"], "there is no environment `tset`");
    assert!(unknown["hint"].as_str().is_some_and(|hint| hint.starts_with("did you mean `test`?")), "{unknown}");

    let circle = "[services.web.variables]\nA = \"{variables.B}\"\nB = \"{variables.A}\"\n";
    let body = json!({ "file": "shipway.toml", "text": spec(circle), "folder": folder });
    let refused = server.refused(422, "POST", "/api/projects", body);
    let found = refused["findings"].as_array().expect("findings").iter();
    let told: Vec<_> = found.filter(|one| one["severity"] == "critical").map(|one| &one["message"]).collect();
    assert_eq!(
        told,
        [
            "values name each other in a circle: variables.A → variables.B → variables.A",
            "values name each other in a circle: variables.B → variables.A → variables.B",
        ]
    );
}

#[test]
fn an_environment_is_made_runs_like_the_others_and_goes() {
    let server = Server::start();
    let folder = project(&server, &format!("{SERVICE}{LAYERED}"));
    let create = ["env", "create", "qa", "--type", "testing", "region=eu-west", "variables.COMPANY=made"];
    let made = done(&server, &folder, &create);
    assert_eq!((&made["made"], &made["region"], &made["status"]), (&json!(true), &json!("eu-west"), &json!("down")));
    let (code, again) = verb(&server, &folder, &create);
    assert_eq!(code, 1, "{again:#}");
    done(&server, &folder, &["env", "set", "qa", "labels.team=shop", "--reason", "to find it"]);
    assert_eq!(done(&server, &folder, &["env", "show", "qa"])["labels"], json!({ "team": "shop" }));
    let names = |kind: &str| -> Vec<Value> {
        let all = done(&server, &folder, &["env", "list", "--type", kind]);
        all.as_array().expect("a list").iter().map(|one| one["name"].clone()).collect()
    };
    assert_eq!((names("testing"), names("production")), (vec![json!("test"), json!("qa")], vec![]));

    // Deploying registers the file again: what was made stays.
    done(&server, &folder, &["deploy", "-e", "qa"]);
    let address = server.proxy();
    let answer = request(address, "GET", "app.qa.localhost", "/variable?SEEN", &[], b"").expect("the proxy answers");
    assert_eq!(answer.body, "service in qa, made");
    assert_eq!(done(&server, &folder, &["env", "show", "qa"])["status"], "healthy");

    let busy = server.refused(409, "DELETE", "/api/projects/app/environments/qa", json!({}));
    assert_eq!((&busy["detail"], &busy["errors"]), (&json!("something runs in qa"), &json!(["web runs"])));
    let gone = verb(&server, &folder, &["env", "delete", "qa", "--decommission", "--yes"]);
    assert_eq!(gone.0, 0, "{}", gone.1);
    let asked = json!({ "project": "app", "environment": "qa" });
    let refused = server.refused(404, "POST", "/api/deployments", asked);
    assert_eq!(refused["detail"], "there is no environment `qa`");
    let of_file = server.refused(409, "DELETE", "/api/projects/app/environments/test", json!({}));
    assert_eq!(of_file["detail"], "the environment test is in shipway.toml");
}
