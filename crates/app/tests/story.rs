//! One story: staging gets three versions, one combination is verified and soaks, production takes exactly that in its
//! window after two approvals by others than the author, an incident rolls it back with configuration and secrets, and
//! the next automatic promotion doesn't bring it back. Every sentence has a test of its own elsewhere (`promotion`,
//! `approvals`, `gates`, `secrets`, `configuration`); here they hold together.

mod support;

use std::{
    fs,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use shipway_core::time::Timestamp;
use support::{Server, fixture, http::request, people::Person, wait_for};

/// How long a combination soaks in staging.
const SOAK: &str = "2s";
/// A window that is not open in anybody's lifetime.
const NEXT_CENTURY: &str = "from = \"2100-01-01\"\nuntil = \"2100-01-02\"";
/// What opens before this test is over, in ms from now.
const SOON_MS: u64 = 2000;

const OLD_SECRET: &str = "the-secret-of-the-old-days";
const NEW_SECRET: &str = "the-secret-that-was-rotated";
const STAGING_SECRET: &str = "the-secret-of-staging";

/// The project: two services, each with a secret of its environment; `gates` are those of production.
fn spec(gates: &str) -> String {
    let service = |name: &str, more: &str| {
        format!(
            r#"
[services.{name}]
source = "{name}"
kind = "process"
run = ["./fixture"]
run_as = "@server"
build = ["/bin/sh", "-c", "date +%N > built"]
health = {{ startup = {{ http = "/healthz" }} }}
stop = {{ grace_s = 3 }}
secrets = {{ TOKEN = {{}} }}
routes = [{{ host = "{name}.{{environment}}.localhost" }}]
checks = [{{ name = "{name} answers", phase = "verify", http = "/" }}]
{more}
"#
        )
    };
    format!(
        r#"
[project]
name = "app"

[environments.staging]
type = "staging"
promotes_to = "production"

[environments.production]
type = "production"
promotion = {{ soak = "{SOAK}", automatic = true }}
{gates}
{}{}"#,
        service("web", "depends_on = [\"api\"]"),
        service("api", "")
    )
}

/// Two people have to say yes, and a window has to be open.
fn gates(window: &str) -> String {
    format!(
        "[environments.production.gates.approvals]\ncount = 2\nroles = [\"operator\", \"release-manager\"]\n\
         [[environments.production.gates.windows]]\nname = \"the window\"\nzone = \"UTC\"\n{window}\n"
    )
}

/// A window that opens in a moment, and stays open; and when it does.
fn opens_soon() -> (Timestamp, String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time");
    let opens = Timestamp(i64::try_from(now.as_millis()).expect("a time")).plus_ms(SOON_MS);
    // `2026-12-20T18:00:00.000Z`, as the clock on the wall in UTC shows it.
    let wall = opens.to_string().trim_end_matches('Z').replace('T', " ");
    (opens, format!("from = \"{wall}\"\nuntil = \"2100-01-01\""))
}

struct Story {
    server: Server,
    folder: PathBuf,
}

impl Story {
    fn begin() -> Self {
        let server = Server::start();
        let folder = server.home.path().join("project");
        for service in ["web", "api"] {
            fs::create_dir_all(folder.join(service)).expect("a folder");
            fs::copy(fixture(), folder.join(service).join("fixture")).expect("the fixture");
        }
        server.register(&folder, &spec(""));
        Self { server, folder }
    }

    /// Sets the secret of an environment.
    fn secret(&self, environment: &str, value: &str) {
        let body = json!({ "name": "TOKEN", "environment": environment, "value": value });
        let (status, answer) = self.server.call("PUT", "/api/projects/app/secrets", Some(&body)).expect("an answer");
        assert_eq!(status, 200, "{answer}");
    }

    /// What an environment's configuration says from now on.
    fn greeting(&self, environment: &str, greeting: &str) {
        let path = format!("/api/projects/app/environments/{environment}");
        let body = json!({ "variables": { "GREETING": greeting }, "reason": "the story" });
        let (status, answer) = self.server.call("PUT", &path, Some(&body)).expect("an answer");
        assert_eq!(status, 200, "{answer}");
    }

    /// Somebody changes the sources and deploys them to staging; how that ends.
    fn stage(&self, who: &Person<'_>, version: &str, more: Value) -> Value {
        for service in ["web", "api"] {
            fs::write(self.folder.join(service).join("source"), version).expect("the source");
        }
        let mut body = json!({ "project": "app", "environment": "staging", "version": version });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let asked = who.does("POST", "/api/deployments", body);
        self.server.ended(asked["id"].as_str().expect("an id"))
    }

    /// What a service says in an environment: its version, its greeting, its secret.
    fn says(&self, service: &str, environment: &str) -> [String; 3] {
        let host = format!("{service}.{environment}.localhost");
        let page = |path: &str| request(self.server.proxy(), "GET", &host, path, &[], b"").expect("an answer").body;
        ["SHIPWAY_VERSION", "GREETING", "TOKEN"].map(|name| page(&format!("/variable?{name}")))
    }

    fn everywhere_in_production(&self, version: &str, greeting: &str, secret: &str) {
        for service in ["web", "api"] {
            assert_eq!(self.says(service, "production"), [version, greeting, secret].map(str::to_owned), "{service}");
        }
    }

    /// The deployments to production that Shipway asked for by itself, newest first.
    fn automatic(&self) -> Vec<Value> {
        let page = self.server.get("/api/projects/app/deployments?environment=production");
        let items = page["items"].as_array().expect("a list").clone();
        items.into_iter().filter(|one| one["initiatedBy"] == "shipway/promotion").collect()
    }

    /// Waits until the newest automatic promotion of that version is held by these gates and no others.
    fn held(&self, version: &str, gates: &[&str]) -> Value {
        wait_for(&format!("{version} before {gates:?}"), || {
            let newest = self.automatic().into_iter().next().filter(|one| one["version"] == version)?;
            assert!(newest["completedAt"].is_null(), "it ended: {}", newest["errors"]);
            let deployment = self.server.deployment(newest["id"].as_str()?);
            let held = deployment["gated"]["held"].as_array()?;
            let names: Vec<_> = held.iter().filter_map(|held| held["gate"].as_str()).collect();
            (names == gates).then_some(deployment)
        })
    }

    /// Nothing of a deployment has moved: no lease, no instance, not a phase of moving, and users meet what they met.
    fn nothing_moved(&self, deployment: &Value) {
        let leases = self.server.get("/api/projects/app/environments/production/leases");
        assert_eq!((&leases["held"], &leases["waiting"]), (&json!([]), &json!([])), "{leases}");
        let phases = deployment["phases"].as_array().expect("phases");
        let moved = phases
            .iter()
            .any(|one| !["queued", "validating", "preparing"].contains(&one["phase"].as_str().expect("a phase")));
        assert!(!moved, "{phases:?}");
        let production = |one: &&Value| one["slot"]["environment"] == "production";
        let instances = self.server.instances();
        assert!(instances.iter().filter(production).all(|one| one["version"] == "v0"), "{instances:?}");
        self.everywhere_in_production("v0", "old", OLD_SECRET);
    }

    /// What keeps staging's combination from going on by itself.
    fn withheld(&self) -> Option<String> {
        let view = self.server.get("/api/projects/app/combinations");
        let staging = view["environments"].as_array()?.iter().find(|one| one["environment"] == "staging")?.clone();
        staging["onward"]["withheld"]["message"].as_str().map(str::to_owned)
    }

    /// The live releases of an environment, by service.
    fn live(&self, service: &str, environment: &str) -> Value {
        let all = self.server.get(&format!("/api/projects/app/releases?environment={environment}"));
        let is = |one: &&Value| one["role"] == "live" && one["slot"]["service"] == service;
        all.as_array().expect("a list").iter().find(is).expect("it is live").clone()
    }

    fn took_place_at(&self, deployment: &Value, phase: &str) -> Timestamp {
        let phases = deployment["phases"].as_array().expect("phases");
        let found = phases.iter().find(|one| one["phase"] == phase).expect("it came to that phase");
        serde_json::from_value(found["at"].clone()).expect("a time")
    }

    fn end(&self, deployment: &Value) -> Value {
        self.server.ended(deployment["id"].as_str().expect("an id"))
    }
}

fn approve(deployment: &Value) -> String {
    format!("/api/deployments/{}/approve", deployment["id"].as_str().expect("an id"))
}

#[test]
fn what_soaked_and_was_approved_comes_and_what_an_incident_took_back_does_not_come_again() {
    let mut story = Story::begin();
    let tokens = begins(&story);
    let promoted = {
        let people = known(&story.server, &tokens);
        three_versions(&story, &people[0]);
        let promoted = only_in_its_window_after_two_others_approved(&story, &people);
        an_incident_takes_it_back(&story, &people[2], &promoted);
        promoted
    };
    // Whatever the server remembered, it doesn't any more.
    story.server.kill();
    story.server.boot(&[]);
    let people = known(&story.server, &tokens);
    it_stays_away(&story, &people[1], &promoted);
    a_later_one_comes(&story, &people);
}

fn known<'a>(server: &'a Server, tokens: &[(String, String); 4]) -> [Person<'a>; 4] {
    tokens.each_ref().map(|(name, token)| Person::known(server, name, token))
}

