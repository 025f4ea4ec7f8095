//! `shipway approve`: shows what is proposed, then says yes to exactly that.

use shipway_api::{ApproveRequest, DeploymentView};

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    remote::escaped,
    terminal::{Hue, Paint},
    words,
};

/// Approve what a deployment proposes, as it was shown
#[derive(clap::Args)]
pub struct Args {
    /// The deployment, by id or name
    deployment: String,
    /// The plan's hash, where another look was taken before: a plan that has changed since is not approved
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let path = format!("/api/deployments/{}", escaped(&args.deployment));
    let before: DeploymentView = remote.get(&path).await?;
    let Some(proposed) = &before.gated.proposed else {
        let message = format!("{} proposes nothing: it is {}", before.name, before.phase);
        return Err(CliError::failed(message, "`shipway status` shows what it does"));
    };
    let hash = Some(args.hash.unwrap_or_else(|| proposed.hash.clone()));
    let body = ApproveRequest { hash, reason: args.reason };
    let view: DeploymentView = remote.post(&format!("{path}/approve"), &body).await?;
    context.terminal.show(&view, |paint| lines(paint, &view));
    Ok(Exit::Done)
}

fn lines(paint: Paint, view: &DeploymentView) -> Vec<String> {
    let mut lines = vec![format!("{} is approved: what it proposes is", view.name)];
    for (service, state) in view.services.iter().filter(|(_, state)| !state.unchanged) {
        let version = state.version.clone().unwrap_or_else(|| "nothing".to_owned());
        lines.push(format!("  {service} → {version}"));
    }
    let risk = view.gated.proposed.as_ref().map(|proposed| &proposed.risk);
    lines.extend(risk.map(|risk| format!("  {} {}", paint.put(Hue::Faint, "risk"), words::risk(risk))));
    let held = view.gated.held.iter().map(|held| format!("  {} {}", paint.put(Hue::Warn, "waits"), held.why));
    lines.extend(held);
    lines
}
