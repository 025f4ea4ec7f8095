//! Groups on the command line: who is deployed, in which order, with what; what stands between deployments; and what a
//! person does with one that is stuck. Not here: what a group promises (`groups_atomic`, `lanes`).

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use serde_json::Value;
use support::{Server, fixture, shipway, wait_for};

const PROCESS: &str = "source = \"app\"\nkind = \"process\"\nrun = [\"./fixture\"]\nrun_as = \"@server\"\n\
    health = { startup = { http = \"/healthz\" } }\nstop = { grace_s = 3 }\n";

/// A server, and a project's folder to stand in.
struct Place {
    server: Server,
    folder: PathBuf,
}

/// How a verb ended.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "{word}:\n{}\n{}", self.out, self.err);
        }
    }
}

impl Place {
    /// With the services web (which calls api), api and mail, the group shop of the first two, and more settings.
    fn new(environment: &str, web: &str, api: &str) -> Self {
        let server = Server::start();
        let folder = server.home.path().join("project");
        fs::create_dir_all(folder.join("app")).expect("a folder");
        fs::copy(fixture(), folder.join("app/fixture")).expect("the fixture");
        let host = "routes = [{ host = \"app.{environment}.localhost\" }]";
        let spec = format!(
            "[project]\nname = \"app\"\n\n[environments.test]\ntype = \"testing\"\n{environment}\n\n\
             [groups.shop]\nservices = [\"web\", \"api\"]\n\n\
             [services.web]\n{PROCESS}depends_on = [\"api\"]\n{host}\n{web}\n\n\
             [services.api]\n{PROCESS}{api}\n\n[services.mail]\n{PROCESS}"
        );
        fs::write(folder.join("shipway.toml"), spec).expect("the spec");
        Self { server, folder }
    }

    /// A file of which hooks and checks ask whether it is there.
    fn file(&self, name: &str) -> PathBuf {
        self.server.home.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(shipway());
        command.args(arguments).current_dir(&self.folder);
        command.env("SHIPWAY_SERVER", format!("http://{}", self.server.address()));
        command.env("SHIPWAY_TOKEN", self.server.token()).env("SHIPWAY_DATA", &self.server.data);
        let output = command.env_remove("SHIPWAY_LOG").output().expect("the binary runs");
        let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a verb that must end with that code.
    fn expect(&self, code: i32, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}\n{}", ran.out, ran.err, self.server.log());
        ran
    }

    /// Deploys as these words say, and gives the deployment as it ended.
    fn deploy(&self, code: i32, words: &[&str]) -> Value {
        let arguments: Vec<_> = ["deploy", "--json"].iter().chain(words).copied().collect();
        self.expect(code, &arguments).json()
    }

    /// What a deployment would change, by service.
    fn would_change(&self, words: &[&str]) -> BTreeMap<String, String> {
        let plan = self.plan(words);
        let changes = plan["changes"].as_array().expect("changes");
        let version = |change: &Value| change["to"]["version"].as_str().unwrap_or_default().to_owned();
        changes.iter().map(|change| (text(change, "service"), version(change))).collect()
    }

    fn plan(&self, words: &[&str]) -> Value {
        let arguments: Vec<_> = ["plan", "--json"].iter().chain(words).copied().collect();
        let ran = self.run(&arguments);
        assert!([0, 3].contains(&ran.code), "{arguments:?}\n{}\n{}", ran.out, ran.err);
        ran.json()
    }

    /// The newest deployment, whole.
    fn newest(&self) -> Value {
        let page = self.server.get("/api/projects/app/deployments?limit=1");
        self.server.deployment(&text(&page["items"][0], "id"))
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value:#}")).to_owned()
}

fn versions(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(service, version)| ((*service).to_owned(), (*version).to_owned())).collect()
}

/// Whether a step of that title's beginning comes after another in a plan.
fn is_after(plan: &Value, later: &str, earlier: &str) -> bool {
    let steps = plan["steps"].as_array().expect("steps");
    let find = |title: &str| {
        let found = steps.iter().position(|step| text(step, "title").starts_with(title));
        found.unwrap_or_else(|| panic!("{title} is in {steps:#?}"))
    };
    let (mut open, earlier) = (vec![find(later)], find(earlier));
    let mut seen = BTreeSet::new();
    while let Some(step) = open.pop() {
        if step == earlier {
            return true;
        }
        if seen.insert(step) {
            let needs = steps[step]["needs"].as_array().expect("needs").iter();
            open.extend(needs.map(|need| usize::try_from(need.as_u64().expect("a number")).expect("a step")));
        }
    }
    false
}

