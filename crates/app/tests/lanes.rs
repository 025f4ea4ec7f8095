//! Lanes: three services that call each other and a page that calls them from the browser, during a deployment under
//! load. Who is in meets only the new, who is not meets only the old, and what is outside is met by its own weights.

mod support;

use std::{collections::BTreeSet, fs, path::PathBuf, thread::JoinHandle};

use serde_json::{Value, json};
use support::{
    HOST, Server,
    clients::{Clients, Habits},
    group::{Member, group},
    http::request,
    wait_for,
};

const CLIENTS: usize = 120;
const THREADS: usize = 6;

const WEB: Member = Member { name: "web", calls: &["catalog", "checkout"], path: Some("/"), more: "" };
const CATALOG: Member =
    Member { name: "catalog", calls: &["checkout"], path: Some("/api/catalog"), more: "instances = 2\n" };
const CHECKOUT: Member = Member { name: "checkout", calls: &["rates"], path: Some("/api/checkout"), more: "" };
const PAGE: Member = Member { name: "page", calls: &[], path: Some("/page"), more: "kind = \"static\"\n" };
/// No member of the group that moves.
const RATES: Member = Member { name: "rates", calls: &[], path: None, more: "" };

const MEMBERS: [&str; 4] = ["web", "catalog", "checkout", "page"];

fn shop(server: &Server) -> PathBuf {
    let folder = group(server, &[WEB, CATALOG, CHECKOUT, PAGE, RATES]);
    write_page(&folder, "v1");
    server.deploy_well(json!({ "version": "v1" }));
    folder
}

/// A page that is stamped as the answers of services are.
fn write_page(folder: &std::path::Path, version: &str) {
    fs::write(folder.join("page/version"), format!("page@{version}")).expect("the page");
}

/// A browser asks for the page and its data, and calls the services behind it directly.
fn browsers(server: &Server) -> Clients {
    let paths = ["/page/version", "/chain?ms=2", "/api/catalog/chain?ms=1", "/api/checkout/chain"];
    let habits = Habits {
        paths: paths.map(str::to_owned).to_vec(),
        members: MEMBERS.map(str::to_owned).into_iter().collect(),
        clients: CLIENTS,
        threads: THREADS,
    };
    Clients::start(server.proxy(), habits)
}

/// Waits at a manual step with that share.
fn at(server: &Server, id: &str, percent: u8) {
    wait_for(&format!("{percent}%"), || {
        let deployment = server.deployment(id);
        assert!(deployment["completedAt"].is_null(), "{} {}", deployment["phase"], deployment["errors"]);
        let reason = deployment["waiting"]["reason"].as_str()?.to_owned();
        reason.contains(&format!("at {percent}%")).then_some(())
    });
}

fn advance(server: &Server, id: &str) {
    server.post(&format!("/api/deployments/{id}/advance"), json!({}));
}

fn canary(steps: &str) -> Value {
    json!({ "kind": "canary", "steps": steps })
}

/// While the share stays, nobody changes sides. Gives who is in.
fn stays(clients: &Clients, version: &str) -> BTreeSet<usize> {
    clients.whole_round();
    clients.forget_changes();
    clients.whole_round();
    let sides = clients.sides();
    let changed: Vec<_> = sides.iter().enumerate().filter(|(_, sides)| sides.len() != 1).collect();
    assert!(changed.is_empty(), "changed sides while the share stayed: {changed:?}");
    clients.on_side(version)
}

/// The share has grown: only from the old to the new.
fn only_old_to_new(clients: &Clients, old: &str, new: &str) {
    for (client, sides) in clients.sides().iter().enumerate() {
        let fits = match sides.as_slice() {
            [one] => one == old || one == new,
            [from, to] => from == old && to == new,
            _ => false,
        };
        assert!(fits, "client {client} met {sides:?}");
    }
}

