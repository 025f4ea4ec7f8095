//! One-off commands: builds, hooks, checks. Each runs in a session (and control group) of its own with exactly its own
//! environment; its output comes as lines with back-pressure, and whatever ends it ends all its processes. Secrets that
//! it reads as files lie in memory while it runs.
//! Not here: which commands run when.

use std::{
    os::fd::OwnedFd,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    future::BoxFuture,
    stream::{self, BoxStream},
};
use shipway_core::{
    id::InstanceId,
    ports::{CommandEnd, CommandEvent, CommandRun, Fault, Runner},
    release::variable,
    secret::GivenSecrets,
    spec::Limits,
};
use tokio::{
    io::AsyncWriteExt,
    net::unix::pipe,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use crate::{
    cgroup::{Cgroups, Groups},
    command_output::{Passed, Pump, Sender},
    launch::Execution,
    program,
    secret_files::SecretFiles,
    shim::exec::HEADER_BYTES,
    strays::{FOLDER_MARKER, Family, Process, RUN_MARKER},
    users,
};

/// How many lines wait for whoever reads them; a command that prints faster waits too.
const LINES_WAITING_MAX: usize = 64;
/// How far a command with a share stands back where no controller can hold the share.
const NICE: i32 = 10;

/// Runs one-off commands on this machine.
pub struct LocalRunner {
    data: PathBuf,
    stage: PathBuf,
    cgroups: Cgroups,
    cpu_share: Option<f64>,
    secrets: Arc<SecretFiles>,
}

impl LocalRunner {
    /// A runner that marks its processes with Shipway's data folder, which is there already. `exec` is the program
    /// that becomes a command when it is started as `PROGRAM shim --command`: Shipway's own. Secrets go to `memory`, a
    /// folder on a file system in memory; `MEMORY_FOLDER` unless there is a reason.
    pub fn new(data: PathBuf, exec: PathBuf, memory: &Path) -> Arc<Self> {
        Arc::new(Self::plain(data, exec, memory))
    }

    /// The same for commands that may use only that share of all cores together (`0.5` is half of them), so that a
    /// build leaves room for what serves. Without a controller they stand back by their priority instead.
    pub fn with_cpu_share(data: PathBuf, exec: PathBuf, memory: &Path, share: f64) -> Arc<Self> {
        Arc::new(Self { cpu_share: Some(share), ..Self::plain(data, exec, memory) })
    }

    fn plain(data: PathBuf, exec: PathBuf, memory: &Path) -> Self {
        let data = std::fs::canonicalize(&data).unwrap_or(data);
        let stage = std::path::absolute(&exec).unwrap_or(exec);
        let secrets = Arc::new(SecretFiles::new(memory, &data));
        Self { cgroups: Cgroups::detect(&data), data, stage, cpu_share: None, secrets }
    }

    fn start(&self, run: &CommandRun) -> Result<Running, Fault> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{}{}", own_runs(), COUNT.fetch_add(1, Ordering::Relaxed));
        let markers = [
            (FOLDER_MARKER.to_owned(), self.data.to_string_lossy().into_owned()),
            (RUN_MARKER.to_owned(), name.clone()),
        ];
        let mut execution = self.execution(run, &name, &markers)?;
        let given = self.give(run, &name, &mut execution).inspect_err(|_| execution.groups.remove())?;
        let groups = execution.groups.clone();
        let started = self.spawn(&markers, run);
        let (child, output) = started.inspect_err(|_| groups.remove())?;
        let leash = Leash::new(&child, &markers, groups, given);
        Ok(Running { child, output, leash, input: input(&execution, &run.input)? })
    }

    /// Writes the secrets that it reads as files, and tells it where.
    fn give(&self, run: &CommandRun, name: &str, execution: &mut Execution) -> Result<Option<Given>, Fault> {
        if run.secret_files.is_empty() {
            return Ok(None);
        }
        // No instance has a dot in its id; what a dead server left is swept like those of ended instances.
        let given = Given { secrets: self.secrets.clone(), of: InstanceId::new(format!("run.{name}")) };
        let secrets = GivenSecrets { files: run.secret_files.clone(), ..GivenSecrets::default() };
        self.secrets.write(&given.of, &secrets, execution.user)?;
        let folder = self.secrets.files(&given.of).to_string_lossy().into_owned();
        execution.variables.insert(variable::SECRETS.into(), folder);
        Ok(Some(given))
    }

    fn execution(&self, run: &CommandRun, name: &str, markers: &[(String, String)]) -> Result<Execution, Fault> {
        let path = run.variables.get("PATH").cloned().unwrap_or_else(program::server_path);
        let folder = std::path::absolute(&run.folder).map_err(|error| Fault::io("finding the folder", &error))?;
        if !folder.is_dir() {
            return Err(Fault::not_found(format!("the folder {} of `{}` isn't there", folder.display(), run.command)));
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let limits = Limits { cpu: self.cpu_share.map(|share| share * cores as f64), ..Limits::default() };
        let mut variables = run.variables.clone();
        variables.extend(markers.iter().cloned());
        Ok(Execution {
            program: program::resolve(&run.command, &folder, &path)?,
            arguments: run.command.words().iter().skip(1).cloned().collect(),
            user: users::resolve(run.run_as.as_deref())?,
            groups: self.cgroups.create(&format!("run-{name}"), &limits)?,
            secrets: None,
            nice: if self.cpu_share.is_some() && !self.cgroups.holds_cpu() { NICE } else { 0 },
            folder,
            variables,
        })
    }

    fn spawn(&self, markers: &[(String, String)], run: &CommandRun) -> Result<(Child, pipe::Receiver), Fault> {
        let fault = |error: std::io::Error| Fault::io(format_args!("starting `{}`", run.command), &error);
        let (reader, writer) = std::io::pipe().map_err(fault)?;
        let errors = writer.try_clone().map_err(fault)?;
        let mut command = Command::new(&self.stage);
        command.args(["shim", "--command"]).env_clear().envs(markers.iter().cloned());
        command.stdin(Stdio::piped()).stdout(writer).stderr(errors).kill_on_drop(true);
        let child = command.spawn().map_err(fault)?;
        let output = pipe::Receiver::from_owned_fd(OwnedFd::from(reader)).map_err(fault)?;
        Ok((child, output))
    }

    fn sweep_now(&self) -> u32 {
        let family = Family {
            markers: vec![format!("{FOLDER_MARKER}={}", self.data.display())],
            marker_beginning: Some(format!("{RUN_MARKER}=")),
            spared_beginning: Some(format!("{RUN_MARKER}={}", own_runs())),
            ..Family::default()
        };
        let mut killed = family.kill(|| {}).unwrap_or(0);
        let own = format!("run-{}", own_runs());
        for group in self.cgroups.left("run-", &own) {
            killed += Family { group: Some(group.clone()), ..Family::default() }.kill(|| {}).unwrap_or(0);
            Groups { kill: Some(group), limits: Vec::new() }.remove();
        }
        killed
    }
}

impl Runner for LocalRunner {
    fn run(&self, run: CommandRun) -> BoxStream<'static, Result<CommandEvent, Fault>> {
        let (sender, receiver) = mpsc::channel(LINES_WAITING_MAX);
        match self.start(&run) {
            Ok(running) => {
                tokio::spawn(running.attend(run, sender));
            }
            Err(fault) => {
                // The channel is empty, so there is room.
                let _ = sender.try_send(Err(fault));
            }
        }
        let next =
            |mut receiver: mpsc::Receiver<_>| async move { receiver.recv().await.map(|event| (event, receiver)) };
        Box::pin(stream::unfold(receiver, next))
    }

    fn hand_over<'a>(&'a self, folder: &'a Path, user: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        let (folder, user) = (folder.to_owned(), user.to_owned());
        Box::pin(async move {
            let given = tokio::task::spawn_blocking(move || users::hand_over(&folder, &user)).await;
            given.unwrap_or_else(|error| Err(Fault::unavailable(format!("giving a folder away was cut off: {error}"))))
        })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<u32, Fault>> {
        let runner = Self {
            data: self.data.clone(),
            stage: self.stage.clone(),
            cgroups: self.cgroups.clone(),
            cpu_share: self.cpu_share,
            secrets: self.secrets.clone(),
        };
        Box::pin(async move {
            let swept = tokio::task::spawn_blocking(move || runner.sweep_now()).await;
            swept.map_err(|error| Fault::unavailable(format!("the search for left processes was cut off: {error}")))
        })
    }
}

