//! Bad days between deployments and callers: two at a time, the same request twice, callers that go away.

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
};

use serde_json::{Value, json};
use support::{
    Server,
    day::{Day, SERVICE, behaving, text},
    project, spec, wait_for,
};

/// A deployment that stands at a step until it is advanced.
fn standing(version: &str) -> Value {
    json!({ "version": version, "strategy": { "kind": "canary", "steps": "50% manual, 100%" } })
}

fn stands(day: &Day, id: &str) {
    day.until(id, "standing at its canary", |deployment| {
        text(deployment, "/waiting/reason").contains("shipway advance")
    });
}

#[test]
fn a_second_deployment_waits_its_turn_in_order() {
    let day = Day::begin("");
    let first = day.server.ask(standing("v2"));
    stands(&day, &first);
    let second = day.server.ask(json!({ "version": "v3" }));
    let waiting = day.until(&second, "waiting", |deployment| deployment["waiting"].is_object());
    let name = day.server.deployment(&first)["name"].as_str().expect("a name").to_owned();
    assert!(text(&waiting, "/waiting/reason").contains(&name), "{}", waiting["waiting"]);
    assert_eq!(waiting["waiting"]["on"], json!([first]));
    let third = day.server.ask(json!({ "version": "v4" }));
    let waiting = day.until(&third, "waiting", |deployment| deployment["waiting"].is_object());
    assert!(waiting["waiting"]["on"].as_array().expect("a list").contains(&json!(second)), "{}", waiting["waiting"]);
    assert_eq!(day.server.deployment(&first)["phase"], "promoting");
    day.server.post(&format!("/api/deployments/{first}/advance"), json!({}));
    let ends = [&first, &second, &third].map(|id| text(&day.end(id, "completed"), "/completedAt").to_owned());
    assert!(ends[0] < ends[1] && ends[1] < ends[2], "{ends:?}");
    day.unharmed("v4");
}

#[test]
fn a_second_deployment_is_refused_with_the_list() {
    let day = Day::begin("");
    let first = day.server.ask(standing("v2"));
    stands(&day, &first);
    let body = json!({ "project": "app", "environment": "test", "version": "v3", "onConflict": "refuse" });
    let (status, refused) = day.server.call("POST", "/api/deployments", Some(&body)).expect("an answer");
    assert_eq!(status, 409, "{refused}");
    assert!(text(&refused, "/errors/0").contains(&first), "{refused}");
    assert!(text(&refused, "/errors/0").contains("promoting"), "{refused}");
    assert!(text(&refused, "/hint").contains("supersede"), "{refused}");
    let all = day.server.get("/api/projects/app/deployments");
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2), "nothing was recorded: {all}");
    day.server.post(&format!("/api/deployments/{first}/advance"), json!({}));
    day.end(&first, "completed");
    day.unharmed("v2");
}

#[test]
fn a_superseding_deployment_takes_the_place_of_the_first() {
    let day = Day::begin("");
    let first = day.server.ask(standing("v2"));
    stands(&day, &first);
    let queued = day.server.ask(json!({ "version": "v3" }));
    day.until(&queued, "waiting", |deployment| deployment["waiting"].is_object());
    let second = day.server.ask(json!({ "version": "v4", "onConflict": "supersede" }));
    day.end(&second, "completed");
    for superseded in [first, queued] {
        let ended = day.end(&superseded, "cancelled");
        assert_eq!(ended["cause"], "person");
        let events = day.server.get(&format!("/api/events?deployment={superseded}&limit=1000")).to_string();
        assert!(events.contains("superseded by a newer deployment"), "{events}");
    }
    day.unharmed("v4");
}

#[test]
fn deployments_of_other_services_run_beside_each_other() {
    let day = Day::begin("");
    let mail = "[services.mail]\nsource = \"app\"\nkind = \"process\"\nrun = [\"./fixture\"]\nrun_as = \"@server\"\n";
    std::fs::write(day.folder.join("shipway.toml"), format!("{}\n{mail}", spec(SERVICE))).expect("the spec");
    let mut slow = standing("v2");
    slow["services"] = json!(["web"]);
    let web = day.server.ask(slow);
    stands(&day, &web);
    let mail = day.deploy_to_end(json!({ "version": "v1", "services": ["mail"] }), "completed");
    assert_eq!(mail["waiting"], Value::Null);
    assert_eq!(day.server.deployment(&web)["phase"], "promoting", "it still stands");
    day.server.post(&format!("/api/deployments/{web}/advance"), json!({}));
    day.end(&web, "completed");
    day.unharmed("v2");
}