#[test]
fn a_client_meets_one_side_everywhere_and_only_ever_moves_to_the_new() {
    let server = Server::start();
    let folder = shop(&server);
    let clients = browsers(&server);
    write_page(&folder, "v2");
    let id = server.ask(json!({
        "services": MEMBERS, "version": "v2", "strategy": canary("10% manual, 50% manual, 100%"),
    }));
    at(&server, &id, 10);
    let few = stays(&clients, "v2");
    assert!((1..CLIENTS / 3).contains(&few.len()), "{} of {CLIENTS}", few.len());
    advance(&server, &id);
    at(&server, &id, 50);
    clients.whole_round();
    only_old_to_new(&clients, "v1", "v2");
    let half = stays(&clients, "v2");
    assert!((CLIENTS / 4..CLIENTS * 3 / 4).contains(&half.len()), "{} of {CLIENTS}", half.len());
    assert!(half.is_superset(&few), "who was in stays in");
    outside_by_its_own_weights(&server, &clients);
    advance(&server, &id);
    let done = server.ended(&id);
    assert_eq!(done["phase"], "completed", "{}", done["errors"]);
    assert_eq!(done["metrics"]["failedBySwitch"], 0);
    clients.whole_round();
    only_old_to_new(&clients, "v1", "v2");
    assert_eq!(stays(&clients, "v2").len(), CLIENTS, "the lane has ended: everything is new for everybody");
    let environment = server.get("/api/projects/app/environments")[0].clone();
    for slot in environment["services"].as_array().expect("services") {
        assert!(slot["candidate"].is_null(), "{slot}");
    }
    clients.assert_unharmed("a canary of four services");
    assert!(clients.stop() > 1000);
}

/// Another deployment moves what the group calls: both sides of the group meet both of its releases.
fn outside_by_its_own_weights(server: &Server, clients: &Clients) {
    assert_eq!(clients.met_outside("v1", "rates@v3") + clients.met_outside("v2", "rates@v3"), 0);
    let id = server.ask(json!({ "services": ["rates"], "version": "v3", "strategy": canary("50% manual, 100%") }));
    at(server, &id, 50);
    clients.whole_round();
    for side in ["v1", "v2"] {
        let old = clients.met_outside(side, "rates@v1");
        wait_for(&format!("{side} to meet both releases of rates"), || {
            let met_new = clients.met_outside(side, "rates@v3") > 0;
            (met_new && clients.met_outside(side, "rates@v1") > old).then_some(())
        });
    }
    advance(server, &id);
    assert_eq!(server.ended(&id)["phase"], "completed");
    clients.whole_round();
    let old = || clients.met_outside("v1", "rates@v1") + clients.met_outside("v2", "rates@v1");
    let before = old();
    clients.whole_round();
    assert_eq!(old(), before, "rates has moved for both sides");
}

#[test]
fn going_back_in_the_middle_keeps_the_sides_apart() {
    let server = Server::start();
    let folder = shop(&server);
    let clients = browsers(&server);
    write_page(&folder, "v2");
    let strategy = canary("50% manual, 100%");
    let id = server.ask(json!({ "services": MEMBERS, "version": "v2", "strategy": strategy }));
    at(&server, &id, 50);
    assert!(!stays(&clients, "v2").is_empty());
    server.post(&format!("/api/deployments/{id}/abort"), json!({}));
    let ended = server.ended(&id);
    assert_eq!(ended["phase"], "cancelled", "{}", ended["errors"]);
    assert_eq!(ended["metrics"]["failedBySwitch"], 0);
    clients.whole_round();
    only_old_to_new(&clients, "v2", "v1");
    assert_eq!(stays(&clients, "v1").len(), CLIENTS);
    clients.assert_unharmed("a canary that went back");
    clients.stop();
}

