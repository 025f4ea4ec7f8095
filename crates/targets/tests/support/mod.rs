//! What the tests of this crate share: artifacts in memory, releases, a driver with a real shim. Not here: tests.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    fs,
    hash::{Hash, Hasher},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use shipway_core::{
    artifact::{Tree, TreeEntry, TreeNode},
    id::{ArtifactDigest, DeploymentId, InstanceId, SlotKey},
    ports::{Artifacts, Driver, Fault, Launch, Life},
    release::{Release, release_id},
    spec::{ServeSpec, StopSpec},
    time::Timestamp,
};
use shipway_targets::{INSTANCE_PORTS, LocalConfig, LocalDriver, MEMORY_FOLDER};
use tempfile::TempDir;

/// How often something is looked at that must come true, 10 ms apart.
const LOOKS_MAX: u32 = 3000;

/// Waits until a question is answered.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS_MAX {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come true that {what}");
}

/// A program of this crate's examples.
pub fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the test's own program");
    let program = own.ancestors().nth(2).expect("target/debug/deps/…").join("examples").join(name);
    assert!(program.is_file(), "{} isn't built: run `cargo test -p shipway-targets`", program.display());
    program
}

/// Keeps artifacts as copies of folders.
#[derive(Default)]
pub struct Copies {
    stored: Mutex<HashMap<ArtifactDigest, PathBuf>>,
}

impl Artifacts for Copies {
    fn read_tree<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>> {
        Box::pin(async move {
            let mut entries = Vec::new();
            read(folder, "", &mut entries);
            Ok(Tree::new(entries))
        })
    }

    fn put<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>> {
        Box::pin(async move {
            let tree = self.read_tree(folder).await?;
            self.stored.lock().expect("no test panicked here").insert(tree.digest(), folder.to_path_buf());
            Ok(tree)
        })
    }

    fn tree<'a>(&'a self, digest: &'a ArtifactDigest) -> BoxFuture<'a, Result<Tree, Fault>> {
        Box::pin(async move { self.read_tree(&self.place(digest)?).await })
    }

    fn hash<'a>(&'a self, file: &'a Path) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move { Ok(hash(&fs::read(file).expect("a file"))) })
    }

    fn unpack<'a>(&'a self, digest: &'a ArtifactDigest, folder: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            copy(&self.place(digest)?, folder);
            Ok(())
        })
    }
}

impl Copies {
    fn place(&self, digest: &ArtifactDigest) -> Result<PathBuf, Fault> {
        let stored = self.stored.lock().expect("no test panicked here");
        stored.get(digest).cloned().ok_or_else(|| Fault::not_found(format!("no artifact {digest}")))
    }
}

fn read(folder: &Path, prefix: &str, entries: &mut Vec<TreeEntry>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            read(&entry.path(), &format!("{path}/"), entries);
            continue;
        }
        let node = if kind.is_symlink() {
            TreeNode::Link { target: fs::read_link(entry.path()).expect("a link").to_string_lossy().into_owned() }
        } else {
            let bytes = fs::read(entry.path()).expect("a file");
            let executable = entry.metadata().expect("metadata").permissions().mode() & 0o100 != 0;
            TreeNode::File { hash: hash(&bytes), size_bytes: bytes.len() as u64, executable }
        };
        entries.push(TreeEntry { path, node });
    }
}

fn hash(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish().to_string()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (kind, to) = (entry.file_type().expect("a type"), to.join(entry.file_name()));
        match () {
            () if kind.is_dir() => copy(&entry.path(), &to),
            () if kind.is_symlink() => symlink(fs::read_link(entry.path()).expect("a link"), to).expect("a new link"),
            () => drop(fs::copy(entry.path(), to).expect("a copy")),
        }
    }
}

/// A driver on a data folder of its own, with the folder of the source of its artifacts.
pub struct World {
    pub home: TempDir,
    pub artifacts: Arc<Copies>,
    pub driver: Arc<LocalDriver>,
}

impl World {
    pub fn new() -> Self {
        Self::with_cgroups(true)
    }

    pub fn with_cgroups(cgroups: bool) -> Self {
        Self::with(cgroups, |_| example("shim"))
    }

    /// What is started by a server that ignores these signals, as one in the background of a script does.
    pub fn under_ignored(signals: &str) -> Self {
        Self::with(true, |home| ignoring(home, signals))
    }

    fn with(cgroups: bool, shim: impl FnOnce(&Path) -> PathBuf) -> Self {
        let home = TempDir::new().expect("a temporary folder");
        // Instances may run as other users, who must be able to pass.
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o711)).expect("permissions");
        let artifacts = Arc::new(Copies::default());
        let driver = open(&home.path().join("data"), artifacts.clone(), cgroups, shim(home.path()));
        Self { home, artifacts, driver }
    }

    pub fn data(&self) -> PathBuf {
        fs::canonicalize(self.home.path().join("data")).expect("the data folder")
    }

    /// Another driver on the same folder, as after a restart of the server.
    pub fn restarted(&self) -> Arc<LocalDriver> {
        open(&self.data(), self.artifacts.clone(), true, example("shim"))
    }

    pub fn instance_folder(&self, id: &InstanceId) -> PathBuf {
        self.data().join("instances").join(id.as_str())
    }

    /// A staged release of the test application with that command, and other fields of its service.
    pub async fn release(&self, version: &str, run: &[&str], more: Value) -> Arc<Release> {
        let release = self.unstaged(version, run, more).await;
        self.driver.stage(&release).await.expect("staged");
        release
    }

    pub async fn unstaged(&self, version: &str, run: &[&str], more: Value) -> Arc<Release> {
        let source = self.home.path().join(format!("source-{version}"));
        if !source.is_dir() {
            fs::create_dir(&source).expect("a source");
            fs::copy(example("echo_app"), source.join("app")).expect("the application");
            fs::write(source.join("page.html"), format!("version {version}")).expect("a page");
        }
        let artifact = self.artifacts.put(&source).await.expect("stored").digest();
        release(version, artifact, run, more)
    }
}

