//! What Shipway keeps true by itself: instances that die, that aren't ready, that nobody wants; and that the death of
//! any one of its own processes ends no application. Not here: deaths in the middle of a deployment (`crash`).

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde::Deserialize;
use serde_json::{Value, json};
use shipway_core::time::Timestamp;
use support::{
    HOST, Server,
    day::text,
    http::{Connection, request},
    load::Load,
    more::{ask_instance, kill_9, lives},
    project, wait_for,
};

const STARTUP: &str = "startup = { http = \"/healthz\" }";

fn service(probes: &str, more: &str) -> String {
    format!("health = {{ {STARTUP}{probes} }}\nstop = {{ grace_s = 2 }}\n{more}\n")
}

fn ids(instances: &[Value]) -> BTreeSet<String> {
    instances.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn an_instance_that_was_killed_is_replaced() {
    let server = Server::start();
    project(&server, &service("", "instances = 2"));
    server.deploy_well(json!({ "version": "v1" }));
    let before = server.live_instances();
    let after = server.last_event();
    let dead = before[0]["id"].as_str().expect("an id").to_owned();
    kill_9(server.pids_of(&before[0]).1);
    let stopped = server.event("INSTANCE_STOPPED", after);
    assert!(stopped["message"].as_str().expect("words").contains(&dead), "{stopped}");
    assert!(stopped["message"].as_str().expect("words").contains("signal 9"), "{stopped}");
    server.event("INSTANCE_REPLACED", after);
    let now = wait_for("both to be live", || Some(server.live_instances()).filter(|live| live.len() == 2));
    assert!(!ids(&now).contains(&dead));
    assert!(ids(&now).contains(before[1]["id"].as_str().expect("an id")), "the other was left alone");
    wait_for("it to take requests", || {
        let id = now.iter().map(|one| one["id"].as_str().expect("an id")).find(|id| *id != before[1]["id"])?;
        server.page("/").1.ends_with(id).then_some(())
    });
    assert_eq!(server.get("/api/projects/app/environments")[0]["status"], "healthy");
    assert_eq!(
        server.get("/api/projects/app/deployments")["items"].as_array().expect("items").len(),
        1,
        "no deployment"
    );
}

#[test]
fn one_that_is_not_ready_gets_no_requests_until_it_is() {
    let server = Server::start();
    let readiness = ", readiness = { http = \"/ready\", interval_ms = 100, failure_threshold = 2 }";
    project(&server, &service(readiness, "instances = 2"));
    server.deploy_well(json!({ "version": "v1" }));
    let instances = server.live_instances();
    let (sick, well) = (&instances[0], instances[1]["id"].as_str().expect("an id"));
    let after = server.last_event();
    let load = Load::start(server.proxy(), HOST);
    ask_instance(sick, "/become?unready").expect("it answers");
    server.event("INSTANCE_UNREADY", after);
    wait_for("its requests to go elsewhere", || (0..20).all(|_| server.page("/").1.ends_with(well)).then_some(()));
    let status = server.get("/api/projects/app/environments")[0].clone();
    assert_eq!(status["status"], "degraded", "{status}");
    assert!(status["reason"].as_str().expect("words").contains("1 of 2"), "{status}");
    ask_instance(sick, "/become?").expect("it answers");
    server.event("INSTANCE_READY", after);
    let id = sick["id"].as_str().expect("an id");
    wait_for("it to take requests again", || server.page("/").1.ends_with(id).then_some(()));
    assert_eq!(ids(&server.live_instances()), ids(&instances), "nobody was replaced");
    let (count, failures) = load.stop();
    assert!(failures.is_empty(), "of {count}: {failures:?}");
}

#[test]
fn one_that_is_not_alive_is_replaced() {
    let server = Server::start();
    let liveness = ", liveness = { http = \"/healthz\", interval_ms = 100, failure_threshold = 2 }";
    project(&server, &service(liveness, ""));
    server.deploy_well(json!({ "version": "v1" }));
    let sick = server.live_instances()[0].clone();
    let after = server.last_event();
    ask_instance(&sick, "/become?unhealthy").expect("it answers");
    server.event("INSTANCE_REPLACED", after);
    let now = wait_for("another", || server.live_instances().first().cloned());
    assert_ne!(now["id"], sick["id"]);
    assert_eq!(server.page("/healthz").0, 200);
}

#[test]
fn one_that_keeps_dying_is_started_later_and_later() {
    let server = Server::start();
    project(&server, &service("", ""));
    server.deploy_well(json!({ "version": "v1", "config": { "variables": { "BEHAVIOUR": "die-after=700" } } }));
    let deaths = |server: &Server| -> Vec<i64> {
        let events = server.events(None);
        let died = events.iter().filter(|event| event["kind"] == "INSTANCE_STOPPED");
        died.map(|event| event["seq"].as_i64().expect("a place")).collect()
    };
    let (seen, replaced) = wait_for("four deaths", || {
        let seen = deaths(&server);
        let events = server.events(None);
        let replaced: Vec<_> = events.iter().filter(|event| event["kind"] == "INSTANCE_REPLACED").cloned().collect();
        (seen.len() >= 4).then_some((seen, replaced))
    });
    assert!(replaced.len() <= seen.len(), "never more than one for each death");
    let events = server.events(None);
    let time = |event: &Value| Timestamp::deserialize(&event["at"]).expect("a time");
    // From a death to the replacement: the first is at once, the later ones wait 1 s, 2 s, ...
    let mut waits = Vec::new();
    let mut died = None;
    for event in &events {
        match event["kind"].as_str().expect("a kind") {
            "INSTANCE_STOPPED" => died = Some(time(event)),
            "INSTANCE_REPLACED" => {
                if let Some(died) = died.take() {
                    waits.push(time(event).since_ms(died));
                }
            }
            _ => {}
        }
    }
    assert!(waits.len() >= 3, "{waits:?}");
    assert!(waits[1] >= 1000 && waits[2] >= 2000, "{waits:?}");
    server.deploy_well(json!({ "version": "v2" }));
    assert_eq!(server.version(), "v2", "the next release is not held up by it");
}

#[test]
fn what_stood_by_long_enough_is_retired_and_strays_are_stopped() {
    let mut server = Server::start();
    project(&server, &service("", "warm_for = \"1s\""));
    server.deploy_well(json!({ "version": "v1" }));
    let old = server.live_instances()[0].clone();
    let pid = server.pids_of(&old).1;
    let after = server.last_event();
    server.deploy_well(json!({ "version": "v2" }));
    server.event("WARM_RETIRED", after);
    wait_for("the old one to end", || (!lives(pid) && server.instances().len() == 1).then_some(()));
    // A process of an instance that nobody recorded: as one that a server started and died before it was told so.
    let live = server.live_instances()[0]["id"].as_str().expect("an id").to_owned();
    let folder = server.data.join("instances").join(&live);
    server.kill();
    let stray = server.data.join("instances/app-test-web-stray");
    std::fs::create_dir_all(&stray).expect("a folder");
    let launch = std::fs::read_to_string(folder.join("launch.json")).expect("its intent");
    std::fs::write(stray.join("launch.json"), launch.replace(&live, "app-test-web-stray")).expect("an intent");
    let data = std::fs::canonicalize(&server.data).expect("the folder");
    let mut command = std::process::Command::new(support::fixture());
    command.arg("sleep").env("SHIPWAY_FOLDER", &data).env("SHIPWAY_INSTANCE", "app-test-web-stray");
    let mut child = command.spawn().expect("a stray");
    server.boot(&[]);
    let ended = wait_for("the stray to be stopped", || child.try_wait().expect("its status"));
    assert!(!ended.success());
    assert_eq!(server.version(), "v2");
    wait_for("one application", || (server.application_pids().len() == 1).then_some(()));
}

#[test]
fn after_everything_was_killed_a_start_brings_it_back() {
    let mut server = Server::start();
    project(&server, &service("", "instances = 2\ndata = [\"uploads\"]"));
    server.deploy_well(json!({ "version": "v1" }));
    server.deploy_well(json!({ "version": "v2" }));
    assert_eq!(server.page("/write?kept").0, 200);
    let before = server.application_pids();
    // The server alone: everything runs on, and the next one takes it as it is.
    server.kill();
    assert_eq!(server.application_pids().len(), before.len());
    server.boot(&[]);
    assert_eq!(server.version(), "v2");
    assert_eq!(server.application_pids().len(), before.len(), "the same processes");
    // As after a reboot: not one process is left.
    server.kill();
    for word in ["keeper", "proxy", "shim"] {
        server.parts(word).into_iter().for_each(kill_9);
    }
    wait_for("all to be gone", || {
        let left = server.application_pids();
        left.iter().copied().for_each(|pid| {
            if lives(pid) {
                kill_9(pid)
            }
        });
        left.is_empty().then_some(())
    });
    server.boot(&[]);
    let address = wait_for("the proxy", || server.get("/api/server")["proxy"].as_str()?.parse().ok());
    wait_for("the application to answer", || {
        let answer = request(address, "GET", HOST, "/", &[], b"").ok()?;
        (answer.status == 200 && answer.body.starts_with("web v2 ")).then_some(())
    });
    wait_for("all of it", || {
        let all = server.instances();
        let count = |role: &str| all.iter().filter(|one| one["role"] == role && one["state"] == "ready").count();
        (count("live") == 2 && count("warm") == 2 && all.len() == 4).then_some(())
    });
    assert_eq!(server.page("/read").1, "kept");
    let back = server.roll_back(json!({}));
    assert_eq!(back["phase"], "completed", "{}", back["errors"]);
    assert_eq!(server.version(), "v1");
}

/// Connects again and again, and counts who is refused.
struct Knocking {
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<()>,
}

impl Knocking {
    fn start(address: std::net::SocketAddr) -> Self {
        let (stop, refused, answered) =
            (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let thread = std::thread::spawn({
            let (stop, refused, answered) = (stop.clone(), refused.clone(), answered.clone());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    match Connection::open(address) {
                        Err(_) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                        // What was in flight at the death is cut: that is counted, and not asked here.
                        Ok(mut connection) => {
                            if connection.request("GET", HOST, "/", &[], b"").is_ok_and(|answer| answer.status == 200) {
                                answered.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    }
                }
            }
        });
        Self { stop, refused, answered, thread }
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    fn refused(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it ends");
        self.refused.load(Ordering::Relaxed)
    }
}

#[test]
fn the_death_of_the_proxy_refuses_nobody_and_counts_what_it_cut() {
    let server = Server::start();
    project(&server, &service("", ""));
    server.deploy_well(json!({ "version": "v1" }));
    let address = server.proxy();
    let knocking = Knocking::start(address);
    wait_for("answers", || (knocking.answered() > 20).then_some(()));
    let mut held = Connection::open(address).expect("a connection");
    let waiting = std::thread::spawn(move || held.request("GET", HOST, "/?ms=20000", &[], b"").is_ok());
    let in_flight = || server.instances()[0]["inFlight"].as_u64().unwrap_or(0);
    wait_for("a request in flight", || (in_flight() >= 1).then_some(()));
    // The number is written down every now and then; it is seen in the file before the death.
    let folder = server.data.join("proxy/in-flight");
    wait_for("it to be written down", || {
        let entries = std::fs::read_dir(&folder).ok()?;
        let written = |entry: std::fs::DirEntry| std::fs::read(entry.path()).unwrap_or_default();
        entries.flatten().map(written).any(|number| number.iter().any(|byte| *byte != 0)).then_some(())
    });
    let proxies = server.parts("proxy");
    assert_eq!(proxies.len(), 1, "one proxy runs");
    let pid = server.application_pids();
    kill_9(proxies[0]);
    let known = knocking.answered();
    wait_for("answers again", || (knocking.answered() > known + 20).then_some(()));
    assert!(!waiting.join().expect("it ends"), "what was in flight was cut");
    assert_eq!(knocking.refused(), 0, "nobody was refused");
    wait_for("the count", || {
        let routes = server.get("/api/routes");
        (routes["lostInFlight"].as_u64()? >= 1).then_some(())
    });
    assert_eq!(server.application_pids(), pid, "the application lives");
    server.deploy_well(json!({ "version": "v2" }));
    assert_eq!(server.version(), "v2");
}

#[test]
fn the_death_of_a_shim_ends_no_application() {
    let mut server = Server::start();
    project(&server, &service("", ""));
    server.deploy_well(json!({ "version": "v1" }));
    let instance = server.live_instances()[0].clone();
    let (shim, app) = server.pids_of(&instance);
    let load = Load::start(server.proxy(), HOST);
    kill_9(shim);
    wait_for("another shim", || {
        let (now, same) = server.pids_of(&instance);
        assert_eq!(same, app, "the application is the same");
        (now != shim && lives(now)).then_some(())
    });
    assert!(lives(app));
    assert_eq!(ids(&server.live_instances()), ids(std::slice::from_ref(&instance)));
    // Also while there is no server that could notice.
    let (shim, _) = server.pids_of(&instance);
    server.kill();
    kill_9(shim);
    server.boot(&[]);
    wait_for("another shim", || {
        let (now, same) = server.pids_of(&instance);
        assert_eq!(same, app);
        (now != shim && lives(now)).then_some(())
    });
    assert!(lives(app));
    let (count, failures) = load.stop();
    assert!(failures.is_empty(), "of {count}: {failures:?}");
    // The adopted one is stopped like any other.
    server.deploy_well(json!({ "version": "v2", "strategy": "recreate" }));
    wait_for("it to end", || (!lives(app)).then_some(()));
}

#[test]
fn the_death_of_the_keeper_stops_no_traffic_and_it_is_replaced() {
    let server = Server::start();
    project(&server, &service("", ""));
    server.deploy_well(json!({ "version": "v1" }));
    let (address, proxies, keepers) = (server.proxy(), server.parts("proxy"), server.parts("keeper"));
    assert_eq!((proxies.len(), keepers.len()), (1, 1));
    let load = Load::start(address, HOST);
    kill_9(keepers[0]);
    wait_for("another keeper", || {
        let now = server.parts("keeper");
        (now.len() == 1 && now != keepers).then_some(())
    });
    assert_eq!(server.parts("proxy"), proxies, "the proxy goes on");
    server.deploy_well(json!({ "version": "v2" }));
    let (count, failures) = load.stop();
    assert!(failures.is_empty(), "of {count}: {failures:?}");
    // The new one does what a keeper is for.
    let knocking = Knocking::start(address);
    wait_for("answers", || (knocking.answered() > 5).then_some(()));
    kill_9(proxies[0]);
    let known = knocking.answered();
    wait_for("answers again", || (knocking.answered() > known + 5).then_some(()));
    assert_eq!(knocking.refused(), 0);
    assert_eq!(server.proxy(), address);
}

/// Copies the database with what goes beside it.
fn copy_database(from: &Path, to: &Path) {
    for name in ["shipway.db", "shipway.db-wal", "shipway.db-shm"] {
        let _ = fs::remove_file(to.join(name));
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
}

#[test]
fn an_older_database_that_was_put_back_holds_from_then_on() {
    let mut server = Server::start();
    project(&server, &service("", "instances = 2"));
    server.deploy_well(json!({ "version": "v1" }));
    let kept = server.home.path().join("kept");
    fs::create_dir(&kept).expect("a folder");
    server.kill();
    copy_database(&server.data, &kept);
    server.boot(&[]);
    server.deploy_well(json!({ "version": "v2" }));
    let newer: Vec<u32> = server.live_instances().iter().map(|one| server.pids_of(one).1).collect();
    let load = Load::start(server.proxy(), HOST);
    server.kill();
    copy_database(&kept, &server.data);
    server.boot(&[]);
    let told = server.event("STORE_RESTORED", 0);
    assert!(text(&told, "/message").contains("an older store was put back"), "{told}");
    wait_for("the older release to serve", || (server.version() == "v1").then_some(()));
    wait_for("the newer to end", || (!newer.iter().any(|pid| lives(*pid))).then_some(()));
    server.deploy_well(json!({ "version": "v3" }));
    assert_eq!(server.version(), "v3", "it can be deployed again");
    let (_, failures) = load.stop();
    assert!(failures.is_empty(), "{failures:?}");
}
