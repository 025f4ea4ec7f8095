//! A bad day: a project that is live under load, something that goes wrong, and the proof that it harmed nobody.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{HOST, Server, load::Load, project, spec, wait_for};

/// What every service of these tests has.
pub const SERVICE: &str = "health = { startup = { http = \"/healthz\", timeout_ms = 500 } }\nstop = { grace_s = 2 }\n";
/// Requests that must have been answered after the bad thing, before it is called harmless.
const REQUESTS_MIN: u64 = 20;

/// A server whose project has version `v1` live, under load.
pub struct Day {
    pub load: Load,
    pub server: Server,
    pub folder: PathBuf,
}

impl Day {
    /// Begins with a service that has these settings more.
    pub fn begin(more: &str) -> Self {
        Self::begin_on(Server::start(), more)
    }

    pub fn begin_on(server: Server, more: &str) -> Self {
        let folder = project(&server, &format!("{SERVICE}{more}"));
        server.deploy_well(json!({ "version": "v1" }));
        let load = Load::start(server.proxy(), HOST);
        Self { load, server, folder }
    }

    /// Writes other settings of the service into the project's spec file.
    pub fn rewrite(&self, more: &str) {
        std::fs::write(self.folder.join("shipway.toml"), spec(&format!("{SERVICE}{more}"))).expect("the spec");
    }

    /// Deploys and expects this end.
    pub fn deploy_to_end(&self, more: Value, phase: &str) -> Value {
        let id = self.server.ask(more);
        self.end(&id, phase)
    }

    /// Waits for the end, and expects this one.
    pub fn end(&self, id: &str, phase: &str) -> Value {
        let deployment = self.server.ended(id);
        assert_eq!(deployment["phase"], phase, "{}\n{}", deployment["errors"], deployment["findings"]);
        deployment
    }

    /// Waits until a deployment fits.
    pub fn until(&self, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("{id} {what}"), || {
            let deployment = self.server.deployment(id);
            let over = ["completed", "failed", "rolled_back", "cancelled", "stuck"];
            let fits = fits(&deployment);
            let over = over.iter().any(|end| deployment["phase"] == **end);
            assert!(fits || !over, "{what} never came: {} {}", deployment["phase"], deployment["errors"]);
            fits.then_some(deployment)
        })
    }

    pub fn until_phase(&self, id: &str, phase: &str) -> Value {
        self.until(id, phase, |deployment| deployment["phase"] == phase)
    }

    /// The version serves, no request failed, and nothing runs or lies about that is not wanted.
    pub fn unharmed(&self, version: &str) {
        self.serves_alone(version, 1);
        let from = self.load.count();
        wait_for("more requests", || (self.load.count() >= from + REQUESTS_MIN).then_some(()));
        assert_eq!(self.load.failures(), Vec::<String>::new());
        let (status, body) = self.server.page("/");
        assert_eq!(status, 200, "{body}");
        assert!(body.starts_with(&format!("web {version} ")), "{body} is not {version}");
    }

    /// Waits until exactly the live and the warm instances run, each as so many processes, and no build is left.
    pub fn serves_alone(&self, version: &str, processes: usize) {
        wait_for(&format!("{version} alone"), || {
            let recorded = self.server.instances();
            let ready =
                |role: &str| recorded.iter().filter(|one| one["role"] == role && one["state"] == "ready").count();
            let environment = self.server.get("/api/projects/app/environments");
            let services = environment[0]["services"].as_array()?;
            let instances: u64 = services.iter().filter_map(|slot| slot["live"]["instances"].as_u64()).sum();
            let is_live = recorded.iter().any(|one| one["role"] == "live" && one["version"] == version);
            let wanted = ready("live") + ready("warm");
            let tidy = recorded.len() == wanted && self.server.application_pids().len() == wanted * processes;
            (is_live && ready("live") as u64 == instances && tidy && self.builds().is_empty()).then_some(())
        });
    }

    /// What lies in the folder of builds.
    fn builds(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.server.data.join("builds")).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// A deployment's topmost layer of configuration for the service.
pub fn web(fields: Value) -> Value {
    json!({ "services": { "web": fields } })
}

/// A version whose application behaves so, with more fields of its service.
pub fn behaving(version: &str, behaviour: &str, fields: Value) -> Value {
    let mut fields = fields;
    fields["variables"]["BEHAVIOUR"] = json!(behaviour);
    json!({ "version": version, "config": web(fields) })
}

/// A version that is built by a shell script.
pub fn built(version: &str, script: &str, fields: Value) -> Value {
    let mut fields = fields;
    fields["build"] = json!(["sh", "-c", script]);
    json!({ "version": version, "config": web(fields) })
}

/// The text of a field; empty when there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The first cause says this, and what to do.
pub fn assert_cause(deployment: &Value, message: &str, hint: &str) {
    assert!(text(deployment, "/errors/0/message").contains(message), "{message}: {:#}", deployment["errors"]);
    assert!(text(deployment, "/errors/0/hint").contains(hint), "{hint}: {:#}", deployment["errors"]);
}
