//! A server in the background: started as a process of its own, which outlives the terminal.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use shipway_core::ports::Fault;

use super::{context::dialled, errors::CliError, remote::Remote, serve::ServeArgs};
use crate::place;

/// How long a server in the background has to answer.
const START_MS_MAX: u64 = 30_000;
const LOOK_MS: u64 = 20;
const LOG_LINES_MAX: usize = 15;

/// Starts `shipway serve` in the background, and waits until it answers.
///
/// # Errors
/// It can't be started, ends at once, or doesn't answer in time.
pub async fn start(data: &Path, serve: &ServeArgs) -> Result<Remote, CliError> {
    let log = log_file(data);
    let mut child = spawn(data, serve, &log)?;
    let deadline = tokio::time::Instant::now() + Duration::from_millis(START_MS_MAX);
    while tokio::time::Instant::now() < deadline {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(with_log(format!("the server ended at once: {status}"), &log));
        }
        if let Some(remote) = answering(data, child.id()).await? {
            return Ok(remote);
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
    Err(with_log(format!("the server does not answer after {START_MS_MAX} ms; it was left running"), &log))
}

/// Where the output of a server in the background goes.
pub fn log_file(data: &Path) -> PathBuf {
    data.join("server.log")
}

fn spawn(data: &Path, serve: &ServeArgs, log: &Path) -> Result<Child, CliError> {
    let doing = |what: &str| format!("{what} {}", log.display());
    fs::create_dir_all(data).map_err(|error| Fault::io(format!("making {}", data.display()), &error))?;
    let output = OpenOptions::new().create(true).append(true).open(log);
    let output: File = output.map_err(|error| Fault::io(doing("opening"), &error))?;
    let errors = output.try_clone().map_err(|error| Fault::io(doing("opening"), &error))?;
    let program = std::env::current_exe().map_err(|error| Fault::io("finding this program", &error))?;
    let mut command = Command::new(program);
    command.arg("serve").arg("--data").arg(data).args(serve.to_arguments());
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    // A group of its own, so that Ctrl-C in this terminal doesn't reach it.
    command.process_group(0);
    Ok(command.spawn().map_err(|error| Fault::io("starting the server", &error))?)
}

/// The server, once the process that was started says that it is there.
async fn answering(data: &Path, pid: u32) -> Result<Option<Remote>, CliError> {
    let Some(found) = place::find_server(data).filter(|found| found.pid == pid) else { return Ok(None) };
    let token = place::read_token(data).unwrap_or_default();
    let remote = Remote::new(&dialled(found.address), &token)?;
    Ok(remote.is_alive().await.then_some(remote))
}

fn with_log(message: String, log: &Path) -> CliError {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(LOG_LINES_MAX)..].join("\n  ");
    CliError::failed(format!("{message}\n  {tail}"), format!("its whole log is {}", log.display()))
}
