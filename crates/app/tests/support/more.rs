//! More to ask of a server: raw answers of the API, events, versions as clients see them, processes by their part.

use std::{fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};

use super::{
    HOST, Server, fixture,
    http::{Answer, request},
    wait_for,
};

impl Server {
    /// A call with any headers and any body; the owner's token is in it when `token` says so.
    pub fn raw(&self, method: &str, path: &str, token: bool, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.token());
        let mut all = headers.to_vec();
        if token {
            all.push(("Authorization", &bearer));
        }
        request(self.address(), method, "127.0.0.1", path, &all, body).expect("the server answers")
    }

    /// A call that must be refused with that status, as a problem.
    pub fn refused(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.raw(method, path, true, &[("Content-Type", "application/json")], body.to_string().as_bytes());
        problem(&answer, status)
    }

    /// All events of a deployment, or of everything.
    pub fn events(&self, deployment: Option<&str>) -> Vec<Value> {
        let filter = deployment.map(|id| format!("&deployment={id}")).unwrap_or_default();
        let page = self.get(&format!("/api/events?limit=1000{filter}"));
        page["items"].as_array().expect("events").clone()
    }

    /// Waits for an event of that kind, about something that fits, after a place.
    pub fn event(&self, kind: &str, after: u64) -> Value {
        wait_for(kind, || {
            let page = self.get(&format!("/api/events?limit=1000&after={after}"));
            page["items"].as_array()?.iter().find(|event| event["kind"] == kind).cloned()
        })
    }

    /// The place of the newest event.
    pub fn last_event(&self) -> u64 {
        self.events(None).last().and_then(|event| event["seq"].as_u64()).expect("there are events")
    }

    /// The version that the proxy answers on the first host.
    pub fn version(&self) -> String {
        version_of(&self.page("/").1)
    }

    /// Waits until a deployment says that it waits, and gives it.
    pub fn waiting(&self, id: &str) -> Value {
        wait_for(&format!("{id} to wait"), || {
            let deployment = self.deployment(id);
            assert!(
                deployment["completedAt"].is_null(),
                "{id} has ended: {} {}",
                deployment["phase"],
                deployment["errors"]
            );
            deployment["waiting"]["reason"].is_string().then_some(deployment)
        })
    }

    /// A rollback without a name, to its end.
    pub fn roll_back(&self, more: Value) -> Value {
        let mut kind = json!({ "is": "rollback" });
        kind.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        self.deploy(json!({ "kind": kind }))
    }

    /// The instances of a release that are live.
    pub fn live_instances(&self) -> Vec<Value> {
        let live = |one: &Value| one["role"] == "live" && one["state"] == "ready";
        self.instances().into_iter().filter(live).collect()
    }

    /// The process numbers of the shim and the application of an instance.
    pub fn pids_of(&self, instance: &Value) -> (u32, u32) {
        let id = instance["id"].as_str().expect("an id");
        let state = fs::read(self.data.join("instances").join(id).join("state.json")).expect("its state");
        let state: Value = serde_json::from_slice(&state).expect("its state is JSON");
        let pid = |part: &str| u32::try_from(state[part]["pid"].as_u64().expect("a pid")).expect("a pid");
        (pid("shim"), pid("app"))
    }

    /// The processes of Shipway on the data folder whose first argument is that word.
    pub fn parts(&self, word: &str) -> Vec<u32> {
        let data = fs::canonicalize(&self.data).expect("the data folder");
        let mut pids = Vec::new();
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
            let mine = words.iter().skip(2).any(|argument| Path::new(argument.as_ref()).starts_with(&data));
            let ended = fs::read_to_string(entry.path().join("stat")).is_ok_and(|stat| stat.contains(") Z "));
            if mine && !ended && words.get(1).is_some_and(|first| first == word) {
                pids.push(pid);
            }
        }
        pids
    }
}

/// The answer as a problem of that status.
pub fn problem(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.body);
    let problem: Value = serde_json::from_str(&answer.body).expect("a problem is JSON");
    assert_eq!(problem["status"], status, "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    assert!(problem["title"].is_string() && problem["type"].is_string(), "{problem}");
    problem
}

/// The version in what the fixture answers: `service version instance`.
pub fn version_of(page: &str) -> String {
    page.split_whitespace().nth(1).unwrap_or_default().to_owned()
}

/// Ends a process as nothing else does.
pub fn kill_9(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it can be killed");
}

pub fn lives(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Asks an instance itself, beside the proxy.
pub fn ask_instance(instance: &Value, path: &str) -> Option<Answer> {
    let address: SocketAddr = instance["address"].as_str()?.parse().ok()?;
    request(address, "GET", "x", path, &[], b"").ok()
}

/// A project folder with two services: `web` has the route and calls `api`.
pub fn two_services(server: &Server, both: &str, web: &str) -> std::path::PathBuf {
    let folder = server.home.path().join("project");
    fs::create_dir_all(folder.join("app")).expect("a folder");
    fs::copy(fixture(), folder.join("app/fixture")).expect("the fixture");
    let service = |name: &str, more: &str| {
        format!(
            "[services.{name}]\nsource = \"app\"\nkind = \"process\"\nrun = [\"./fixture\"]\nrun_as = \"@server\"\n\
             health = {{ startup = {{ http = \"/healthz\" }} }}\nstop = {{ grace_s = 3 }}\n{both}\n{more}\n"
        )
    };
    let route = format!("depends_on = [\"api\"]\nroutes = [{{ host = \"{HOST}\" }}]\n{web}");
    let route = route.replace("app.test.", "app.{environment}.");
    let spec = format!(
        "[project]\nname = \"app\"\n[environments.test]\ntype = \"testing\"\n{}{}",
        service("web", &route),
        service("api", "")
    );
    server.register(&folder, &spec);
    folder
}
