//! The breaker of a target: it opens when the driver keeps failing, refuses at once and says why, lets pass again when
//! its time is over, and closes by one success or by a person's word. A restart forgets none of it.

mod support;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use shipway_core::{
    breaker::{Breaker, FAILURES_MAX},
    store::Commit,
    time::Timestamp,
};
use support::{
    Server,
    day::{SERVICE, assert_cause, text},
    project, shipway,
    stored::rewrite,
};

/// So far away that no test sees it: 2100-01-01.
const LONG_HENCE: Timestamp = Timestamp(4_102_444_800_000);

/// A server with `v1` live, whose target can be broken: releases can't be unpacked where a file stands in the way.
struct Target {
    server: Server,
    releases: PathBuf,
    aside: PathBuf,
}

impl Target {
    fn new() -> Self {
        let server = Server::start();
        project(&server, SERVICE);
        server.deploy_well(json!({ "version": "v1" }));
        let (releases, aside) = (server.data.join("releases"), server.data.join("releases.aside"));
        Self { server, releases, aside }
    }

    fn break_it(&self) {
        fs::rename(&self.releases, &self.aside).expect("the folder goes");
        fs::write(&self.releases, "in the way").expect("a file");
    }

    fn mend(&self) {
        fs::remove_file(&self.releases).expect("the file goes");
        fs::rename(&self.aside, &self.releases).expect("the folder is back");
    }

    /// Breaks it until the breaker has opened, and gives the deployment that met it.
    fn fails_until_it_opens(&self) -> Value {
        self.break_it();
        let failed = self.deploy_to("v2", "failed");
        self.mend();
        assert_eq!(self.told("BREAKER_OPENED"), 1);
        failed
    }

    fn deploy_to(&self, version: &str, phase: &str) -> Value {
        let deployment = self.server.deploy(json!({ "version": version }));
        assert_eq!(deployment["phase"], phase, "{}", deployment["errors"]);
        deployment
    }

    /// Has the server start anew when the breaker's time is another.
    fn restart_with(&mut self, open_until: Timestamp) {
        self.server.kill();
        rewrite(&self.server.data, async |store| {
            let stored: Option<Breaker> = store.find("local").await.expect("a read");
            let stored = stored.expect("an open breaker is stored");
            assert!(stored.open_until.is_some(), "{stored:?}");
            Commit::default().put(&Breaker { open_until: Some(open_until), ..stored })
        });
        self.server.boot(&[]);
    }

    fn state(&self) -> Value {
        let all = self.server.get("/api/breakers");
        all.as_array().expect("a list").iter().find(|one| one["name"] == "local").cloned().expect("the target's")
    }

    /// How often an event of that kind was told.
    fn told(&self, kind: &str) -> usize {
        self.server.events(None).iter().filter(|event| event["kind"] == kind).count()
    }

    fn typed(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(shipway());
        command.args(arguments).arg("--data").arg(&self.server.data).env("NO_COLOR", "1").env_remove("SHIPWAY_SERVER");
        let output = command.stdin(Stdio::null()).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[test]
fn it_opens_after_failures_in_a_row_and_refuses_with_the_reason() {
    let mut target = Target::new();
    let failed = target.fails_until_it_opens();
    assert_eq!(failed["cause"], "machinery");
    assert_eq!(target.state()["count"], FAILURES_MAX);
    target.restart_with(LONG_HENCE);
    assert_eq!(target.state()["state"], "open", "a restart closes none");
    let refused = target.deploy_to("v3", "failed");
    assert_cause(&refused, "is left alone until 2100-01-01", "shipway breakers reset");
    assert!(text(&refused, "/errors/0/message").contains("releases"), "what failed last is named: {refused}");
    assert_eq!(target.state()["count"], FAILURES_MAX, "the target was not asked");
    let said = target.typed(&["breakers"]);
    assert!(said.contains("5 failures in a row; 5 open it"), "{said}");
    assert_eq!(target.server.version(), "v1", "what runs goes on");
}

#[test]
fn half_open_one_failure_opens_it_again_and_one_success_closes_it() {
    let mut target = Target::new();
    target.fails_until_it_opens();
    target.restart_with(Timestamp(1));
    assert_eq!(target.state()["state"], "halfOpen");
    target.break_it();
    target.deploy_to("v3", "failed");
    target.mend();
    assert!(target.told("BREAKER_OPENED") > 1, "one more failure is enough");
    let said = target.typed(&["breakers"]);
    assert!(said.contains("6 failures in a row; 5 open it"), "{said}");
    target.restart_with(Timestamp(1));
    target.deploy_to("v4", "completed");
    assert_eq!((&target.state()["state"], &target.state()["count"]), (&json!("closed"), &json!(0)));
    assert_eq!(target.told("BREAKER_CLOSED"), 1);
    assert_eq!(target.server.version(), "v4");
}

#[test]
fn a_person_closes_it_at_once() {
    let mut target = Target::new();
    target.fails_until_it_opens();
    target.restart_with(LONG_HENCE);
    target.typed(&["breakers", "reset", "local", "--reason", "the folder is back"]);
    target.deploy_to("v3", "completed");
    let closed = target.server.event("BREAKER_CLOSED", 0);
    assert!(text(&closed, "/message").contains("the folder is back"), "{closed}");
}
