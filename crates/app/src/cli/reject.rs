//! `shipway reject`: says no to what a deployment proposes.

use shipway_api::{DeploymentView, WordRequest};

use super::{Exit, Outcome, context::Context, remote::escaped, unstick};

/// Reject what a deployment proposes: it ends, and nothing has moved
#[derive(clap::Args)]
pub struct Args {
    /// The deployment, by id or name
    deployment: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = unstick::reason)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let path = format!("/api/deployments/{}/reject", escaped(&args.deployment));
    let view: DeploymentView = context.remote()?.post(&path, &WordRequest { reason: args.reason }).await?;
    context.terminal.show(&view, |_| vec![format!("{} is rejected, and ends", view.name)]);
    Ok(Exit::Done)
}
