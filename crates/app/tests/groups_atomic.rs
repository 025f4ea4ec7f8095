//! A failure in each phase of each of five services under load: everything goes back to exactly what it was, no
//! request fails by the switch, and none meets both sides.

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use support::{
    Server,
    clients::{Clients, Habits},
    day::text,
    group::{Member, assert_as_before, end_of, group, marker, state},
    more::ask_instance,
    wait_for,
};

const BLUE_GREEN: &str = "\"blue-green\"";
const CANARY: &str = "{ \"kind\": \"canary\", \"steps\": \"50% 20ms, 100%\" }";
const ROLLING: &str = "{ \"kind\": \"rolling\", \"max_surge\": 1 }";
const RECREATE: &str = "\"recreate\"";

/// Writes its version into the data folder of the ledger.
const WRITES: &str = "printf \"$SHIPWAY_VERSION,\" >> \"$SHIPWAY_DATA_DIR/uploads/kept\"";

static MEMBERS: [Member; 5] = [
    Member { name: "web", calls: &["catalog", "checkout"], path: Some("/"), more: CHECKS },
    Member { name: "catalog", calls: &["ledger"], path: Some("/api/catalog"), more: TWO },
    Member { name: "checkout", calls: &["ledger", "mail"], path: Some("/api/checkout"), more: CHECKS },
    Member { name: "ledger", calls: &[], path: None, more: "data = [\"uploads\"]\n" },
    Member { name: "mail", calls: &[], path: None, more: CHECKS },
];
const CHECKS: &str = "checks = [{ name = \"lives\", phase = \"test\", http = \"/healthz\" }, \
    { name = \"answers\", phase = \"verify\", http = \"/healthz\" }]\n";
const TWO: &str = "instances = 2\n";

/// What goes wrong with a service.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Harm {
    /// Its artifact is damaged in the store.
    Artifact,
    /// It exits at once.
    Exit,
    /// It is never healthy.
    Unhealthy,
    /// A check before promotion does not pass.
    Test,
    /// A hook before promotion fails.
    BeforePromotion,
    /// A check through the real route does not pass.
    Verify,
    /// It answers 500 to users.
    Success,
    /// A hook fails when everything else has been done.
    AfterCompletion,
}

const ALL: [Harm; 8] = [
    Harm::Artifact,
    Harm::Exit,
    Harm::Unhealthy,
    Harm::Test,
    Harm::BeforePromotion,
    Harm::Verify,
    Harm::Success,
    Harm::AfterCompletion,
];

impl Harm {
    /// The fields of the service that bring it about.
    fn fields(self) -> Value {
        let never = json!({ "contains": "never said" });
        let check = |phase| json!({ "checks": [{ "name": "greets", "phase": phase, "http": "/", "expect": never }] });
        let hook = |when| json!({ "when": when, "command": ["sh", "-c", "exit 9"] });
        match self {
            Self::Artifact => json!({}),
            Self::Exit => json!({ "variables": { "BEHAVIOUR": "exit" } }),
            Self::Unhealthy => json!({ "variables": { "BEHAVIOUR": "unhealthy" }, "timeouts": { "start_s": 1 } }),
            Self::Test => check("test"),
            Self::BeforePromotion => json!({ "hooks": [hook("before-promotion")] }),
            Self::Verify => check("verify"),
            Self::Success => json!({
                "variables": { "BEHAVIOUR": "error" }, "bake": "60s",
                "success": { "error_rate_max": 0.05, "min_requests": 10 },
            }),
            Self::AfterCompletion => json!({ "hooks": [hook("after-completion")] }),
        }
    }

    /// In which phases it shows, and how the deployment ends.
    fn shows(self, strategy: &str) -> (&'static [&'static str], &'static str) {
        let in_promotion = strategy == ROLLING || strategy == RECREATE;
        match self {
            Self::Artifact => (&["staging"], "failed"),
            Self::Exit | Self::Unhealthy | Self::Test if in_promotion => (&["promoting"], "rolled_back"),
            Self::Exit | Self::Unhealthy | Self::Test | Self::BeforePromotion => (&["testing"], "failed"),
            Self::Verify => (&["verifying"], "rolled_back"),
            // A canary looks at the numbers as soon as some clients meet the new.
            Self::Success => (&["promoting", "monitoring"], "rolled_back"),
            Self::AfterCompletion => (&["cleaning"], "rolled_back"),
        }
    }
}

/// The group under load, with everything that must stay as it is.
struct Shop {
    clients: Clients,
    server: Server,
    before: Value,
    kept: String,
    next: u32,
}

impl Shop {
    fn open(strategy: &str) -> Self {
        let server = Server::start();
        group(&server, &MEMBERS);
        let settings = json!({ "variables": { "SETTING": "of the environment" } });
        let (status, answer) =
            server.call("PUT", "/api/projects/app/environments/test", Some(&settings)).expect("an answer");
        assert_eq!(status, 200, "{answer}");
        // The second leaves the first warm: that must stay, too.
        server.deploy_well(json!({ "version": "v0" }));
        server.deploy_well(json!({ "version": "v1" }));
        let mixes = strategy == ROLLING || strategy == RECREATE;
        let members: BTreeSet<_> = MEMBERS.iter().map(|member| member.name.to_owned()).collect();
        let paths = ["/chain?ms=3", "/api/catalog/chain?ms=1", "/api/checkout/chain"].map(str::to_owned);
        let only_web: BTreeSet<_> = std::iter::once("web".to_owned()).collect();
        let habits = Habits {
            paths: if mixes { vec!["/chain?ms=3".to_owned()] } else { paths.to_vec() },
            members: if mixes { only_web } else { members },
            clients: 16,
            threads: 4,
        };
        let clients = Clients::start(server.proxy(), habits);
        let before = state(&server);
        Self { clients, server, before, kept: String::new(), next: 2 }
    }

