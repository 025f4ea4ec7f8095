//! `shipway snapshot`: copies of data folders, and putting one back.

use std::collections::BTreeMap;

use shipway_api::{DeploymentRequest, SnapshotView};
use shipway_core::{deployment::Kind, id::ServiceName};

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    remote::Remote,
    request::{self, WaitArgs},
    scope::{self, EnvironmentArg, Scope},
    table::{Table, plain},
    terminal::Paint,
    words,
};

/// Copies of data folders that were taken before a migration, or before another copy was put back
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

/// Put a copy back in the place of a service's data folders, which are copied first; its instances stop meanwhile
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
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let copies = copies(&remote, &scope, &environment, args.service.as_deref()).await?;
    context.terminal.show(&copies, |paint| lines(paint, &copies, &environment));
    Ok(Exit::Done)
}

fn lines(paint: Paint, copies: &[SnapshotView], environment: &str) -> Vec<String> {
    if copies.is_empty() {
        return vec![format!("{environment} has no copies of data: `migrate.snapshot = true` in the spec takes them")];
    }
    let mut table = Table::new(&["service", "name", "size", "taken"]);
    let now = words::now();
    for copy in copies {
        let (size, taken) = (words::size(copy.bytes), words::ago(copy.at, now));
        table.row(vec![plain(copy.service.as_str()), plain(&copy.name), plain(size), plain(taken)]);
    }
    table.lines(paint, 0)
}

async fn copies(
    remote: &Remote,
    scope: &Scope,
    environment: &str,
    service: Option<&str>,
) -> Result<Vec<SnapshotView>, CliError> {
    let mut copies: Vec<SnapshotView> = remote.get(&scope.environment_path(environment, "/snapshots")).await?;
    copies.retain(|copy| service.is_none_or(|service| copy.service.as_str() == service));
    Ok(copies)
}

async fn restore(context: &Context, args: RestoreArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let name = match args.name {
        Some(name) => name,
        None => newest(&remote, &scope, &environment, &args.service).await?,
    };
    if !args.yes {
        context.agreed(&question(&args.service, &name, &environment))?;
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

fn question(service: &str, name: &str, environment: &str) -> String {
    format!(
        "{service} stops in {environment}, and its data goes back to {name}; a copy of what it holds now is kept. Go on?"
    )
}
