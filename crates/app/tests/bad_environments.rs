//! Bad input about environments: one that is not there, one that is removed while it deploys, rules that can't be kept
//! together, a secret that the target doesn't have, two people at once. What else can be wrong has its tests with the
//! subject: circles of templates (`configuration`), comparisons while something runs (`environments_compared`), master
//! keys (`secrets`), damaged backups (`backup`), clocks that change (`core::gate`).

mod support;

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use support::{Server, fixture, http::request, project, spec, wait_for};

const MADE: &str = "/api/projects/app/environments";

#[test]
fn an_environment_that_is_not_there_is_told_with_the_one_that_was_meant() {
    let server = Server::start();
    project(&server, "");
    let at = |rest: &str| format!("{MADE}/tset{rest}");
    let asked = |more: Value| {
        let mut body = json!({ "project": "app", "environment": "tset" });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        body
    };
    let set = json!({ "set": { "variables": { "A": "1" } }, "reason": "a slip" });
    let promotion = |from: &str, to: &str| json!({ "project": "app", "from": from, "to": to });
    let secret = json!({ "name": "TOKEN", "value": "x", "environment": "tset" });
    let schedule = json!({ "name": "nightly", "every": "day 03:00", "deployment": asked(json!({})) });
    let cases = [
        ("GET", at(""), json!({})),
        ("PUT", at(""), set),
        ("DELETE", at(""), json!({})),
        ("GET", at("/config"), json!({})),
        ("GET", at("/gates"), json!({})),
        ("GET", at("/flags"), json!({})),
        ("GET", at("/holds"), json!({})),
        ("POST", at("/holds"), json!({ "reason": "a slip" })),
        ("POST", at("/combinations"), json!({ "name": "spring" })),
        ("POST", at("/sync"), json!({ "from": "test" })),
        ("POST", format!("{MADE}/test/sync"), json!({ "from": "tset" })),
        ("GET", "/api/projects/app/compare?from=tset&to=test".into(), json!({})),
        ("GET", "/api/projects/app/compare?from=test&to=tset".into(), json!({})),
        ("GET", "/api/projects/app/quota?environment=tset".into(), json!({})),
        ("PUT", "/api/projects/app/secrets".into(), secret),
        ("POST", "/api/promotions".into(), promotion("tset", "test")),
        ("POST", "/api/promotions".into(), promotion("test", "tset")),
        ("POST", "/api/projects/app/schedules".into(), schedule),
        ("POST", "/api/deployments".into(), asked(json!({}))),
        ("POST", "/api/deployments".into(), asked(json!({ "dryRun": true }))),
        ("POST", "/api/deployments".into(), asked(json!({ "kind": { "is": "rollback" } }))),
    ];
    let mut wrong = Vec::new();
    for (method, path, body) in cases {
        let answer =
            server.raw(method, &path, true, &[("Content-Type", "application/json")], body.to_string().as_bytes());
        let told =
            answer.body.contains("there is no environment `tset`") && answer.body.contains("did you mean `test`?");
        if answer.status != 404 || !told {
            wrong.push(format!("{method} {path} {body}: {} {}", answer.status, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn ask(server: &Server, environment: &str, more: Value) -> String {
    let mut body = json!({ "project": "app", "environment": environment });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    server.post("/api/deployments", body)["id"].as_str().expect("an id").to_owned()
}

fn completed(server: &Server, id: &str) {
    let ended = server.ended(id);
    assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
}

#[test]
fn an_environment_is_not_removed_while_something_is_deployed_or_runs_there() {
    let server = Server::start();
    let folder = project(&server, "");
    let of_file = format!("{}\n[environments.live]\ntype = \"testing\"\n", spec(""));
    server.register(&folder, &of_file);
    server.post(MADE, json!({ "name": "qa", "type": "testing" }));
    let by_hand = json!({ "kind": "canary", "steps": "50% manual, 100%" });
    for environment in ["qa", "live"] {
        // One is taken out of the API, the other out of the file.
        let remove = |status: u16| match environment {
            "qa" => server.refused(status, "DELETE", &format!("{MADE}/qa"), json!({})),
            _ => {
                let body = json!({ "file": "shipway.toml", "text": spec(""), "folder": folder });
                server.refused(status, "POST", "/api/projects", body)
            }
        };
        completed(&server, &ask(&server, environment, json!({ "version": "v1" })));
        let moving = ask(&server, environment, json!({ "version": "v2", "strategy": by_hand }));
        server.waiting(&moving);
        let refused = remove(409);
        assert_eq!(refused["detail"], format!("{environment} is being deployed to"));
        assert!(refused["errors"][0].as_str().is_some_and(|one| one.contains(&moving)), "{refused}");
        server.post(&format!("/api/deployments/{moving}/advance"), json!({}));
        completed(&server, &moving);
        let refused = remove(409);
        assert_eq!(
            (&refused["detail"], &refused["errors"]),
            (&json!(format!("something runs in {environment}")), &json!(["web runs"]))
        );
        assert!(refused["hint"].as_str().is_some_and(|hint| hint.contains("decommission")), "{refused}");
        let host = format!("app.{environment}.localhost");
        assert_eq!(request(server.proxy(), "GET", &host, "/", &[], b"").expect("an answer").status, 200);
        let down = json!({ "kind": { "is": "decommission" }, "services": ["web"] });
        completed(&server, &ask(&server, environment, down));
    }
    assert_eq!(server.call("DELETE", &format!("{MADE}/qa"), None).expect("an answer").0, 200);
    server.register(&folder, &spec(""));
    let left = server.get(MADE);
    assert_eq!(left.as_array().expect("a list").iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["test"]);
}

#[test]
fn rules_that_can_not_be_kept_together_are_told_with_their_line() {
    let server = Server::start();
    let folder = project(&server, "");
    let rules = "[[rules]]\nkey = \"settings.copies\"\nmin = 3\n[[rules]]\nkey = \"settings.copies\"\nmax = 1\n";
    let text = format!("{}\n{rules}", spec(""));
    let refused =
        server.refused(422, "POST", "/api/projects", json!({ "file": "shipway.toml", "text": text, "folder": folder }));
    let found = &refused["findings"][0];
    let told = found["message"].as_str().expect("words");
    assert!(told.contains("rules 1 and 2 contradict each other: `settings.copies`"), "{refused}");
    let line = text.lines().position(|line| line == "max = 1").expect("the line") as u64 + 1;
    let at = found["line"].as_u64().expect("a line");
    assert!((line - 2..=line).contains(&at), "{found}: the rule ends at {line}");
}

/// A project with a secret that only staging has.
fn wants_a_secret(server: &Server) -> PathBuf {
    let folder = server.home.path().join("project");
    fs::create_dir_all(folder.join("app")).expect("a folder");
    fs::copy(fixture(), folder.join("app/fixture")).expect("the fixture");
    let text = spec("secrets = { TOKEN = {} }").replace(
        "[environments.test]\ntype = \"testing\"",
        "[environments.staging]\ntype = \"staging\"\npromotes_to = \"live\"\n[environments.live]\ntype = \"production\"",
    );
    server.register(&folder, &text);
    let body = json!({ "name": "TOKEN", "value": "of staging", "environment": "staging" });
    assert_eq!(server.call("PUT", "/api/projects/app/secrets", Some(&body)).expect("an answer").0, 200);
    folder
}

#[test]
fn a_secret_that_the_target_does_not_have_is_missed_before_anything_moves() {
    let server = Server::start();
    wants_a_secret(&server);
    completed(&server, &ask(&server, "staging", json!({ "version": "v1" })));
    let promote = || server.post("/api/promotions", json!({ "project": "app", "from": "staging", "to": "live" }));
    let failed = server.ended(promote()["id"].as_str().expect("an id"));
    assert_eq!(failed["phase"], "failed", "{failed}");
    assert!(failed["findings"].to_string().contains("shipway secret set TOKEN -e live"), "{}", failed["findings"]);
    let instances = server.instances();
    assert!(instances.iter().all(|one| one["slot"]["environment"] == "staging"), "{instances:?}");
    // What is set then is the target's own.
    let body = json!({ "name": "TOKEN", "value": "of live", "environment": "live" });
    assert_eq!(server.call("PUT", "/api/projects/app/secrets", Some(&body)).expect("an answer").0, 200);
    completed(&server, promote()["id"].as_str().expect("an id"));
    let says = |host: &str| request(server.proxy(), "GET", host, "/variable?TOKEN", &[], b"").expect("an answer").body;
    assert_eq!((says("app.staging.localhost"), says("app.live.localhost")), ("of staging".into(), "of live".into()));
}

#[test]
fn of_two_people_who_change_the_same_at_once_one_is_told_what_the_other_did() {
    const PEOPLE: usize = 6;
    let server = Server::start();
    project(&server, "");
    let path = format!("{MADE}/test");
    let at_once = std::sync::Barrier::new(PEOPLE);
    let answers: Vec<(usize, u16, Value)> = std::thread::scope(|scope| {
        let one = |number: usize| {
            let (server, path, at_once) = (&server, &path, &at_once);
            scope.spawn(move || {
                let body =
                    json!({ "set": { "variables": { "WHO": number.to_string() } }, "expected": 0, "reason": "mine" });
                at_once.wait();
                let (status, answer) = server.call("PUT", path, Some(&body)).expect("the server answers");
                (number, status, answer)
            })
        };
        let all: Vec<_> = (0..PEOPLE).map(one).collect();
        all.into_iter().map(|one| one.join().expect("it ends")).collect()
    });
    let won: Vec<_> = answers.iter().filter(|(_, status, _)| *status == 200).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for (number, status, answer) in answers.iter().filter(|one| one.0 != won[0].0) {
        assert_eq!(*status, 409, "{number}: {answer}");
        assert_eq!(answer["detail"], "the configuration of test is at version 1, not at 0");
        assert!(answer["errors"][0].to_string().contains("changed variables.WHO: mine"), "{answer}");
        assert!(answer["hint"].to_string().contains("config diff 0 1"), "{answer}");
    }
    completed(&server, &server.ask(json!({})));
    let who = wait_for("what it is told", || Some(server.page("/variable?WHO").1).filter(|who| !who.is_empty()));
    assert_eq!(who, won[0].0.to_string());
}
