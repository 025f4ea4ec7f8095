//! `shipway resolve`: declares a stuck deployment to be dealt with.

use shipway_api::{DeploymentView, ResolveRequest};

use super::{Exit, Outcome, context::Context, remote::escaped, unstick};

/// Declare a stuck deployment to be dealt with: it ends, and nothing else changes
#[derive(clap::Args)]
pub struct Args {
    /// The deployment, by id or name
    deployment: String,
    /// How it was dealt with, for the record
    #[arg(long, value_name = "TEXT", value_parser = unstick::reason)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let body = ResolveRequest { reason: args.reason };
    let view: DeploymentView =
        remote.post(&format!("/api/deployments/{}/resolve", escaped(&args.deployment)), &body).await?;
    context.terminal.show(&view, |_| vec![format!("{} is dealt with: it counts as {}", view.name, view.phase)]);
    Ok(Exit::Done)
}