#[test]
fn words_say_who_is_deployed_with_what() {
    let place = Place::new("", "", "");
    let all = versions(&[("web", "1"), ("api", "1"), ("mail", "1")]);
    assert_eq!(place.would_change(&["--version", "1"]), all);
    assert_eq!(place.would_change(&["--all", "--version", "1"]), all);
    let shop = versions(&[("web", "1"), ("api", "1.1")]);
    for group in [&["@shop"][..], &["--group", "shop"], &["web", "api"], &["--exclude", "mail"]] {
        let words: Vec<_> = group.iter().copied().chain(["--version", "1", "--version", "api=1.1"]).collect();
        assert_eq!(place.would_change(&words), shop, "{group:?}");
    }
    assert_eq!(place.would_change(&["@shop", "--exclude", "web", "--version", "1"]), versions(&[("api", "1")]));
    let deployment = place.deploy(0, &["@shop", "--version", "1", "--version", "api=1.1"]);
    assert_eq!(
        (&deployment["services"]["api"]["version"], &deployment["services"]["mail"]),
        (&"1.1".into(), &Value::Null)
    );
    // What is live is left out, and what was never deployed is not.
    let changed = ["--changed", "--version", "1", "--version", "api=1.2"];
    assert_eq!(place.would_change(&changed), versions(&[("api", "1.2"), ("mail", "1")]));
    place.deploy(0, &changed);
    assert!(place.would_change(&changed).is_empty());
}

#[test]
fn what_is_said_of_nobody_is_refused() {
    let place = Place::new("", "", "");
    let refused = |words: &[&str], said: &[&str]| {
        let arguments: Vec<_> = ["deploy"].iter().chain(words).copied().collect();
        place.expect(1, &arguments).says(said);
    };
    refused(&["--version", "nobody=2"], &["nobody", "web, api, mail"]);
    refused(&["@shop", "--version", "mail=2"], &["mail", "web, api"]);
    refused(&["--order", "web/nobody"], &["a place in the order", "nobody"]);
    refused(&["@nobody"], &["there is no group `nobody`", "shop"]);
    refused(&["@shop", "--exclude", "mail"], &["mail can't be left out"]);
    refused(&["@shop", "--exclude", "web", "--exclude", "api"], &["every service is left out"]);
    refused(&["--artifact", "web=abcd"], &["no artifact of web begins with abcd"]);
    let scale = serde_json::json!({
        "project": "app", "environment": "test", "exclude": ["web"],
        "kind": { "is": "scale", "instances": { "web": 2 } },
    });
    let said = place.server.refused(409, "POST", "/api/deployments", scale);
    assert!(text(&said, "detail").contains("`exclude` is for deployments of new releases"), "{said}");
    place.expect(2, &["deploy", "@shop", "mail"]).says(&["@shop names a group"]);
    place.expect(2, &["deploy", "--version", "1", "--version", "2"]).says(&["one too many"]);
    assert_eq!(place.server.get("/api/projects/app/deployments")["items"], serde_json::json!([]));
}

#[test]
fn the_order_is_that_of_the_words() {
    let place = Place::new("", "", "");
    let comes_after = |words: &[&str]| is_after(&place.plan(words), "start test-mail", "wait until test-api");
    assert!(!comes_after(&["--order", "parallel"]));
    assert!(comes_after(&["--order", "api/mail"]));
    assert!(!comes_after(&["--order", "mail/api"]));
    assert!(is_after(&place.plan(&["--order", "mail/api"]), "start test-api", "wait until test-mail"));
    // It doesn't stand above what calls what.
    place.expect(1, &["plan", "--order", "web/api"]).says(&["web is in wave 1, and depends on api in wave 2"]);
}