/// What every service that a request met said of itself.
fn chain(server: &Server) -> Vec<String> {
    server.page("/chain").1.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn what_stays_for_years_follows_its_dependencies() {
    let server = Server::start();
    shop(&server);
    let clients = browsers_of_web(&server);
    let web = || -> Vec<_> {
        let mine = |one: &Value| one["slot"]["service"] == "web";
        server.instances().iter().filter(|one| mine(one)).map(|one| one["id"].clone()).collect()
    };
    let years_ago = web();
    for (year, strategy) in [json!("blue-green"), canary("50% 50ms, 100%"), json!("recreate")].into_iter().enumerate() {
        for service in ["catalog", "checkout", "rates"] {
            let version = format!("{service}-{year}");
            server.deploy_well(json!({ "services": [service], "version": version, "strategy": strategy }));
            let met = chain(&server);
            assert!(met.contains(&format!("{service}@{version}")), "{met:?}");
            let stale = met.iter().filter(|stamp| stamp.starts_with(&format!("{service}@")));
            assert!(stale.into_iter().all(|stamp| stamp.ends_with(&version)), "{met:?}");
        }
    }
    assert_eq!(web(), years_ago);
    assert_eq!(chain(&server).first().map(String::as_str), Some("web@v1"));
    clients.assert_unharmed("dependencies that change below");
    clients.stop();
}

/// Clients that only care for `web` itself: below it, everything changes for itself.
fn browsers_of_web(server: &Server) -> Clients {
    let members = std::iter::once("web".to_owned()).collect();
    let habits = Habits { paths: vec!["/chain?ms=2".to_owned()], members, clients: 12, threads: 3 };
    Clients::start(server.proxy(), habits)
}

/// A request that waits at the first service until it is let go, and then calls on.
struct Slow {
    gate: PathBuf,
    answer: JoinHandle<(u16, String)>,
}

impl Slow {
    /// Begins it, and waits until that version of `web` holds it.
    fn begin(server: &Server, version: &str) -> Self {
        let gate = server.home.path().join(format!("gate-{version}"));
        let (proxy, path) = (server.proxy(), format!("/chain?gate={}", gate.display()));
        let answer = std::thread::spawn(move || {
            let answer = request(proxy, "GET", HOST, &path, &[], b"").expect("an answer");
            (answer.status, answer.body)
        });
        wait_for(&format!("{version} to hold a request"), || {
            let holds =
                |one: &Value| one["version"] == version && one["slot"]["service"] == "web" && one["inFlight"] == 1;
            server.instances().iter().any(holds).then_some(())
        });
        Self { gate, answer }
    }

    /// Lets it go; whom it met.
    fn end(self) -> (u16, String) {
        fs::write(&self.gate, "").expect("the gate opens");
        self.answer.join().expect("the request")
    }
}

/// `web` calls `catalog`, `catalog` calls `checkout`.
fn row(server: &Server, more: &'static str) {
    let web = Member { calls: &["catalog"], more, ..WEB };
    let catalog = Member { more, ..CATALOG };
    group(server, &[web, catalog, Member { calls: &[], more, ..CHECKOUT }]);
    server.deploy_well(json!({ "version": "v1" }));
}

fn all_of(version: &str) -> (u16, String) {
    (200, format!("web@{version} catalog@{version} checkout@{version}"))
}

fn until_new_serves(server: &Server, version: &str) {
    wait_for(&format!("{version} to serve"), || (chain(server).join(" ") == all_of(version).1).then_some(()));
}

#[test]
fn a_request_that_the_swap_overtakes_stays_with_the_old() {
    let server = Server::start();
    row(&server, "");
    let slow = Slow::begin(&server, "v1");
    server.deploy_well(json!({ "version": "v2" }));
    assert_eq!(chain(&server).join(" "), all_of("v2").1);
    assert_eq!(slow.end(), all_of("v1"));
}

#[test]
fn what_it_calls_is_kept_until_it_has_ended() {
    let server = Server::start();
    row(&server, "warm_for = \"0s\"\n");
    let slow = Slow::begin(&server, "v1");
    let id = server.ask(json!({ "version": "v2" }));
    until_new_serves(&server, "v2");
    wait_for("the old to be drained", || {
        let steps = server.deployment(&id)["steps"].as_array()?.clone();
        let drains = |step: &&Value| step["phase"] == "cleaning" && step["status"] == "running";
        steps.iter().any(|step| drains(&step)).then_some(())
    });
    assert_eq!(slow.end(), all_of("v1"));
    assert_eq!(server.ended(&id)["phase"], "completed");
    wait_for("the old to be gone", || server.instances().iter().all(|one| one["version"] == "v2").then_some(()));
}

#[test]
fn a_request_that_the_way_back_overtakes_stays_with_the_new() {
    let server = Server::start();
    row(&server, "");
    let bakes = json!({ "services": { "web": { "bake": "60s" } } });
    let id = server.ask(json!({ "version": "v2", "config": bakes }));
    until_new_serves(&server, "v2");
    let slow = Slow::begin(&server, "v2");
    server.post(&format!("/api/deployments/{id}/cancel"), json!({}));
    until_new_serves(&server, "v1");
    assert_eq!(slow.end(), all_of("v2"));
    let ended = server.ended(&id);
    assert_eq!((&ended["phase"], &ended["metrics"]["failedBySwitch"]), (&json!("cancelled"), &json!(0)));
}

#[test]
fn a_request_that_a_gap_overtakes_stays_with_the_old() {
    let server = Server::start();
    row(&server, "");
    let slow = Slow::begin(&server, "v1");
    let id = server.ask(json!({ "version": "v2", "strategy": "recreate" }));
    wait_for("the gap", || (server.get("/api/routes")["routes"][0]["held"] == true).then_some(()));
    assert_eq!(slow.end(), all_of("v1"));
    assert_eq!(server.ended(&id)["phase"], "completed");
    assert_eq!(chain(&server).join(" "), all_of("v2").1);
}
