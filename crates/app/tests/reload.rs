//! Changes of configuration that running instances read, on a real server with real processes: by a signal, by a request,
//! taken back when an instance will not have it, and not at all where something else changes.

mod support;

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use support::{
    HOST, Server,
    day::{Day, SERVICE, text},
    http::request,
    project, shipway, wait_for,
};

const SIGNAL: &str = "instances = 2\nreload = { signal = \"HUP\" }\ntimeouts = { start_s = 8 }\n";
const REQUEST: &str = "instances = 2\nreload = { http = \"/reload\" }\n";

/// A deployment of nothing but variables: the artifact stays.
fn variables(more: Value) -> Value {
    json!({ "version": "v1", "config": { "services": { "web": { "variables": more } } } })
}

/// What `shipway explain` repeats of what the plan of a deployment noted: what a person sees, which the API says too.
fn planned(server: &Server, deployment: &Value) -> String {
    let id = text(deployment, "/id");
    let mut command = Command::new(shipway());
    command.args(["explain", id, "--data"]).arg(&server.data).env("NO_COLOR", "1").env_remove("SHIPWAY_SERVER");
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let seen = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = server.get(&format!("/api/deployments/{id}/explain"));
    for note in told["planned"].as_array().expect("what its plan notes") {
        let line = format!("· {}", note.as_str().expect("words"));
        assert!(seen.contains("what its plan notes\n") && seen.contains(&line), "`{line}` is not in:\n{seen}");
    }
    seen
}

/// What every instance has read, by its process, asked at its own port.
fn read(server: &Server, name: &str) -> Vec<(u64, String)> {
    let instances = server.instances();
    let live = instances.iter().filter(|one| one["role"] == "live");
    // One that has just ended answers nothing.
    let asked = live.filter_map(|one| {
        let address = text(one, "/address").parse().ok()?;
        let answer = request(address, "GET", HOST, &format!("/config?{name}"), &[], b"").ok()?;
        let (pid, value) = answer.body.split_once(' ')?;
        Some((pid.parse().ok()?, value.to_owned()))
    });
    let mut all: Vec<_> = asked.collect();
    all.sort();
    all
}

/// All instances run as these processes, and have read this.
fn assert_all(server: &Server, pids: &[u64], level: &str) {
    let expected: Vec<_> = pids.iter().map(|pid| (*pid, level.to_owned())).collect();
    assert_eq!(read(server, "LEVEL"), expected);
}

fn pids(server: &Server) -> Vec<u64> {
    read(server, "LEVEL").into_iter().map(|(pid, _)| pid).collect()
}

fn steps(deployment: &Value, back: bool, word: &str) -> usize {
    let steps = deployment["steps"].as_array().expect("steps");
    steps.iter().filter(|step| step["back"] == json!(back) && text(step, "/title").starts_with(word)).count()
}

fn begin(how: &str) -> (Day, Vec<u64>) {
    let day = Day::begin(&format!("{how}variables = {{ LEVEL = \"one\" }}\n"));
    let pids = pids(&day.server);
    assert_eq!(pids.len(), 2);
    assert_all(&day.server, &pids, "one");
    (day, pids)
}

#[test]
fn a_signal_has_the_same_processes_read_it_and_read_the_old_again() {
    let (day, pids) = begin(SIGNAL);
    let server = &day.server;
    let changed = day.deploy_to_end(variables(json!({ "LEVEL": "two" })), "completed");
    assert_eq!((steps(&changed, false, "reload"), steps(&changed, false, "start")), (2, 0), "{changed:#}");
    let noted = planned(server, &changed);
    assert!(noted.contains("web: 2 running instances read the configuration anew"), "{noted}");
    wait_for("the signal to be heard", || read(server, "LEVEL").iter().all(|(_, level)| level == "two").then_some(()));
    assert_all(server, &pids, "two");
    // It is of another release, and so is what the file says of it.
    let live = server.instances();
    let live = live.iter().find(|one| one["role"] == "live").expect("a live one");
    let file = server.data.join("configured").join(text(live, "/id")).join("config.json");
    let file: Value = serde_json::from_slice(&fs::read(file).expect("the file")).expect("JSON");
    assert_eq!(file["release"], live["release"]);
    assert_eq!(file["variables"]["LEVEL"], "two");

    let back = day.deploy_to_end(json!({ "kind": { "is": "rollback" } }), "completed");
    assert_eq!((steps(&back, false, "reload"), steps(&back, false, "start")), (2, 0), "{back:#}");
    wait_for("the signal to be heard", || read(server, "LEVEL").iter().all(|(_, level)| level == "one").then_some(()));
    assert_all(server, &pids, "one");
    day.unharmed("v1");
}

#[test]
fn a_request_has_them_read_it_and_who_refuses_it_takes_all_of_them_back() {
    let (day, pids) = begin(REQUEST);
    let server = &day.server;
    day.deploy_to_end(variables(json!({ "LEVEL": "two" })), "completed");
    assert_all(server, &pids, "two");

    // One takes it, the next one will not.
    let once = format!("once={}", server.home.path().join("taken").display());
    let refused = variables(json!({ "LEVEL": "three", "RELOAD": once }));
    let refused = day.deploy_to_end(refused, "rolled_back");
    assert!(text(&refused, "/errors/0/message").contains("status 500"), "{:#}", refused["errors"]);
    assert_eq!(steps(&refused, true, "reload"), 2, "{refused:#}");
    assert_all(server, &pids, "two");
    day.unharmed("v1");
}