/// How the names of this server's runs begin; another server's begin otherwise, also when it had the same number.
fn own_runs() -> String {
    let own = std::process::id();
    format!("{own}-{}-", Process::of(own).map_or(0, |process| process.start))
}

/// What the stage reads first, then the command's own input.
fn input(execution: &Execution, own: &[u8]) -> Result<Vec<u8>, Fault> {
    let intent = serde_json::to_vec(execution).map_err(|error| Fault::invalid(error.to_string()))?;
    let mut bytes = format!("{:>HEADER_BYTES$}", intent.len()).into_bytes();
    bytes.extend_from_slice(&intent);
    bytes.extend_from_slice(own);
    Ok(bytes)
}

/// The secrets of a command, which go when it has ended.
struct Given {
    secrets: Arc<SecretFiles>,
    of: InstanceId,
}

impl Drop for Given {
    fn drop(&mut self) {
        self.secrets.remove(&self.of);
    }
}

/// Kills a command's processes when it is dropped, whoever drops it and why.
struct Leash {
    family: Option<Family>,
    groups: Groups,
    /// Dropped after the processes are gone.
    _given: Option<Given>,
}

impl Leash {
    fn new(child: &Child, markers: &[(String, String)], groups: Groups, given: Option<Given>) -> Self {
        let main: Vec<Process> = child.id().and_then(Process::of).into_iter().collect();
        let family = Family {
            members: main.clone(),
            leaders: main,
            markers: markers.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            group: groups.kill.clone(),
            ..Family::default()
        };
        Self { family: Some(family), groups, _given: given }
    }

