//! Retention against a real server: what is old goes with all that belongs to it, and what is needed stays.

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::{Server, project, shipway, spec, wait_for};

const HOOK: &str = "warm_for = \"0s\"\nhooks = [{ when = \"after-completion\", command = [\"/bin/echo\", \"told\"] }]";
const PATH: &str = "/api/projects/app/environments/test/retention";

/// The fixture, whose past is kept for as long as that.
fn kept(rules: &str) -> String {
    spec(HOOK).replace("type = \"testing\"", &format!("type = \"testing\"\nretention = {{ {rules} }}"))
}

fn begin(rules: &str) -> (Server, std::path::PathBuf) {
    let server = Server::start();
    let folder = project(&server, HOOK);
    server.register(&folder, &kept(rules));
    (server, folder)
}

fn deploy(server: &Server, version: &str) -> String {
    server.deploy_well(json!({ "version": version }))["id"].as_str().expect("an id").to_owned()
}

/// What a verb says, and whether it is done.
fn ask(server: &Server, arguments: &[&str]) -> (bool, Value) {
    let mut command = Command::new(shipway());
    command.args(arguments).args(["--json", "--project", "app", "--data"]).arg(&server.data);
    command.current_dir(server.home.path()).env_remove("SHIPWAY_SERVER").env_remove("SHIPWAY_TOKEN");
    let output = command.output().expect("shipway runs");
    let said = serde_json::from_slice(&output.stdout);
    (output.status.success(), said.unwrap_or_else(|_| panic!("{arguments:?}: {output:?}")))
}

/// What a verb says, which has to be done.
fn say(server: &Server, arguments: &[&str]) -> Value {
    let (done, said) = ask(server, arguments);
    assert!(done, "{arguments:?}: {said}");
    said
}

