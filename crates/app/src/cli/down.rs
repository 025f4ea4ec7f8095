//! `shipway down`: stops the server with everything that it runs.

use std::time::Duration;

use shipway_api::ShutdownRequest;

use super::{
    Exit, Outcome,
    context::{Context, dialled},
    errors::CliError,
    remote::Remote,
};
use crate::place::{self, Found};

/// How long the end of everything is waited for: applications have their grace.
const DOWN_MS_MAX: u64 = 180_000;
const LOOK_MS: u64 = 50;

/// Stop the server, the proxy and all applications
#[derive(clap::Args)]
pub struct Args {}

/// Runs the verb.
pub async fn run(context: &Context, _args: Args) -> Outcome {
    let remote = context.remote()?;
    // Only what is asked to end is waited for: with --server it may be another one than that of the data folder.
    let found = context.data().ok().as_deref().and_then(place::find_server);
    let found = found.filter(|found| dialled(found.address) == remote.base());
    let request = ShutdownRequest { applications: true };
    match remote.post::<serde_json::Value>("/api/shutdown", &request).await {
        // It may be gone before its answer is.
        Err(error) if error.is_unreachable() && remote.is_alive().await => return Err(error),
        Err(error) if error.is_unreachable() => return Err(not_there(error)),
        answer => answer?,
    };
    if !context.terminal.json {
        context.terminal.say("stopping …");
    }
    wait_until_gone(&remote, found).await?;
    if context.terminal.json {
        context.terminal.json(&serde_json::json!({ "stopped": true, "server": remote.base() }));
    } else {
        context.terminal.say(format!("stopped the applications, the proxy and the server at {}", remote.base()));
    }
    Ok(Exit::Done)
}

fn not_there(error: CliError) -> CliError {
    match error {
        CliError::Client { base, .. } => CliError::failed(
            format!("no server answers at {base}"),
            "what an earlier server left running is stopped by `shipway serve` and then `shipway down`",
        ),
        other => other,
    }
}

/// Waits until nothing answers any more, and the process of a server on this machine has ended: it stops answering
/// before it has stopped everything.
async fn wait_until_gone(remote: &Remote, found: Option<Found>) -> Result<(), CliError> {
    let deadline = tokio::time::Instant::now() + Duration::from_millis(DOWN_MS_MAX);
    while found.as_ref().is_some_and(|found| lives(found.pid)) || remote.is_alive().await {
        if tokio::time::Instant::now() >= deadline {
            let message = format!("the server at {} has not ended after {DOWN_MS_MAX} ms", remote.base());
            return Err(CliError::failed(message, "see `shipway ps` for what does not stop"));
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
    Ok(())
}

fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid else { return false };
    // One that may not be signalled is there all the same. One that has ended and is not waited for yet counts as gone.
    let there = !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH));
    there && !has_ended(pid.as_raw_nonzero().get())
}

fn has_ended(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    matches!(state, Some('Z' | 'X'))
}
