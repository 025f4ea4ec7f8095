//! `shipway deploy`: new releases, live. Not here: which services (`members`).

use std::{collections::BTreeMap, path::PathBuf};

use shipway_api::DeploymentRequest;
use shipway_core::{
    deployment::{OnConflict, Source},
    ports::Fault,
    strategy::StrategySpec,
    time::{Span, Timestamp},
};

use super::{
    Outcome,
    context::Context,
    errors::CliError,
    members::MemberArgs,
    plan,
    remote::Remote,
    request::{self, WaitArgs},
    scope::{EnvironmentArg, Scope},
    upload, words,
};

/// Build what changed, and bring it live without a failed request
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: WhatArgs,
    /// Only show what would change, as `shipway plan` does
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wait: WaitArgs,
}

/// What is to be deployed, and where.
#[derive(clap::Args)]
pub struct WhatArgs {
    #[command(flatten)]
    members: MemberArgs,
    #[command(flatten)]
    environment: EnvironmentArg,
    /// blue-green, rolling, canary or recreate, or a table as JSON: '{"kind":"canary","steps":"5% 30s, 100%"}'
    #[arg(long, value_name = "STRATEGY", value_parser = strategy)]
    strategy: Option<StrategySpec>,
    /// A variable for all services in this deployment; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// Another folder than the project's own
    #[arg(long, value_name = "FOLDER")]
    source: Option<PathBuf>,
    /// Deploy what is quarantined, for a reason
    #[arg(long, requires = "reason")]
    allow_quarantined: bool,
    /// Not before a time: `2026-12-01T18:00:00Z`, or `2h30m` from now; what is deployed is made at once
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
    /// Pass every gate, in an emergency; everyone on the environment's list is told
    #[arg(long, requires = "reason")]
    break_glass: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// What it is, for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Anything to find it by again; may be repeated
    #[arg(long = "metadata", value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// What to do when the same services are being deployed
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Conflict::Queue)]
    on_conflict: Conflict,
}

/// What to do when the same services are being deployed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Conflict {
    /// Wait for its end
    Queue,
    /// Refuse this one
    Refuse,
    /// End and undo the other one first
    Supersede,
}

impl From<Conflict> for OnConflict {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Queue => Self::Queue,
            Conflict::Refuse => Self::Refuse,
            Conflict::Supersede => Self::Supersede,
        }
    }
}

/// `NAME=VALUE`; the value may hold anything.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it like NAME=VALUE".into()),
    }
}

/// An instant, or a span from now on.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(span) = text.parse::<Span>() {
        return Ok(words::now().plus_ms(span.ms));
    }
    let at = serde_json::from_value(serde_json::Value::String(text.trim().to_owned()));
    at.map_err(|_| "write it like 2026-12-01T18:00:00Z, 2026-12-01T18:00:00+01:00, or 2h30m from now".to_owned())
}

/// A strategy by its name, or as a table.
pub fn strategy(text: &str) -> Result<StrategySpec, String> {
    let trimmed = text.trim();
    let value = if trimmed.starts_with('{') {
        serde_json::from_str(trimmed).map_err(|error| error.to_string())?
    } else {
        serde_json::Value::String(trimmed.to_owned())
    };
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let request = prepare(context, &remote, args.what).await?;
    if args.dry_run {
        return plan::show(context, &remote, request, false).await;
    }
    request::deploy(context, &remote, &request, args.wait).await
}

/// Tells the server the newest spec, sends the source when the server is elsewhere, and words the request.
///
/// # Errors
/// It isn't clear what is meant, or the spec is wrong.
pub async fn prepare(context: &Context, remote: &Remote, what: WhatArgs) -> Result<DeploymentRequest, CliError> {
    what.members.check()?;
    let scope = Scope::find(context, remote).await?;
    let environment = scope.environment(remote, &what.environment).await?;
    scope.register(remote).await?;
    let source = source(remote, &scope, &what).await?;
    let variables: BTreeMap<String, String> = what.variables.into_iter().collect();
    let request = DeploymentRequest {
        project: scope.project.clone(),
        environment,
        source,
        allow_quarantined: what.allow_quarantined,
        strategy: what.strategy,
        config: (!variables.is_empty()).then(|| serde_json::json!({ "variables": variables })),
        at: what.at,
        break_glass: what.break_glass,
        on_conflict: what.on_conflict.into(),
        metadata: what.metadata.into_iter().collect(),
        reason: what.reason,
        description: what.description,
        ..DeploymentRequest::default()
    };
    what.members.fill(remote, &scope, request).await
}

async fn source(remote: &Remote, scope: &Scope, what: &WhatArgs) -> Result<Option<Source>, CliError> {
    if what.source.is_none() && what.members.needs_no_source() {
        return Ok(None);
    }
    let named = what.source.as_ref().map(|folder| {
        folder.canonicalize().map_err(|error| Fault::io(format!("finding {}", folder.display()), &error))
    });
    let named = named.transpose()?;
    if remote.is_local() {
        return Ok(named.map(Source::Path));
    }
    match named.or_else(|| scope.spec.as_ref().map(|spec| spec.folder.clone())) {
        Some(folder) => Ok(Some(Source::Upload(upload::send(remote, &folder).await?))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_hold_anything_and_names_something() {
        assert_eq!(pair("A=b=c; rm -rf $(x)"), Ok(("A".into(), "b=c; rm -rf $(x)".into())));
        assert_eq!(pair("A="), Ok(("A".into(), String::new())));
        assert!(pair("A").is_err() && pair("=b").is_err());
    }

    #[test]
    fn a_strategy_is_a_name_or_a_table() {
        assert_eq!(strategy("blue-green"), Ok(StrategySpec::BlueGreen));
        assert!(strategy(r#"{"kind":"canary","steps":"5% 30s, 100%"}"#).is_ok());
        assert!(strategy("magic").is_err());
    }
}