fn ids(server: &Server) -> Vec<String> {
    let page = server.get("/api/projects/app/deployments?environment=test");
    let items = page["items"].as_array().expect("a list");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

/// Runs it until so many deployments are left: they have to be a second old first.
fn run_until(server: &Server, left: usize) {
    wait_for("what is old to go", || {
        say(server, &["retention", "run", "-e", "test"]);
        (ids(server).len() == left).then_some(())
    });
}

fn has_logs(server: &Server, id: &str) -> bool {
    server.data.join("logs/deployments").join(id).exists()
}

#[test]
fn what_is_old_goes_and_what_is_needed_stays() {
    let (server, folder) = begin("history = \"365d\", keep = 1");
    let first = deploy(&server, "1");
    let named = deploy(&server, "2");
    server.post("/api/projects/app/environments/test/combinations", json!({ "name": "good" }));
    let third = deploy(&server, "3");
    let replaced = deploy(&server, "4");
    let live = deploy(&server, "5");
    let before = server.get("/api/projects/app/statistics?environment=test");
    assert_eq!(before["total"]["deployments"], 5, "{before}");
    let nothing = say(&server, &["retention", "run", "-e", "test"]);
    assert_eq!(nothing, json!({ "deployments": 0, "logs": 0, "events": 0, "more": false }), "nothing is a year old");

    server.register(&folder, &kept("history = \"1s\", keep = 1"));
    let shown = wait_for("two to be old", || {
        let shown = say(&server, &["retention", "show", "-e", "test"]);
        (shown["due"]["deployments"] == 2).then_some(shown)
    });
    assert_eq!((&shown["rules"]["history"], &shown["rules"]["logs"]), (&json!("1s"), &json!("30d")));
    say(&server, &["retention", "run", "-e", "test", "--dry-run"]);
    assert_eq!(ids(&server).len(), 5, "a dry run removes nothing");
    let place = server.last_event();
    run_until(&server, 3);
    let stays = [live.clone(), replaced, named.clone()];
    assert_eq!(ids(&server), stays, "what is live, what it replaced, and what proved a named combination");
    for gone in [&first, &third] {
        assert_eq!(server.call("GET", &format!("/api/deployments/{gone}"), None).expect("an answer").0, 404);
        assert!(!has_logs(&server, gone), "its logs went with it");
        let left = server.events(None).iter().any(|event| event["deployment"] == json!(gone));
        assert!(!left, "and its events");
    }
    assert!(has_logs(&server, &live) && has_logs(&server, &named));
    let told = server.event("PAST_REMOVED", place);
    assert_eq!(told["details"]["deployments"], 2, "{told}");
    let after = server.get("/api/projects/app/statistics?environment=test");
    assert_eq!(after["total"], before["total"], "what they count for stays");
    let audit = server.get("/api/audit?project=app&environment=test&limit=200");
    let entries = audit["items"].as_array().expect("entries");
    assert!(entries.iter().any(|entry| entry["command"] == "remove-old"), "{audit}");

    // The rest goes on as if nothing had been.
    assert_eq!(server.page("/").0, 200);
    let back = server.roll_back(json!({ "to": named }));
    assert_eq!((&back["phase"], server.version().as_str()), (&json!("completed"), "2"), "{back}");
}

#[test]
fn logs_and_events_go_before_their_deployments() {
    let (mut server, _folder) = begin("logs = \"1s\", events = \"1s\"");
    let id = deploy(&server, "1");
    let first = server.events(None)[0]["seq"].as_u64().expect("a place");
    let last = server.last_event();
    wait_for("logs and events to go", || {
        server.post(PATH, json!({}));
        (!has_logs(&server, &id) && server.events(Some(&id)).is_empty()).then_some(())
    });
    assert_eq!(server.deployment(&id)["phase"], "completed", "the deployment itself stays");
    // What is left keeps its numbers, and a reader goes on from where it stood.
    let left = server.get(&format!("/api/events?after={first}&limit=1000"));
    let places: Vec<_> = left["items"].as_array().expect("a list").iter().map(|one| one["seq"].as_u64()).collect();
    assert!(places.is_sorted() && places.iter().all(|place| place.is_some_and(|place| place > first)), "{places:?}");
    assert_eq!(server.get("/api/doctor")["sound"], true, "what was forgotten is not missing");
    let second = deploy(&server, "2");
    let of_second = server.events(Some(&second));
    assert!(of_second.iter().all(|event| event["seq"].as_u64() > Some(last)), "numbers only rise");
    // A server that starts does it by itself.
    wait_for("the logs to be old", || {
        let due = server.get(PATH);
        (due["due"]["logs"] == 1).then_some(())
    });
    server.kill();
    server.boot(&[]);
    wait_for("the server to remove the logs", || (!has_logs(&server, &second)).then_some(()));
    assert_eq!(server.deployment(&second)["phase"], "completed");
}

#[test]
fn nothing_goes_while_a_deployment_may_look_at_it_or_nobody_may_ask() {
    let (server, folder) = begin("history = \"1s\", keep = 1");
    deploy(&server, "1");
    deploy(&server, "2");
    deploy(&server, "3");
    let slow = kept("history = \"1s\", keep = 1").replace("[\"/bin/echo\", \"told\"]", "[\"/bin/sleep\", \"600\"]");
    server.register(&folder, &slow.replace("after-completion", "before-test"));
    let open = server.ask(json!({ "version": "4" }));
    wait_for("its hook", || {
        let phase = server.deployment(&open)["phase"].clone();
        (phase == "testing").then_some(())
    });
    let swept = server.post(PATH, json!({}));
    assert_eq!(swept["deployments"], 0, "{swept}");
    server.post(&format!("/api/deployments/{open}/cancel"), json!({}));
    server.ended(&open);
    let token = server.post("/api/tokens", json!({ "name": "ada", "role": "release-manager" }));
    let bearer = format!("Bearer {}", token["token"].as_str().expect("a token"));
    let headers = [("Authorization", bearer.as_str())];
    let answer = support::http::request(server.address(), "POST", "127.0.0.1", PATH, &headers, b"");
    assert_eq!(answer.expect("an answer").status, 403, "it takes an admin");
    // `3` is what is live, `2` is what it replaced, and the cancelled one is the newest.
    run_until(&server, 3);
}

/// The ids of a listing.
fn listed(view: &Value) -> Vec<String> {
    let items = view["items"].as_array().expect("items");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

fn damaged(view: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let all = view["damaged"].as_array().expect("a list").iter();
    all.map(|one| (text(&one["file"]), text(&one["why"]))).collect()
}

#[test]
fn an_archive_is_read_back_without_a_server_and_damage_is_named() {
    let (mut server, _folder) = begin("keep = 1");
    let first = deploy(&server, "1");
    let hooks = json!([{ "when": "before-test", "command": ["/bin/false"] }]);
    let failing = json!({ "services": { "web": { "hooks": hooks } } });
    let failed = server.deploy(json!({ "version": "2", "config": failing }));
    let failed = failed["id"].as_str().expect("an id").to_owned();
    let explained = server.get(&format!("/api/deployments/{failed}/explain"));
    let events = server.events(Some(&first));
    let file = server.home.path().join("past.tar");
    let path = file.to_str().expect("a path").to_owned();
    let written = say(&server, &["history", "archive", "-e", "test", "--before", "0s", "--output", &path]);
    assert_eq!(written["deployments"], 2, "{written}");
    assert!(!ask(&server, &["history", "archive", "-e", "test", "--before", "0s", "--output", &path]).0, "it is there");
    server.kill();

    let all = say(&server, &["history", "--archive", &path]);
    assert_eq!((listed(&all), damaged(&all)), (vec![failed.clone(), first.clone()], vec![]));
    let some = say(&server, &["history", "--archive", &path, "-e", "test", "--status", "failed", "--cause", "release"]);
    assert_eq!(listed(&some), std::slice::from_ref(&failed));
    let none = say(&server, &["history", "--archive", &path, "--service", "other"]);
    assert!(listed(&none).is_empty());
    let one = say(&server, &["history", "--archive", &path, "--show", &first]);
    assert_eq!(one["events"], json!(events));
    assert!(one["logs"]["hooks/web"].as_array().is_some_and(|lines| lines.contains(&json!("told"))), "{one}");
    assert!(one["course"]["plan"]["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{one}");
    let one = say(&server, &["history", "--archive", &path, "--show", &failed]);
    assert_eq!(one["explanation"]["headline"], explained["headline"]);

    let whole = std::fs::read(&file).expect("the archive");
    // The newest comes first, so the last log is that of the first deployment.
    let at = whole.windows(6).rposition(|bytes| bytes == b"hooks/").expect("its log");
    let mut changed = whole.clone();
    changed[at] = b'H';
    std::fs::write(&file, &changed).expect("written");
    let (sound, all) = ask(&server, &["history", "--archive", &path]);
    let told = damaged(&all);
    assert!(!sound && told.iter().any(|(file, why)| *file == format!("{first}.jsonl") && why.contains("changed")));
    assert_eq!(listed(&all), std::slice::from_ref(&failed), "the other one is sound");
    assert!(!ask(&server, &["history", "--archive", &path, "--show", &first]).0);
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("written");
    let (sound, all) = ask(&server, &["history", "--archive", &path]);
    assert!(!sound && !damaged(&all).is_empty(), "one that is cut off is not whole: {all}");
}

#[test]
fn what_goes_is_archived_first_where_the_spec_says_so() {
    let (server, _folder) = begin("history = \"1s\", keep = 1, archive = true");
    let first = deploy(&server, "1");
    let second = deploy(&server, "2");
    let third = deploy(&server, "3");
    let events = server.events(Some(&first)).len();
    run_until(&server, 2);
    assert_eq!(ids(&server), [third, second]);
    let folder = server.data.join("archive").display().to_string();
    assert_eq!(listed(&say(&server, &["history", "--archive", &folder])), std::slice::from_ref(&first));
    let one = say(&server, &["history", "--archive", &folder, "--show", &first]);
    assert_eq!(one["events"].as_array().map(Vec::len), Some(events), "{one}");
    assert!(one["logs"]["hooks/web"].as_array().is_some_and(|lines| lines.contains(&json!("told"))), "{one}");
}
