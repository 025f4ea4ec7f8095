//! `shipway history`: the deployments of a project, newest first.

use shipway_api::{DeploymentPage, DeploymentView};
use shipway_core::{phase::Phase, time::Timestamp};

use super::{
    Exit, Outcome,
    context::Context,
    remote::with_query,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// List the deployments, newest first
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArg,
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
    let (remote, scope) = scope::reach(context).await?;
    let query = [("environment", args.environment.environment), ("limit", Some(args.limit.to_string()))];
    let page: DeploymentPage = remote.get(&with_query(&scope.path("/deployments"), &query)).await?;
    context.terminal.show(&page, |paint| lines(paint, &page.items, &scope.project));
    Ok(Exit::Done)
}

fn lines(paint: Paint, views: &[DeploymentView], project: &str) -> Vec<String> {
    if views.is_empty() {
        return vec![format!("{project} has no deployment yet: `shipway deploy -e ENVIRONMENT`")];
    }
    let mut table =
        Table::new(&["name", "id", "kind", "status", "phase", "version", "by", "when", "took", "failed requests"]);
    let now = words::now();
    views.iter().for_each(|view| table.row(row(view, now)));
    table.lines(paint, 0)
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
