//! What the domain needs from the outside, as traits. Each has a real implementation; the engine knows no other way
//! to reach anything. Not here: implementations, and rules about when a port is used (`engine`).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::{future::BoxFuture, stream::BoxStream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    archive::Archived,
    artifact::Tree,
    command_line::CommandLine,
    drift::Difference,
    id::{ArtifactDigest, DeploymentId, InstanceId, ProjectId, ReleaseId, SlotKey},
    release::Release,
    route::RouteTable,
    secret::{Envelope, GivenSecrets, SecretText},
    spec::{Ask, StopSpec},
    time::Timestamp,
    utilization::{IdleTime, Usage},
};

/// Why a port could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}{}", hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct Fault {
    /// What sort of failure it is.
    pub kind: FaultKind,
    /// What was wrong, and where.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Sorts of failures, as callers tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// It isn't there.
    NotFound,
    /// The request itself can't be right.
    Invalid,
    /// Another write came first: read again and decide again.
    Conflict,
    /// It took longer than it may.
    Timeout,
    /// The machine or a peer could not; it may work later.
    Unavailable,
    /// What was read is not what was written.
    Corrupt,
}

impl Fault {
    /// A failure of that sort.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// It isn't there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(FaultKind::NotFound, message)
    }

    /// The request itself can't be right.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Invalid, message)
    }

    /// The machine or a peer could not.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Unavailable, message)
    }

    /// An IO error, with what was being done.
    pub fn io(doing: impl std::fmt::Display, error: &std::io::Error) -> Self {
        let fault = Self::unavailable(format!("{doing}: {error}"));
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                fault.with_hint("the disk is full: free some space; what was running goes on")
            }
            _ => fault,
        }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Ends after that long.
    fn sleep_ms(&self, span_ms: u64) -> BoxFuture<'static, ()>;
    /// The file of a time zone, by a name that `gate::zone::is_name` lets pass; none where it isn't known. It is small,
    /// and read at once.
    fn zone(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let _ = name;
        Ok(None)
    }
}

/// Runs what goes on by itself, beside everything else.
pub trait Tasks: Send + Sync {
    /// Begins a task. It goes on until it ends, or until `halt`.
    fn spawn(&self, task: BoxFuture<'static, ()>);
    /// Drops every task wherever it stands, and ends when all are gone. What they began is taken up by the next start,
    /// as after a crash.
    fn halt(&self) -> BoxFuture<'_, ()>;
}

impl dyn Tasks + '_ {
    /// Begins a task and waits for what it gives; the task goes on when the caller is dropped. None when it was cut off.
    pub async fn finish<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (told, answer) = futures_channel::oneshot::channel();
        self.spawn(Box::pin(async move {
            // Nobody may be left to hear it.
            let _ = told.send(task.await);
        }));
        answer.await.ok()
    }
}

/// Makes identifiers.
pub trait Ids: Send + Sync {
    /// A deployment's id; later ones sort after earlier ones.
    fn deployment(&self) -> DeploymentId;
    /// An unguessable text of 32 hex digits.
    fn token(&self) -> String;
}

/// The master keys that a server has at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MasterKeys {
    /// Where they come from, in words.
    pub source: String,
    /// What they are known by: the first one seals, all of them open. None when there is no key.
    pub ids: Vec<String>,
    /// Why they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Seals the values of secrets. The master key stays where it comes from: it is never in the store.
