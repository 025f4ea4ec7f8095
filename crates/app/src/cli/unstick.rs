//! What the verbs that have a stuck deployment go back again share: the call, and watching what comes of it.

use serde::Serialize;
use shipway_api::{DeploymentView, EventPage};
use shipway_core::phase::Phase;

use super::{
    Exit, Outcome,
    context::Context,
    ending,
    errors::CliError,
    live::{self, Until},
    remote::{Remote, escaped},
};

/// Which deployment, and whether to wait for it.
#[derive(Clone, Debug, clap::Args)]
pub struct UnstickArgs {
    /// The deployment, by id or name
    deployment: String,
    /// Return at once
    #[arg(long)]
    no_wait: bool,
}

/// A reason that says something.
pub fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("say why: it is kept with the record".into()) } else { Ok(text.to_owned()) }
}

/// Has it go back again, and watches from there on. That it went back is what was wanted.
///
/// # Errors
/// It is not stuck, or newer deployments stand against it.
pub async fn go_on(context: &Context, args: &UnstickArgs, verb: &str, body: &impl Serialize) -> Outcome {
    let remote = context.remote()?;
    let told = newest_event(&remote).await?;
    let path = format!("/api/deployments/{}/{verb}", escaped(&args.deployment));
    let view: DeploymentView = remote.post(&path, body).await?;
    let terminal = &context.terminal;
    if args.no_wait {
        terminal.show(&view, |_| vec![format!("{} goes back again: `shipway status` shows it", view.name)]);
        return Ok(Exit::Done);
    }
    let ended = live::follow_from(&remote, *terminal, view, Until::Completed, told).await?;
    ending::tell(terminal, &ended);
    Ok(if ended.phase == Phase::Stuck { Exit::Failed } else { Exit::Done })
}

/// The place of the newest event: what came before is known to who asks.
async fn newest_event(remote: &Remote) -> Result<u64, CliError> {
    let page: EventPage = remote.get("/api/events?newest=1").await?;
    Ok(page.next)
}
