//! `shipway snapshot`: copies of data folders, and putting one back.

use std::collections::BTreeMap;

use shipway_api::{DeploymentRequest, SnapshotView};
use shipway_core::{deployment::Kind, id::ServiceName};

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    remote::{Remote, escaped},
    request::{self, WaitArgs},
    scope::{EnvironmentArg, Scope},
    table::{Table, plain},
    terminal::Terminal,
    words,
};

/// Copies of data folders that were taken before a migration
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    List(ListArgs),
    Restore(RestoreArgs),
}

/// List the copies, the newest first
#[derive(clap::Args)]
struct ListArgs {
    /// Only of this service
    service: Option<String>,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Put a copy back in the place of a service's data folders; its instances stop meanwhile
#[derive(clap::Args)]
struct RestoreArgs {
    /// The service
    service: String,
    /// The copy, as `shipway snapshot list` shows it; the newest when absent
    name: Option<String>,
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
    match args.act {
        Act::List(args) => list(context, args).await,
        Act::Restore(args) => restore(context, args).await,
    }
}

async fn list(context: &Context, args: ListArgs) -> Outcome {
    let remote = context.remote()?;
    let scope = Scope::find(context, &remote).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let copies = copies(&remote, &scope, &environment, args.service.as_deref()).await?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.json(&copies);
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["service", "name", "size", "taken"]);
    let now = words::now();
    for copy in &copies {
        let (size, taken) = (words::size(copy.bytes), words::ago(copy.at, now));
        table.row(vec![plain(copy.service.as_str()), plain(&copy.name), plain(size), plain(taken)]);
    }
    for line in table.lines(terminal.paint, 0) {
        terminal.say(line);
    }
    if copies.is_empty() {
        terminal.say(format!("{environment} has no copies of data: `migrate.snapshot = true` in the spec takes them"));
    }
    Ok(Exit::Done)
}

async fn copies(
    remote: &Remote,
    scope: &Scope,
    environment: &str,
    service: Option<&str>,
) -> Result<Vec<SnapshotView>, CliError> {
    let path = scope.path(&format!("/environments/{}/snapshots", escaped(environment)));
    let mut copies: Vec<SnapshotView> = remote.get(&path).await?;
    copies.retain(|copy| service.is_none_or(|service| copy.service.as_str() == service));
    Ok(copies)
}

async fn restore(context: &Context, args: RestoreArgs) -> Outcome {
    let remote = context.remote()?;
    let scope = Scope::find(context, &remote).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let name = match args.name {
        Some(name) => name,
        None => newest(&remote, &scope, &environment, &args.service).await?,
    };
    if !args.yes {
        ask(context, &args.service, &name, &environment)?;
    }
    let snapshots = BTreeMap::from([(ServiceName::new(args.service), name)]);
    let request = DeploymentRequest {
        project: scope.project,
        environment,
        kind: Some(Kind::RestoreData { snapshots }),
        reason: args.reason,
        ..DeploymentRequest::default()
    };
    request::deploy(context, &remote, &request, args.wait).await
}

async fn newest(remote: &Remote, scope: &Scope, environment: &str, service: &str) -> Result<String, CliError> {
    let newest = copies(remote, scope, environment, Some(service)).await?.into_iter().max_by_key(|copy| copy.at);
    newest.map(|copy| copy.name).ok_or_else(|| {
        let message = format!("{service} has no copies of its data in {environment}");
        CliError::failed(message, "`shipway snapshot list` shows those of all services")
    })
}

fn ask(context: &Context, service: &str, name: &str, environment: &str) -> Result<(), CliError> {
    if !Terminal::can_ask() {
        return Err(CliError::usage("nobody can be asked whether that is meant", "say --yes"));
    }
    let question = format!("{service} stops in {environment}, and what it wrote since {name} is lost. Go on?");
    match context.terminal.agrees(&question) {
        true => Ok(()),
        false => Err(CliError::Failed("nothing was changed".into())),
    }
}
