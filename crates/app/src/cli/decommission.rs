//! `shipway decommission`: takes services out of an environment.

use shipway_api::DeploymentRequest;
use shipway_core::{deployment::Kind, id::ServiceName};

use super::{
    Outcome,
    context::Context,
    request::{self, WaitArgs},
    scope::{self, EnvironmentArg},
};

/// Stop services in an environment, and take their routes away
#[derive(clap::Args)]
pub struct Args {
    /// The services
    #[arg(required = true, value_name = "SERVICE")]
    services: Vec<String>,
    #[command(flatten)]
    environment: EnvironmentArg,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    if !args.yes {
        let services = args.services.join(", ");
        context.agreed(&format!("{services} will leave {environment} of {}. Go on?", scope.project))?;
    }
    let request = DeploymentRequest {
        project: scope.project,
        environment,
        services: args.services.iter().map(|name| ServiceName::new(name.as_str())).collect(),
        kind: Some(Kind::Decommission),
        reason: args.reason,
        ..DeploymentRequest::default()
    };
    request::deploy(context, &remote, &request, args.wait).await
}