#[test]
fn the_same_request_sent_twice_is_done_once() {
    let day = Day::begin("");
    let body = json!({ "project": "app", "environment": "test", "version": "v2" });
    let send = |body: &Value| {
        let sent = day.server.call_with("POST", "/api/deployments", &[("Idempotency-Key", "once")], Some(body));
        sent.expect("an answer")
    };
    let answers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| send(&body))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a sender")).collect()
    });
    let (status, first) = answers[0].clone();
    assert_eq!(status, 200, "{first}");
    assert!(answers.iter().all(|answer| *answer == (status, first.clone())), "{answers:?}");
    day.end(text(&first, "/id"), "completed");
    assert_eq!(send(&body), (status, first), "also when it is over");
    let (status, refused) = send(&json!({ "project": "app", "environment": "test", "version": "v3" }));
    assert_eq!(status, 422, "{refused}");
    assert!(text(&refused, "/detail").contains("another body"), "{refused}");
    assert!(text(&refused, "/hint").contains("new key"), "{refused}");
    let all = day.server.get("/api/projects/app/deployments");
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2), "{all}");
    day.unharmed("v2");
}

/// Sends bytes to the control plane; whoever drops the connection is a caller that goes away.
fn send(server: &Server, head: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    let token = server.token();
    let head = format!("{head}\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).expect("it is sent");
    stream
}

#[test]
fn a_caller_that_goes_away_loses_nothing() {
    const CALLERS: usize = 12;
    let day = Day::begin("");
    let body = json!({ "project": "app", "environment": "test", "services": ["web"], "version": "v2" }).to_string();
    for number in 0..CALLERS {
        let head = format!("POST /api/deployments HTTP/1.1\r\nContent-Length: {}", body.len());
        let stream = send(&day.server, &format!("{head}\r\nIdempotency-Key: gone-{number}"), &body);
        // Some go at once, some a little later.
        let until = day.load.count() + number as u64 % 4;
        wait_for("a moment", || (day.load.count() >= until).then_some(()));
        drop(stream);
    }
    // Half of a request is none.
    drop(send(&day.server, "POST /api/deployments HTTP/1.1\r\nContent-Length: 500", &body));
    // A caller that sends the same again, with the key that it had, gets the deployment that was made.
    let mut ids = Vec::new();
    for number in 0..CALLERS {
        let key = format!("gone-{number}");
        let body = serde_json::from_str(&body).expect("the body");
        let again = day.server.call_with("POST", "/api/deployments", &[("Idempotency-Key", &key)], Some(&body));
        let (status, answer) = again.expect("an answer");
        assert_eq!(status, 200, "{answer}");
        ids.push(text(&answer, "/id").to_owned());
    }
    for id in &ids {
        day.end(id, "completed");
    }
    let all = day.server.get("/api/projects/app/deployments?limit=200");
    let known: Vec<_> = all["items"].as_array().expect("a list").iter().map(|one| text(one, "/phase")).collect();
    assert!(known.iter().all(|phase| *phase == "completed"), "each that was recorded came to its end: {known:?}");
    assert_eq!(known.len(), CALLERS + 1, "and each once: {known:?}");
    day.unharmed("v2");
}

#[test]
fn a_listener_that_goes_away_stops_nothing() {
    let day = Day::begin("");
    let id = day.server.ask(behaving("v2", "slow-start=300", json!({})));
    for path in [format!("/api/deployments/{id}/logs"), "/api/events".to_owned()] {
        let mut stream = send(&day.server, &format!("GET {path} HTTP/1.1\r\nAccept: text/event-stream"), "");
        let mut some = [0; 64];
        assert!(stream.read(&mut some).expect("a beginning") > 0);
        assert!(some.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&some));
        drop(stream);
    }
    day.end(&id, "completed");
    day.unharmed("v2");
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let server = Server::start();
    project(&server, SERVICE);
    server.deploy_well(json!({ "version": "v1" }));
    let mut second = std::process::Command::new(support::shipway());
    second.arg("serve").arg("--data").arg(&server.data);
    second.args(["--listen", "127.0.0.1:0", "--proxy-listen", "127.0.0.1:0", "--link-port", "0"]);
    let output = second.output().expect("it ends by itself");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&server.data.display().to_string()), "{said}");
    assert!(server.page("/").1.starts_with("web v1 "));
}
