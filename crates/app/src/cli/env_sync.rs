//! `shipway env sync`: another environment's configuration, but for what is bound to this one. It shows what differs,
//! asks, takes it over, deploys, and looks at the end whether what should be equal is.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use shipway_api::{DeploymentView, SyncRequest, SyncView};
use shipway_core::{compare::Key, id::ServiceName};

use super::{
    Exit, Outcome,
    context::Context,
    ending,
    errors::CliError,
    live::{self, Until},
    remote::{Remote, escaped},
    scope::{self, Scope},
    terminal::{Hue, Paint, Terminal},
};

/// How often it is looked whether a deployment has ended, when nothing of it is shown.
const LOOK_MS: u64 = 200;

/// Take over another environment's configuration: counts, routes, limits, secrets and what is marked `local` stay
#[derive(clap::Args)]
pub struct Args {
    /// Whose configuration
    from: String,
    /// Who gets it
    #[arg(required = true)]
    to: Vec<String>,
    /// Only these services, parted by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    services: Vec<String>,
    /// Only these keys and what is below them, parted by commas: variables.URL
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    keys: Vec<String>,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// What came of it in one environment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Synced {
    before: SyncView,
    /// Whether what should be equal is; none when nothing was done.
    equal: Option<bool>,
    deployment: Option<DeploymentView>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let mut before = Vec::new();
    for to in &args.to {
        let view: SyncView = ask(&remote, &scope, to, &args, true).await?;
        lines(context.terminal.paint, &view).into_iter().for_each(|line| context.terminal.say(line));
        before.push(view);
    }
    let differs = before.iter().any(has_work);
    if differs && !args.yes && !agrees(&context.terminal)? {
        let left: Vec<_> = before.into_iter().map(|before| Synced { before, equal: None, deployment: None }).collect();
        context.terminal.show(&left, |_| vec!["nothing was changed".into()]);
        return Ok(Exit::Failed);
    }
    let mut all = Vec::new();
    for before in before {
        all.push(sync(context, &remote, &scope, &args, before).await?);
    }
    let equal = all.iter().all(|one| one.equal == Some(true));
    if context.terminal.json {
        context.terminal.json(&all);
    }
    Ok(if equal { Exit::Done } else { Exit::Failed })
}

fn agrees(terminal: &Terminal) -> Result<bool, CliError> {
    if !Terminal::can_ask() {
        return Err(CliError::usage("nobody is there to be asked", "say --yes to take it over"));
    }
    Ok(terminal.agrees("Take this over?"))
}

async fn ask(remote: &Remote, scope: &Scope, to: &str, args: &Args, dry_run: bool) -> Result<SyncView, CliError> {
    let body = SyncRequest {
        from: args.from.clone(),
        services: args.services.iter().map(|name| ServiceName::new(name.as_str())).collect(),
        keys: args.keys.clone(),
        dry_run,
        reason: args.reason.clone(),
    };
    remote.post(&scope.environment_path(to, "/sync"), &body).await
}

async fn sync(
    context: &Context,
    remote: &Remote,
    scope: &Scope,
    args: &Args,
    before: SyncView,
) -> Result<Synced, CliError> {
    let to = before.to.to_string();
    if !has_work(&before) {
        return Ok(Synced { before, equal: Some(true), deployment: None });
    }
    let asked = ask(remote, scope, &to, args, false).await?;
    let mut deployment = None;
    if let Some(id) = asked.deployment {
        let path = format!("/api/deployments/{}", escaped(id.as_str()));
        deployment = Some(follow(context, remote, &path).await?);
    }
    let after = ask(remote, scope, &to, args, true).await?;
    let equal = !has_work(&after);
    context.terminal.say(match equal {
        true => format!("{to} has the configuration of {}", before.from),
        false => format!("{to} does not have the configuration of {} yet: {}", before.from, missing(&after)),
    });
    Ok(Synced { before, equal: Some(equal), deployment })
}

/// Watches a deployment to its end; without a word when only JSON is wanted, so that it stays one document.
async fn follow(context: &Context, remote: &Remote, path: &str) -> Result<DeploymentView, CliError> {
    let mut view: DeploymentView = remote.get(path).await?;
    if !context.terminal.json {
        let ended = live::follow(remote, context.terminal, view, Until::Completed).await?;
        ending::tell(&context.terminal, &ended);
        return Ok(ended);
    }
    while view.completed_at.is_none() {
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        view = remote.get(path).await?;
    }
    Ok(view)
}

fn has_work(view: &SyncView) -> bool {
    !view.differences.is_empty() || !view.not_live.is_empty()
}

fn missing(view: &SyncView) -> String {
    let of_spec = view.differences.iter().flat_map(|(service, keys)| keys.iter().map(move |key| (service, &key.key)));
    let of_live = view.not_live.iter().flat_map(|(service, keys)| keys.iter().map(move |key| (service, key)));
    of_spec.chain(of_live).map(|(service, key)| format!("{service} {key}")).collect::<Vec<_>>().join(", ")
}

fn lines(paint: Paint, view: &SyncView) -> Vec<String> {
    let mut lines = vec![paint.put(Hue::Bold, format!("{} → {}", view.from, view.to))];
    lines.extend(listed(paint, "~", Hue::Warn, &view.differences));
    lines.extend(listed(paint, "=", Hue::Faint, &view.kept));
    if !has_work(view) {
        lines.push("nothing has to be taken over".into());
    }
    lines
}

/// The keys, from what the target has to what the source has.
fn listed(paint: Paint, mark: &str, hue: Hue, all: &BTreeMap<ServiceName, Vec<Key>>) -> Vec<String> {
    let value = |value: &serde_json::Value| if value.is_null() { "(not set)".into() } else { value.to_string() };
    let stays = if mark == "=" { "  (stays)" } else { "" };
    let line = |service: &ServiceName, key: &Key| {
        let (now, then) = (value(&key.to), value(&key.from));
        format!("{} {service} {}  {now} → {then}{stays}", paint.put(hue, mark), key.key)
    };
    all.iter().flat_map(|(service, keys)| keys.iter().map(move |key| (service, key))).map(|(s, k)| line(s, k)).collect()
}
