//! From a request to the end of its deployment: what `deploy`, `scale`, `decommission`, `rollback` and `up` share.

use shipway_api::{DeploymentRequest, DeploymentView};

use super::{
    Exit, Outcome,
    context::Context,
    ending,
    errors::CliError,
    live::{self, Until},
    remote::Remote,
    signals::Signals,
};

/// How long a verb waits for what it asked for.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct WaitArgs {
    /// How far to wait
    #[arg(long, value_enum, value_name = "HOW_FAR", default_value_t = Until::Completed)]
    until: Until,
    /// Return at once
    #[arg(long, conflicts_with = "until")]
    no_wait: bool,
}

/// Asks for a transition, and shows it as far as is wanted.
///
/// # Errors
/// It is refused, or the server goes away.
pub async fn deploy(context: &Context, remote: &Remote, request: &DeploymentRequest, wait: WaitArgs) -> Outcome {
    let view: DeploymentView = remote.post("/api/deployments", request).await?;
    show(context, remote, view, wait).await
}

/// Shows a deployment that was asked for as far as is wanted.
///
/// # Errors
/// The server goes away.
pub async fn show(context: &Context, remote: &Remote, view: DeploymentView, wait: WaitArgs) -> Outcome {
    if wait.no_wait {
        let asked = format!("{} ({}) was asked for: `shipway status` shows it", view.name, view.id);
        context.terminal.show(&view, |_| vec![asked]);
        return Ok(Exit::Done);
    }
    let name = view.name.clone();
    let mut signals = Signals::listen()?;
    tokio::select! {
        ended = live::follow(remote, context.terminal, view, wait.until) => {
            Ok(ending::tell(&context.terminal, &ended?))
        }
        () = signals.next() => Err(no_longer_watched(&name)),
    }
}

fn no_longer_watched(name: &str) -> CliError {
    let hint = format!("`shipway status` shows it, `shipway cancel {name}` ends and undoes it");
    CliError::failed(format!("{name} goes on, though nobody watches it here"), hint)
}