#[test]
fn a_stored_artifact_needs_only_the_beginning_of_its_digest() {
    let place = Place::new("", "", "");
    let first = place.deploy(0, &["--version", "1"]);
    fs::write(place.folder.join("app/more"), "another artifact").expect("a file");
    let second = place.deploy(0, &["--version", "2"]);
    let digest = text(&first["artifacts"], "web");
    assert_ne!(digest, text(&second["artifacts"], "web"));
    let short = format!("web={}", &digest[..8]);
    let mixed = place.deploy(0, &["@shop", "--version", "3", "--artifact", &short]);
    assert_eq!(text(&mixed["artifacts"], "web"), digest);
    assert_eq!(mixed["artifacts"]["api"], second["artifacts"]["api"], "the other one comes from the source");
    fs::remove_dir_all(place.folder.join("app")).expect("it can be removed");
    let stored = place.deploy(0, &["web", "--version", "4", "--artifact", &short]);
    assert_eq!(text(&stored["artifacts"], "web"), digest, "nothing is built, and no source is looked for");
    assert_eq!(place.server.version(), "4");
}

/// A project with version 1 live, whose `web` now fails after promotion while the file `bad` is there.
fn may_fail(environment: &str, web: &str) -> Place {
    let place = Place::new(environment, "", "");
    place.deploy(0, &["--version", "1"]);
    let check = "checks = [{ name = \"good\", phase = \"verify\", command = [\"test\", \"!\", \"-e\", \"HOME/bad\"] }]";
    let more = format!("{check}\n{web}\ndepends_on");
    place.rewrite(|spec, home| spec.replace("depends_on", &more.replace("HOME", home)));
    place
}

impl Place {
    /// Writes the spec anew.
    fn rewrite(&self, change: impl Fn(String, &str) -> String) {
        let file = self.folder.join("shipway.toml");
        let spec = fs::read_to_string(&file).expect("the spec");
        let home = self.server.home.path().to_str().expect("a plain path");
        fs::write(&file, change(spec, home)).expect("the spec");
    }

    fn make(&self, name: &str) {
        fs::write(self.file(name), "").expect("a file");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).expect("it was there");
    }
}

#[test]
fn what_is_quarantined_takes_a_word_and_a_reason() {
    let place = may_fail("", "");
    place.expect(0, &["quarantine"]).says(&["nothing is quarantined"]);
    place.make("bad");
    let failed = place.deploy(1, &["@shop", "--version", "2"]);
    assert_eq!(failed["phase"], "rolled_back", "{failed}");
    place.remove("bad");
    let listed = place.expect(0, &["quarantine", "--json"]).json();
    let alone = |one: &&Value| one["releases"].as_object().is_some_and(|releases| releases.len() == 1);
    let quarantined = listed[0]["quarantined"].as_array().expect("a list");
    let first = quarantined.iter().find(alone).expect("the release of the first cause");
    assert_eq!(first["releases"]["web"]["version"], "2");
    assert_eq!((&first["by"], &first["name"]), (&failed["id"], &failed["name"]));
    place.expect(0, &["quarantine"]).says(&["web 2", "api 2", "`good`", "--allow-quarantined"]);
    place.expect(1, &["deploy", "@shop", "--version", "2"]).says(&["is quarantined since", "--allow-quarantined"]);
    place.expect(2, &["deploy", "@shop", "--version", "2", "--allow-quarantined"]).says(&["--reason"]);
    place.deploy(0, &["@shop", "--version", "2", "--allow-quarantined", "--reason", "the check was wrong"]);
    assert_eq!(place.newest()["reason"], "the check was wrong");
    place.expect(0, &["quarantine"]).says(&["nothing is quarantined"]);
}

const HOOK: &str = "hooks = [{ when = \"on-rollback\", command = [\"/usr/bin/test\", \"!\", \"-e\", \"HOME/stays\"] }]";

/// Gets a deployment stuck: it fails after promotion, and a hook of the way back fails, too.
fn stuck() -> (Place, Value) {
    let place = may_fail("", HOOK);
    place.make("bad");
    place.make("stays");
    let ran = place.expect(1, &["deploy", "@shop", "--version", "2"]);
    let deployment = place.newest();
    assert_eq!(deployment["phase"], "stuck", "{deployment}");
    let id = text(&deployment, "id");
    let retry = format!("shipway retry {id}");
    let resolve = format!("shipway resolve {id} --reason WHY");
    ran.says(&["run hooks on rollback", &retry, &resolve, "serve the old release"]);
    place.remove("bad");
    (place, deployment)
}

