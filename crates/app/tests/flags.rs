//! Feature flags with a real server: people change them, the application reads them at the address that it was given.

mod support;

use serde_json::{Value, json};
use support::{
    Server,
    http::{Answer, request},
    more::problem,
    project,
    sse::Stream,
};

const FLAGS: &str = "/api/projects/app/environments/test/flags";

/// The address that the running application has, as a path at the control plane.
fn reading_path(server: &Server) -> String {
    let url = server.page("/variable?SHIPWAY_FLAGS_URL").1;
    let path = url.strip_prefix(&format!("http://{}", server.address()));
    path.unwrap_or_else(|| panic!("{url} is no address of the control plane")).to_owned()
}

/// A read as the application makes it: without a token.
fn read(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    request(server.address(), "GET", "127.0.0.1", path, headers, b"").expect("the server answers")
}

fn on(server: &Server, path: &str) -> Value {
    let answer = read(server, path, &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    body["flags"]["new-checkout"]["on"].clone()
}

fn set(server: &Server, value: Value) -> (u16, Value) {
    let path = format!("{FLAGS}/new-checkout");
    server.call("PUT", &path, Some(&value)).expect("the server answers")
}

#[test]
fn an_application_reads_its_flags_and_hears_of_changes() {
    let server = Server::start();
    project(&server, "");
    server.deploy_well(json!({ "version": "v1" }));
    let path = reading_path(&server);
    assert_eq!(on(&server, &path), Value::Null, "there is none yet");
    let mut live = Stream::open(&server, &format!("{path}?for=ann"), None);
    assert_eq!(live.next().expect("the flags as they are").data["revision"], 0);

    let before = server.last_event();
    let (status, flag) = set(&server, json!({ "value": { "kind": "list", "subjects": ["ann"] } }));
    assert_eq!((status, &flag["revision"]), (200, &json!(1)), "{flag}");
    let heard = live.next().expect("the change").data;
    assert_eq!((&heard["revision"], &heard["flags"]["new-checkout"]["on"]), (&json!(1), &json!(true)), "{heard}");
    assert_eq!(on(&server, &format!("{path}?for=ann")), true);
    assert_eq!(on(&server, &format!("{path}?for=bob")), false);
    let told = server.event("FLAG_CHANGED", before);
    assert_eq!(told["details"]["flag"], "new-checkout", "{told}");

    let tag = read(&server, &path, &[]).header("etag").expect("a tag").to_owned();
    assert_eq!(read(&server, &path, &[("If-None-Match", &tag)]).status, 304);
    set(&server, json!({ "value": { "kind": "percentage", "percent": 100 } }));
    assert_eq!(read(&server, &path, &[("If-None-Match", &tag)]).status, 200);
    assert_eq!(on(&server, &path), true);
    assert_eq!(server.page("/variable?SHIPWAY_VERSION").1, "v1", "no deployment took part");
}

#[test]
fn a_rollback_changes_no_flag_and_flags_survive_the_server() {
    let mut server = Server::start();
    project(&server, "");
    server.deploy_well(json!({ "version": "v1" }));
    server.deploy_well(json!({ "version": "v2" }));
    set(&server, json!({ "value": { "kind": "boolean", "on": true }, "description": "the new way to pay" }));
    server.roll_back(json!({}));
    assert_eq!(server.version(), "v1");
    server.kill();
    server.boot(&[]);
    let flags = server.get(FLAGS);
    assert_eq!(flags["flags"]["new-checkout"]["value"], json!({ "kind": "boolean", "on": true }), "{flags}");
    let (status, left) = server.call("DELETE", &format!("{FLAGS}/new-checkout"), None).expect("an answer");
    assert_eq!((status, &left["flags"]), (200, &json!({})), "{left}");
}

#[test]
fn two_people_and_bad_values_meet_a_clear_no() {
    let server = Server::start();
    project(&server, "");
    let (_, first) = set(&server, json!({ "value": { "kind": "boolean", "on": false }, "expected": 0 }));
    let seen = first["revision"].clone();
    set(&server, json!({ "value": { "kind": "boolean", "on": true }, "expected": seen }));
    let (status, conflict) = set(&server, json!({ "value": { "kind": "boolean", "on": false }, "expected": seen }));
    assert_eq!(status, 409, "{conflict}");
    assert!(conflict["detail"].as_str().expect("words").contains("admin changed `new-checkout`"), "{conflict}");
    let (status, bad) = set(&server, json!({ "value": { "kind": "percentage", "percent": 101 } }));
    assert_eq!(status, 400, "{bad}");
    let put = |path: &str| {
        server.raw(
            "PUT",
            path,
            true,
            &[("Content-Type", "application/json")],
            b"{\"value\":{\"kind\":\"boolean\",\"on\":true}}",
        )
    };
    let nowhere = problem(&put("/api/projects/app/environments/tset/flags/x"), 404);
    assert!(nowhere["detail"].as_str().expect("words").contains("no environment `tset`"), "{nowhere}");
    let missing = server.raw("DELETE", &format!("{FLAGS}/gone"), true, &[], b"");
    assert!(problem(&missing, 404)["hint"].as_str().expect("words").contains("flag list"));
    problem(&read(&server, "/flags/0123456789abcdef0123456789abcdef", &[]), 404);
}
