//! `shipway break-glass`: lets a deployment pass every gate, in an emergency.

use shipway_api::{DeploymentView, WordRequest};

use super::{Exit, Outcome, context::Context, remote::escaped, unstick};

/// Open every gate that a deployment waits for; everyone on the environment's list is told
#[derive(clap::Args)]
pub struct Args {
    /// The deployment, by id or name
    deployment: String,
    /// Why, for the record and for those who are told
    #[arg(long, value_name = "TEXT", value_parser = unstick::reason)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let path = format!("/api/deployments/{}/break-glass", escaped(&args.deployment));
    let view: DeploymentView = context.remote()?.post(&path, &WordRequest { reason: args.reason }).await?;
    context.terminal.show(&view, |_| vec![format!("{} passes every gate, and everyone is told", view.name)]);
    Ok(Exit::Done)
}