/// Who there is, and what both environments serve in the beginning.
fn begins(story: &Story) -> [(String, String); 4] {
    let server = &story.server;
    // The author could approve, were it anybody else's change.
    let people = [("ann", "release-manager"), ("bob", "release-manager"), ("cid", "operator"), ("dan", "developer")];
    let tokens = people.map(|(name, role)| (name.to_owned(), Person::new(server, name, role).token));
    let ann = Person::known(server, &tokens[0].0, &tokens[0].1);
    story.secret("staging", STAGING_SECRET);
    story.secret("production", OLD_SECRET);
    story.greeting("staging", "staging");
    story.greeting("production", "old");
    let first = story.stage(&ann, "v0", json!({}));
    assert_eq!(first["phase"], "completed", "{}", first["errors"]);
    let went = wait_for("v0 to go by itself", || {
        story.automatic().into_iter().next().filter(|one| !one["completedAt"].is_null())
    });
    assert_eq!(went["phase"], "completed", "{}", went["errors"]);
    story.everywhere_in_production("v0", "old", OLD_SECRET);
    // From here on production has gates. What it will be configured with is changed, too, and its secret is rotated.
    server.register(&story.folder, &spec(&gates(NEXT_CENTURY)));
    story.greeting("production", "new");
    story.secret("production", NEW_SECRET);
    story.everywhere_in_production("v0", "old", OLD_SECRET);
    tokens
}

