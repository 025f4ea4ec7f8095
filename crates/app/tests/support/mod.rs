//! A real server on a data folder of its own, real applications, real requests.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::print_stderr, reason = "a failed test shows the server's log")]

pub mod clients;
pub mod day;
pub mod group;
pub mod http;
pub mod load;
pub mod more;
pub mod people;
pub mod receivers;
pub mod sse;
pub mod stored;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use self::http::request;

pub const HOST: &str = "app.test.localhost";
const PATIENCE: Duration = Duration::from_secs(60);

/// A server process; everything that it started ends with it.
pub struct Server {
    pub data: PathBuf,
    pub home: tempfile::TempDir,
    child: Option<Child>,
    address: SocketAddr,
    token: String,
}

pub fn shipway() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_shipway"))
}

/// The fixture application, which `cargo test` has built.
pub fn fixture() -> PathBuf {
    let mut folder = std::env::current_exe().expect("the test's program");
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    let program = folder.join("examples/fixture");
    assert!(program.exists(), "{} is built by `cargo test`", program.display());
    program
}

/// Waits for something, with a bound.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Server {
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let data = home.path().join("data");
        Self::start_on(home, data)
    }

    /// Starts a server on a data folder that need not lie in its home.
    pub fn start_on(home: tempfile::TempDir, data: PathBuf) -> Self {
        let mut server =
            Self { data, home, child: None, address: SocketAddr::from(([127, 0, 0, 1], 0)), token: String::new() };
        server.boot(&[]);
        server
    }

    /// Starts the server process on the folder.
    pub fn boot(&mut self, variables: &[(&str, &str)]) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.home.path().join("server.log"));
        let log = log.expect("the server's log");
        let mut command = Command::new(shipway());
        command.arg("serve").arg("--data").arg(&self.data);
        command.args(["--listen", "127.0.0.1:0", "--proxy-listen", "127.0.0.1:0", "--link-port", "0"]);
        command.envs(variables.iter().copied()).env("SHIPWAY_LOG", "info").env_remove("SHIPWAY_TOKEN");
        let out = log.try_clone().expect("the server's log");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(log).spawn().expect("the server starts");
        let pid = child.id();
        self.child = Some(child);
        self.address = wait_for("the server", || {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            let found: Value = serde_json::from_slice(&fs::read(self.data.join("server.json")).ok()?).ok()?;
            let mine = found["pid"] == json!(pid);
            let address = found["address"].as_str()?.parse().ok().filter(|_| mine)?;
            (request(address, "GET", "x", "/healthz", &[], b"").ok()?.status == 200).then_some(address)
        });
        self.token = fs::read_to_string(self.data.join("admin.token")).expect("the token").trim().to_owned();
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("server.log")).unwrap_or_default()
    }

    /// Ends the server process at once; what it runs lives on.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Waits until the server process has ended by itself.
    pub fn wait_end(&mut self) {
        let child = self.child.as_mut().expect("the server runs");
        let until = Instant::now() + PATIENCE;
        while child.try_wait().expect("its status").is_none() {
            assert!(Instant::now() < until, "the server did not end by itself");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child = None;
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().expect("its status").is_some())
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn proxy(&self) -> SocketAddr {
        let server = self.get("/api/server");
        server["proxy"].as_str().expect("the proxy's address").parse().expect("an address")
    }

    /// A call of the API: the status and the body.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value), std::io::Error> {
        self.call_with(method, path, &[], body)
    }

    /// The same with more headers.
    pub fn call_with(
        &self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<(u16, Value), std::io::Error> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let token = format!("Bearer {}", self.token);
        let mut headers = vec![("Authorization", token.as_str()), ("Content-Type", "application/json")];
        headers.extend(more);
        let answer = request(self.address, method, "127.0.0.1", path, &headers, body.as_bytes())?;
        Ok((answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::String(answer.body))))
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).expect("the server answers");
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    pub fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("POST", path, Some(&body)).expect("the server answers");
        assert_eq!(status, 200, "POST {path} {body}: {answer}");
        answer
    }

    /// Registers a spec whose services all lie in `folder`.
    pub fn register(&self, folder: &Path, spec: &str) {
        fs::write(folder.join("shipway.toml"), spec).expect("the spec");
        self.post("/api/projects", json!({ "file": "shipway.toml", "text": spec, "folder": folder }));
    }

    /// Asks for a deployment to `test` of the project `app`, and gives its id.
    pub fn ask(&self, more: Value) -> String {
        let mut body = json!({ "project": "app", "environment": "test" });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let answer = self.post("/api/deployments", body);
        answer["id"].as_str().expect("an id").to_owned()
    }

    pub fn deployment(&self, id: &str) -> Value {
        self.get(&format!("/api/deployments/{id}"))
    }

    /// Waits for the end of a deployment.
    pub fn ended(&self, id: &str) -> Value {
        let ends = ["completed", "failed", "rolled_back", "cancelled", "stuck"];
        wait_for(&format!("the end of {id}"), || {
            let deployment = self.deployment(id);
            ends.contains(&deployment["phase"].as_str()?).then_some(deployment)
        })
    }

    /// Deploys and waits.
    pub fn deploy(&self, more: Value) -> Value {
        let id = self.ask(more);
        self.ended(&id)
    }

    /// Deploys and expects it to be complete.
    pub fn deploy_well(&self, more: Value) -> Value {
        let deployment = self.deploy(more);
        assert_eq!(deployment["phase"], "completed", "{}\n{}", deployment["errors"], self.log());
        deployment
    }

    /// What the application answers through the proxy.
    pub fn page(&self, path: &str) -> (u16, String) {
        let answer = request(self.proxy(), "GET", HOST, path, &[], b"").expect("the proxy answers");
        (answer.status, answer.body)
    }

    pub fn instances(&self) -> Vec<Value> {
        self.get("/api/projects/app/instances").as_array().expect("a list").clone()
    }

    /// The processes of applications (not of Shipway) that live and belong to the data folder.
    pub fn application_pids(&self) -> Vec<u32> {
        let data = fs::canonicalize(&self.data).expect("the data folder");
        let marker = format!("SHIPWAY_FOLDER={}", data.display());
        let mut pids = Vec::new();
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let marked = environment.split(|byte| *byte == 0).any(|line| line == marker.as_bytes());
            let ended = fs::read_to_string(entry.path().join("stat")).is_ok_and(|stat| stat.contains(") Z "));
            if marked && !ended {
                pids.push(pid);
            }
        }
        pids
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(6000);
            eprintln!("--- the server's log:\n{}", log.get(from..).unwrap_or(&log));
        }
        if self.child.is_none() {
            self.boot(&[]);
        }
        let _ = self.call("POST", "/api/shutdown", Some(&json!({ "applications": true })));
        let Some(child) = &mut self.child else { return };
        let until = Instant::now() + Duration::from_secs(30);
        while child.try_wait().is_ok_and(|status| status.is_none()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A project folder whose service is the fixture.
pub fn project(server: &Server, service: &str) -> PathBuf {
    let folder = server.home.path().join("project");
    fs::create_dir_all(folder.join("app")).expect("a folder");
    fs::copy(fixture(), folder.join("app/fixture")).expect("the fixture");
    server.register(&folder, &spec(service));
    folder
}

/// A spec of one service `web` with more settings.
pub fn spec(service: &str) -> String {
    format!(
        r#"
[project]
name = "app"

[environments.test]
type = "testing"

[services.web]
source = "app"
kind = "process"
run = ["./fixture"]
run_as = "@server"
routes = [{{ host = "app.{{environment}}.localhost" }}]
{service}
"#
    )
}
