//! What an environment uses, and whether it can run something, against a real server.

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::{Server, more::problem, project, shipway};

const LIMITED: &str = "instances = 2\nlimits = { memory_mb = 64 }\nhealth = { startup = { http = \"/healthz\" } }";
const USAGE: &str = "/api/projects/app/environments/test/usage";

/// Runs a verb: its code and what it said.
fn cli(server: &Server, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(shipway())
        .args(arguments)
        .current_dir(server.home.path())
        .env("SHIPWAY_DATA", &server.data)
        .env_remove("SHIPWAY_SERVER")
        .env_remove("SHIPWAY_TOKEN")
        .output()
        .expect("the binary runs");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
    (output.status.code().expect("a code"), said)
}

#[test]
fn what_an_environment_uses_is_measured() {
    let server = Server::start();
    project(&server, LIMITED);
    assert_eq!(server.get(&format!("{USAGE}?intervalMs=100"))["services"], json!([]));
    assert!(cli(&server, &["env", "usage", "test", "--interval", "100ms"]).1.ends_with("nothing runs\n"));
    server.deploy_well(json!({ "version": "v1" }));
    for _ in 0..5 {
        assert_eq!(server.page("/").0, 200);
    }
    let usage = server.get(&format!("{USAGE}?intervalMs=100"));
    assert!(usage["intervalMs"].as_u64().expect("a number") >= 100, "{usage}");
    let web = &usage["services"][0];
    assert_eq!((web["service"].as_str(), &web["load"]["instances"]), (Some("web"), &json!(2)), "{usage}");
    assert!(web["load"]["cpuCores"].as_f64().expect("a number") >= 0.0, "{usage}");
    assert_eq!(web["load"]["memoryLimitBytes"], 128 << 20);
    assert_eq!(web["load"]["requests"]["total"], 5, "{usage}");
    assert_eq!(usage["total"], web["load"]);
    let each = |field: &str| -> u64 {
        let instances = web["instances"].as_array().expect("instances");
        instances.iter().map(|one| one[field].as_u64().expect("a number")).sum()
    };
    assert_eq!(each("memoryBytes"), web["load"]["memoryBytes"].as_u64().expect("a number"));
    assert_eq!(each("processes"), 2, "{usage}");
    let share = web["load"]["memoryShare"].as_f64().expect("a share");
    assert!(share > 0.0 && share < 1.0, "{usage}");

    let (code, said) = cli(&server, &["env", "usage", "test", "--interval", "100ms"]);
    let row = said.lines().find(|line| line.starts_with("web ")).expect("a row");
    assert!(code == 0 && row.contains(" of 128 ("), "{said}");
    let (code, said) = cli(&server, &["env", "usage", "test", "--json"]);
    let told: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &told["services"][0]["load"]["instances"]), (0, &json!(2)), "{said}");

    let numbers = server.raw("GET", "/metrics", false, &[], b"").body;
    for (name, value) in [("shipway_instance_up", "1"), ("shipway_instance_memory_limit_bytes", "67108864")] {
        let is_told =
            |line: &&str| line.starts_with(&format!("{name}{{service=\"app/test/web\"")) && line.ends_with(value);
        assert_eq!(numbers.lines().filter(is_told).count(), 2, "{numbers}");
    }
    assert!(numbers.contains("\nshipway_instance_cpu_seconds_total{"), "{numbers}");
    assert!(numbers.contains("\nshipway_instance_memory_bytes{"), "{numbers}");
}

#[test]
fn what_can_not_be_measured_is_refused() {
    let server = Server::start();
    project(&server, "");
    for span in ["5", "60000", "soon"] {
        problem(&server.raw("GET", &format!("{USAGE}?intervalMs={span}"), true, &[], b""), 400);
    }
    problem(&server.raw("GET", "/api/projects/app/environments/none/usage", true, &[], b""), 404);
}

const CAN: &str = "/api/projects/app/environments/test/compatibility";

/// The one requirement of that name.
fn requirement<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let all = answer["requirements"].as_array().expect("requirements");
    all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[test]
