//! Many changes of traffic of every sort under load: no request fails, and each deployment says so in its numbers.

mod support;

use serde_json::{Value, json};
use support::{HOST, Server, load::Load, project, wait_for};

const ROUNDS: u32 = 7;

#[test]
fn no_switch_of_any_strategy_fails_a_request() {
    let server = Server::start();
    project(&server, "health = { startup = { http = \"/healthz\" } }\ninstances = 2\nstop = { grace_s = 3 }\n");
    server.deploy_well(json!({ "version": "v0" }));
    let load = Load::start(server.proxy(), HOST);
    let strategies = [
        json!("blue-green"),
        json!({ "kind": "rolling", "max_surge": 1 }),
        json!({ "kind": "canary", "steps": "20% 50ms, 60% 50ms, 100%" }),
        json!("recreate"),
    ];
    let (mut switches, mut requests) = (0_u32, 0_u64);
    for round in 0..ROUNDS {
        for (number, strategy) in strategies.iter().enumerate() {
            let version = format!("v{round}-{number}");
            let deployed = server.deploy(json!({ "version": version, "strategy": strategy }));
            clean(&server, &deployed, &load);
            requests += deployed["metrics"]["requests"].as_u64().expect("a number");
            assert_eq!(server.version(), version);
            switches += 1;
        }
        let back = server.roll_back(json!({}));
        clean(&server, &back, &load);
        assert_ne!(server.version(), format!("v{round}-3"));
        switches += 1;
    }
    assert!(switches > 30);
    // Each for itself may be over before the next request comes.
    assert!(requests > u64::from(switches), "{requests} requests met {switches} switches");
    let (count, failures) = load.stop();
    assert!(count > 1000, "{count}");
    assert!(failures.is_empty(), "of {count}: {failures:?}");
    let routes = server.get("/api/routes");
    let failed: u64 =
        routes["traffic"].as_array().expect("numbers").iter().filter_map(|one| one["failed"].as_u64()).sum();
    assert_eq!(failed, 0, "{routes}");
}

fn clean(server: &Server, deployment: &Value, load: &Load) {
    let what = format!("{} {}: {}", deployment["name"], deployment["strategy"], deployment["errors"]);
    assert_eq!(deployment["phase"], "completed", "{what}\n{}", server.log());
    assert_eq!(load.failures(), Vec::<String>::new(), "{what}");
    assert_eq!(deployment["metrics"]["failedBySwitch"], 0, "{what}");
    let after = load.count();
    wait_for("the load to go on", || (load.count() > after + 4).then_some(()));
}
