//! The server's side of a shim: starting one, seeing how its instance is, asking it to stop. Not here: what it means
//! for a deployment.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::Stdio,
    time::Duration,
};

use shipway_core::{
    ports::{Fault, FaultKind},
    spec::{ReloadSignal, StopSpec},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    process::Command,
    time::{sleep, timeout},
};

use crate::{
    launch::{Intent, PROTOCOL},
    shim::{
        control::{self, Reply, Request, Verb},
        state::{self, State, Status},
    },
};

/// How long a shim may take until its application runs, in milliseconds.
pub(crate) const SHIM_START_MS_MAX: u64 = 20_000;
/// How long a stop may take beyond its grace, in milliseconds.
const STOP_MARGIN_MS: u64 = 8_000;
/// How long a shim may take to send a signal, in milliseconds.
const RELOAD_MS_MAX: u64 = 5_000;
/// How long a shim whose application has ended may take to end itself, in milliseconds.
const SHIM_END_MS_MAX: u64 = 5_000;
/// How often something is looked at that is about to change, in milliseconds.
const LOOK_EVERY_MS: u64 = 5;
/// The longest line from a shim, in bytes.
const LINE_BYTES_MAX: u64 = 8 * 1024;

/// How an instance is, as its folder shows it.
#[derive(Clone, Debug)]
pub(crate) enum Sight {
    /// There is no intent: it isn't, or isn't any more.
    Absent,
    /// Its shim and application run.
    Running(Intent, State),
    /// It has ended with all its processes.
    Ended(Intent, State),
    /// Its shim is just starting or ending.
    Changing(Intent, Option<State>),
    /// Its shim died; the application may live.
    Lost(Intent, Option<State>),
}

/// Looks at an instance's folder.
pub(crate) fn sight(folder: &Path) -> io::Result<Sight> {
    let Some(intent) = Intent::read(folder)? else {
        return Ok(Sight::Absent);
    };
    // The lock first: a shim writes its last state before it lets go.
    let held = state::is_held(folder)?;
    let state = State::read(folder)?;
    Ok(match (held, state) {
        (true, Some(state)) if state.status == Status::Running => Sight::Running(intent, state),
        (_, Some(state)) if matches!(state.status, Status::Exited { .. }) => Sight::Ended(intent, state),
        (true, state) => Sight::Changing(intent, state),
        (false, state) => Sight::Lost(intent, state),
    })
}

/// Starts a shim, and waits until its application runs, or, when adopting, is known to have ended.
pub(crate) async fn start(program: &Path, folder: &Path, adopt: bool) -> Result<(), Fault> {
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join("shim.log"));
    let log = log.map_err(|error| Fault::io(format_args!("opening shim.log in {}", folder.display()), &error))?;
    let mut command = Command::new(program);
    command.args(["shim", "--dir"]).arg(folder).args(adopt.then_some("--adopt"));
    command.env_clear().current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut shim =
        command.spawn().map_err(|error| Fault::io(format_args!("starting the shim {}", program.display()), &error))?;
    let output = shim.stdout.take().ok_or_else(|| Fault::unavailable("the shim has no standard output"))?;
    let mut line = String::new();
    let mut reader = BufReader::new(output.take(LINE_BYTES_MAX));
    let read = timeout(Duration::from_millis(SHIM_START_MS_MAX), reader.read_line(&mut line)).await;
    match read {
        Err(_) => {
            let _ = shim.start_kill();
            let message = format!("the shim in {} said nothing within {SHIM_START_MS_MAX} ms", folder.display());
            Err(Fault::new(FaultKind::Timeout, message).with_hint("the machine may be overloaded; see shim.log there"))
        }
        Ok(Err(error)) => Err(Fault::io("listening to the shim", &error)),
        // The runtime waits for the child when it ends; until then it lives on its own.
        Ok(Ok(_)) => heard(line.trim_end(), folder),
    }
}

fn heard(line: &str, folder: &Path) -> Result<(), Fault> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("started", _) | ("ended", _) => Ok(()),
        ("failed", reason) => Err(Fault::invalid(reason)
            .with_hint("check the command, its interpreter, and what its user may read and execute")),
        _ => Err(Fault::unavailable(format!("the shim in {} ended without a word", folder.display()))
            .with_hint("see shim.log there")),
    }
}

/// Asks the shim to stop its application, and waits until all is gone.
pub(crate) async fn stop(folder: &Path, how: &StopSpec) -> io::Result<()> {
    let grace_ms = how.grace_s.saturating_mul(1000);
    let request = Request { v: PROTOCOL, verb: Verb::Stop { signal: how.signal, grace_ms } };
    let longest = Duration::from_millis(grace_ms.saturating_add(STOP_MARGIN_MS));
    let reply =
        timeout(longest, ask(folder, &request)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    match reply.error {
        Some(error) => Err(io::Error::other(error)),
        None => Ok(()),
    }
}

/// Asks the shim to send its application the signal for a reload.
pub(crate) async fn reload(folder: &Path, signal: ReloadSignal) -> io::Result<()> {
    let request = Request { v: PROTOCOL, verb: Verb::Reload { signal } };
    let longest = Duration::from_millis(RELOAD_MS_MAX);
    let reply =
        timeout(longest, ask(folder, &request)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    match reply.error {
        Some(error) => Err(io::Error::other(error)),
        None => Ok(()),
    }
}

async fn ask(folder: &Path, request: &Request) -> io::Result<Reply> {
    let place = File::open(folder)?;
    let stream = UnixStream::connect(control::path(&place)).await?;
    let (reader, mut writer) = stream.into_split();
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    let mut answer = String::new();
    BufReader::new(reader.take(LINE_BYTES_MAX)).read_line(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the shim hung up"));
    }
    Ok(serde_json::from_str(&answer)?)
}

/// Waits until the shim has let go of its lock; false when it does not.
pub(crate) async fn wait_for_end(folder: &Path) -> io::Result<bool> {
    for _ in 0..SHIM_END_MS_MAX / LOOK_EVERY_MS {
        if !state::is_held(folder)? {
            return Ok(true);
        }
        pause().await;
    }
    Ok(false)
}

/// The pause between two looks.
pub(crate) async fn pause() {
    sleep(Duration::from_millis(LOOK_EVERY_MS)).await;
}

/// How many looks fit into the longest start.
pub(crate) const LOOKS_MAX: u64 = SHIM_START_MS_MAX / LOOK_EVERY_MS;
