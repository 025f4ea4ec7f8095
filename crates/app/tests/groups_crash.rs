//! The server dies in the middle of a deployment of five services under load, before and after a sample of its steps,
//! forward and on the way back. After its restart the group is wholly new or wholly as it was, and no request failed.

mod support;

use serde_json::{Value, json};
use support::{
    Server,
    clients::{Clients, Habits},
    group::{Member, assert_as_before, end_of, group, state, versions},
    wait_for,
};

/// Every so manieth step is met, and the last one.
const STEPS_BETWEEN: usize = 5;

const CHECKS: &str = "checks = [{ name = \"answers\", phase = \"verify\", http = \"/healthz\" }]\n";
const MEMBERS: [Member; 5] = [
    Member { name: "web", calls: &["catalog", "checkout"], path: Some("/"), more: CHECKS },
    Member { name: "catalog", calls: &["ledger"], path: Some("/api/catalog"), more: "instances = 2\n" },
    Member { name: "checkout", calls: &["ledger", "mail"], path: Some("/api/checkout"), more: CHECKS },
    Member { name: "ledger", calls: &[], path: None, more: "" },
    Member { name: "mail", calls: &[], path: None, more: CHECKS },
];

struct Shop {
    clients: Clients,
    server: Server,
    strategy: Value,
    live: String,
    next: u32,
}

impl Shop {
    fn open(strategy: Value) -> Self {
        let server = Server::start();
        group(&server, &MEMBERS);
        server.deploy_well(json!({ "version": "v0" }));
        let habits = Habits {
            paths: ["/chain?ms=3", "/api/catalog/chain?ms=1", "/api/checkout/chain"].map(str::to_owned).to_vec(),
            members: MEMBERS.iter().map(|member| member.name.to_owned()).collect(),
            clients: 12,
            threads: 3,
        };
        let clients = Clients::start(server.proxy(), habits);
        Self { clients, server, strategy, live: "v0".into(), next: 1 }
    }

    /// One deployment, with one death of the server when a point is named. Gives how many steps it has that way.
    fn round(&mut self, point: Option<&str>, fails: bool) -> usize {
        let version = format!("v{}", self.next);
        self.next += 1;
        if let Some(point) = point {
            self.server.kill();
            self.server.boot(&[("SHIPWAY_CRASH_POINT", point)]);
        }
        let before = state(&self.server);
        let what = format!("{version}, {point:?}, {}", if fails { "going back" } else { "forward" });
        let id = self.server.ask(self.request(&version, fails));
        if point.is_some() {
            self.die_and_rise(&id);
        }
        let ended = end_of(&self.server, &id);
        let end = if fails { "rolled_back" } else { "completed" };
        assert_eq!(ended["phase"], end, "{what}: {:#}", ended["errors"]);
        assert_eq!(ended["metrics"]["failedBySwitch"], 0, "{what}");
        if fails {
            assert_as_before(&self.server, &before, &what);
        } else {
            self.live = version;
        }
        self.is_whole(&what);
        let steps = ended["steps"].as_array().expect("steps");
        steps.iter().filter(|step| step["back"] == fails).count()
    }

    fn request(&self, version: &str, fails: bool) -> Value {
        let checks = json!([{
            "name": "greets", "phase": "verify", "http": "/healthz", "expect": { "contains": "never said" },
        }]);
        let services = if fails { json!({ "mail": { "checks": checks } }) } else { json!({}) };
        json!({ "version": version, "strategy": self.strategy, "config": { "services": services } })
    }

    fn die_and_rise(&mut self, id: &str) {
        wait_for("the death of the server", || (self.server.has_ended() || has_ended(&self.server, id)).then_some(()));
        assert!(self.server.has_ended(), "the deployment ended, and the server never came by that step");
        self.server.wait_end();
        self.server.boot(&[]);
    }

    /// All members serve the same version to everybody, exactly what is wanted runs, and nobody noticed anything.
    fn is_whole(&self, what: &str) {
        self.clients.whole_round();
        self.clients.forget_changes();
        self.clients.whole_round();
        self.clients.assert_unharmed(what);
        assert_eq!(self.clients.on_side(&self.live).len(), self.clients.sides().len(), "{what}");
        for (service, version) in versions(&self.server) {
            assert_eq!(version, self.live, "{what}: {service}");
        }
        wait_for(&format!("exactly what is wanted to run, {what}"), || {
            let instances = self.server.instances();
            let part =
                |role: &str| instances.iter().filter(|one| one["role"] == role && one["state"] == "ready").count();
            let wanted = part("live") + part("warm");
            let exact = part("live") == 6 && instances.len() == wanted;
            (exact && self.server.application_pids().len() == wanted).then_some(())
        });
    }
}

fn has_ended(server: &Server, id: &str) -> bool {
    let answer = server.call("GET", &format!("/api/deployments/{id}"), None);
    answer.is_ok_and(|(status, deployment)| status == 200 && deployment["completedAt"].is_string())
}

/// Both sides by turns, so that a sample meets each.
fn survives(strategy: Value) {
    let mut shop = Shop::open(strategy);
    for (way, fails) in [("forward", false), ("back", true)] {
        let steps = shop.round(None, fails);
        assert!(steps > 5, "{steps}");
        let sample = (0..steps).step_by(STEPS_BETWEEN).chain(std::iter::once(steps - 1));
        for (number, step) in sample.enumerate() {
            let side = ["before", "after"][number % 2];
            shop.round(Some(&format!("{way}/{step}/{side}")), fails);
        }
    }
    assert!(shop.clients.stop() > 100);
}

#[test]
fn a_blue_green_group_is_wholly_old_or_wholly_new() {
    survives(json!("blue-green"));
}

#[test]
fn a_canary_group_is_wholly_old_or_wholly_new() {
    survives(json!({ "kind": "canary", "steps": "50% 50ms, 100%" }));
}