pub trait Secrets: Send + Sync {
    /// The master keys as they were read last.
    fn keys(&self) -> MasterKeys;
    /// Reads the master keys anew from where they come from.
    fn read_keys(&self) -> BoxFuture<'_, Result<MasterKeys, Fault>>;
    /// Makes a master key where they come from; it is the one that seals from now on, and the others still open.
    /// Refused where Shipway can't write.
    fn make_key(&self) -> BoxFuture<'_, Result<MasterKeys, Fault>>;
    /// Seals a value by a key of its own, and that by the first master key. What opens it must name the same thing.
    fn seal(&self, about: &str, value: &SecretText) -> Result<Envelope, Fault>;
    /// Opens it. Unavailable when its master key isn't at hand; corrupt when it is not what was sealed under that name.
    fn open(&self, about: &str, envelope: &Envelope) -> Result<SecretText, Fault>;
    /// The same value, its key sealed by the first master key.
    fn seal_again(&self, about: &str, envelope: &Envelope) -> Result<Envelope, Fault>;
    /// What equal values of a project have in common; nothing about them follows from it without the master key.
    fn fingerprint(&self, project: &ProjectId, value: &SecretText) -> Result<String, Fault>;
}

/// Stores artifacts by their digest.
pub trait Artifacts: Send + Sync {
    /// Reads a folder into its canonical tree without storing it. A link that leaves the folder is refused.
    fn read_tree<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>>;
    /// Stores a folder. The same tree is stored once.
    fn put<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>>;
    /// The tree of a stored artifact.
    fn tree<'a>(&'a self, digest: &'a ArtifactDigest) -> BoxFuture<'a, Result<Tree, Fault>>;
    /// The hash of a file's content, as trees name it.
    fn hash<'a>(&'a self, file: &'a Path) -> BoxFuture<'a, Result<String, Fault>>;
    /// Writes an artifact's files into a new folder, and checks every byte against its hash.
    fn unpack<'a>(&'a self, digest: &'a ArtifactDigest, folder: &'a Path) -> BoxFuture<'a, Result<(), Fault>>;
}

/// Brings source to where it is built.
pub trait Sources: Send + Sync {
    /// Copies a folder into a new one, honouring `.gitignore`; version control's own folders stay behind. A link that
    /// leaves the folder is refused.
    fn copy<'a>(&'a self, from: &'a Path, into: &'a Path) -> BoxFuture<'a, Result<(), Fault>>;
    /// Makes an empty folder.
    fn make_folder<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<(), Fault>>;
    /// Removes a folder with all that is in it; one that isn't there is fine.
    fn remove<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<(), Fault>>;
    /// Reads a text file; none when it isn't there.
    fn read_text<'a>(&'a self, file: &'a Path) -> BoxFuture<'a, Result<Option<String>, Fault>>;
}

/// Keeps lines of output by a name such as `deployments/ID/build/web`.
pub trait Logs: Send + Sync {
    /// Adds lines. Past the bound of one log, what follows is left out, and the log says so.
    fn append(&self, name: &str, lines: &[String]) -> Result<(), Fault>;
    /// Reads lines from a position; an unknown name is an empty log.
    fn read(&self, name: &str, from: LogPosition, lines_max: usize) -> Result<LogPage, Fault>;
    /// The last lines.
    fn tail(&self, name: &str, lines_max: usize) -> Result<Vec<String>, Fault>;
    /// Whether there is a log whose name begins with this folder, such as `deployments/ID`.
    fn holds(&self, folder: &str) -> Result<bool, Fault>;
    /// Removes every log whose name begins with that folder. Says whether there was one.
    fn remove(&self, folder: &str) -> Result<bool, Fault>;
}

/// Keeps deployments that leave the store.
pub trait Archives: Send + Sync {
    /// Keeps one durably. The same one is kept once.
    fn keep<'a>(&'a self, archived: &'a Archived) -> BoxFuture<'a, Result<(), Fault>>;
}

/// Where a reader of a log stands, in bytes from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LogPosition(pub u64);

/// Lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogPage {
    /// The lines, without their ends.
    pub lines: Vec<String>,
    /// Where the next page begins.
    pub next: LogPosition,
}

/// Everything that it takes to start an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// The id that was recorded before.
    pub instance: InstanceId,
    /// What runs. It has been staged.
    pub release: Arc<Release>,
    /// All variables but `PORT`, which the driver adds.
    pub variables: BTreeMap<String, String>,
    /// Secrets, which the driver keeps off every disk.
    pub secrets: GivenSecrets,
}

