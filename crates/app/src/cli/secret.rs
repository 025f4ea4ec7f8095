//! `shipway secret`: values that are sealed, pinned by releases, and shown to nobody. Not here: where a value is read
//! from (`secret_value`).

use std::collections::{BTreeMap, BTreeSet};

use shipway_api::{
    DeploymentRequest, RekeyRequest, RekeyView, ReleaseView, SecretRemoval, SecretRevocation, SecretUserView,
    SecretView, SecretWrite,
};
use shipway_core::{deployment::Source, id::EnvironmentName};

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    remote::{Remote, with_query},
    request::{self, WaitArgs},
    scope::{self, Scope},
    secret_value::ValueArgs,
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Keep secrets: set them, see who uses which version, rotate, revoke, and seal by another master key
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    Set(SetArgs),
    List,
    Rotate(RotateArgs),
    Revoke(RevokeArgs),
    Delete(DeleteArgs),
    Rekey(RekeyArgs),
}

/// Whose secret is meant.
#[derive(clap::Args)]
struct PlaceArgs {
    /// Only for this environment; for all of the project when absent
    #[arg(short, long, value_name = "NAME")]
    environment: Option<String>,
    /// Only for this service of the environment
    #[arg(long, value_name = "NAME", requires = "environment")]
    service: Option<String>,
}

/// Set a secret: its first version, or another one
///
/// The value comes from a file or the standard input, never from the command line.
#[derive(clap::Args)]
struct SetArgs {
    /// What it is called
    name: String,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    value: ValueArgs,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Give a secret that is there another value, and say which services need a deployment to get it
#[derive(clap::Args)]
struct RotateArgs {
    #[command(flatten)]
    set: SetArgs,
    /// Deploy those services at once: the same artifacts, with the new version
    #[arg(long)]
    deploy: bool,
    #[command(flatten)]
    wait: WaitArgs,
}

/// Let nobody be given a version any more: instances that start get the newest that is not revoked
#[derive(clap::Args)]
struct RevokeArgs {
    /// Which version, for instance DATABASE_URL@3
    #[arg(value_name = "NAME@VERSION", value_parser = versioned)]
    version: (String, u32),
    #[command(flatten)]
    place: PlaceArgs,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Remove a secret with all of its versions
#[derive(clap::Args)]
struct DeleteArgs {
    /// What it is called
    name: String,
    #[command(flatten)]
    place: PlaceArgs,
    /// Also when a release that serves needs it
    #[arg(long)]
    force: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Seal all secrets by another master key, while everything runs
///
/// By the first key that the server is given, when there is something that it did not seal; else by one that is made
/// and put before the others in the key's file.
#[derive(clap::Args)]
struct RekeyArgs {
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

fn versioned(text: &str) -> Result<(String, u32), String> {
    let parts = text.rsplit_once('@').and_then(|(name, version)| Some((name.to_owned(), version.parse().ok()?)));
    parts.ok_or_else(|| "write it like NAME@3: `shipway secret list` shows the versions".into())
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    match args.act {
        Act::Set(args) => {
            let (_, _, view) = set(context, args, false).await?;
            context.terminal.show(&view, |_| told_set(&view));
            Ok(Exit::Done)
        }
        Act::List => list(context).await,
        Act::Rotate(args) => rotate(context, args).await,
        Act::Revoke(args) => revoke(context, args).await,
        Act::Delete(args) => delete(context, args).await,
        Act::Rekey(args) => rekey(context, args).await,
    }
}

async fn set(context: &Context, args: SetArgs, rotate: bool) -> Result<(Remote, Scope, SecretView), CliError> {
    let value = args.value.read(&context.terminal)?;
    let (remote, scope) = scope::reach(context).await?;
    // A secret can be set before the first deployment, which would fail without it.
    scope.register(&remote).await?;
    let PlaceArgs { environment, service } = args.place;
    let body = SecretWrite {
        name: args.name,
        environment: environment.map(|name| name.as_str().into()),
        service: service.map(|name| name.as_str().into()),
        value,
        rotate,
        reason: args.reason,
    };
    let view: SecretView = remote.put(&scope.path("/secrets"), &body).await?;
    Ok((remote, scope, view))
}

fn told_set(view: &SecretView) -> Vec<String> {
    let version = view.newest.unwrap_or_default();
    let mut lines = vec![format!("{}@{version} is set", view.id)];
    let behind = behind(view);
    for (environment, services) in by_environment(&behind) {
        let services: Vec<_> = services.iter().map(|user| user.service.as_str()).collect();
        let services = services.join(" ");
        lines.push(format!("{services} in {environment} runs with an older version"));
        lines.push(format!("→ `shipway deploy {services} -e {environment}` brings the new one"));
    }
    lines
}

/// Live releases that name another version than a deployment would.
fn behind(view: &SecretView) -> Vec<&SecretUserView> {
    view.used_by.iter().filter(|user| user.live && Some(user.version) != view.newest).collect()
}

fn by_environment<'a>(users: &[&'a SecretUserView]) -> BTreeMap<&'a EnvironmentName, Vec<&'a SecretUserView>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    users.iter().for_each(|user| all.entry(&user.environment).or_default().push(*user));
    all
}

async fn rotate(context: &Context, args: RotateArgs) -> Outcome {
    let (remote, scope, view) = set(context, args.set, true).await?;
    let behind = behind(&view);
    if !args.deploy || behind.is_empty() {
        context.terminal.show(&view, |_| told_set(&view));
        return Ok(Exit::Done);
    }
    context.terminal.note(format!("{}@{} is set", view.id, view.newest.unwrap_or_default()));
    let mut worst = Exit::Done;
    for (environment, users) in by_environment(&behind) {
        let request = same_artifacts(&remote, &scope, environment, &users, &view).await?;
        let exit = request::deploy(context, &remote, &request, args.wait).await?;
        if exit != Exit::Done {
            worst = exit;
        }
    }
    Ok(worst)
}

/// A deployment of what is live, which is given the newest versions of its secrets.
async fn same_artifacts(
    remote: &Remote,
    scope: &Scope,
    environment: &EnvironmentName,
    users: &[&SecretUserView],
    view: &SecretView,
) -> Result<DeploymentRequest, CliError> {
    let query = [("environment", Some(environment.to_string()))];
    let releases: Vec<ReleaseView> = remote.get(&with_query(&scope.path("/releases"), &query)).await?;
    let live: Vec<_> = releases.iter().filter(|one| users.iter().any(|user| user.release == one.id)).collect();
    let artifacts = live.iter().map(|one| (one.slot.service.clone(), one.artifact.clone())).collect();
    let services: BTreeSet<_> = users.iter().map(|user| user.service.clone()).collect();
    Ok(DeploymentRequest {
        project: scope.project.clone(),
        environment: environment.to_string(),
        services: services.into_iter().collect(),
        source: Some(Source::Artifact(artifacts)),
        versions: live.iter().map(|one| (one.slot.service.clone(), one.version.clone())).collect(),
        reason: Some(format!("{}@{}", view.name, view.newest.unwrap_or_default())),
        ..DeploymentRequest::default()
    })
}

async fn list(context: &Context) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let secrets: Vec<SecretView> = remote.get(&scope.path("/secrets")).await?;
    context.terminal.show(&secrets, |paint| lines(paint, &secrets));
    Ok(Exit::Done)
}

