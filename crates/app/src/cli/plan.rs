//! `shipway plan`: what `deploy` would do, without doing it.

use shipway_api::{DeploymentRequest, PlanView};
use shipway_core::finding::blocks;

use super::{
    Exit, Outcome, changes,
    context::Context,
    deploy::{self, WhatArgs},
    remote::Remote,
};

/// Show what a deployment would change; exits with 3 when there is a difference
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: WhatArgs,
    /// Show every step
    #[arg(long)]
    steps: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let request = deploy::prepare(context, &remote, args.what).await?;
    show(context, &remote, request, args.steps).await
}

/// Has the plan drawn, and shows it.
///
/// # Errors
/// The request is refused.
pub async fn show(context: &Context, remote: &Remote, request: DeploymentRequest, with_steps: bool) -> Outcome {
    let request = DeploymentRequest { dry_run: true, ..request };
    let plan: PlanView = remote.post("/api/deployments", &request).await?;
    context.terminal.show(&plan, |paint| {
        let head = format!("{} → {}", request.project, request.environment);
        std::iter::once(head).chain(changes::lines(paint, &plan, with_steps)).collect()
    });
    Ok(match (plan.errors.is_empty() && !blocks(&plan.findings), plan.differs) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Differs,
        (true, false) => Exit::Done,
    })
}
