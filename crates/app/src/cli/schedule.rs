//! `shipway schedule`: deployments that are asked for again and again.

use shipway_api::{ScheduleRequest, ScheduleView};
use shipway_core::schedule::Missed;

use super::{
    Exit, Outcome,
    context::Context,
    deploy::{self, WhatArgs},
    errors::CliError,
    remote::escaped,
    scope,
    table::{Table, plain},
    terminal::{Hue, Paint},
};

/// Show the schedules: deployments that are asked for again and again
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(clap::Subcommand)]
enum Act {
    List(ListArgs),
    Create(Box<CreateArgs>),
    Pause(PauseArgs),
    Resume(ResumeArgs),
    Delete(DeleteArgs),
}

/// Show the schedules
#[derive(clap::Args)]
struct ListArgs {}

/// Declare a schedule; what is deployed is said as for `shipway deploy`
#[derive(clap::Args)]
struct CreateArgs {
    /// Its name
    #[arg(long, value_name = "NAME")]
    name: String,
    /// In words: `weekday 09:00 Europe/Berlin`, `day`, `monday and friday 14:30`
    #[arg(long, value_name = "WORDS", required_unless_present = "cron", conflicts_with = "cron")]
    every: Option<String>,
    /// As cron has it: `0 9 * * 1-5`
    #[arg(long, value_name = "FIELDS")]
    cron: Option<String>,
    /// The time zone, where the words don't name it; UTC when nothing does
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// What becomes of a run that was missed by more than a minute
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = MissedArg::Skip)]
    missed: MissedArg,
    #[command(flatten)]
    what: WhatArgs,
}

/// Have a schedule ask for nothing for now
#[derive(clap::Args)]
struct PauseArgs {
    /// Its name
    name: String,
}

/// Have a schedule ask again
#[derive(clap::Args)]
struct ResumeArgs {
    /// Its name
    name: String,
}

/// Take a schedule away; what it asked for goes on
#[derive(clap::Args)]
struct DeleteArgs {
    /// Its name
    name: String,
}

/// What becomes of a run that was missed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum MissedArg {
    /// It is left out
    Skip,
    /// It is made up for, once
    Run,
}

impl From<MissedArg> for Missed {
    fn from(missed: MissedArg) -> Self {
        match missed {
            MissedArg::Skip => Self::Skip,
            MissedArg::Run => Self::Run,
        }
    }
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    match args.act {
        None | Some(Act::List(_)) => list(context).await,
        Some(Act::Create(args)) => create(context, *args).await,
        Some(Act::Pause(args)) => act(context, &args.name, "pause").await,
        Some(Act::Resume(args)) => act(context, &args.name, "resume").await,
        Some(Act::Delete(args)) => act(context, &args.name, "delete").await,
    }
}

async fn list(context: &Context) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let all: Vec<ScheduleView> = remote.get(&scope.path("/schedules")).await?;
    context.terminal.show(&all, |paint| lines(paint, &all));
    Ok(Exit::Done)
}

async fn create(context: &Context, args: CreateArgs) -> Outcome {
    let remote = context.remote()?;
    let deployment = deploy::prepare(context, &remote, args.what).await?;
    let every = args.every.or(args.cron).ok_or_else(|| CliError::usage("it isn't said when", "add `--every WORDS`"))?;
    let path = format!("/api/projects/{}/schedules", escaped(&deployment.project));
    let (name, zone, missed) = (args.name, args.zone, args.missed.into());
    let view: ScheduleView = remote.post(&path, &ScheduleRequest { name, every, zone, missed, deployment }).await?;
    context.terminal.show(&view, |_| vec![words(&view)]);
    Ok(Exit::Done)
}

async fn act(context: &Context, name: &str, verb: &str) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let path = scope.path(&format!("/schedules/{}/{verb}", escaped(name)));
    let view: ScheduleView = remote.post(&path, &serde_json::json!({})).await?;
    let said = match verb {
        "delete" => format!("{} is gone; what it asked for goes on", view.name),
        _ => words(&view),
    };
    context.terminal.show(&view, |_| vec![said]);
    Ok(Exit::Done)
}

fn words(view: &ScheduleView) -> String {
    format!("{}: {} ({}), next {}", view.name, view.every, view.zone, next(view))
}

fn next(view: &ScheduleView) -> String {
    match (view.paused, view.next_at) {
        (true, _) => "when it is resumed".to_owned(),
        (false, Some(at)) => at.to_string(),
        (false, None) => "never".to_owned(),
    }
}

fn lines(paint: Paint, all: &[ScheduleView]) -> Vec<String> {
    if all.is_empty() {
        return vec!["there is no schedule: `shipway schedule create` declares one".into()];
    }
    let mut table = Table::new(&["name", "environment", "every", "zone", "next", "last", "by"]);
    for view in all {
        let last = view.last.as_ref().map(|run| match (&run.deployment, &run.why) {
            (Some(id), _) => format!("{} {id}", run.due),
            (None, why) => format!("{} {}", run.due, why.as_deref().unwrap_or_default()),
        });
        let next = (if view.paused { Hue::Warn } else { Hue::Good }, next(view));
        let (every, zone) = (plain(&view.every), plain(&view.zone));
        let (environment, last) = (plain(view.environment.as_str()), plain(last.unwrap_or_else(|| "-".to_owned())));
        table.row(vec![(Hue::Bold, view.name.clone()), environment, every, zone, next, last, plain(&view.by)]);
    }
    table.lines(paint, 0)
}
