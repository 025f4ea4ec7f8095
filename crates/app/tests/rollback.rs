//! The way back that a person asks for, and scaling and decommissioning. Not here: what goes back by itself after a
//! failure or a crash (`crash`, `bad_days_back`).

mod support;

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};
use support::{HOST, Server, load::Load, more::two_services, project, wait_for};

const SERVICE: &str = "health = { startup = { http = \"/healthz\" } }\nstop = { grace_s = 3 }\n";

fn instance_ids(server: &Server) -> BTreeSet<String> {
    server.instances().iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

fn id(deployment: &Value) -> &str {
    deployment["id"].as_str().expect("an id")
}

fn completed(deployment: &Value) {
    assert_eq!(deployment["phase"], "completed", "{}", deployment["errors"]);
}

#[test]
fn twice_in_a_row_goes_further_back_and_never_ping_pongs() {
    let server = Server::start();
    project(&server, SERVICE);
    let first = server.deploy_well(json!({ "version": "v1" }));
    let second = server.deploy_well(json!({ "version": "v2" }));
    let third = server.deploy_well(json!({ "version": "v3" }));
    let target = || server.get("/api/projects/app/environments/test/rollback-target");
    assert_eq!(target()["id"], second["id"], "it is said before it is done");
    let back = server.roll_back(json!({}));
    completed(&back);
    assert_eq!(server.version(), "v2");
    assert_eq!(back["kind"]["is"], "rollback");
    assert_eq!(back["kind"]["to"], second["id"]);
    let left = server.deployment(id(&third));
    assert_eq!((&left["quarantined"], &left["rolledBackBy"]), (&json!(true), &back["id"]));
    assert_eq!(target()["id"], first["id"]);
    completed(&server.roll_back(json!({})));
    assert_eq!(server.version(), "v1");
    let kind = json!({ "project": "app", "environment": "test", "kind": { "is": "rollback" } });
    server.refused(409, "POST", "/api/deployments", kind);
    server.refused(409, "GET", "/api/projects/app/environments/test/rollback-target", Value::Null);
    assert_eq!(server.version(), "v1");
    // What was left may be deployed again by a person who says so, and is then good to go back from.
    let refused = server.deploy(json!({ "version": "v3" }));
    assert_eq!(refused["phase"], "failed", "{refused}");
    assert!(refused["errors"][0]["hint"].to_string().contains("--allow-quarantined"), "{refused}");
    server.deploy_well(json!({ "version": "v3", "allowQuarantined": true, "reason": "it was not its fault" }));
    completed(&server.roll_back(json!({})));
    assert_eq!(server.version(), "v1");
}

#[test]
fn by_id_it_inverts_exactly_its_slots_unless_they_were_written_since() {
    let server = Server::start();
    two_services(&server, "", "");
    server.deploy_well(json!({ "version": "v1" }));
    let only_api = server.deploy_well(json!({ "version": "v2", "services": ["api"] }));
    let only_web = server.deploy_well(json!({ "version": "v3", "services": ["web"] }));
    let both = || server.page("/call?api").1.split(" | ").map(support::more::version_of).collect::<Vec<_>>();
    assert_eq!(both(), ["v3", "v2"]);
    let path = format!("/api/deployments/{}/rollback", id(&only_api));
    let back = server.ended(id(&server.post(&path, json!({ "reason": "the prices" }))));
    completed(&back);
    assert_eq!(back["reason"], "the prices");
    assert_eq!(back["services"].as_object().expect("services").keys().collect::<Vec<_>>(), ["api"]);
    assert_eq!(both(), ["v3", "v1"]);
    let newer = server.deploy_well(json!({ "version": "v4", "services": ["web"] }));
    let path = format!("/api/deployments/{}/rollback", id(&only_web));
    let refused = server.refused(409, "POST", &path, json!({}));
    let list = refused["errors"].to_string();
    assert!(list.contains("web") && list.contains(id(&newer)), "{refused}");
    assert_eq!(both(), ["v4", "v1"]);
    completed(&server.ended(id(&server.post(&path, json!({ "force": true })))));
    assert_eq!(both(), ["v1", "v1"]);
    server.refused(404, "POST", "/api/deployments/none/rollback", json!({}));
}

#[test]
fn configuration_and_routes_come_back_with_the_code_unless_only_the_artifact_is_asked_for() {
    let server = Server::start();
    let folder = project(&server, &format!("{SERVICE}variables = {{ STRANGE = \"one\" }}\n"));
    server.deploy_well(json!({ "version": "v1" }));
    let text =
        support::spec(&format!("{SERVICE}variables = {{ STRANGE = \"two\" }}\n")).replace("\"app.{", "\"other.{");
    fs::write(folder.join("app/more"), "another artifact").expect("a file");
    server.register(&folder, &text);
    let second = server.deploy_well(json!({ "version": "v2" }));
    let ask = |host: &str| {
        let answer = support::http::request(server.proxy(), "GET", host, "/variable?STRANGE", &[], b"");
        let answer = answer.expect("the proxy answers");
        (answer.status, answer.body)
    };
    let other = "other.test.localhost";
    assert_eq!(ask(other), (200, "two".into()));
    assert_eq!(ask(HOST).0, 404, "the old route went with the old release");
    let first_artifact = |deployment: &Value| deployment["artifacts"]["web"].clone();
    let mixed = server.roll_back(json!({ "artifactOnly": true }));
    completed(&mixed);
    assert_ne!(first_artifact(&mixed), first_artifact(&second));
    assert_eq!(ask(other), (200, "two".into()), "today's configuration and routes stay");
    let whole = server.roll_back(json!({}));
    completed(&whole);
    assert_eq!(ask(HOST), (200, "one".into()), "{whole}");
    assert_eq!(ask(other).0, 404);
}

#[test]
fn a_warm_rollback_starts_nothing() {
    let server = Server::start();
    project(&server, &format!("{SERVICE}instances = 2\n"));
    server.deploy_well(json!({ "version": "v1" }));
    let old: BTreeSet<_> = instance_ids(&server);
    server.deploy_well(json!({ "version": "v2" }));
    let all = instance_ids(&server);
    assert_eq!((old.len(), all.len()), (2, 4));
    let back = server.roll_back(json!({}));
    completed(&back);
    assert_eq!(server.version(), "v1");
    assert_eq!(instance_ids(&server), all, "the very instances that stood by");
    let live: BTreeSet<_> =
        server.live_instances().iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(live, old);
    let titles = back["steps"].to_string();
    assert!(!titles.contains("start "), "{titles}");
}

#[test]
fn a_cold_rollback_starts_the_stored_artifact_without_a_build() {
    let server = Server::start();
    let folder =
        project(&server, &format!("{SERVICE}warm_for = \"0s\"\nbuild = [\"/bin/sh\", \"-c\", \"echo building\"]\n"));
    let first = server.deploy_well(json!({ "version": "v1" }));
    let old = server.live_instances()[0]["id"].clone();
    fs::write(folder.join("app/more"), "x").expect("a file");
    server.deploy_well(json!({ "version": "v2" }));
    wait_for("the old instance to go", || (server.instances().len() == 1).then_some(()));
    // The source is gone: only what is stored can be started.
    fs::remove_dir_all(folder.join("app")).expect("it can be removed");
    let back = server.roll_back(json!({}));
    completed(&back);
    assert_eq!(server.version(), "v1");
    assert_eq!(back["artifacts"], first["artifacts"]);
    assert_ne!(server.live_instances()[0]["id"], old, "a new instance");
    let logs = server.get(&format!("/api/deployments/{}/logs", id(&back)));
    assert!(logs["lines"].as_array().expect("lines").iter().all(|line| line["stream"] != "build"), "{logs}");
}

#[test]
fn instance_counts_stay_and_scaling_under_load_fails_nothing() {
    let server = Server::start();
    project(&server, SERVICE);
    server.deploy_well(json!({ "version": "v1" }));
    server.deploy_well(json!({ "version": "v2" }));
    let load = Load::start(server.proxy(), HOST);
    let scale = |count: u32| {
        let scaled = server.deploy_well(json!({ "kind": { "is": "scale", "instances": { "web": count } } }));
        assert_eq!(scaled["metrics"]["failedBySwitch"], 0, "{scaled}");
        wait_for("the count", || (server.live_instances().len() == count as usize).then_some(()));
    };
    for count in [3, 1, 4, 2] {
        scale(count);
    }
    completed(&server.roll_back(json!({})));
    wait_for("the other version", || (server.version() == "v1").then_some(()));
    assert_eq!(server.live_instances().len(), 2, "scaling is not taken back with a release");
    let (count, failures) = load.stop();
    assert!(count > 20);
    assert!(failures.is_empty(), "of {count}: {failures:?}");
    let body = |count: u32| json!({ "project": "app", "environment": "test", "kind": { "is": "scale", "instances": { "web": count } } });
    for count in [0, 65, 100_000] {
        let refused = server.refused(409, "POST", "/api/deployments", body(count));
        assert!(refused["detail"].as_str().expect("words").contains("1 to 64"), "{refused}");
    }
    assert_eq!(server.live_instances().len(), 2);
}

#[test]
fn data_survives_both_ways() {
    let server = Server::start();
    project(&server, &format!("{SERVICE}data = [\"uploads\"]\n"));
    let write = |text: &str| assert_eq!(server.page(&format!("/write?{text}")), (200, "true".into()));
    server.deploy_well(json!({ "version": "v1" }));
    write("one,");
    server.deploy_well(json!({ "version": "v2" }));
    assert_eq!(server.page("/read").1, "one,");
    write("two,");
    completed(&server.roll_back(json!({})));
    assert_eq!(server.version(), "v1");
    assert_eq!(server.page("/read").1, "one,two,");
    server.deploy_well(json!({ "version": "v3", "strategy": "recreate" }));
    assert_eq!(server.page("/read").1, "one,two,");
}

#[test]
fn a_rollback_that_fails_is_unwound_itself() {
    let server = Server::start();
    // Its check asks the host for a file, so that the past can turn bad.
    let good = server.home.path().join("good");
    fs::write(&good, "").expect("a file");
    let check = format!(
        "checks = [{{ name = \"the file is there\", phase = \"verify\", command = [\"/usr/bin/test\", \"-e\", \"{}\"] }}]\n",
        good.display()
    );
    let folder = project(&server, &format!("{SERVICE}{check}"));
    server.deploy_well(json!({ "version": "v1" }));
    server.register(&folder, &support::spec(SERVICE));
    server.deploy_well(json!({ "version": "v2" }));
    fs::remove_file(&good).expect("it can be removed");
    let load = Load::start(server.proxy(), HOST);
    let back = server.roll_back(json!({}));
    assert_eq!(back["phase"], "rolled_back", "{back}");
    assert_eq!(back["errors"][0]["check"], "the file is there", "{}", back["errors"]);
    assert!(back["metrics"]["backMs"].is_u64());
    assert_eq!(server.version(), "v2");
    let (count, failures) = load.stop();
    assert!(failures.is_empty(), "of {count}: {failures:?}");
}

#[test]
fn what_left_the_spec_is_told_and_goes_only_by_decommissioning() {
    let server = Server::start();
    let folder = two_services(&server, "", "");
    server.deploy_well(json!({ "version": "v1" }));
    server.register(&folder, &support::spec(SERVICE));
    let plan = server.post("/api/deployments", json!({ "project": "app", "environment": "test", "dryRun": true }));
    let left =
        plan["findings"].as_array().expect("findings").iter().find(|one| one["message"].to_string().contains("api"));
    let left = left.expect("it is told");
    assert_eq!(left["severity"], "warning");
    assert!(left["recommendation"].to_string().contains("decommission api"), "{left}");
    server.deploy_well(json!({ "version": "v2" }));
    assert_eq!(server.live_instances().len(), 2, "it goes on running");
    let decommission = json!({ "kind": { "is": "decommission" }, "services": ["api"] });
    server.deploy_well(decommission.clone());
    wait_for("it to go", || server.instances().iter().all(|one| one["slot"]["service"] != "api").then_some(()));
    let mut again = decommission;
    again["project"] = json!("app");
    again["environment"] = json!("test");
    server.refused(404, "POST", "/api/deployments", again);
    assert_eq!(server.page("/").0, 200);
    completed(&server.roll_back(json!({})));
    wait_for("it to be back", || {
        server.live_instances().iter().any(|one| one["slot"]["service"] == "api").then_some(())
    });
}