#[test]
fn what_dies_of_it_or_is_not_well_afterwards_is_taken_back() {
    let (day, first) = begin(SIGNAL);
    let server = &day.server;
    let died = day.deploy_to_end(variables(json!({ "LEVEL": "two", "RELOAD": "die" })), "rolled_back");
    assert_eq!(text(&died, "/errors/0/service"), "web", "{:#}", died["errors"]);
    wait_for("two that run on with the old", || {
        let read = read(server, "LEVEL");
        let kept = read.iter().filter(|(pid, _)| first.contains(pid)).count();
        (read.len() == 2 && kept == 1 && read.iter().all(|(_, level)| level == "one")).then_some(())
    });
    // One that is never healthy with the new is well again with the old.
    let second = pids(server);
    let ill = day.deploy_to_end(variables(json!({ "LEVEL": "two", "BEHAVIOUR": "unhealthy" })), "rolled_back");
    assert!(text(&ill, "/errors/0/message").contains("not healthy"), "{:#}", ill["errors"]);
    wait_for("the old to be read", || read(server, "LEVEL").iter().all(|(_, level)| level == "one").then_some(()));
    assert_all(server, &second, "one");
    // What it was doing when it died is lost; nothing else is.
    assert_eq!(server.page("/").0, 200);
}

#[test]
fn another_artifact_starts_other_processes() {
    let (day, first) = begin(SIGNAL);
    let server = &day.server;
    fs::write(day.folder.join("app/more"), "more").expect("a file");
    let other = json!({ "version": "v2", "config": { "services": { "web": { "variables": { "LEVEL": "two" } } } } });
    let anew = day.deploy_to_end(other, "completed");
    assert_eq!((steps(&anew, false, "reload"), steps(&anew, false, "start")), (0, 2));
    let noted = planned(server, &anew);
    assert!(noted.contains("web: new instances start instead of a reload: "), "{noted}");
    let second = pids(server);
    assert!(second.iter().all(|pid| !first.contains(pid)), "{first:?} {second:?}");
    assert_all(server, &second, "two");
    day.unharmed("v2");
}

#[test]
fn a_crash_at_any_step_ends_wholly_old_or_wholly_new() {
    let mut server = Server::start();
    let storm = "\n[environments.test.rollback_limit]\nmax = 1000\nper = \"1h\"\n";
    project(&server, &format!("{SERVICE}{REQUEST}variables = {{ LEVEL = \"0\" }}\n{storm}"));
    server.deploy_well(json!({ "version": "v1" }));
    let first = pids(&server);
    let mut level = 0;
    for failing in [false, true] {
        let steps = round(&mut server, &first, None, failing, &mut level);
        assert!(steps > 2, "{steps}");
        for step in 0..steps {
            for side in ["before", "after"] {
                let way = if failing { "back" } else { "forward" };
                let point = format!("{way}/{step}/{side}");
                round(&mut server, &first, Some(&point), failing, &mut level);
            }
        }
    }
}

/// One change of configuration, with a death of the server. Gives how many steps the way had.
fn round(server: &mut Server, pids: &[u64], crash: Option<&str>, failing: bool, level: &mut u32) -> usize {
    if let Some(point) = crash {
        server.kill();
        server.boot(&[("SHIPWAY_CRASH_POINT", point)]);
    }
    let before = level.to_string();
    *level += 1;
    // One takes it, the next one refuses it.
    let once = server.home.path().join(format!("once {crash:?}").replace('/', "-"));
    let refuse = if failing { format!("once={}", once.display()) } else { String::new() };
    let id = server.ask(variables(json!({ "LEVEL": level.to_string(), "RELOAD": refuse })));
    if crash.is_some() {
        let over = |server: &Server| {
            let answer = server.call("GET", &format!("/api/deployments/{id}"), None);
            answer.is_ok_and(|(_, deployment)| deployment["endedAt"].is_string() || deployment["endedAt"].is_number())
        };
        wait_for("the death of the server", || (server.has_ended() || over(server)).then_some(()));
        if server.has_ended() {
            server.wait_end();
            server.boot(&[]);
        }
    }
    let ended = server.ended(&id);
    let expected = if failing { "rolled_back" } else { "completed" };
    assert_eq!(ended["phase"], expected, "{crash:?}: {:#}", ended["errors"]);
    let wanted = if failing { before.clone() } else { level.to_string() };
    assert_all(server, pids, &wanted);
    if failing {
        *level = before.parse().expect("a number");
    }
    ended["steps"].as_array().expect("steps").iter().filter(|step| step["back"] == json!(failing)).count()
}

#[test]
fn another_version_of_a_secret_starts_other_processes_which_then_reload() {
    let server = Server::start();
    let secret = "[services.web.secrets]\nTOKEN = {}\n";
    project(&server, &format!("{SERVICE}{REQUEST}variables = {{ LEVEL = \"one\" }}\n{secret}"));
    let put = |value: &str| {
        let body = json!({ "name": "TOKEN", "environment": "test", "value": value });
        let (status, answer) = server.call("PUT", "/api/projects/app/secrets", Some(&body)).expect("it answers");
        assert_eq!(status, 200, "{answer}");
    };
    put("the first value");
    server.deploy_well(json!({ "version": "v1" }));
    let first = pids(&server);
    put("the second value");
    server.deploy_well(json!({ "version": "v1" }));
    let second = pids(&server);
    assert!(second.iter().all(|pid| !first.contains(pid)), "{first:?} {second:?}");
    server.deploy_well(variables(json!({ "LEVEL": "two" })));
    assert_all(&server, &second, "two");
    assert_eq!(server.page("/variable?TOKEN"), (200, "the second value".to_owned()));
}
