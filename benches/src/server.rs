//! A Shipway server of our own, on a data folder and ports of its own. Everything that it runs ends with it.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    Fallible,
    http::{self, Request},
    process::TempFolder,
};

/// The host of the benchmarked application.
pub const HOST: &str = "bench.test.localhost";
/// The phases in which a deployment has ended.
const ENDS: [&str; 5] = ["completed", "failed", "rolled_back", "cancelled", "stuck"];
/// A restored folder has its sites unpacked before the server answers.
const START_MS_MAX: u64 = 600_000;
const STOP_MS_MAX: u64 = 30_000;
const DEPLOYMENT_MS_MAX: u64 = 600_000;
const POLL_MS: u64 = 10;
const LOG_SHOWN_BYTES: usize = 3000;

/// A running server.
pub struct Server {
    program: PathBuf,
    home: TempFolder,
    child: Option<Child>,
    address: SocketAddr,
    proxy: SocketAddr,
    token: String,
}

impl Server {
    /// Starts one with more arguments of `serve`.
    ///
    /// # Errors
    /// It doesn't answer.
    pub async fn start(program: &Path, arguments: &[&str]) -> Fallible<Self> {
        Self::start_in(program, TempFolder::new()?, arguments).await
    }

    /// The same on the folder `data` of a home that may be there already.
    ///
    /// # Errors
    /// It doesn't answer.
    pub async fn start_in(program: &Path, home: TempFolder, arguments: &[&str]) -> Fallible<Self> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let program = program.to_path_buf();
        let mut server = Self { program, home, child: None, address: nowhere, proxy: nowhere, token: String::new() };
        let mut all = vec!["--listen", "127.0.0.1:0", "--proxy-listen", "127.0.0.1:0", "--link-port", "0"];
        all.extend(arguments);
        server.spawn(&all)?;
        server.find().await?;
        Ok(server)
    }

    /// Starts one that listens at an address, and comes back when that answers; gives the milliseconds until then.
    ///
    /// # Errors
    /// It doesn't answer.
    pub async fn start_timed(program: &Path, listen: SocketAddr) -> Fallible<(Self, f64)> {
        let (program, home) = (program.to_path_buf(), TempFolder::new()?);
        let mut server = Self { program, home, child: None, address: listen, proxy: listen, token: String::new() };
        let ms = server.restart_timed().await?;
        server.find().await?;
        Ok((server, ms))
    }

    /// Starts it again at its address after it was stopped; gives the milliseconds until it answers.
    ///
    /// # Errors
    /// It doesn't answer.
    pub async fn restart_timed(&mut self) -> Fallible<f64> {
        let listen = self.address.to_string();
        // The keeper of the proxy keeps its port over a restart, and is asked for the same one.
        let proxy = if self.proxy == self.address { "127.0.0.1:0".to_owned() } else { self.proxy.to_string() };
        let begin = Instant::now();
        self.spawn(&["--listen", &listen, "--proxy-listen", &proxy, "--link-port", "0"])?;
        while !self.is_well().await {
            self.still_starts(begin)?;
            sleep(Duration::from_micros(500)).await;
        }
        Ok(begin.elapsed().as_secs_f64() * 1000.0)
    }

    fn spawn(&mut self, arguments: &[&str]) -> Fallible<()> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.home.path().join("server.log"))?;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--data").arg(self.data()).args(arguments);
        command.env_remove("SHIPWAY_TOKEN").env_remove("SHIPWAY_SERVER");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    async fn find(&mut self) -> Fallible<()> {
        let begin = Instant::now();
        loop {
            self.still_starts(begin)?;
            sleep(Duration::from_millis(POLL_MS)).await;
            let Ok(text) = fs::read(self.data().join("server.json")) else { continue };
            let Ok(found) = serde_json::from_slice::<Value>(&text) else { continue };
            let address = found["address"].as_str().and_then(|text| text.parse().ok());
            let Some(address) = address.filter(|_| found["pid"] == json!(self.pid())) else { continue };
            self.address = address;
            if self.is_well().await {
                break;
            }
        }
        self.token = fs::read_to_string(self.data().join("admin.token"))?.trim().to_owned();
        let about = self.get("/api/server").await?;
        self.proxy = about["proxy"].as_str().unwrap_or_default().parse()?;
        Ok(())
    }

    fn still_starts(&mut self, begin: Instant) -> Fallible<()> {
        let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
        if ended || begin.elapsed() > Duration::from_millis(START_MS_MAX) {
            return Err(format!("the server does not start: {}", self.log_end()).into());
        }
        Ok(())
    }

    async fn is_well(&self) -> bool {
        let answer = http::once(self.address, &Request::get("localhost", "/healthz")).await;
        answer.is_ok_and(|answer| answer.status == 200)
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("server.log")).unwrap_or_default()
    }

    fn log_end(&self) -> String {
        let log = self.log();
        log.get(log.len().saturating_sub(LOG_SHOWN_BYTES)..).unwrap_or(&log).to_owned()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A folder for projects.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where its proxy takes requests.
    pub fn proxy(&self) -> SocketAddr {
        self.proxy
    }

    /// Stops the server process by SIGTERM, and waits; the proxy and the applications go on.
    ///
    /// # Errors
    /// It doesn't end.
    pub async fn stop_alone(&mut self) -> Fallible<()> {
        let _: Value = self.post("/api/shutdown", &json!({ "applications": false })).await?;
        let begin = Instant::now();
        while self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None))) {
            if begin.elapsed() > Duration::from_millis(STOP_MS_MAX) {
                return Err("the server does not stop".into());
            }
            sleep(Duration::from_millis(POLL_MS)).await;
        }
        self.child = None;
        Ok(())
    }

    /// Reads from the API.
    ///
    /// # Errors
    /// Anything but success.
    pub async fn get(&self, path: &str) -> Fallible<Value> {
        self.call("GET", path, "").await
    }

    /// Asks the API for a change.
    ///
    /// # Errors
    /// Anything but success.
    pub async fn post(&self, path: &str, body: &Value) -> Fallible<Value> {
        self.call("POST", path, &body.to_string()).await
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> Fallible<Value> {
        let token = &self.token;
        let headers =
            format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\nConnection: close\r\n");
        let request = Request { method, headers: &headers, body: body.as_bytes(), ..Request::get("localhost", path) };
        let answer = http::once(self.address, &request).await?;
        if answer.status != 200 {
            return Err(format!("{method} {path}: {} {}", answer.status, answer.text()).into());
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Makes a project in a folder of the server's home, and registers it; gives the folder.
    ///
    /// # Errors
    /// The spec is wrong.
    pub async fn register(&self, folder: &Path, spec: &str) -> Fallible<()> {
        fs::write(folder.join("shipway.toml"), spec)?;
        self.post("/api/projects", &json!({ "file": "shipway.toml", "text": spec, "folder": folder })).await?;
        Ok(())
    }

    /// Waits for the end of a deployment, whatever it is.
    ///
    /// # Errors
    /// It doesn't end.
    pub async fn ended(&self, id: &str) -> Fallible<Value> {
        let begin = Instant::now();
        loop {
            let deployment = self.get(&format!("/api/deployments/{id}")).await?;
            let phase = deployment["phase"].as_str().unwrap_or_default();
            if ENDS.contains(&phase) {
                return Ok(deployment);
            }
            if begin.elapsed() > Duration::from_millis(DEPLOYMENT_MS_MAX) {
                return Err(format!("deployment {id} is {phase} (waits for {})", deployment["waiting"]).into());
            }
            sleep(Duration::from_millis(POLL_MS)).await;
        }
    }

    /// Waits for the end of a deployment, and demands that it is complete.
    ///
    /// # Errors
    /// It isn't.
    pub async fn completed(&self, id: &str) -> Fallible<Value> {
        let deployment = self.ended(id).await?;
        match deployment["phase"].as_str() {
            Some("completed") => Ok(deployment),
            phase => Err(format!("deployment {id} is {phase:?}: {}", deployment["errors"]).into()),
        }
    }

    /// Deploys and waits until it is complete.
    ///
    /// # Errors
    /// It is refused, or doesn't complete.
    pub async fn deploy(&self, request: &Value) -> Fallible<Value> {
        let answer = self.post("/api/deployments", request).await?;
        self.completed(id_of(&answer)?).await
    }

    /// A verb of the command line, in a project's folder.
    pub fn verb(&self, folder: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(folder).env("SHIPWAY_DATA", self.data());
        command.env_remove("SHIPWAY_TOKEN").env_remove("SHIPWAY_SERVER");
        command.stdin(Stdio::null());
        command
    }

    fn shut_down(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_millis(STOP_MS_MAX)))?;
        let (body, token) = (json!({ "applications": true }).to_string(), &self.token);
        let length = body.len();
        let head = format!(
            "POST /api/shutdown HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes())?;
        stream.read_to_end(&mut Vec::new()).map(|_| ())
    }
}

/// The id of a deployment that was asked for.
///
/// # Errors
/// It has none.
pub fn id_of(deployment: &Value) -> Fallible<&str> {
    deployment["id"].as_str().ok_or_else(|| format!("no id in {deployment}").into())
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_none() {
            // Its proxy and applications still run; only a server can stop them.
            let _ = self.spawn(&["--listen", &self.address.to_string(), "--proxy-listen", &self.proxy.to_string()]);
            let begin = Instant::now();
            while TcpStream::connect(self.address).is_err() && begin.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(POLL_MS));
            }
        }
        let asked = self.shut_down().is_ok();
        let Some(child) = &mut self.child else { return };
        let begin = Instant::now();
        while asked && matches!(child.try_wait(), Ok(None)) && begin.elapsed() < Duration::from_millis(STOP_MS_MAX) {
            std::thread::sleep(Duration::from_millis(POLL_MS));
        }
        // It has ended, or it is beyond asking.
        let _ = child.kill();
        let _ = child.wait();
    }
}
