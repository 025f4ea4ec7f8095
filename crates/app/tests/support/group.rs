//! A group of services that call each other, and what must be the same before and after a deployment that went back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use shipway_core::{
    id::{ReleaseId, ServiceName},
    route::link_address,
};

use super::{HOST, Server, fixture, wait_for};

/// How long it may take until what is to be seen is as it was.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at the whole state, which costs the server more than one number.
const POLL: Duration = Duration::from_millis(30);

/// A service of the group: its name, whom it calls, the beginning of its path on the one host, and more settings.
pub struct Member {
    pub name: &'static str,
    pub calls: &'static [&'static str],
    pub path: Option<&'static str>,
    pub more: &'static str,
}

/// What every service has that runs.
const PROCESS: &str = "kind = \"process\"\nrun = [\"./start\"]\n\
    health = { startup = { http = \"/healthz\", timeout_ms = 2000 } }\nstop = { grace_s = 3 }\n";

/// Registers a project of these services; each has a source of its own with a program of few bytes.
pub fn group(server: &Server, members: &[Member]) -> PathBuf {
    let folder = server.home.path().join("project");
    // These tests are the storm that an environment otherwise stops.
    let limit = "rollback_limit = { max = 1000, per = \"1h\" }";
    let mut spec = format!("[project]\nname = \"app\"\n\n[environments.test]\ntype = \"testing\"\n{limit}\n");
    for member in members {
        write_source(&folder.join(member.name), member.name);
        writeln!(spec, "\n{}", member.spec()).expect("a text takes all");
    }
    server.register(&folder, &spec);
    folder
}

fn write_source(folder: &Path, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(folder).expect("a folder");
    let start = folder.join("start");
    fs::write(&start, format!("#!/bin/sh\nexec {} \"$@\"\n", fixture().display())).expect("a program");
    fs::set_permissions(&start, fs::Permissions::from_mode(0o755)).expect("it can be run");
    fs::write(folder.join("marker"), marker(name)).expect("a file");
}

/// The content of a file that only this service has.
pub fn marker(name: &str) -> String {
    format!("this is {name} and nobody else\n")
}

impl Member {
    fn spec(&self) -> String {
        let mut text = format!("[services.{0}]\nsource = \"{0}\"\nrun_as = \"@server\"\n", self.name);
        if !self.more.contains("kind = ") {
            text.push_str(PROCESS);
        }
        if !self.calls.is_empty() {
            writeln!(text, "depends_on = {}", json!(self.calls)).expect("a text takes all");
        }
        if let Some(path) = self.path {
            let host = HOST.replace("app.test.", "app.{environment}.");
            writeln!(text, "routes = [{{ host = \"{host}\", path = \"{path}\", strip_prefix = true }}]")
                .expect("a text takes all");
        }
        text + self.more
    }
}

/// Waits for the end of a deployment without keeping the server busy: it has many steps to show.
pub fn end_of(server: &Server, id: &str) -> Value {
    wait_for(&format!("the end of {id}"), || {
        let events = server.get(&format!("/api/events?limit=1000&newest=20&deployment={id}"));
        let ends = ["DEPLOYMENT_SUCCEEDED", "DEPLOYMENT_FAILED", "DEPLOYMENT_CANCELLED", "DEPLOYMENT_STUCK"];
        let ended = |event: &Value| ends.iter().any(|end| event["kind"] == **end);
        std::thread::sleep(POLL);
        events["items"].as_array()?.iter().any(ended).then(|| server.ended(id))
    })
}

/// Everything that a deployment which went back must have left as it was: slots, configuration, instances by part,
/// and the proxy's own table, less what may differ (generation, epoch, names and addresses of instances).
pub fn state(server: &Server) -> Value {
    let environment = server.get("/api/projects/app/environments")[0].clone();
    let mut slots = environment["services"].clone();
    for slot in slots.as_array_mut().expect("services") {
        let slot = slot.as_object_mut().expect("a slot");
        // Every write raises the one and leaves the other.
        slot.remove("revision");
        slot.remove("writtenBy");
    }
    let mut instances: BTreeMap<String, u32> = BTreeMap::new();
    for one in server.instances() {
        let part = format!("{} {} {} {}", one["slot"], one["release"], one["role"], one["state"]);
        *instances.entry(part).or_default() += 1;
    }
    let routes = server.get("/api/routes");
    json!({
        "slots": slots, "settings": environment["settings"], "status": environment["status"],
        "instances": instances, "processes": server.application_pids().len(),
        "routes": routes["routes"], "table": table(server),
    })
}

/// The table that the proxy has, as it keeps it for its next start: for users and for what serves them. What is left
/// of earlier releases is reached by these alone.
fn table(server: &Server) -> Value {
    let text = fs::read(server.data.join("proxy/table.json")).unwrap_or_default();
    let mut table: Value = serde_json::from_slice(&text).unwrap_or_default();
    let Some(fields) = table.as_object_mut() else { return Value::Null };
    fields.remove("generation");
    fields.remove("epoch");
    for (_, pool) in table["pools"].as_object_mut().into_iter().flatten() {
        let backends = pool["backends"].as_array_mut().expect("backends");
        backends.retain(|backend| backend["weight"] != 0 || backend["candidate"] == true);
        for backend in backends {
            if let Some(upstreams) = backend.pointer_mut("/target/instances") {
                *upstreams = json!(upstreams.as_array().map_or(0, Vec::len));
            }
        }
    }
    let links = serving_links(server);
    table["links"].as_object_mut().expect("links").retain(|address, _| links.contains(address));
    table
}

/// The addresses by which what is live reaches any service.
fn serving_links(server: &Server) -> BTreeSet<String> {
    let environment = server.get("/api/projects/app/environments")[0].clone();
    let slots = environment["services"].as_array().expect("services").clone();
    let releases = || slots.iter().filter_map(|slot| slot["live"]["release"].as_str()).map(ReleaseId::new);
    let services = || slots.iter().filter_map(|slot| slot["service"].as_str()).map(ServiceName::new);
    let to_all = |release| services().map(move |service| link_address(&release, &service).to_string());
    releases().flat_map(to_all).collect()
}

/// Waits until everything is as it was; what still differs is told.
pub fn assert_as_before(server: &Server, before: &Value, what: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let now = state(server);
        if now == *before {
            return;
        }
        assert!(Instant::now() < until, "{what}: not as before:\n{}", differences(before, &now));
        std::thread::sleep(POLL);
    }
}

fn differences(before: &Value, now: &Value) -> String {
    let mut text = String::new();
    for (part, was) in before.as_object().expect("an object") {
        if now[part] != *was {
            writeln!(text, "{part} was {was:#}\n{part} is {:#}", now[part]).expect("a text takes all");
        }
    }
    text
}

/// The versions that answer now, by service.
pub fn versions(server: &Server) -> BTreeMap<String, String> {
    let environment = server.get("/api/projects/app/environments")[0].clone();
    let slots = environment["services"].as_array().expect("services").clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    slots.iter().map(|slot| (text(&slot["service"]), text(&slot["version"]))).collect()
}