/// What a driver sees of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// Which one.
    pub instance: InstanceId,
    /// What of it.
    pub life: Life,
}

/// Whether an instance lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Life {
    /// Its process runs.
    Running {
        /// The process.
        pid: u32,
        /// Where it was told to listen.
        address: SocketAddr,
        /// When it was started.
        since: Timestamp,
    },
    /// Its process has ended.
    Exited {
        /// Its status, where it is known.
        status: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
        /// When that was seen.
        at: Timestamp,
    },
    /// There is no trace of it.
    Absent,
}

/// Runs releases on a target. Every verb may be repeated and then changes nothing more.
pub trait Driver: Send + Sync {
    /// Brings a release's files to where it will run, read-only, and verifies them.
    fn stage<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, Result<(), Fault>>;
    /// Everything that is not what a release says: of its files, and of what these instances of it were started with.
    fn drift<'a>(
        &'a self,
        release: &'a Release,
        launches: &'a [Launch],
    ) -> BoxFuture<'a, Result<Vec<Difference>, Fault>>;
    /// Puts the files of a release right where they lie; its instances go on.
    fn mend<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, Result<(), Fault>>;
    /// Removes what `stage` brought. No instance of it may run.
    fn unstage<'a>(&'a self, release: &'a ReleaseId) -> BoxFuture<'a, Result<(), Fault>>;
    /// Starts an instance, or finds it running, and says where it listens. It need not be healthy by then.
    fn start(&self, launch: Launch) -> BoxFuture<'_, Result<SocketAddr, Fault>>;
    /// Has an instance that runs read the configuration of another release, in the way that the release says: the file that
    /// it reads is written, and the process is told. Invalid when it doesn't run, or answers that it can't.
    fn reload(&self, launch: Launch) -> BoxFuture<'_, Result<(), Fault>>;
    /// Looks at one instance; one that lost its shim is adopted.
    fn observe<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<Life, Fault>>;
    /// Every instance that the target has a trace of.
    fn instances(&self) -> BoxFuture<'_, Result<Vec<Observed>, Fault>>;
    /// Stops an instance with all its processes, and waits until they are gone.
    fn stop<'a>(&'a self, instance: &'a InstanceId, how: &'a StopSpec) -> BoxFuture<'a, Result<(), Fault>>;
    /// Removes every trace of a stopped instance, its log included.
    fn forget<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<(), Fault>>;
    /// Copies a service's data folders under a name; a copy that is there already stays. Refused as invalid when it would
    /// be larger than that. The copy shares its blocks with the original where the file system can.
    fn snapshot_data<'a>(
        &'a self,
        slot: &'a SlotKey,
        name: &'a str,
        bytes_max: u64,
    ) -> BoxFuture<'a, Result<DataSnapshot, Fault>>;
    /// Puts a copy back in the place of a service's data folders; the copy stays. No instance of it may run.
    fn restore_data<'a>(&'a self, slot: &'a SlotKey, name: &'a str) -> BoxFuture<'a, Result<(), Fault>>;
    /// The copies of a service's data folders, newest first.
    fn data_snapshots<'a>(&'a self, slot: &'a SlotKey) -> BoxFuture<'a, Result<Vec<DataSnapshot>, Fault>>;
    /// The bytes that a service's data folders take on the disk; 0 when it has none. Everything in them is looked at.
    fn data_use<'a>(&'a self, slot: &'a SlotKey) -> BoxFuture<'a, Result<u64, Fault>>;
    /// Lines of an instance's output.
    fn log<'a>(
        &'a self,
        instance: &'a InstanceId,
        from: LogPosition,
        lines_max: usize,
    ) -> BoxFuture<'a, Result<LogPage, Fault>>;
    /// The last lines of an instance's output.
    fn log_tail<'a>(&'a self, instance: &'a InstanceId, lines_max: usize) -> BoxFuture<'a, Result<Vec<String>, Fault>>;
    /// What these instances use now; those that do not run are left out.
    fn usage<'a>(&'a self, instances: &'a [InstanceId]) -> BoxFuture<'a, Result<BTreeMap<InstanceId, Usage>, Fault>>;
    /// Which limits the target really holds.
    fn held_limits(&self) -> HeldLimits;
    /// Processor time of the target that nobody used so far.
    fn idle_time(&self) -> Result<IdleTime, Fault>;
    /// What is free on the target.
    fn capacity(&self) -> Result<Capacity, Fault>;
}