/// The first fails its check and goes back, the second is verified and soaks; the third fails, too.
fn three_versions(story: &Story, ann: &Person<'_>) {
    let broken =
        |service: &str| json!({ "config": { "services": { service: { "variables": { "BEHAVIOUR": "error" } } } } });
    assert_eq!(story.stage(ann, "v1", broken("api"))["phase"], "rolled_back");
    let verified = story.stage(ann, "v2", json!({}));
    assert_eq!(verified["phase"], "completed", "{}", verified["errors"]);
    // It comes while what is verified soaks or waits for people; either way that is what goes on.
    let held = story.held("v2", &["approval", "window"]);
    assert_eq!(story.stage(ann, "v3", broken("web"))["phase"], "rolled_back");
    for service in ["web", "api"] {
        assert_eq!(story.says(service, "staging"), ["v2", "staging", STAGING_SECRET].map(str::to_owned));
        assert_eq!(held["artifacts"][service], story.live(service, "staging")["artifact"], "{held}");
    }
    assert_eq!(held["origin"]["provenBy"], verified["id"], "{held}");
    let soaked: Timestamp = serde_json::from_value(held["createdAt"].clone()).expect("a time");
    let since: Timestamp = serde_json::from_value(held["origin"]["since"].clone()).expect("a time");
    let soak: shipway_core::time::Span = SOAK.parse().expect("a span");
    assert!(soaked >= since.plus_ms(soak.ms), "{held}");
}

