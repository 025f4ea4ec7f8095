//! `shipway history`: the deployments of a project, newest first. Not here: archives of them (`history_archive`).

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use shipway_api::{DeploymentPage, DeploymentView};
use shipway_core::{
    deployment::Cause,
    history::{Entry, Question},
    id::{EnvironmentName, ServiceName},
    phase::Phase,
    time::{Span, Timestamp},
};

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    history_archive,
    remote::with_query,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// List the deployments, newest first
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    act: Option<Act>,
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
    #[command(flatten)]
    filter: FilterArgs,
    /// Those of an archive, in place of the server's: a file of `history archive`, or a folder of the server's own
    #[arg(long, value_name = "PATH")]
    archive: Option<PathBuf>,
    /// Show all that the archive knows of this one, by its id or name
    #[arg(long, value_name = "DEPLOYMENT", requires = "archive")]
    show: Option<String>,
}

#[derive(clap::Subcommand)]
enum Act {
    Archive(history_archive::Args),
}

/// Which deployments are listed.
#[derive(Clone, clap::Args)]
struct FilterArgs {
    /// Only with this status: pending, building, deploying, success, failed, cancelled, rolled_back
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only of this kind: deploy, rollback, scale, decommission, restore-data
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only with this service
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// Only asked for by this one
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only failed by this cause: release, machinery, person
    #[arg(long, value_name = "CAUSE")]
    cause: Option<String>,
    /// Only since then: a length of time such as `7d` before now, or a time such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only before then, written likewise
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

/// A time as a person says it: how long ago, or when.
#[derive(Clone, Copy, Debug)]
pub struct Moment(Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(span) = text.parse::<Span>() {
            let span_ms = i64::try_from(span.ms).unwrap_or(i64::MAX);
            return Ok(Self(Timestamp(words::now().0.saturating_sub(span_ms).max(0))));
        }
        let at = serde_json::from_value(serde_json::Value::from(text));
        at.map(Self).map_err(|_| "write it like `7d`, `12h` or `2026-01-31T00:00:00Z`".to_owned())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FilterArgs {
    /// The same filters for what no server finds.
    fn question(&self, environment: Option<&str>) -> Result<Question, CliError> {
        let cause = self.cause.as_deref().map(|name| {
            Cause::named(name).ok_or_else(|| CliError::Usage {
                message: format!("`{name}` is no cause"),
                hint: "it is release, machinery or person".into(),
            })
        });
        Ok(Question {
            environment: environment.map(EnvironmentName::new),
            status: self.status.clone(),
            kind: self.kind.clone(),
            service: self.service.as_deref().map(ServiceName::new),
            actor: self.actor.clone(),
            cause: cause.transpose()?,
            since: self.since.map(|moment| moment.0),
            until: self.until.map(|moment| moment.0),
            ..Question::of("".into(), 0)
        })
    }

    fn query(
        self,
        environment: Option<String>,
        limit: u32,
        before: Option<String>,
    ) -> Vec<(&'static str, Option<String>)> {
        let time = |moment: Option<Moment>| moment.map(|moment| moment.to_string());
        vec![
            ("environment", environment),
            ("status", self.status),
            ("kind", self.kind),
            ("service", self.service),
            ("actor", self.actor),
            ("cause", self.cause),
            ("since", time(self.since)),
            ("until", time(self.until)),
            ("limit", Some(limit.to_string())),
            ("before", before),
        ]
    }
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    if let Some(Act::Archive(args)) = args.act {
        return history_archive::run(context, args).await;
    }
    if let Some(path) = &args.archive {
        return of_archive(context, &args, path);
    }
    let (remote, scope) = scope::reach(context).await?;
    let mut page = DeploymentPage { items: Vec::new(), next: None };
    loop {
        let wanted = args.limit - u32::try_from(page.items.len()).unwrap_or(args.limit).min(args.limit);
        let query = args.filter.clone().query(args.environment.environment.clone(), wanted, page.next.take());
        let more: DeploymentPage = remote.get(&with_query(&scope.path("/deployments"), &query)).await?;
        page.items.extend(more.items);
        page.next = more.next;
        // A page may be short because most of what it looked at did not fit.
        if page.items.len() >= args.limit as usize || page.next.is_none() {
            break;
        }
    }
    context.terminal.show(&page, |paint| lines(paint, &page.items, &scope.project));
    Ok(Exit::Done)
}

/// What an archive holds, or one deployment of it.
fn of_archive(context: &Context, args: &Args, path: &Path) -> Outcome {
    if let Some(wanted) = &args.show {
        return history_archive::show(context, path, wanted);
    }
    let question = args.filter.question(args.environment.environment.as_deref())?;
    let project = context.project.clone();
    // An archive may hold several projects: without a name all of them fit.
    let fits = |entry: &Entry| {
        let meant = project.as_deref().unwrap_or(entry.project.as_str());
        Question { project: meant.into(), ..question.clone() }.fits(entry)
    };
    history_archive::list(context, path, args.limit as usize, fits)
}

/// Deployments as a table.
pub fn lines(paint: Paint, views: &[DeploymentView], project: &str) -> Vec<String> {
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