/// A copy of a service's data folders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataSnapshot {
    /// What it is called.
    pub name: String,
    /// How much it holds, in bytes.
    pub bytes: u64,
    /// When it was taken.
    pub at: Timestamp,
}

/// Which limits a target really holds, and why not the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldLimits {
    /// `memory_mb`.
    pub memory: bool,
    /// `cpu`.
    pub cpu: bool,
    /// `processes`.
    pub processes: bool,
    /// What holds them, or what is missing.
    pub reason: String,
}

/// What a target has, and what of it is free now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// Processor cores.
    pub cores: usize,
    /// Memory in mebibytes.
    pub memory_mb: u64,
    /// Memory that new processes could use now, in mebibytes.
    pub memory_free_mb: u64,
    /// Free room where releases lie, in mebibytes.
    pub disk_free_mb: u64,
}

/// A one-off command: a build, a hook, a check.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandRun {
    /// The program and its arguments.
    pub command: CommandLine,
    /// Where it runs.
    pub folder: PathBuf,
    /// Its whole environment.
    pub variables: BTreeMap<String, String>,
    /// The user: none and `@server` are the server's own.
    pub run_as: Option<String>,
    /// How long it may take.
    pub timeout_ms: u64,
    /// What it reads from its standard input.
    pub input: Vec<u8>,
    /// Secrets that it finds as files, by name, below `SHIPWAY_SECRETS_DIR`: in memory, and only while it runs.
    pub secret_files: BTreeMap<String, SecretText>,
}

/// What a command does, as it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandEvent {
    /// A line of its output; long lines are cut at `COMMAND_LINE_BYTES_MAX`.
    Line(String),
    /// It has ended; the last event.
    Ended(CommandEnd),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CommandEnd {
    /// With that status.
    Exited(i32),
    /// By that signal.
    Signalled(i32),
    /// It was killed with all its processes, for it took too long.
    TimedOut,
}

/// The longest line of output that is passed on whole, in bytes.
pub const COMMAND_LINE_BYTES_MAX: usize = 16 * 1024;

/// Runs one-off commands.
pub trait Runner: Send + Sync {
    /// Starts a command. Dropping the stream kills it with all its processes.
    fn run(&self, run: CommandRun) -> BoxStream<'static, Result<CommandEvent, Fault>>;
    /// Gives a folder with all that is in it to the user that a command will run as.
    fn hand_over<'a>(&'a self, folder: &'a Path, user: &'a str) -> BoxFuture<'a, Result<(), Fault>>;
    /// Kills what commands of an earlier server left running, and says how many processes that were.
    fn sweep(&self) -> BoxFuture<'_, Result<u32, Fault>>;
}

/// A question to a place outside Shipway that configuration comes from, with everything filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum RemoteCall {
    /// A GET request.
    Http {
        /// Of http or https.
        url: SecretText,
        /// Headers besides those that every request has.
        headers: BTreeMap<String, SecretText>,
        /// The version that is known: the same one need not be sent again.
        etag: Option<String>,
    },
    /// A file of this machine.
    File {
        /// Its whole path.
        path: PathBuf,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteAnswer {
    /// The version that is known still holds.
    Unchanged,
    /// All of it.
    Whole {
        /// What it says.
        body: Vec<u8>,
        /// What it calls this version.
        etag: Option<String>,
    },
}

/// Asks places outside Shipway for configuration. Dropping the answer's future ends the call.
pub trait Remotes: Send + Sync {
    /// Asks once. An answer of more bytes is a failure, and so is one that leads to another host. No message holds
    /// anything of the call or the answer that may be secret.
    fn ask(&self, call: RemoteCall, bytes_max: usize) -> BoxFuture<'_, Result<RemoteAnswer, Fault>>;
}

/// A question to an instance or a route.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What is asked.
    pub ask: Ask,
    /// Whom to ask.
    pub address: SocketAddr,
    /// The host that is asked for; the address itself when absent.
    pub host: Option<String>,
    /// How long the answer may take.
    pub timeout_ms: u64,
    /// Where a command runs, and with what.
    pub context: CommandContext,
}

