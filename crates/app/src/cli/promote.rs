//! `shipway promote`: what ran together in one environment, in another.

use shipway_api::{DeploymentView, PromotionRequest};
use shipway_core::id::ServiceName;

use super::{
    Outcome,
    context::Context,
    request::{self, WaitArgs},
    scope,
};

/// Bring the very artifacts that ran together in one environment to another, without a build
#[derive(clap::Args)]
pub struct Args {
    /// The services; all that changed when none is named
    services: Vec<String>,
    /// Where they ran
    #[arg(long, value_name = "ENVIRONMENT", required_unless_present = "combination")]
    from: Option<String>,
    /// Where they go; what the first promotes to when left out
    #[arg(long, value_name = "ENVIRONMENT")]
    to: Option<String>,
    /// A combination that was named, in place of what runs now
    #[arg(long, value_name = "NAME")]
    combination: Option<String>,
    /// Leave out environments in between, and the rest of the soak
    #[arg(long, requires = "reason")]
    skip_stage: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let body = PromotionRequest {
        project: scope.project,
        from: args.from,
        to: args.to,
        services: args.services.into_iter().map(ServiceName::new).collect(),
        combination: args.combination,
        skip_stage: args.skip_stage,
        reason: args.reason,
        ..PromotionRequest::default()
    };
    let view: DeploymentView = remote.post("/api/promotions", &body).await?;
    request::show(context, &remote, view, args.wait).await
}
