//! `shipway explain`: what somebody reads at night, of real deployments that failed, got stuck, or wait.

mod support;

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::{
    Server,
    day::{SERVICE, behaving, text, web},
    more::two_services,
    project, shipway, spec, wait_for,
};

/// What a person sees, and what the API says. Every command that it names can be typed.
fn explained(server: &Server, id: &str) -> (String, Value) {
    let seen = typed(server, &["explain", id]);
    let told = server.get(&format!("/api/deployments/{id}/explain"));
    for command in commands(&told) {
        assert_says(&seen, &[command]);
        let words: Vec<_> = command.split_whitespace().skip(1).chain(["--help"]).collect();
        typed(server, &words);
    }
    (seen, told)
}

/// What a verb that ends well says.
fn typed(server: &Server, arguments: &[&str]) -> String {
    let mut command = Command::new(shipway());
    command.args(arguments).arg("--data").arg(&server.data).env("NO_COLOR", "1").env_remove("SHIPWAY_SERVER");
    let output = command.current_dir(server.home.path()).stdin(Stdio::null()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn assert_says(seen: &str, wanted: &[&str]) {
    // Columns are as wide as what stands in them.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let all = words(seen);
    for one in wanted {
        assert!(all.contains(&words(one)), "`{one}` is not in:\n{seen}");
    }
}

fn commands(told: &Value) -> Vec<&str> {
    let next = told["next"].as_array().expect("a list");
    next.iter().filter_map(|next| next["command"].as_str()).collect()
}

/// A difference as `sort service what: before -> after`.
fn changes(told: &Value) -> Vec<String> {
    let row = |change: &Value| {
        let of = |field: &str| change[field].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}: {} -> {}", of("sort"), of("service"), of("what"), of("before"), of("after"))
    };
    told["changed"].as_array().expect("a list").iter().map(row).collect()
}

fn live(more: &str) -> Server {
    let server = Server::start();
    project(&server, &format!("{SERVICE}{more}"));
    server.deploy_well(json!({ "version": "v1" }));
    server
}

fn ends(server: &Server, request: Value, phase: &str) -> String {
    let deployment = server.deploy(request);
    assert_eq!(deployment["phase"], phase, "{}", deployment["errors"]);
    text(&deployment, "/id").to_owned()
}

#[test]
fn a_failed_health_check_is_told_from_its_first_cause_to_the_next_command() {
    let mut server = live("");
    let fields = json!({ "timeouts": { "start_s": 1 }, "variables": { "COLOUR": "blue" }, "instances": 2 });
    let id = ends(&server, behaving("v2", "unhealthy", fields), "failed");
    let (seen, told) = explained(&server, &id);
    let first = &told["firstCause"];
    assert_eq!(first["check"], "startup", "{told:#}");
    assert_eq!(first["expected"], "a status from 200 to 399");
    assert_eq!(first["got"], "status 503: not well");
    assert!(text(first, "/instance").starts_with("test-web-"), "{first}");
    assert!(text(first, "/logTail/0").contains("listens"), "{first}");
    assert_eq!(told["phase"], "failed");
    assert_eq!(told["lastGood"][0]["version"], "v1");
    assert_eq!(told["lastGood"][0]["by"], "test-1");
    let changes = changes(&told);
    for wanted in [
        "code web version, of the same artifact: v1 -> v2",
        "configuration web variables.COLOUR: - -> blue",
        "configuration web timeouts.start_s: 60 -> 1",
        "environment web instances: 1 -> 2",
    ] {
        assert!(changes.iter().any(|change| change == wanted), "{wanted}: {changes:#?}");
    }
    let same = "shipway deploy -e test --version v2 --allow-quarantined --reason WHY".to_owned();
    assert_eq!(commands(&told), [format!("shipway logs {id}"), "shipway deploy -e test".to_owned(), same]);
    assert_says(
        &seen,
        &[
            "✗ test-2 failed in testing: test-web-",
            "what failed: not healthy after 1 s",
            "check startup",
            "expected a status from 200 to 399",
            "got status 503: not well",
            "the last lines of its log",
            "what changed against web v1 (test-1)",
            "configuration web variables.COLOUR - → blue",
            "what was undone",
            "2 instances of web stopped",
            &format!("shipway logs {id}"),
        ],
    );
    assert!(!seen.contains("users were back"), "no traffic had moved:\n{seen}");
    // It was written down with the end, and is the same after a restart, whatever is deployed since.
    server.kill();
    server.boot(&[]);
    server.deploy_well(json!({ "version": "v3" }));
    assert_eq!(server.get(&format!("/api/deployments/{id}/explain")), told);
    let json: Value = serde_json::from_str(&typed(&server, &["explain", "test-2", "--json"])).expect("JSON");
    assert_eq!(json, told);
    assert_says(&typed(&server, &["explain", "-e", "test"]), &["✓ test-3 is complete: nothing failed"]);
}

#[test]
fn what_users_saw_is_told_with_the_way_back() {
    let server = live("data = [\"uploads\"]\n");
    let checks = json!([{ "name": "greets", "phase": "verify", "http": "/", "expect": { "contains": "hello" } }]);
    let hooks = json!([{ "when": "before-promotion", "command": ["true"] }]);
    let request = json!({ "version": "v2", "config": web(json!({ "checks": checks, "hooks": hooks })) });
    let id = ends(&server, request, "rolled_back");
    let (seen, told) = explained(&server, &id);
    assert_eq!(
        told["headline"],
        "test-2 was taken back: it failed in verifying: web: check `greets` at http://app.test.localhost/ did not pass"
    );
    assert!(told["undone"]["trafficBackMs"].is_u64(), "{}", told["undone"]);
    let switched = "web put back to what it was, in one switch";
    assert_eq!(told["undone"]["what"][0], switched, "{}", told["undone"]);
    assert_eq!(told["undone"]["open"], json!([]));
    let left = told["left"].as_array().expect("a list").iter().map(|left| text(left, "")).collect::<Vec<_>>();
    assert_eq!(
        left,
        [
            "hooks of web ran: what they did outside of Shipway stays",
            "data folders of web: what the new instances wrote there stays"
        ]
    );
    assert_says(
        &seen,
        &["users were back on the old after", switched, "what stays", "→ mend it, and deploy again", "greets", "hello"],
    );
}

#[test]
fn who_waits_for_a_lease_is_told_who_has_it_and_what_that_one_does() {
    let server = live("");
    let steps = json!({ "kind": "canary", "steps": "50% manual, 100%" });
    let holder = server.ask(json!({ "version": "v2", "strategy": steps }));
    server.waiting(&holder);
    let (seen, told) = explained(&server, &holder);
    assert_eq!(told["headline"], "test-2 is promoting: it waits at 50% for a person");
    assert_eq!(commands(&told), [format!("shipway advance {holder}"), format!("shipway abort {holder}")]);
    assert_says(&seen, &["what users meet now", "web: the old (v1); v2 takes 50% of the clients"]);
    let id = server.ask(json!({ "version": "v3" }));
    server.waiting(&id);
    let (seen, told) = explained(&server, &id);
    let wait = &told["waiting"][0];
    assert_eq!(wait["on"], "lease", "{told:#}");
    assert_eq!(wait["holder"], holder);
    assert_eq!(wait["name"], "test-2");
    assert_eq!(wait["services"], json!(["web"]));
    assert_eq!(wait["holds"], true);
    assert_eq!(wait["phase"], "promoting");
    assert!(text(wait, "/reason").contains("at 50%"), "{wait}");
    assert!(text(wait, "/since") < text(&told, "/at"), "{wait}");
    assert!(text(wait, "/expiresAt") > text(&told, "/at"), "its server is there: {wait}");
    assert_eq!(
        commands(&told),
        [format!("shipway explain {holder}"), format!("shipway abort {holder}"), format!("shipway abort {id}")]
    );
    assert_says(
        &seen,
        &[
            "… test-3 is preparing: it waits for test-2, which writes web",
            "it is promoting: waits at 50% for",
            "unless it says that it is there",
            "→ end test-2, so that this one may go on",
        ],
    );
    server.post(&format!("/api/deployments/{holder}/pause"), json!({}));
    let (seen, told) = explained(&server, &holder);
    assert_eq!(told["waiting"][0]["on"], "paused", "{told:#}");
    assert_says(&seen, &["a person paused it", &format!("shipway resume {holder}")]);
    server.post(&format!("/api/deployments/{holder}/cancel"), json!({}));
    assert_eq!(server.ended(&holder)["phase"], "cancelled");
    let (_, told) = explained(&server, &holder);
    assert_eq!(told["headline"], "test-2 was cancelled by admin in promoting, and undone");
    assert_eq!(server.ended(&id)["phase"], "completed");
}

#[test]
fn an_instance_that_is_not_healthy_yet_is_asked_when_somebody_asks() {
    let server = Server::start();
    two_services(&server, "", "");
    let config = json!({ "services": { "api": { "variables": { "BEHAVIOUR": "unhealthy" } } } });
    let id = server.ask(json!({ "version": "v1", "config": config }));
    let told = wait_for("its health", || {
        let told = server.get(&format!("/api/deployments/{id}/explain"));
        let answered = told["waiting"][0]["seen"]["answer"]["got"] == "status 503: not well";
        answered.then_some(told)
    });
    assert_eq!(told["waiting"][0]["on"], "health", "{told:#}");
    assert!(text(&told, "/headline").contains("is not healthy yet: expected a status from 200 to 399"), "{told:#}");
    let dependency = told["waiting"].as_array().expect("a list").iter().find(|wait| wait["on"] == "dependency");
    let dependency = dependency.expect("web waits for api");
    assert_eq!((text(dependency, "/service"), text(dependency, "/needs")), ("web", "api"));
    let (seen, _) = explained(&server, &id);
    assert_says(
        &seen,
        &["now it runs as process", "web waits for api: wait until test-api-", "shipway logs test-api-"],
    );
    server.post(&format!("/api/deployments/{id}/cancel"), json!({}));
    assert_eq!(server.ended(&id)["phase"], "cancelled");
}

#[test]
fn a_canary_says_what_its_sample_lacks_and_how_long_it_lasts() {
    let server = live("");
    let fields = json!({
        "strategy": { "kind": "canary", "steps": "50% 10ms, 100%" }, "success": { "min_requests": 1000 },
    });
    let id = server.ask(json!({ "version": "v2", "config": web(fields) }));
    server.waiting(&id);
    let (seen, told) = explained(&server, &id);
    let wait = &told["waiting"][0];
    assert_eq!(wait["on"], "sample", "{told:#}");
    assert_eq!(wait["minRequests"], json!({ "web": 1000 }));
    assert_eq!(wait["leftMs"], 0);
    assert_says(&seen, &["it waits for requests to web: 0 of 1000", "time left over", "at least 1000 to web"]);
    assert_eq!(commands(&told)[0], format!("shipway advance {id}"));
    server.post(&format!("/api/deployments/{id}/cancel"), json!({}));
    server.ended(&id);
}

#[test]
fn a_stuck_way_back_names_the_step_and_how_to_go_on() {
    let server = live("");
    let checks = json!([{ "name": "greets", "phase": "verify", "http": "/", "expect": { "contains": "hello" } }]);
    let hook = json!([{ "when": "on-rollback", "command": ["sh", "-c", "echo disk full; exit 7"] }]);
    let id =
        ends(&server, json!({ "version": "v2", "config": web(json!({ "checks": checks, "hooks": hook })) }), "stuck");
    let (seen, told) = explained(&server, &id);
    assert!(text(&told, "/headline").ends_with("did not pass, and the way back of web failed, too"), "{told:#}");
    assert!(text(&told, "/followed/0/message").contains("exited with status 7"), "{told:#}");
    let open = told["undone"]["open"].as_array().expect("a list");
    let step = open.iter().find(|step| step["status"] == "failed").expect("a step failed");
    assert_eq!(step["step"], "run hooks on rollback", "{step}");
    assert!(step["attempts"].as_u64().is_some_and(|attempts| attempts > 1), "{step}");
    assert_eq!(told["serving"][0]["is"], "old", "traffic went back all the same: {told:#}");
    let skip = format!("shipway skip {id} {} --reason WHY", step["number"]);
    let resolve = format!("shipway resolve {id} --reason WHY");
    assert_eq!(commands(&told), [format!("shipway retry {id}"), skip.clone(), resolve]);
    assert_says(
        &seen,
        &[
            "! test-2 is stuck",
            "then failed: the hook",
            "disk full",
            "web: the old (v1)",
            "run hooks on rollback · tried",
            &skip,
        ],
    );
    // The command is pasted as it stands.
    let words = skip.replace("WHY", "looked-at");
    typed(&server, &words.split_whitespace().skip(1).collect::<Vec<_>>());
    assert_eq!(server.ended(&id)["phase"], "rolled_back");
    let (seen, told) = explained(&server, &id);
    assert_eq!(told["phase"], "rolled_back", "what was written when it got stuck is over: {told:#}");
    assert_says(&seen, &["`run hooks on rollback` was left out of the way back by admin: looked-at"]);
    assert_eq!(told["undone"]["open"], json!([]));
}

#[test]
fn a_person_who_is_asked_by_the_spec_or_by_a_migration_is_told_what_is_possible() {
    let server = live("");
    let checks = json!([{ "name": "greets", "phase": "verify", "http": "/", "expect": { "contains": "hello" } }]);
    let request = json!({ "version": "v2", "config": web(json!({ "checks": checks, "on_failure": "stop" })) });
    let id = ends(&server, request, "stuck");
    let (seen, told) = explained(&server, &id);
    assert_eq!(told["serving"][0]["is"], "new", "{told:#}");
    assert!(commands(&told).contains(&format!("shipway retry {id}").as_str()), "{told:#}");
    assert_says(&seen, &["on_failure = \"stop\"", "what users met when it ended", "web: the new (v2)"]);
    let migrate = json!({ "command": ["sh", "-c", "echo half done; exit 1"], "kind": "contract" });
    let request = json!({ "version": "v3", "config": web(json!({ "migrate": migrate })) });
    let id = ends(&server, request, "stuck");
    let (seen, told) = explained(&server, &id);
    assert!(text(&told, "/headline").starts_with("test-3 is stuck past a `contract` migration: it failed in cleaning"));
    assert_eq!(commands(&told), ["shipway deploy -e test", &format!("shipway rollback {id} --accept-contract")]);
    assert_says(&seen, &["half done", "ran, or may have run, and can't be undone", "go forward: mend it"]);
}

#[test]
fn what_never_moved_and_what_is_quarantined_says_so() {
    let server = live("");
    let build = json!({ "build": ["sh", "-c", "echo error: no; exit 1"] });
    let id = ends(&server, json!({ "version": "v2", "config": web(build) }), "failed");
    let (seen, told) = explained(&server, &id);
    assert!(text(&told, "/headline").ends_with("exited with status 1; nothing was changed"), "{told:#}");
    assert!(told.get("undone").is_none(), "{told:#}");
    assert_says(&seen, &["what failed:", "│ error: no"]);
    assert!(!seen.contains("what changed"), "there is nothing to compare:\n{seen}");
    let fields = json!({ "timeouts": { "start_s": 1 } });
    let bad = || behaving("v3", "exit", fields.clone());
    ends(&server, bad(), "failed");
    let id = ends(&server, bad(), "failed");
    let (seen, told) = explained(&server, &id);
    assert_eq!(
        commands(&told),
        [
            "shipway quarantine -e test",
            "shipway deploy -e test",
            "shipway deploy -e test --version v3 --allow-quarantined --reason WHY"
        ]
    );
    assert_says(&seen, &["is quarantined since", "with the configuration that it came with"]);
}

#[test]
fn a_spec_that_is_wrong_is_told_with_its_findings() {
    let server = live("");
    let wrong = spec(&format!("{SERVICE}depends_on = [\"nobody\"]\n"));
    std::fs::write(server.home.path().join("project/shipway.toml"), wrong).expect("the spec");
    let id = ends(&server, json!({ "version": "v2" }), "failed");
    let (seen, told) = explained(&server, &id);
    assert!(text(&told, "/headline").starts_with("test-2 failed in validating"), "{told:#}");
    assert!(text(&told, "/findings/0/message").contains("nobody"), "{told:#}");
    assert_says(&seen, &["nobody", "shipway check"]);
}

#[test]
fn what_is_not_there_is_refused_with_the_way_to_find_it() {
    let server = Server::start();
    let problem = server.refused(404, "GET", "/api/deployments/nothing/explain", Value::Null);
    assert!(text(&problem, "/hint").contains("shipway history"), "{problem}");
}