fn lines(paint: Paint, secrets: &[SecretView]) -> Vec<String> {
    if secrets.is_empty() {
        return vec!["there are no secrets: `shipway secret set NAME` sets one".into()];
    }
    let mut table = Table::new(&["secret", "version", "fingerprint", "set", "by", "used by", "why"]);
    let now = words::now();
    for secret in secrets {
        for version in secret.versions.iter().rev() {
            let used = secret.used_by.iter().filter(|user| user.version == version.number);
            let used: BTreeSet<_> = used.map(|user| format!("{}/{}", user.environment, user.service)).collect();
            let used: Vec<_> = used.into_iter().collect();
            let number = match &version.revoked {
                Some(by) => (Hue::Warn, format!("@{} revoked by {}", version.number, by.by)),
                None => plain(format!("@{}", version.number)),
            };
            let print = version.fingerprint.clone();
            table.row(vec![
                plain(&secret.id),
                number,
                print.map_or((Hue::Bad, "can't be opened".into()), plain),
                plain(words::ago(version.at, now)),
                plain(&version.by),
                plain(if used.is_empty() { "-".into() } else { used.join(", ") }),
                plain(version.reason.as_deref().unwrap_or("-")),
            ]);
        }
    }
    table.lines(paint, 0)
}

async fn revoke(context: &Context, args: RevokeArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let ((name, version), PlaceArgs { environment, service }) = (args.version, args.place);
    let body = SecretRevocation {
        name,
        environment: environment.map(|name| name.as_str().into()),
        service: service.map(|name| name.as_str().into()),
        version,
        reason: args.reason,
    };
    let view: SecretView = remote.post(&scope.path("/secrets/revoke"), &body).await?;
    context.terminal.show(&view, |_| {
        let then = match view.newest {
            Some(newest) => format!("instances that start from now on are given @{newest}"),
            None => "no version is left: what needs it can't start until another is set".into(),
        };
        let mut lines = vec![format!("{}@{version} is revoked: {then}", view.id)];
        let runs = view.used_by.iter().any(|user| user.version == version);
        lines.extend(runs.then(|| "what runs keeps the old value until it is deployed or replaced".to_owned()));
        lines
    });
    Ok(Exit::Done)
}

async fn delete(context: &Context, args: DeleteArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let PlaceArgs { environment, service } = args.place;
    let body = SecretRemoval {
        name: args.name,
        environment: environment.map(|name| name.as_str().into()),
        service: service.map(|name| name.as_str().into()),
        force: args.force,
        reason: args.reason,
    };
    let view: SecretView = remote.post(&scope.path("/secrets/delete"), &body).await?;
    context.terminal.show(&view, |_| vec![format!("{} is deleted", view.id)]);
    Ok(Exit::Done)
}

async fn rekey(context: &Context, args: RekeyArgs) -> Outcome {
    let body = RekeyRequest { reason: args.reason };
    let view: RekeyView = context.remote()?.post("/api/master-key/rekey", &body).await?;
    context.terminal.show(&view, |_| {
        let made = if view.made { ", which was made" } else { "" };
        let count = words::count(view.secrets as u64, "secret");
        let mut lines = vec![format!("{count} sealed by the master key {} of {}{made}", view.master_key, view.source)];
        if !view.old.is_empty() {
            lines.push(format!("older keys ({}) are needed only for backups from before", view.old.join(", ")));
        }
        lines
    });
    Ok(Exit::Done)
}
