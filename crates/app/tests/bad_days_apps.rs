//! Bad days of applications: never healthy, gone at once, dead later, deaf to signals, with daemons, without a port.

mod support;

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    thread::JoinHandle,
};

use serde_json::{Value, json};
use support::{
    Server,
    day::{Day, SERVICE, assert_cause, behaving, text},
    http::request,
    project, wait_for,
};

#[test]
fn an_app_that_never_becomes_healthy_meets_no_user() {
    let day = Day::begin("timeouts = { start_s = 1 }\n");
    let deployment = day.deploy_to_end(behaving("v2", "unhealthy", json!({})), "failed");
    assert_cause(&deployment, "not healthy after 1 s", "timeouts.start_s");
    let error = &deployment["errors"][0];
    assert_eq!(error["phase"], "testing");
    assert_eq!(error["check"], "startup");
    assert_eq!(error["expected"], "a status from 200 to 399");
    assert_eq!(error["got"], "status 503: not well");
    assert!(error["instance"].is_string(), "{error}");
    assert!(error["logTail"].to_string().contains("web v2"), "{error}");
    assert_eq!(deployment["cause"], "release");
    day.unharmed("v1");
}

#[test]
fn an_app_that_exits_at_once_tells_its_status_and_its_last_words() {
    let day = Day::begin("");
    let deployment = day.deploy_to_end(behaving("v2", "exit", json!({})), "failed");
    assert_cause(&deployment, "it exited with status 3 before it was healthy", "its log");
    assert!(deployment["errors"][0]["logTail"].to_string().contains("was told to exit"), "{}", deployment["errors"]);
    day.unharmed("v1");
}

/// Waits for an event of the project.
fn until_event(server: &Server, kind: &str) -> Value {
    wait_for(kind, || {
        let events = server.get("/api/events?limit=1000");
        events["items"].as_array()?.iter().find(|event| event["kind"] == kind).cloned()
    })
}

#[test]
fn an_app_that_dies_later_is_replaced() {
    let server = Server::start();
    project(&server, SERVICE);
    server.deploy_well(behaving("v1", "die-after=800", json!({})));
    let first = text(&server.instances()[0], "/id").to_owned();
    let stopped = until_event(&server, "INSTANCE_STOPPED");
    assert!(text(&stopped, "/message").contains("exited with status 4"), "{stopped}");
    assert!(text(&stopped, "/message").contains(&first), "{stopped}");
    let replaced = until_event(&server, "INSTANCE_REPLACED");
    assert_eq!(replaced["source"], "reconciler");
    wait_for("an answer again", || (server.page("/").0 == 200).then_some(()));
    server.deploy_well(json!({ "version": "v2" }));
    assert!(server.page("/").1.starts_with("web v2 "));
}

#[test]
fn one_of_two_instances_dies_and_no_other_request_fails() {
    let server = Server::start();
    project(&server, &format!("{SERVICE}instances = 2\n"));
    server.deploy_well(json!({ "version": "v1" }));
    let before: Vec<_> = server.instances().iter().map(|one| one["id"].clone()).collect();
    let address: SocketAddr = text(&server.instances()[0], "/address").parse().expect("its address");
    request(address, "GET", "x", "/exit", &[], b"").expect_err("it dies instead of an answer");
    wait_for("two again", || {
        let (status, body) = server.page("/");
        assert_eq!(status, 200, "{body}");
        let ready: Vec<_> = server.instances().into_iter().filter(|one| one["state"] == "ready").collect();
        let is_new = ready.iter().any(|one| !before.contains(&one["id"]));
        (ready.len() == 2 && is_new && server.application_pids().len() == 2).then_some(())
    });
}

#[test]
fn an_app_that_ignores_its_signal_is_killed_after_its_grace() {
    let day = Day::begin("warm_for = \"0s\"\n");
    let stop = json!({ "stop": { "grace_s": 1 } });
    let deployment = day.deploy_to_end(behaving("v2", "ignore-term", stop), "completed");
    day.serves_alone("v2", 1);
    let deaf = day.server.application_pids();
    day.deploy_to_end(json!({ "version": "v3" }), "completed");
    day.unharmed("v3");
    assert!(day.server.application_pids().iter().all(|pid| !deaf.contains(pid)));
    let logs = day.server.get(&format!("/api/deployments/{}/logs", text(&deployment, "/id")));
    assert!(logs.to_string().contains("web v2"), "its log stays: {logs}");
}

#[test]
fn the_daemons_of_an_app_go_with_it() {
    let day = Day::begin("warm_for = \"0s\"\n");
    day.deploy_to_end(behaving("v2", "daemon", json!({})), "completed");
    day.serves_alone("v2", 2);
    day.deploy_to_end(json!({ "version": "v3" }), "completed");
    day.unharmed("v3");
    // One that leaves a daemon and then fails is the same.
    day.deploy_to_end(behaving("v4", "daemon unhealthy", json!({ "timeouts": { "start_s": 1 } })), "failed");
    day.unharmed("v3");
    day.deploy_to_end(behaving("v5", "daemon exit", json!({})), "failed");
    day.unharmed("v3");
}

/// How many ports an instance is given, one after the other.
const PORTS_MAX: usize = 4;

/// Another program, which takes the first ports that it is told of.
fn thief(ports: usize) -> (SocketAddr, JoinHandle<Vec<TcpListener>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let stolen = std::thread::spawn(move || {
        let mut stolen = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().expect("an application");
            let mut line = String::new();
            BufReader::new(stream.try_clone().expect("a reader")).read_line(&mut line).expect("a port");
            let port: u16 = line.trim().parse().expect("a number");
            let takes = stolen.len() < ports;
            if takes {
                stolen.push(TcpListener::bind(("127.0.0.1", port)).expect("the port is still free"));
            }
            stream.write_all(b"go on\n").expect("it waits");
            // It stays until it is asked for more than it takes, or has all that a start ever asks for.
            if !takes || stolen.len() == PORTS_MAX {
                return stolen;
            }
        }
    });
    (address, stolen)
}

#[test]
fn a_port_that_another_program_took_is_exchanged() {
    let day = Day::begin("");
    let (address, stolen) = thief(2);
    day.deploy_to_end(behaving("v2", &format!("ask-before-bind={address}"), json!({})), "completed");
    let stolen = stolen.join().expect("the thief");
    assert_eq!(stolen.len(), 2);
    let live = day.server.instances().into_iter().find(|one| one["role"] == "live").expect("the live one");
    let its: SocketAddr = text(&live, "/address").parse().expect("its address");
    assert!(stolen.iter().all(|other| other.local_addr().expect("an address") != its));
    day.unharmed("v2");
}

#[test]
fn ports_that_are_always_taken_are_told() {
    let day = Day::begin("");
    let (address, stolen) = thief(PORTS_MAX);
    let deployment = day.deploy_to_end(behaving("v2", &format!("ask-before-bind={address}"), json!({})), "failed");
    assert_cause(&deployment, "every port that it was given is taken by another program", "what listens there");
    assert_eq!(stolen.join().expect("the thief").len(), PORTS_MAX);
    day.unharmed("v1");
}
