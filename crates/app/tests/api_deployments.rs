//! Deployments over the API: what is shown, pages, plans, settings of environments, sources, names.

mod support;

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};
use support::{Server, more::two_services, project, shipway, spec};

const HEALTH: &str = "health = { startup = { http = \"/healthz\" } }\n";

fn names(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|one| one["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn pages_of_deployments_have_filters_and_no_holes() {
    let server = Server::start();
    two_services(&server, "", "");
    server.deploy_well(json!({ "version": "v1" }));
    server.deploy_well(json!({ "version": "v2", "services": ["api"] }));
    let failed = server.deploy(json!({ "version": "v3", "config": { "variables": { "BEHAVIOUR": "exit" } } }));
    assert_eq!(failed["phase"], "failed");
    server.deploy_well(json!({ "kind": { "is": "scale", "instances": { "api": 2 } } }));
    server.deploy_well(
        json!({ "version": "v4", "metadata": { "ticket": "7" }, "description": "four", "reason": "why not" }),
    );
    let list = |query: &str| server.get(&format!("/api/projects/app/deployments{query}"));
    let all = names(&list(""));
    assert_eq!(all, ["test-5", "test-4", "test-3", "test-2", "test-1"]);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 5, "names are unique");
    let mut paged = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = list(&query);
        let items = names(&page);
        assert!(!items.is_empty() && items.len() <= 2);
        paged.extend(items);
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=2&before={next}");
    }
    assert_eq!(paged, all);
    assert_eq!(names(&list("?status=failed")), ["test-3"]);
    assert_eq!(names(&list("?phase=completed&limit=1")), ["test-5"]);
    assert_eq!(names(&list("?kind=scale")), ["test-4"]);
    assert_eq!(names(&list("?service=web")), ["test-5", "test-3", "test-1"]);
    assert_eq!(names(&list("?environment=test&kind=deploy&status=success")), ["test-5", "test-2", "test-1"]);
    assert!(names(&list("?environment=moon")).is_empty());
    let shown = server.get("/api/deployments/test-5");
    assert_eq!(shown["metadata"]["ticket"], "7");
    assert_eq!(shown["description"], "four");
    assert_eq!(shown["reason"], "why not");
    assert_eq!(shown["version"], "v4");
    assert_eq!(shown["progress"], 100);
    assert_eq!(shown["status"], "success");
    assert!(shown["deploymentUrl"].as_str().expect("an address").starts_with("http://app.test.localhost:"));
    for time in ["createdAt", "startedAt", "updatedAt", "completedAt"] {
        assert!(shown[time].as_str().expect("a time").ends_with('Z'), "{time}: {shown}");
    }
    assert_eq!(shown["steps"].as_array().expect("steps").iter().filter(|step| step["status"] != "done").count(), 0);
}

