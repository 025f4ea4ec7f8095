//! `shipway env delete`: an environment that was made through the API goes, once nothing runs there.

use shipway_api::{DeploymentRequest, EnvironmentView};
use shipway_core::deployment::Kind;

use super::{
    Exit, Outcome,
    context::Context,
    request::{self, WaitArgs},
    scope,
};

/// Remove an environment that was made by `env create`. It is refused while something runs there
#[derive(clap::Args)]
pub struct Args {
    /// The environment
    name: String,
    /// Take down what runs there first
    #[arg(long)]
    decommission: bool,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let path = scope.environment_path(&args.name, "");
    let one: EnvironmentView = remote.get(&path).await?;
    if !args.yes {
        context.agreed(&format!("{} of {} will be gone. Go on?", args.name, scope.project))?;
    }
    if args.decommission && !one.services.is_empty() {
        let request = DeploymentRequest {
            project: scope.project.clone(),
            environment: args.name.clone(),
            services: one.services.iter().map(|slot| slot.service.clone()).collect(),
            kind: Some(Kind::Decommission),
            reason: args.reason,
            ..DeploymentRequest::default()
        };
        let taken_down = request::deploy(context, &remote, &request, WaitArgs::default()).await?;
        if taken_down != Exit::Done {
            return Ok(taken_down);
        }
    }
    let answer: serde_json::Value = remote.delete(&path).await?;
    context.terminal.show(&answer, |_| vec![format!("{} is gone", args.name)]);
    Ok(Exit::Done)
}