/// The number of the step that failed.
fn failed_step(deployment: &Value) -> String {
    let failed = |step: &&Value| step["back"] == true && step["status"] == "failed";
    let step = deployment["steps"].as_array().expect("steps").iter().find(failed).expect("a failed step");
    assert_eq!(step["service"], "web", "{step}");
    step["number"].to_string()
}

#[test]
fn a_stuck_one_is_shown_with_its_commands_and_goes_back_when_it_is_mended() {
    let (place, deployment) = stuck();
    let id = text(&deployment, "id");
    assert_eq!(deployment["stuck"], "undoFailed");
    let skip = format!("shipway skip {id} {} --reason WHY", failed_step(&deployment));
    place.expect(0, &["status"]).says(&["stuck", "run hooks on rollback", &skip, &format!("shipway retry {id}")]);
    let shown = place.expect(0, &["status", "--json"]).json();
    assert_eq!(shown["projects"][0]["stuck"][0]["id"], id.as_str());
    assert!(shown["projects"][0]["stuck"][0]["steps"].as_array().is_some_and(|steps| !steps.is_empty()));
    let back_ms = deployment["metrics"]["backMs"].clone();
    place.remove("stays");
    let again = place.expect(0, &["retry", &id]);
    again.says(&["rolled back"]);
    assert!(!again.out.contains("asked for deploy"), "it tells what is new: {}", again.out);
    let ended = place.server.deployment(&id);
    assert_eq!((&ended["phase"], &ended["stuck"]), (&"rolled_back".into(), &Value::Null));
    assert_eq!(ended["metrics"]["backMs"], back_ms, "users were back the first time");
    place.expect(1, &["retry", &id]).says(&["is not stuck"]);
}

#[test]
fn a_step_that_can_not_be_done_is_left_out_by_its_number() {
    let (place, deployment) = stuck();
    let (id, step) = (text(&deployment, "id"), failed_step(&deployment));
    place.expect(1, &["skip", &id, "999", "--reason", "why not"]).says(&["did not fail", &step]);
    let words = "the mail was sent by hand";
    place.expect(0, &["skip", &id, &step, "--reason", words]).says(&["left out `run hooks on rollback`", words]);
    let ended = place.server.deployment(&id);
    assert_eq!(ended["phase"], "rolled_back");
    assert_eq!(ended["skipped"][0]["title"], "run hooks on rollback");
    assert_eq!((&ended["skipped"][0]["by"], &ended["skipped"][0]["reason"]), (&"admin".into(), &words.into()));
    let events = place.server.events(Some(&id));
    assert!(events.iter().any(|event| event["kind"] == "STEP_SKIPPED"), "it is on record");
    assert_eq!(place.server.version(), "1");
}

#[test]
fn one_that_was_dealt_with_is_declared_so() {
    let (place, deployment) = stuck();
    let id = text(&deployment, "id");
    place.server.refused(400, "POST", &format!("/api/deployments/{id}/resolve"), serde_json::json!({ "reason": " " }));
    place.expect(0, &["mark-resolved", &id, "--reason", "by hand"]).says(&["is dealt with"]);
    let ended = place.server.deployment(&id);
    assert_eq!(ended["phase"], "rolled_back");
    assert_eq!((&ended["resolved"]["by"], &ended["resolved"]["reason"]), (&"admin".into(), &"by hand".into()));
    place.expect(1, &["resolve", &id, "--reason", "again"]).says(&["is not stuck"]);
    assert!(!place.expect(0, &["status"]).out.contains("shipway resolve"));
}