#[test]
fn settings_lie_above_the_file_and_below_a_deployment() {
    let server = Server::start();
    project(&server, &format!("{HEALTH}variables = {{ STRANGE = \"file\", KEPT = \"file\" }}\n"));
    let path = "/api/projects/app/environments/test";
    let put = |body: Value| {
        let (status, answer) = server.call("PUT", path, Some(&body)).expect("the server answers");
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let strange = || server.page("/variable?STRANGE").1;
    server.deploy_well(json!({ "version": "v1" }));
    assert_eq!(strange(), "file");
    let set = put(
        json!({ "variables": { "STRANGE": "set $x; `y`", "NEW": "1" }, "services": { "web": { "instances": 2 } } }),
    );
    assert_eq!(set["settings"]["variables"]["NEW"], "1");
    assert_eq!(strange(), "file", "settings take effect by a deployment");
    server.deploy_well(json!({ "version": "v1" }));
    assert_eq!(strange(), "set $x; `y`");
    assert_eq!(server.page("/variable?KEPT").1, "file");
    assert_eq!(server.live_instances().len(), 2);
    server.deploy_well(json!({ "version": "v1", "config": { "variables": { "STRANGE": "own" } } }));
    assert_eq!(strange(), "own");
    server.deploy_well(json!({ "version": "v1" }));
    assert_eq!(strange(), "set $x; `y`", "a deployment's own configuration is its own");
    put(json!({ "variables": { "KEPT": null } }));
    let rest = put(json!({ "unset": ["variables.STRANGE", "services.web.instances"] }));
    assert_eq!(rest["settings"]["variables"].get("STRANGE"), None, "{rest}");
    server.deploy_well(json!({ "version": "v1" }));
    assert_eq!(strange(), "file");
    assert_eq!(server.page("/variable?KEPT").1, "", "a null hides what the file says");
    assert_eq!(server.live_instances().len(), 1);
    let known = server.get("/api/projects/app/environments")[0]["settings"].clone();
    for bad in [
        json!({ "variables": { "GOOD": "1" }, "services": { "web": { "instances": "many" } } }),
        json!({ "services": { "web": { "helth": 1 } } }),
        json!({ "services": { "nobody": { "instances": 2 } } }),
        json!({ "variables": { "A=B": "1" } }),
    ] {
        let refused = server.refused(422, "PUT", path, bad.clone());
        assert!(!refused["findings"].as_array().expect("findings").is_empty(), "{bad}: {refused}");
    }
    server.refused(422, "PUT", path, json!({ "variabels": {} }));
    assert_eq!(server.get("/api/projects/app/environments")[0]["settings"], known, "refused whole");
}

#[test]
fn a_plan_says_what_would_change_and_changes_nothing() {
    let server = Server::start();
    project(&server, &format!("{HEALTH}variables = {{ STRANGE = \"one\" }}\n"));
    let plan = |more: Value| {
        let mut body = json!({ "project": "app", "environment": "test", "dryRun": true, "version": "v1" });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        server.post("/api/deployments", body)
    };
    let first = plan(json!({}));
    assert_eq!(first["differs"], true);
    assert_eq!(first["changes"][0]["action"], "create");
    assert_eq!(first["strategy"], "blue-green");
    for promise in ["provenBefore", "versionsMix", "wayBack"] {
        assert!(first["promise"][promise].is_string(), "{first}");
    }
    assert!(!first["steps"].as_array().expect("steps").is_empty());
    assert!(names(&server.get("/api/projects/app/deployments")).is_empty(), "nothing is recorded");
    assert!(server.instances().is_empty());
    let deployed = server.deploy_well(json!({ "version": "v1" }));
    assert_eq!(deployed["steps"].as_array().expect("steps").len(), first["steps"].as_array().expect("steps").len());
    let same = plan(json!({}));
    assert_eq!(same["differs"], false, "{same}");
    assert_eq!(same["changes"][0]["action"], "none");
    let other = plan(json!({
        "strategy": "recreate", "config": { "variables": { "STRANGE": "two" }, "services": { "web": { "instances": 3 } } }
    }));
    assert_eq!(other["differs"], true);
    assert_eq!(other["strategy"], "recreate");
    let fields = other["changes"][0]["fields"].as_array().expect("fields");
    let change = fields.iter().find(|change| change["field"] == "variables.STRANGE").expect("the changed field");
    assert_eq!((&change["from"], &change["to"]), (&json!("one"), &json!("two")));
    assert_eq!(other["changes"][0]["from"]["instances"], 1);
    assert_eq!(other["changes"][0]["to"]["instances"], 3);
    let scaled = plan(json!({ "kind": { "is": "scale", "instances": { "web": 2 } } }));
    assert_eq!(scaled["changes"][0]["action"], "scale");
    let gone = plan(json!({ "kind": { "is": "decommission" }, "services": ["web"] }));
    assert_eq!(gone["changes"][0]["action"], "remove");
    let wrong = plan(json!({ "config": { "services": { "web": { "instances": "x" } } } }));
    assert!(!wrong["errors"].as_array().expect("errors").is_empty(), "{wrong}");
    assert_eq!(server.instances().len(), 1);
}

#[test]
fn reports_routes_instances_and_releases_tell_what_is_there() {
    let server = Server::start();
    let checks = "checks = [{ name = \"lives\", phase = \"test\", http = \"/\" }, \
                  { name = \"answers\", phase = \"verify\", http = \"/\" }]\n";
    project(&server, &format!("{HEALTH}{checks}instances = 2\n"));
    let first = server.deploy_well(json!({ "version": "v1" }));
    let second = server.deploy_well(json!({ "version": "v2" }));
    let report = server.get(&format!("/api/deployments/{}/report", second["id"].as_str().expect("an id")));
    for stage in ["staging", "validation", "verification"] {
        assert_eq!(report[stage]["passed"], true, "{report}");
        assert!(!report[stage]["steps"].as_array().expect("steps").is_empty(), "{stage}: {report}");
    }
    assert_eq!(report["validation"]["checks"].as_array().expect("checks").len(), 2, "one of each instance");
    assert_eq!(report["verification"]["checks"][0]["name"], "answers");
    let routes = server.get("/api/routes");
    assert_eq!(routes["routes"][0]["host"], "app.test.localhost");
    assert_eq!(routes["routes"][0]["slot"], "app/test/web");
    let weights = routes["routes"][0]["weights"].as_object().expect("weights");
    assert_eq!(weights.len(), 1, "{routes}");
    assert_eq!(routes["lostInFlight"], 0);
    assert_eq!(routes["traffic"][0]["failed"], 0);
    assert_eq!(server.get("/api/routes/table").as_array().expect("routes").len(), 1);
    let instances = server.get("/api/projects/app/instances?environment=test&service=web");
    let instances = instances.as_array().expect("instances");
    let count = |role: &str| instances.iter().filter(|one| one["role"] == role).count();
    assert_eq!((count("live"), count("warm")), (2, 2), "{instances:#?}");
    assert!(server.get("/api/projects/app/instances?service=none").as_array().expect("a list").is_empty());
    let releases = server.get("/api/projects/app/releases");
    let roles: Vec<_> =
        releases.as_array().expect("a list").iter().map(|one| (&one["version"], &one["role"])).collect();
    assert_eq!(roles, [(&json!("v2"), &json!("live")), (&json!("v1"), &json!("warm"))]);
    assert_eq!(releases[1]["madeBy"], first["id"]);
    let environment = server.get("/api/projects/app/environments")[0].clone();
    assert_eq!(environment["status"], "healthy");
    assert_eq!(environment["currentDeployment"], second["id"]);
    assert_eq!(environment["services"][0]["ready"], 2);
    let server_view = server.get("/api/server");
    assert_eq!(server_view["proxyUp"], true);
}

#[test]
fn an_artifact_as_the_source_is_not_built_again() {
    let server = Server::start();
    project(&server, &format!("{HEALTH}build = [\"/bin/sh\", \"-c\", \"echo building\"]\n"));
    let first = server.deploy_well(json!({ "version": "v1" }));
    let digest = first["artifacts"]["web"].as_str().expect("an artifact").to_owned();
    assert!(first["services"]["web"]["buildMs"].is_u64());
    let source = json!({ "artifact": { "web": digest } });
    let second = server.deploy_well(json!({ "version": "v2", "source": source }));
    assert_eq!(second["artifacts"]["web"].as_str(), Some(digest.as_str()));
    assert!(second["services"]["web"]["buildMs"].is_null(), "{second}");
    assert_eq!(server.version(), "v2");
    let logs = server.get(&format!("/api/deployments/{}/logs", second["id"].as_str().expect("an id")));
    let built = logs["lines"].as_array().expect("lines").iter().filter(|line| line["stream"] == "build").count();
    assert_eq!(built, 0, "{logs}");
    let none = server
        .deploy(json!({ "source": { "artifact": { "web": digest.replace(|c: char| c.is_ascii_digit(), "0") } } }));
    assert!(none["errors"][0]["message"].is_string(), "{none}");
    let unnamed = server.deploy(json!({ "source": { "artifact": {} } }));
    assert!(unnamed["errors"][0]["message"].as_str().expect("words").contains("web"), "{unnamed}");
    assert_eq!(server.version(), "v2");
}

#[test]
fn a_path_is_another_folder_of_the_owner() {
    let server = Server::start();
    let folder = project(&server, HEALTH);
    let copy = server.home.path().join("copy");
    fs::create_dir_all(copy.join("app")).expect("a folder");
    fs::copy(folder.join("app/fixture"), copy.join("app/fixture")).expect("the fixture");
    fs::write(copy.join("shipway.toml"), spec(&format!("{HEALTH}variables = {{ STRANGE = \"copy\" }}\n")))
        .expect("a spec");
    server.deploy_well(json!({ "version": "v1", "source": { "path": copy } }));
    assert_eq!(server.page("/variable?STRANGE").1, "copy");
    let missing = server.deploy(json!({ "source": { "path": server.home.path().join("none") } }));
    assert_eq!(missing["phase"], "failed");
}

#[test]
fn a_post_with_a_key_is_done_once() {
    let server = Server::start();
    project(&server, HEALTH);
    let send = |body: &Value| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "once")];
        server.raw("POST", "/api/deployments", true, &headers, body.to_string().as_bytes())
    };
    let body = json!({ "project": "app", "environment": "test", "version": "v1" });
    let answers = std::thread::scope(|scope| {
        let both = [scope.spawn(|| send(&body)), scope.spawn(|| send(&body))];
        both.map(|one| one.join().expect("an answer"))
    });
    let ids = answers.map(|answer| serde_json::from_str::<Value>(&answer.body).expect("JSON")["id"].clone());
    assert!(ids[0].is_string());
    assert_eq!(ids[0], ids[1]);
    server.ended(ids[0].as_str().expect("an id"));
    let again: Value = serde_json::from_str(&send(&body).body).expect("JSON");
    assert_eq!(again["id"], ids[0]);
    let other = send(&json!({ "project": "app", "environment": "test", "version": "v2" }));
    support::more::problem(&other, 422);
    assert_eq!(names(&server.get("/api/projects/app/deployments")), ["test-1"]);
}

#[test]
fn a_second_server_on_the_folder_is_refused() {
    let server = Server::start();
    let mut second = std::process::Command::new(shipway());
    second.arg("serve").arg("--data").arg(&server.data).args([
        "--listen",
        "127.0.0.1:0",
        "--proxy-listen",
        "127.0.0.1:0",
    ]);
    let second = second.output().expect("it runs");
    assert!(!second.status.success());
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(words.contains("another server has the data folder"), "{words}");
    assert_eq!(server.get("/api/server")["proxyUp"], true);
}
