//! `shipway decommission`: takes services out of an environment.

use shipway_api::DeploymentRequest;
use shipway_core::{deployment::Kind, id::ServiceName};

use super::{
    Outcome,
    context::Context,
    errors::CliError,
    request::{self, WaitArgs},
    scope::{EnvironmentArg, Scope},
    terminal::Terminal,
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
    let remote = context.remote()?;
    let scope = Scope::find(context, &remote).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    if !args.yes {
        ask(context, &args.services, &scope.project, &environment)?;
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

fn ask(context: &Context, services: &[String], project: &str, environment: &str) -> Result<(), CliError> {
    if !Terminal::can_ask() {
        return Err(CliError::usage("nobody can be asked whether that is meant", "say --yes"));
    }
    let question = format!("{} will leave {environment} of {project}. Go on?", services.join(", "));
    match context.terminal.agrees(&question) {
        true => Ok(()),
        false => Err(CliError::Failed("nothing was changed".into())),
    }
}