    fn pull(&mut self) {
        if let Some(family) = self.family.take() {
            family.kill(|| {});
            self.groups.remove();
        }
    }

    /// The same without holding up others.
    async fn pull_aside(mut self) {
        // A runtime that ends drops it instead, which pulls it too.
        let _ = tokio::task::spawn_blocking(move || self.pull()).await;
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.pull();
    }
}

/// A command that was started.
struct Running {
    child: Child,
    output: pipe::Receiver,
    leash: Leash,
    input: Vec<u8>,
}

impl Running {
    /// Passes its output on until it ends, is given up, or has taken too long; then ends all that is left of it.
    async fn attend(self, run: CommandRun, sender: Sender) {
        let Self { mut child, output, leash, input } = self;
        let mut pump = Pump::new(output, sender.clone());
        let fed = feed(child.stdin.take(), input);
        let limit = Duration::from_millis(run.timeout_ms);
        let ended = tokio::select! {
            ended = timeout(limit, child.wait()) => Some(ended),
            () = sender.closed() => None,
            () = never_after(fed) => None,
            () = never_after(pump_all(&mut pump)) => None,
        };
        leash.pull_aside().await;
        let end = match ended {
            // Nobody listens any more.
            None => return,
            Some(Err(_)) => Ok(CommandEnd::TimedOut),
            Some(Ok(Ok(status))) => Ok(end_of(status)),
            Some(Ok(Err(error))) => Err(Fault::io(format_args!("waiting for `{}`", run.command), &error)),
        };
        pump.finish().await;
        let _ = sender.send(end.map(CommandEvent::Ended)).await;
    }
}

async fn pump_all(pump: &mut Pump) {
    while pump.pass().await == Passed::Some {}
}

/// Works beside others that decide when it is over.
async fn never_after(work: impl Future<Output = ()>) {
    work.await;
    std::future::pending().await
}

async fn feed(stdin: Option<tokio::process::ChildStdin>, input: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        // A command need not read its input.
        let _ = stdin.write_all(&input).await;
        let _ = stdin.shutdown().await;
    }
}

fn end_of(status: ExitStatus) -> CommandEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => CommandEnd::Exited(code),
        (None, signal) => CommandEnd::Signalled(signal.unwrap_or(0)),
    }
}
