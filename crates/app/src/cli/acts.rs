//! What the verbs on a running deployment share: which one is meant, and the call.

use std::collections::BTreeSet;

use shipway_api::{DeploymentPage, DeploymentView, RollbackRequest};
use shipway_core::phase::Phase;

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    remote::{Remote, escaped, with_query},
    scope::{EnvironmentArg, Scope},
};

/// How far back is looked for what runs.
const RECENT_MAX: u32 = 200;

/// Which deployment, and why.
#[derive(Clone, Debug, clap::Args)]
pub struct ActArgs {
    /// The deployment, by id or name; the only one that runs when absent
    pub deployment: Option<String>,
    #[command(flatten)]
    pub environment: EnvironmentArg,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Acts on a deployment, and gives it as it is then.
///
/// # Errors
/// None or more than one is meant, or the server refuses.
pub async fn act(context: &Context, remote: &Remote, args: ActArgs, verb: &str) -> Result<DeploymentView, CliError> {
    let id = match args.deployment {
        Some(deployment) => deployment,
        None => only_running(context, remote, &args.environment).await?.id.as_str().to_owned(),
    };
    let body = RollbackRequest { reason: args.reason, ..RollbackRequest::default() };
    remote.post(&format!("/api/deployments/{}/{verb}", escaped(&id)), &body).await
}

/// Acts, and says in one line what is so from now on.
///
/// # Errors
/// As `act`.
pub async fn act_and_say(
    context: &Context,
    args: ActArgs,
    verb: &str,
    words: impl Fn(&DeploymentView) -> String,
) -> Outcome {
    let remote = context.remote()?;
    let view = act(context, &remote, args, verb).await?;
    context.terminal.show(&view, |_| vec![words(&view)]);
    Ok(Exit::Done)
}

async fn only_running(
    context: &Context,
    remote: &Remote,
    environment: &EnvironmentArg,
) -> Result<DeploymentView, CliError> {
    let scope = Scope::find(context, remote).await?;
    let mut running = running(&recent(remote, &scope, environment).await?);
    match running.len() {
        1 => Ok(running.remove(0)),
        0 => Err(CliError::failed("no deployment runs", "`shipway history` lists those that have ended")),
        _ => {
            let names: Vec<_> = running.iter().map(|view| format!("{} ({})", view.name, view.phase)).collect();
            Err(CliError::usage(format!("which deployment? {} run", names.join(", ")), "name one"))
        }
    }
}

/// The newest deployments of a project, the newest first.
///
/// # Errors
/// The server says no.
pub async fn recent(
    remote: &Remote,
    scope: &Scope,
    environment: &EnvironmentArg,
) -> Result<Vec<DeploymentView>, CliError> {
    let query = [("environment", environment.environment.clone()), ("limit", Some(RECENT_MAX.to_string()))];
    let page: DeploymentPage = remote.get(&with_query(&scope.path("/deployments"), &query)).await?;
    Ok(page.items)
}

/// Those of them that run.
pub fn running(recent: &[DeploymentView]) -> Vec<DeploymentView> {
    recent.iter().filter(|view| !view.phase.is_end()).cloned().collect()
}

/// Those of them that need a person, and were not followed by one that is complete.
pub fn stuck(recent: &[DeploymentView]) -> Vec<DeploymentView> {
    let mut settled = BTreeSet::new();
    let mut stuck = Vec::new();
    for view in recent {
        match view.phase {
            Phase::Completed => {
                settled.insert(&view.environment);
            }
            Phase::Stuck if !settled.contains(&view.environment) => stuck.push(view.clone()),
            _ => {}
        }
    }
    stuck
}
