//! `shipway unhold`: lets new releases come again.

use shipway_api::UnholdRequest;
use shipway_core::{id::ServiceName, promotion::Hold};

use super::{
    Exit, Outcome,
    context::Context,
    hold::lines,
    scope::{self, EnvironmentArg},
};

/// Let new releases come again to an environment, or to one service of it
#[derive(clap::Args)]
pub struct Args {
    /// The service; the hold of the environment itself when left out
    service: Option<String>,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let body = UnholdRequest { service: args.service.map(ServiceName::new) };
    let left: Vec<Hold> = remote.post(&scope.environment_path(&environment, "/holds/end"), &body).await?;
    context.terminal.show(&left, |_| lines(&environment, &left));
    Ok(Exit::Done)
}
