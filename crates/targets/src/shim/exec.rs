//! The stage between a parent and a program: it joins the control groups, gives up the server's rights, and becomes the
//! program, so that the program's very first instruction is under all of it. The parent can't do that itself without
//! code between fork and exec.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use super::output;
use crate::{
    launch::{Execution, Intent},
    secret_files,
};

/// The length of the number before a command's intent, in digits.
pub(crate) const HEADER_BYTES: usize = 16;
/// The longest intent of a command, in bytes.
const INTENT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How often a program is tried whose file somebody still has open for writing, and the pause in between in
/// milliseconds. A server that starts other processes while it stages a release lends them such a file for an instant.
const BUSY_TRIES_MAX: u32 = 200;
const BUSY_TRY_MS: u64 = 10;
/// The status of a stage that could not become its program.
pub(crate) const NOT_STARTED: i32 = 126;

/// Becomes the application of an instance. Its standard output is a pipe to the shim that closes when it has become
/// the program, and carries the reason when it has not.
pub(super) fn instance(folder: &Path) -> i32 {
    // A copy of its own, which closes by itself on exec; the program's standard output is the FIFO.
    let Ok(report) = io::stdout().as_fd().try_clone_to_owned() else {
        return NOT_STARTED;
    };
    let error = match become_instance(folder) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    let _ = File::from(report).write_all(error.to_string().as_bytes());
    NOT_STARTED
}

fn become_instance(folder: &Path) -> io::Result<std::convert::Infallible> {
    let intent = Intent::read(folder)?.ok_or_else(|| io::Error::other("launch.json isn't there"))?;
    let output = OwnedFd::from(output::open_for_app(folder)?);
    let errors = output.try_clone()?;
    let secrets = intent.execution.secrets.as_deref().map(secret_files::variables).transpose()?.unwrap_or_default();
    become_program(&intent.execution, |command| {
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        command.envs(secrets.iter().map(|(name, value)| (name, value.reveal())));
    })
}

/// Becomes a one-off command. What it is comes before its own input on the standard input: `HEADER_BYTES` digits, and
/// so many bytes of JSON. There its variables can't reach a process that still has the server's rights.
pub(super) fn command() -> i32 {
    let error = match become_command() {
        Ok(never) => match never {},
        Err(error) => error,
    };
    let _ = writeln!(io::stderr(), "shipway: {error}");
    NOT_STARTED
}

fn become_command() -> io::Result<std::convert::Infallible> {
    // Read without a buffer: what follows belongs to the program.
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut header = [0; HEADER_BYTES];
    input.read_exact(&mut header)?;
    let length = str::from_utf8(&header).ok().and_then(|digits| digits.trim().parse().ok());
    let length = length.filter(|length| *length <= INTENT_BYTES_MAX).ok_or(io::ErrorKind::InvalidData)?;
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    become_program(&serde_json::from_slice(&bytes)?, |_| {})
}

fn become_program(execution: &Execution, streams: impl FnOnce(&mut Command)) -> io::Result<std::convert::Infallible> {
    // Already a leader when the parent made it one.
    let _ = rustix::process::setsid();
    execution.groups.join()?;
    if execution.nice > 0 {
        rustix::process::setpriority_process(None, execution.nice)?;
    }
    let mut command = Command::new(&execution.program);
    command.args(&execution.arguments).env_clear().envs(&execution.variables).current_dir(&execution.folder);
    if let Some(user) = execution.user {
        // Other groups of the server are given up with it.
        command.uid(user.uid).gid(user.gid);
    }
    streams(&mut command);
    let _listening = end_ignoring()?;
    let error = exec(&mut command);
    let (program, folder) = (execution.program.display(), execution.folder.display());
    Err(io::Error::new(error.kind(), format!("can't start {program} in {folder}: {error}")))
}

/// A server that was started in the background of a script, or by `nohup`, ignores some signals, and a program would
/// inherit that: a stop by `INT` would be waited for in vain. What is listened to is back at its default on exec.
fn end_ignoring() -> io::Result<Runtime> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let entered = runtime.enter();
    for kind in [SignalKind::interrupt(), SignalKind::quit(), SignalKind::hangup(), SignalKind::terminate()] {
        // The handler stays when nobody listens any more.
        drop(signal(kind)?);
    }
    drop(entered);
    Ok(runtime)
}

/// Returns only when it failed for good.
fn exec(command: &mut Command) -> io::Error {
    for _ in 1..BUSY_TRIES_MAX {
        let error = command.exec();
        if error.kind() != io::ErrorKind::ExecutableFileBusy {
            return error;
        }
        thread::sleep(Duration::from_millis(BUSY_TRY_MS));
    }
    command.exec()
}
