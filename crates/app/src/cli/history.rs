//! `shipway history`: the deployments of a project, newest first.

use shipway_api::{DeploymentPage, DeploymentView};
use shipway_core::{phase::Phase, time::Timestamp};

use super::{
    Exit, Outcome,
    context::Context,
    remote::with_query,
    scope::{EnvironmentArg, Scope},
    table::{Table, plain},
    terminal::Hue,
    words,
};

/// List the deployments, newest first
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArg,
    /// How many, 1 to 200
    /// How many, 1 to 200
    #[arg(
        short = 'n',
        long,
        value_name = "COUNT",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=200)
    )]
    limit: u32,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let scope = Scope::find(context, &remote).await?;
    let query = [("environment", args.environment.environment), ("limit", Some(args.limit.to_string()))];
    let page: DeploymentPage = remote.get(&with_query(&scope.path("/deployments"), &query)).await?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.json(&page);
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["name", "id", "kind", "status", "phase", "version", "by", "when", "took", "failed requests"]);
    let now = words::now();
    for view in &page.items {
        table.row(row(view, now));
    }
    for line in table.lines(terminal.paint, 0) {
        terminal.say(line);
    }
    if page.items.is_empty() {
        terminal.say(format!("{} has no deployment yet: `shipway deploy -e ENVIRONMENT`", scope.project));
    }
    Ok(Exit::Done)
}

fn row(view: &DeploymentView, now: Timestamp) -> Vec<(Hue, String)> {
    let failed = view.metrics.failed_by_switch;
    let quarantined = if view.quarantined { " (quarantined)" } else { "" };
    vec![
        (Hue::Bold, view.name.clone()),
        (Hue::Faint, view.id.as_str().to_owned()),
        plain(view.kind.name()),
        (hue(view.phase), format!("{}{quarantined}", view.status)),
        plain(view.phase.name()),
        plain(view.version.as_deref().unwrap_or("-")),
        plain(&view.initiated_by),
        plain(words::ago(view.created_at, now)),
        plain(view.duration_ms.map_or_else(|| "-".to_owned(), words::span)),
        (if failed > 0 { Hue::Bad } else { Hue::Plain }, failed.to_string()),
    ]
}

/// How a phase is coloured.
pub fn hue(phase: Phase) -> Hue {
    match phase {
        Phase::Completed => Hue::Good,
        Phase::Failed | Phase::Stuck => Hue::Bad,
        Phase::RolledBack | Phase::Cancelled | Phase::RollingBack => Hue::Warn,
        _ => Hue::Busy,
    }
}
