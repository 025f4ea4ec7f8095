//! Events and logs, as pages and as live streams.

mod support;

use serde_json::json;
use support::{Server, project, sse::Stream, wait_for};

const HEALTH: &str = "health = { startup = { http = \"/healthz\" } }\n";

#[test]
fn events_come_in_order_without_holes_as_pages_and_live() {
    let mut server = Server::start();
    project(&server, HEALTH);
    let mut live = Stream::open(&server, "/api/events?after=0", None);
    let first = server.deploy_well(json!({ "version": "v1" }));
    let mut heard = Vec::new();
    live.until("the end of the first", |event| {
        let seq = event.data["seq"].as_u64().expect("a place");
        assert_eq!(event.id.as_deref(), Some(seq.to_string().as_str()));
        heard.push(seq);
        event.data["kind"] == "DEPLOYMENT_SUCCEEDED"
    });
    let last = *heard.last().expect("an event");
    assert_eq!(heard, (1..=last).collect::<Vec<_>>(), "from the first, without a hole");
    // The connection breaks with the server; the stream goes on where it broke.
    server.kill();
    while live.next().is_some() {}
    server.boot(&[]);
    let mut again = Stream::open(&server, "/api/events?after=0", Some(last));
    let second = server.deploy_well(json!({ "version": "v2" }));
    let mut more = Vec::new();
    let end = again.until("the end of the second", |event| {
        more.push(event.data["seq"].as_u64().expect("a place"));
        event.data["kind"] == "DEPLOYMENT_SUCCEEDED"
    });
    assert_eq!(end.data["deployment"], second["id"]);
    assert_eq!(more, (last + 1..last + 1 + more.len() as u64).collect::<Vec<_>>());
    let mut paged = Vec::new();
    let mut after = 0;
    loop {
        let page = server.get(&format!("/api/events?after={after}&limit=7"));
        let items = page["items"].as_array().expect("items").clone();
        if items.is_empty() {
            break;
        }
        assert!(items.len() <= 7);
        paged.extend(items.iter().filter_map(|event| event["seq"].as_u64()));
        after = page["next"].as_u64().expect("the next place");
    }
    assert_eq!(paged, (1..=paged.len() as u64).collect::<Vec<_>>());
    assert!(paged.len() >= heard.len() + more.len());
    let of_first = server.events(first["id"].as_str());
    assert!(!of_first.is_empty() && of_first.iter().all(|event| event["deployment"] == first["id"]));
    let mut only =
        Stream::open(&server, &format!("/api/events?deployment={}", second["id"].as_str().expect("an id")), None);
    let opening = only.next().expect("an event");
    assert_eq!(opening.data["kind"], "DEPLOYMENT_QUEUED");
    for field in ["seq", "id", "at", "status", "services", "source", "correlationId", "message"] {
        assert!(!opening.data[field].is_null(), "{field}: {}", opening.data);
    }
    assert_eq!(opening.data["correlationId"], second["correlationId"]);
}

#[test]
fn build_lines_arrive_while_the_build_runs() {
    let server = Server::start();
    // The build waits for a file that this test makes only when it has seen the line before.
    let gate = server.home.path().join("gate");
    let script = format!("echo first-line; until [ -e {} ]; do sleep 0.02; done; echo last-line", gate.display());
    project(&server, &format!("{HEALTH}build = [\"/bin/sh\", \"-c\", \"{script}\"]\n"));
    let id = server.ask(json!({ "version": "v1" }));
    let mut logs = Stream::open(&server, &format!("/api/deployments/{id}/logs"), None);
    let line = logs.until("the first line", |event| event.data["line"] == "first-line");
    assert_eq!(line.data["stream"], "build");
    assert_eq!(line.data["service"], "web");
    assert_eq!(server.deployment(&id)["phase"], "preparing", "the build still runs");
    assert_eq!(server.deployment(&id)["status"], "building");
    std::fs::write(&gate, "").expect("the gate opens");
    logs.until("the last line", |event| event.data["line"] == "last-line");
    logs.until("the application's own line", |event| {
        event.data["stream"] == "instance" && event.data["line"].as_str().is_some_and(|line| line.contains("listens"))
    });
    while logs.next().is_some() {}
    assert_eq!(server.ended(&id)["phase"], "completed");
    let whole = server.get(&format!("/api/deployments/{id}/logs?service=web"));
    let lines: Vec<_> = whole["lines"].as_array().expect("lines").iter().map(|line| line["stream"].clone()).collect();
    assert_eq!(lines.last(), Some(&json!("instance")), "{whole}");
    assert!(lines[..lines.len() - 1].iter().all(|stream| stream == "build"), "builds come first: {whole}");
    let tail = server.get(&format!("/api/deployments/{id}/logs?tail=1"));
    assert_eq!(tail["lines"].as_array().expect("lines").len(), 2, "one of the build, one of the instance: {tail}");
    assert!(
        server.get(&format!("/api/deployments/{id}/logs?service=none"))["lines"].as_array().expect("lines").is_empty()
    );
}

#[test]
fn an_instance_s_output_can_be_followed() {
    let server = Server::start();
    project(&server, HEALTH);
    server.deploy_well(json!({ "version": "v1" }));
    let instance = server.live_instances()[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/instances/{instance}/logs");
    let mut live = Stream::open(&server, &path, None);
    let line = live.until("its line", |event| event.data["line"].as_str().is_some_and(|line| line.contains("listens")));
    assert_eq!(line.data["instance"], json!(instance));
    let page = wait_for("its line", || server.get(&path)["lines"].get(0).cloned());
    assert_eq!(page["line"], line.data["line"]);
}