/// Where and as whom the commands of a release run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandContext {
    /// The folder.
    pub folder: PathBuf,
    /// The whole environment.
    pub variables: BTreeMap<String, String>,
    /// The user.
    pub run_as: Option<String>,
    /// Secrets that are files, by name.
    pub secret_files: BTreeMap<String, SecretText>,
}

/// What a question was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Whether it is what was expected.
    pub passed: bool,
    /// What was expected, in words.
    pub expected: String,
    /// What came, in words.
    pub got: String,
    /// How long it took.
    pub took_ms: u64,
}

/// Asks questions: health probes and checks.
pub trait Prober: Send + Sync {
    /// Asks once. A peer that can't be reached is an answer that did not pass, not a failure.
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer>;
}

/// Steers the data plane.
pub trait TrafficRouter: Send + Sync {
    /// Hands over a table and ends when the data plane follows it, or a newer one, on every core. A table that is
    /// older than the one it has is refused as a conflict.
    fn publish(&self, table: Arc<RouteTable>) -> BoxFuture<'_, Result<(), Fault>>;
    /// The numbers as they are now.
    fn traffic(&self) -> BoxFuture<'_, Result<Traffic, Fault>>;
    /// Where it takes requests.
    fn address(&self) -> SocketAddr;
    /// The port that takes links, on every address of 127.0.0.0/8.
    fn link_port(&self) -> u16;
}

/// The data plane's numbers, counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// Changes when the data plane starts again and counts from 0.
    pub boot: String,
    /// The table that it follows.
    pub epoch: u64,
    /// The table that it follows.
    pub generation: u64,
    /// Requests in flight that the data plane's last sudden death cut off.
    pub lost_in_flight: u64,
    /// By service and release.
    pub releases: Vec<ReleaseTraffic>,
    /// Requests in flight by instance; an instance without any may be missing.
    pub in_flight: BTreeMap<InstanceId, u64>,
    /// Instances that get no requests for now, for they failed to connect.
    pub ejected: BTreeSet<InstanceId>,
}

/// The numbers of one release at the data plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseTraffic {
    /// The pool: the slot's key as text.
    pub pool: String,
    /// The release; empty for requests that reached none.
    pub release: String,
    /// Requests that were answered or failed.
    pub requests: u64,
    /// Requests that were refused, reset, cut, timed out, or answered by the data plane itself.
    pub failed: u64,
    /// Answers of the application with a status of 500 and above.
    pub server_errors: u64,
    /// Bytes of the answers' bodies.
    pub bytes_sent: u64,
    /// How many requests took at most `LATENCY_BOUNDS_MS[n]`; the last one counts the rest.
    pub latency: Vec<u64>,
}

/// The upper bounds of the latency classes, in milliseconds.
pub const LATENCY_BOUNDS_MS: [u64; 16] = [1, 2, 3, 5, 8, 13, 20, 35, 60, 100, 180, 300, 600, 1200, 3000, 10_000];

impl ReleaseTraffic {
    /// The upper bound of the class that holds the `share` quantile, in milliseconds; none without requests.
    pub fn latency_quantile_ms(&self, share: f64) -> Option<u64> {
        let total: u64 = self.latency.iter().sum();
        if total == 0 {
            return None;
        }
        let rank = (share.clamp(0.0, 1.0) * total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (class, count) in self.latency.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(LATENCY_BOUNDS_MS.get(class).copied().unwrap_or(u64::MAX));
            }
        }
        None
    }
}
