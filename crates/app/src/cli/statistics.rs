//! `shipway statistics`: how deployments went, by DORA's measures.

use shipway_api::{Measures, SpanView, StatisticsView};

use super::{
    Exit, Outcome,
    context::Context,
    history::Moment,
    remote::with_query,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Show how deployments went: how many, how often they failed, how long they took
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArg,
    /// From which day on: a length of time such as `30d` before now, or a time such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: Moment,
    /// Until which day; now when absent
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let query = [
        ("environment", args.environment.environment),
        ("since", Some(args.since.to_string())),
        ("until", args.until.map(|until| until.to_string())),
    ];
    let view: StatisticsView = remote.get(&with_query(&scope.path("/statistics"), &query)).await?;
    context.terminal.show(&view, |paint| lines(paint, &view));
    Ok(Exit::Done)
}

fn lines(paint: Paint, view: &StatisticsView) -> Vec<String> {
    if view.environments.is_empty() {
        return vec![format!("no deployment of {} ended from {} to {}", view.project_id, view.since, view.until)];
    }
    let mut table = Table::new(&[
        "environment",
        "deployments",
        "succeeded",
        "changes a day",
        "lead time",
        "change failure rate",
        "time to restore",
        "failed by cause",
    ]);
    for (name, measures) in &view.environments {
        table.row(row(name.as_str(), measures));
    }
    if view.environments.len() > 1 {
        table.row(row("all", &view.total));
    }
    let mut lines = table.lines(paint, 0);
    lines.push(format!("from {} to {}, by the day on which they ended (UTC)", view.since, view.until));
    lines
}

fn row(name: &str, measures: &Measures) -> Vec<(Hue, String)> {
    let causes = measures.failed_by_cause.iter().map(|(cause, count)| format!("{cause} {count}"));
    let causes = causes.collect::<Vec<_>>().join(", ");
    vec![
        (Hue::Bold, name.to_owned()),
        plain(measures.deployments.to_string()),
        plain(percent(measures.success_rate)),
        plain(format!("{:.1}", measures.deployment_frequency_per_day)),
        plain(span(&measures.lead_time)),
        plain(percent(measures.change_failure_rate)),
        plain(span(&measures.time_to_restore)),
        plain(if causes.is_empty() { "-".to_owned() } else { causes }),
    ]
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// The median, as DORA asks for it.
fn span(view: &SpanView) -> String {
    view.median_ms.map_or_else(|| "-".to_owned(), words::span)
}
