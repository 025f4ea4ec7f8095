//! `shipway rollback`: takes a deployment back, or an environment to its last good state.

use std::collections::BTreeMap;

use shipway_api::{DeploymentRequest, DeploymentView, RollbackRequest};
use shipway_core::deployment::Kind;

use super::{
    Outcome,
    context::Context,
    errors::CliError,
    remote::{Remote, escaped},
    request::{self, WaitArgs},
    scope::{EnvironmentArg, Scope},
    words,
};

/// Take a deployment back; without a name, put the environment back to its last good state
#[derive(clap::Args)]
pub struct Args {
    /// The deployment to take back, by id or name
    deployment: Option<String>,
    #[command(flatten)]
    environment: EnvironmentArg,
    /// Go back though a service was deployed since
    #[arg(long, requires = "deployment")]
    force: bool,
    /// Keep today's configuration, and take only the artifacts back
    #[arg(long)]
    artifact_only: bool,
    /// Go back though a `contract` migration ran since: the old may not work with today's data
    #[arg(long)]
    accept_contract: bool,
    /// Put data folders back too, each from the oldest copy that was taken since. What they hold now is copied first:
    /// `shipway snapshot list` shows that copy, and `shipway snapshot restore` puts it back
    #[arg(long, conflicts_with = "artifact_only")]
    with_data: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let wait = args.wait;
    let view = match args.deployment.clone() {
        Some(deployment) => undo(&remote, &deployment, args).await?,
        None => to_last_good(context, &remote, args).await?,
    };
    request::show(context, &remote, view, wait).await
}

async fn undo(remote: &Remote, deployment: &str, args: Args) -> Result<DeploymentView, CliError> {
    let Args { reason, force, artifact_only, accept_contract, with_data, .. } = args;
    let body = RollbackRequest { reason, force, artifact_only, accept_contract, with_data };
    remote.post(&format!("/api/deployments/{}/rollback", escaped(deployment)), &body).await
}

async fn to_last_good(context: &Context, remote: &Remote, args: Args) -> Result<DeploymentView, CliError> {
    let scope = Scope::find(context, remote).await?;
    let environment = scope.environment(remote, &args.environment).await?;
    let path = scope.environment_path(&environment, "/rollback-target");
    let target: DeploymentView = remote.get(&path).await?;
    context.terminal.say(announced(&environment, &target));
    let Args { force, artifact_only, accept_contract, with_data, .. } = args;
    let (undo, to, snapshots) = (None, Some(target.id), BTreeMap::new());
    let kind = Kind::Rollback { undo, to, force, artifact_only, accept_contract, with_data, snapshots };
    let request = DeploymentRequest {
        project: scope.project,
        environment,
        kind: Some(kind),
        reason: args.reason,
        ..DeploymentRequest::default()
    };
    remote.post("/api/deployments", &request).await
}

/// Which state it goes back to.
fn announced(environment: &str, target: &DeploymentView) -> String {
    let when = target.completed_at.unwrap_or(target.created_at);
    let versions = target.services.iter().filter_map(|(service, state)| {
        let version = state.version.as_ref()?;
        Some(format!("{service} {version}"))
    });
    let versions = versions.collect::<Vec<_>>().join(", ");
    let versions = if versions.is_empty() { String::new() } else { format!(": {versions}") };
    format!("{environment} goes back to {}, complete {}{versions}", target.name, words::ago(when, words::now()))
}