fn only_in_its_window_after_two_others_approved(story: &Story, [ann, bob, cid, dan]: &[Person<'_>; 4]) -> Value {
    let held = story.held("v2", &["approval", "window"]);
    let path = approve(&held);
    story.nothing_moved(&held);
    assert!(ann.is_refused(403, "POST", &path, json!({})).contains("a change of ann: somebody else"));
    assert!(dan.is_refused(403, "POST", &path, json!({})).contains("roles"));
    bob.does("POST", &path, json!({ "reason": "I tried it in staging" }));
    bob.does("POST", &path, json!({}));
    story.nothing_moved(&story.held("v2", &["approval", "window"]));
    cid.does("POST", &path, json!({ "hash": held["gated"]["proposed"]["hash"] }));
    let waits = story.held("v2", &["window"]);
    assert_eq!(waits["gated"]["held"][0]["until"], "2100-01-01T00:00:00.000Z", "{waits}");
    story.nothing_moved(&waits);
    let (opens, window) = opens_soon();
    story.server.register(&story.folder, &spec(&gates(&window)));
    let promoted = story.end(&held);
    assert_eq!(promoted["phase"], "completed", "{}", promoted["errors"]);
    assert!(story.took_place_at(&promoted, "staging") >= opens, "{promoted}");
    exactly_what_staging_serves(story, &promoted);
    story.everywhere_in_production("v2", "new", NEW_SECRET);
    promoted
}

fn exactly_what_staging_serves(story: &Story, promoted: &Value) {
    for service in ["web", "api"] {
        let (staged, live) = (story.live(service, "staging"), story.live(service, "production"));
        assert_eq!(live["artifact"], staged["artifact"]);
        assert_eq!(live["version"], "v2");
        assert_eq!(promoted["artifacts"][service], staged["artifact"]);
        assert_eq!(promoted["origin"]["releases"][service], staged["id"]);
        assert_eq!(live["secrets"]["TOKEN"], "app/production:TOKEN@2", "{live}");
    }
    let id = promoted["id"].as_str().expect("an id");
    let built = story
        .server
        .events(Some(id))
        .into_iter()
        .any(|event| event["kind"].as_str().expect("a kind").contains("BUILD"));
    let logs = story.server.get(&format!("/api/deployments/{id}/logs"));
    let built = built || logs["lines"].as_array().expect("lines").iter().any(|line| line["stream"] == "build");
    assert!(!built, "it was built anew: {logs}");
}

/// Users meet errors; whoever is on call takes it back, without asking anybody.
fn an_incident_takes_it_back(story: &Story, cid: &Person<'_>, promoted: &Value) {
    let page = |path: &str| request(story.server.proxy(), "GET", "web.production.localhost", path, &[], b"");
    page("/become?error").expect("an answer");
    assert_eq!(page("/").expect("an answer").status, 500);
    let kind = json!({ "is": "rollback" });
    let body = json!({ "project": "app", "environment": "production", "kind": kind, "reason": "users meet errors" });
    let back = story.end(&cid.does("POST", "/api/deployments", body));
    assert_eq!(back["phase"], "completed", "{}", back["errors"]);
    assert_eq!(story.server.deployment(promoted["id"].as_str().expect("an id"))["rolledBackBy"], back["id"]);
    assert_eq!(page("/").expect("an answer").status, 200);
    story.everywhere_in_production("v0", "old", OLD_SECRET);
    assert_eq!(story.live("web", "production")["secrets"]["TOKEN"], "app/production:TOKEN@1");
}

/// Staging serves it still, soaked and verified, and it doesn't come again by itself.
fn it_stays_away(story: &Story, bob: &Person<'_>, promoted: &Value) {
    let why = wait_for("why it stays away", || story.withheld());
    let name = promoted["name"].as_str().expect("a name");
    assert!(why.contains(&format!("{name} brought it, and production-")) && why.contains("took it back"), "{why}");
    // Nor by somebody who doesn't say that it is meant.
    let body = json!({ "project": "app", "from": "staging" });
    let again = story.end(&bob.does("POST", "/api/promotions", body));
    assert_eq!(again["phase"], "failed", "{again}");
    assert!(again["errors"][0]["message"].as_str().expect("why").contains("is quarantined"), "{}", again["errors"]);
    story.everywhere_in_production("v0", "old", OLD_SECRET);
    assert_eq!(story.automatic().iter().filter(|one| one["version"] == "v2").count(), 1);
}

/// What is good goes on: so what was taken back had its chance before, and did not come.
fn a_later_one_comes(story: &Story, [ann, bob, cid, _]: &[Person<'_>; 4]) {
    let staged = story.stage(ann, "v4", json!({}));
    assert_eq!(staged["phase"], "completed", "{}", staged["errors"]);
    let held = story.held("v4", &["approval"]);
    story.everywhere_in_production("v0", "old", OLD_SECRET);
    ann.is_refused(403, "POST", &approve(&held), json!({}));
    for person in [bob, cid] {
        person.does("POST", &approve(&held), json!({}));
    }
    let promoted = story.end(&held);
    assert_eq!(promoted["phase"], "completed", "{}", promoted["errors"]);
    story.everywhere_in_production("v4", "new", NEW_SECRET);
    let versions: Vec<_> = story.automatic().iter().map(|one| one["version"].clone()).collect();
    assert_eq!(versions, ["v4", "v2", "v0"]);
}