#[test]
fn leases_say_who_writes_what_and_who_waits_behind_whom() {
    let place = Place::new("", "", "");
    place.deploy(0, &["--version", "1"]);
    place.expect(0, &["leases"]).says(&["no service is being written"]);
    let gate = place.file("gate");
    let hook = format!(
        "hooks = [{{ when = \"before-promotion\", command = [\"sh\", \"-c\", \"until [ -e {} ]; do sleep 0.02; done\"] }}]\n",
        gate.display()
    );
    place.rewrite(|spec, _| spec.replace("depends_on", &format!("{hook}depends_on")));
    place.expect(0, &["deploy", "@shop", "--version", "2", "--no-wait"]);
    let first = place.newest();
    let leases = || place.expect(0, &["leases", "--json"]).json()[0].clone();
    wait_for("the leases", || (leases()["held"].as_array()?.len() == 2).then_some(()));
    place.expect(0, &["deploy", "api", "mail", "--version", "3", "--no-wait"]);
    let second = place.newest();
    let now = wait_for("the queue", || Some(leases()).filter(|now| now["waiting"][0].is_object()));
    let held = now["held"].as_array().expect("leases");
    assert_eq!(held.iter().map(|lease| text(lease, "service")).collect::<Vec<_>>(), ["api", "web"]);
    for lease in held {
        assert_eq!((&lease["deployment"], &lease["name"]), (&first["id"], &first["name"]), "{lease}");
        assert_eq!(lease["initiatedBy"], "admin");
        assert!(lease["token"].is_u64() && lease["server"].is_string(), "{lease}");
        assert!(text(lease, "serverExpiresAt") > text(lease, "since"), "{lease}");
    }
    let waiting = &now["waiting"][0];
    assert_eq!((&waiting["deployment"], &waiting["behind"][0]), (&second["id"], &first["id"]));
    assert_eq!(waiting["services"], serde_json::json!(["api", "mail"]));
    let name = |one: &Value| text(one, "name");
    place.expect(0, &["leases", "-e", "test"]).says(&[&name(&first), &name(&second), "expires in", "api, mail"]);
    place.make("gate");
    for one in [&first, &second] {
        let ended = place.server.ended(&text(one, "id"));
        assert_eq!(ended["phase"], "completed", "{}", ended["errors"]);
    }
    wait_for("no leases", || leases()["held"].as_array()?.is_empty().then_some(()));
}

#[test]
fn an_environment_with_too_many_rollbacks_stops_until_a_person_says_so() {
    let place = may_fail("rollback_limit = { max = 1, per = \"1h\" }", "");
    let state = |name: &str| {
        let all = place.expect(0, &["breakers", "--json"]).json();
        all.as_array().expect("a list").iter().find(|one| one["name"] == name).cloned()
    };
    assert_eq!(state("local").expect("the target's")["state"], "closed");
    assert!(state("app/test").is_none());
    place.make("bad");
    for version in ["2", "3"] {
        place.deploy(1, &["web", "--version", version]);
    }
    place.remove("bad");
    let open = state("app/test").expect("the environment's");
    assert_eq!((&open["state"], &open["guards"]), (&"open".into(), &"environment".into()), "{open}");
    assert_eq!(open["by"], place.newest()["id"]);
    assert!(open["since"].is_string());
    let reset = "shipway breakers reset app/test --reason WHY";
    place.expect(0, &["breakers"]).says(&["open", "only rollbacks", reset]);
    place.expect(1, &["deploy", "web", "--version", "4"]).says(&["takes nothing but rollbacks", reset]);
    place.expect(0, &["status"]).says(&["takes nothing but rollbacks", reset]);
    place.expect(1, &["breakers", "reset", "local", "--reason", "x"]).says(&["no open breaker"]);
    place.expect(0, &["breakers", "reset", "app/test", "--reason", "the check is mended"]).says(&["closed"]);
    let told = place.server.events(None);
    let told = told.iter().find(|event| event["kind"] == "DEPLOYMENTS_ALLOWED").expect("it is told");
    assert!(text(told, "message").contains("the check is mended"), "{told}");
    place.deploy(0, &["web", "--version", "4"]);
    assert!(!place.expect(0, &["status"]).out.contains("takes nothing but rollbacks"));
}