/// A program that becomes the shim, with these signals ignored.
pub fn ignoring(folder: &Path, signals: &str) -> PathBuf {
    let program = folder.join("ignoring");
    let script = format!("#!/bin/sh\ntrap '' {signals}\nexec '{}' \"$@\"\n", example("shim").display());
    fs::write(&program, script).expect("a script");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("permissions");
    program
}

fn open(data: &Path, artifacts: Arc<Copies>, cgroups: bool, shim: PathBuf) -> Arc<LocalDriver> {
    let memory = MEMORY_FOLDER.into();
    let config = LocalConfig { data: data.to_path_buf(), artifacts, shim, ports: INSTANCE_PORTS, cgroups, memory };
    LocalDriver::new(config).expect("a driver")
}

pub fn release(version: &str, artifact: ArtifactDigest, run: &[&str], more: Value) -> Arc<Release> {
    let mut fields = json!({ "kind": "process", "run": run });
    fields.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let serve: ServeSpec = serde_json::from_value(fields).expect("a service");
    let slot = SlotKey { project: "shop".into(), environment: "dev".into(), service: "web".into() };
    let id = release_id(&slot, version, &artifact, &serve, &Default::default());
    let (made_by, made_at) = (DeploymentId::from("d-1"), Timestamp(0));
    Arc::new(Release {
        id,
        slot,
        version: version.into(),
        artifact,
        serve,
        secrets: Default::default(),
        git: None,
        made_by,
        made_at,
    })
}

pub fn launch(id: &str, release: &Arc<Release>) -> Launch {
    Launch {
        instance: id.into(),
        release: release.clone(),
        variables: release.variables(),
        secrets: Default::default(),
    }
}

pub fn launch_with(id: &str, release: &Arc<Release>, variables: &[(&str, &str)]) -> Launch {
    let mut launch = launch(id, release);
    launch.variables.extend(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    launch
}

pub fn stop_in(grace_s: u64) -> StopSpec {
    StopSpec { grace_s, ..StopSpec::default() }
}

/// Stops and forgets whatever the test left, so that nothing outlives it.
pub async fn clean(driver: &LocalDriver) {
    for observed in driver.instances().await.expect("instances") {
        driver.stop(&observed.instance, &stop_in(0)).await.expect("stopped");
        driver.forget(&observed.instance).await.expect("forgotten");
    }
    assert_eq!(driver.instances().await.expect("instances"), []);
}

/// What the application answers, once it listens.
pub async fn get(address: SocketAddr, path: &str) -> String {
    let path = path.to_owned();
    until("the application answers", async move || {
        let path = path.clone();
        let ask = move || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(address)?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
            body.ok_or_else(|| std::io::Error::other("no body"))
        };
        tokio::task::spawn_blocking(ask).await.expect("asked").ok()
    })
    .await
}

pub async fn log_holds(driver: &LocalDriver, id: &InstanceId, text: &str) -> Vec<String> {
    until(&format!("the log holds {text:?}"), async || {
        let lines = driver.log_tail(id, 100).await.expect("a log");
        lines.iter().any(|line| line.contains(text)).then_some(lines)
    })
    .await
}

pub async fn exit_of(driver: &LocalDriver, id: &InstanceId) -> (Option<i32>, Option<i32>) {
    until("the instance has exited", async || match driver.observe(id).await.expect("a life") {
        Life::Exited { status, signal, .. } => Some((status, signal)),
        _ => None,
    })
    .await
}

pub async fn pid_of(driver: &LocalDriver, id: &InstanceId) -> u32 {
    match driver.observe(id).await.expect("a life") {
        Life::Running { pid, .. } => pid,
        other => panic!("it doesn't run: {other:?}"),
    }
}

/// Whether a process runs; a zombie doesn't.
pub fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z') && !rest.starts_with('X'))
}

/// Reads a process number that somebody writes to a file.
pub async fn pid_in(file: &Path) -> u32 {
    until("the process has written its number", async || fs::read_to_string(file).ok()?.trim().parse().ok()).await
}

pub fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Kills a process of this test.
pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
}

/// The shim of an instance.
pub fn shim_of(folder: &Path) -> u32 {
    let state = fs::read(folder.join("state.json")).expect("a state");
    let state: Value = serde_json::from_slice(&state).expect("json");
    u32::try_from(state["shim"]["pid"].as_u64().expect("a number")).expect("a pid")
}