    /// One deployment that is harmed, and the proof that it left no trace.
    fn harm(&mut self, strategy: &str, harm: Harm, member: &Member) {
        let version = format!("v{}", self.next);
        self.next += 1;
        let what = format!("{harm:?} of {} in {strategy}, {version}", member.name);
        let damaged = (harm == Harm::Artifact).then(|| Damaged::of(&self.server.data, member.name));
        self.clients.forget_changes();
        let id = self.server.ask(self.request(&version, strategy, harm, member));
        let ended = end_of(&self.server, &id);
        drop(damaged);
        let (phases, end) = harm.shows(strategy);
        assert_eq!(ended["phase"], end, "{what}: {:#}", ended["errors"]);
        let error = &ended["errors"][0];
        assert!(phases.contains(&text(error, "/phase")), "{what}: {error:#}");
        assert_eq!(text(error, "/service"), service_told(harm, member), "{what}: {error:#}");
        assert_eq!(ended["metrics"]["failedBySwitch"], 0, "{what}");
        assert_as_before(&self.server, &self.before, &what);
        self.clients_are_back(&version, &what);
        self.data_survived(&version, harm, &what);
    }

    fn request(&self, version: &str, strategy: &str, harm: Harm, member: &Member) -> Value {
        let strategy: Value = serde_json::from_str(strategy).expect("a strategy");
        let mut fields = harm.fields();
        let writes = json!({ "when": "before-test", "command": ["sh", "-c", WRITES] });
        let mut services = json!({ "ledger": { "hooks": [writes] } });
        if member.name == "ledger" {
            let others = fields["hooks"].as_array().cloned().unwrap_or_default();
            fields["hooks"] = json!(std::iter::once(writes).chain(others).collect::<Vec<_>>());
        }
        services[member.name] = fields;
        let config = json!({ "variables": { "SETTING": version }, "services": services });
        json!({ "version": version, "strategy": strategy, "config": config })
    }

    /// Every client is where it was, has been away at most once, and no request failed.
    fn clients_are_back(&self, version: &str, what: &str) {
        self.clients.whole_round();
        self.clients.assert_unharmed(what);
        let all = ["v1".to_owned(), version.to_owned(), "v1".to_owned()];
        for (client, sides) in self.clients.sides().iter().enumerate() {
            let fits = *sides == all || *sides == all[..1];
            assert!(fits, "{what}: client {client} met {sides:?}");
        }
        assert_eq!(self.server.page("/variable?SETTING"), (200, "of the environment".into()), "{what}");
    }

    /// What was written before is there, and what the new release wrote as well.
    fn data_survived(&mut self, version: &str, harm: Harm, what: &str) {
        if harm != Harm::Artifact {
            self.kept = format!("{}{version},", self.kept);
        }
        let ledger = |one: &Value| text(one, "/slot/service") == "ledger" && one["role"] == "live";
        let instances = self.server.instances();
        let ledger = instances.iter().find(|one| ledger(one)).expect("the ledger runs");
        let answer = ask_instance(ledger, "/read").expect("it answers");
        assert_eq!(answer.body, self.kept, "{what}");
    }

    fn close(self) {
        let count = self.clients.stop();
        assert!(count > 100, "{count}");
    }
}

/// What watches numbers, and the swap itself, belong to all members.
fn service_told(harm: Harm, member: &Member) -> &str {
    if harm == Harm::Success { "" } else { member.name }
}

/// The stored content of one file of a service, damaged; whole again when dropped.
struct Damaged {
    object: PathBuf,
    whole: String,
}

impl Damaged {
    fn of(data: &Path, service: &str) -> Self {
        let whole = marker(service);
        let objects = data.join("artifacts/objects");
        let object = wait_for("the stored content", || find(&objects, &whole));
        fs::remove_file(&object).expect("it is taken away");
        fs::write(&object, "damaged").expect("it is damaged");
        Self { object, whole }
    }
}

impl Drop for Damaged {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.object);
        let _ = fs::write(&self.object, &self.whole);
    }
}

fn find(folder: &Path, content: &str) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return find(&path, content);
        }
        fs::read_to_string(&path).is_ok_and(|text| text == content).then_some(path)
    })
}

fn everything(strategy: &str, harms: &[Harm], members: &[&Member]) {
    let mut shop = Shop::open(strategy);
    for harm in harms {
        for member in members {
            shop.harm(strategy, *harm, member);
        }
    }
    shop.close();
}

fn all_members() -> Vec<&'static Member> {
    MEMBERS.iter().collect()
}

/// Who calls, who is called and calls, and who is only called.
fn some_members() -> Vec<&'static Member> {
    ["web", "checkout", "ledger"].iter().filter_map(|name| MEMBERS.iter().find(|one| one.name == *name)).collect()
}

#[test]
fn blue_green_goes_back_from_every_phase_of_every_member() {
    everything(BLUE_GREEN, &ALL, &all_members());
}

/// Until its first share its plan is that of blue-green.
#[test]
fn canary_goes_back_from_the_later_phases_of_every_member() {
    let harms = [Harm::Unhealthy, Harm::BeforePromotion, Harm::Verify, Harm::Success, Harm::AfterCompletion];
    everything(CANARY, &harms, &all_members());
}

#[test]
fn rolling_goes_back_from_the_middle_and_from_the_end() {
    everything(ROLLING, &[Harm::Exit, Harm::AfterCompletion], &some_members());
}

#[test]
fn recreate_goes_back_from_the_middle_and_from_the_end() {
    everything(RECREATE, &[Harm::Exit, Harm::Verify], &some_members());
}