fn whether_an_environment_can_run_something_is_answered_by_what_is_measured() {
    let server = Server::start();
    project(&server, LIMITED);
    // The spec, as it is for the environment. Cores are asked nowhere, so that others' work changes nothing here.
    let answer = server.post(CAN, json!({}));
    assert_eq!(answer["can"], true, "{answer}");
    assert_eq!(requirement(&answer, "memory")["wanted"], "128 MiB beside what runs");
    assert_eq!(requirement(&answer, "spec")["met"], true);

    // Something that no spec describes, and far more than there is.
    let wanted = json!({
        "instances": 3, "memoryMb": 10_000_000, "cpu": 5000.5, "diskMb": 999_999_999, "nodeVersion": "0.0.1",
        "type": "production", "region": "eu", "labels": { "team": "shop" },
    });
    let answer = server.post(CAN, wanted);
    assert_eq!(answer["can"], false);
    let told: Vec<_> = answer["requirements"].as_array().expect("a list").iter().map(|one| &one["name"]).collect();
    assert_eq!(told, ["type", "region", "label team", "node", "quota", "memory", "cpu", "disk"]);
    for name in ["type", "region", "label team", "node", "memory", "cpu", "disk"] {
        assert_eq!(requirement(&answer, name)["met"], false, "{answer}");
    }
    assert_eq!(requirement(&answer, "type")["measured"], "testing");
    assert_eq!(requirement(&answer, "memory")["wanted"], "30000000 MiB beside what runs");
    assert_eq!(requirement(&answer, "cpu")["wanted"], "15001.50 cores");
    assert_eq!(requirement(&answer, "quota")["met"], true);

    let (code, said) = cli(&server, &["env", "can", "test", "--type", "testing"]);
    assert!(code == 0 && said.starts_with("test can run it\n"), "{said}");
    let (code, said) = cli(&server, &["env", "can", "test", "--service", "web", "--memory-mb", "100000000"]);
    assert!(code == 3 && said.starts_with("test can not run it\n"), "{said}");
    let (code, said) = cli(&server, &["env", "can", "test", "--region", "eu", "--json"]);
    let told: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &told["can"]), (3, &json!(false)), "{said}");
    let (code, said) = cli(&server, &["env", "can", "test", "--service", "wbe"]);
    assert!(code == 1 && said.contains("did you mean `web`?"), "{said}");
    problem(&server.raw("POST", CAN, true, &[("Content-Type", "application/json")], b"{\"cpu\":-1}"), 400);
}

#[test]
fn blue_green_needs_room_for_both_and_room_is_measured() {
    let server = Server::start();
    let folder = project(&server, "");
    // Twice what is free: nobody takes it, but an instance might.
    let free_mb = server.get(&format!("{USAGE}?intervalMs=100"))["target"]["memoryFreeMb"].as_u64().expect("a number");
    let text = support::spec(&format!("limits = {{ memory_mb = {} }}", free_mb * 2));
    let kept = text.replace("\"testing\"", "\"testing\"\nquota = { instances = 1 }");
    server.register(&folder, &kept);
    let answer = server.post(CAN, json!({}));
    assert_eq!((&answer["can"], &requirement(&answer, "memory")["met"]), (&json!(false), &json!(false)), "{answer}");
    let deployed = server.deploy_well(json!({}));
    let warned = |deployment: &Value| deployment["findings"].to_string().contains("may need");
    assert!(warned(&deployed), "{}", deployed["findings"]);
    // What would stand side by side has no room; what takes its place needs none.
    let memory = |strategy: &str| requirement(&server.post(CAN, json!({ "strategy": strategy })), "memory").clone();
    let both = memory("blue-green");
    assert_eq!(
        (&both["met"], &both["wanted"]),
        (&json!(false), &json!(format!("{} MiB beside what runs", free_mb * 2)))
    );
    assert!(both["reason"].as_str().expect("a reason").contains("web: blue-green of 1 ×"), "{both}");
    assert_eq!(memory("recreate")["met"], true);
    let config = json!({ "services": { "web": { "variables": { "A": "1" } } } });
    let swapped = server.deploy_well(json!({ "config": config, "strategy": "recreate" }));
    assert!(!warned(&swapped), "{}", swapped["findings"]);
    // Quotas are asked, too.
    let answer = server.post(CAN, json!({ "instances": 1 }));
    let quota = requirement(&answer, "quota");
    assert_eq!((&answer["can"], &quota["met"]), (&json!(false), &json!(false)), "{answer}");
    assert!(quota["reason"].as_str().expect("a reason").contains("would take 2 instances"), "{quota}");
}