#[test]
fn data_comes_back_from_a_copy() {
    let migrate = "data = [\"uploads\"]\nmigrate = { command = [\"true\"], kind = \"expand\", snapshot = true }\n";
    let place = Place::new("", migrate, "");
    place.expect(1, &["snapshot", "list"]);
    place.deploy(0, &["--version", "1"]);
    let write = |words: &str| assert_eq!(place.server.page(&format!("/write?{words}")), (200, "true".into()));
    write("one,");
    place.deploy(0, &["web", "--version", "2"]);
    write("two,");
    let copies = place.expect(0, &["snapshot", "list", "web", "--json"]).json();
    let copies = copies.as_array().expect("a list");
    assert_eq!(copies.len(), 2, "one for each migration");
    assert_eq!((&copies[0]["service"], &copies[0]["bytes"]), (&"web".into(), &4.into()), "the newest first");
    place.expect(0, &["snapshot", "list"]).says(&[&text(&copies[0], "name"), "4 bytes"]);
    place.expect(2, &["snapshot", "restore", "web"]).says(&["--yes"]);
    place.expect(1, &["snapshot", "restore", "web", "nothing", "--yes"]).says(&["no snapshot `nothing`", "these are"]);
    place.expect(1, &["snapshot", "restore", "mail", "--yes"]).says(&["no copies of its data"]);
    assert_eq!(place.server.page("/read").1, "one,two,");
    place.expect(0, &["snapshot", "restore", "web", "--yes", "--reason", "wrong prices"]).says(&["the data is back"]);
    assert_eq!(place.server.page("/read").1, "one,");
    assert_eq!(place.server.version(), "2", "the release stays");
    assert_eq!(place.newest()["kind"]["is"], "restoreData");
    place.expect(0, &["snapshot", "restore", "web", &text(&copies[1], "name"), "-y"]);
    assert_eq!(place.server.page("/read").1, "");
}

#[test]
fn past_a_contract_nothing_goes_back_unless_a_person_accepts_it() {
    let place = Place::new("", "", "");
    place.deploy(0, &["--version", "1"]);
    let late = "migrate = { command = [\"true\"], kind = \"contract\" }\n\
                hooks = [{ when = \"after-completion\", command = [\"false\"] }]\n";
    place.rewrite(|spec, _| spec.replace("depends_on", &format!("{late}depends_on")));
    let ran = place.expect(1, &["deploy", "web", "--version", "2"]);
    let deployment = place.newest();
    assert_eq!((&deployment["phase"], &deployment["stuck"]), (&"stuck".into(), &"contract".into()), "{deployment}");
    let id = text(&deployment, "id");
    let accept = format!("shipway rollback {id} --accept-contract");
    ran.says(&["`contract` migration", &accept, "shipway snapshot list -e test"]);
    assert!(!ran.out.contains("shipway retry"), "it would be refused: {}", ran.out);
    place.expect(1, &["retry", &id]).says(&[&accept]);
    assert_eq!(place.server.version(), "2");
    place.expect(1, &["rollback", &id]).says(&["--accept-contract"]);
    place.expect(0, &["rollback", &id, "--accept-contract"]);
    assert_eq!(place.server.version(), "1");
}

#[test]
fn a_rollback_takes_the_data_with_it() {
    let data = "data = [\"uploads\"]\n";
    let place = Place::new("", data, "");
    place.deploy(0, &["--version", "1"]);
    let write = |words: &str| assert_eq!(place.server.page(&format!("/write?{words}")), (200, "true".into()));
    write("one,");
    let late = "migrate = { command = [\"true\"], kind = \"contract\", snapshot = true }\n\
                hooks = [{ when = \"after-completion\", command = [\"false\"] }]\n";
    place.rewrite(|spec, _| spec.replace(data, &format!("{data}{late}")));
    place.expect(1, &["deploy", "web", "--version", "2"]);
    let id = text(&place.newest(), "id");
    write("two,");
    let with_data = format!("shipway rollback {id} --with-data");
    place.expect(0, &["explain", &id]).says(&[&with_data]);
    place.expect(1, &["rollback", &id]).says(&["--with-data"]);
    place.expect(2, &["rollback", &id, "--with-data", "--artifact-only"]);
    place.expect(0, &["rollback", &id, "--with-data"]);
    assert_eq!((place.server.version(), place.server.page("/read").1), ("1".into(), "one,".into()));
    let copies = place.expect(0, &["snapshot", "list", "web", "--json"]).json();
    let copies: Vec<_> = copies.as_array().expect("a list").iter().map(|copy| text(copy, "name")).collect();
    assert_eq!(copies.len(), 2, "one before the migration, one of what the rollback replaced: {copies:?}");
    place.expect(0, &["snapshot", "restore", "web", &copies[0], "--yes"]);
    assert_eq!(place.server.page("/read").1, "one,two,", "what was replaced is not lost");
    place.deploy(0, &["api", "--version", "2"]);
    let newest = text(&place.newest(), "id");
    place.expect(1, &["rollback", &newest, "--with-data"]).says(&["no data was copied since"]);
}
