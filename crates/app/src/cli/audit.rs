//! `shipway audit`: who asked for what, and what became of it.

use shipway_api::AuditPage;
use shipway_core::audit::{AuditEntry, AuditOutcome};

use super::{
    Exit, Outcome,
    context::Context,
    remote::with_query,
    scope::Scope,
    table::{Table, plain},
    terminal::{Hue, Paint},
};

/// Show who asked for what, newest first: every command, allowed, denied or refused
#[derive(clap::Args)]
pub struct Args {
    /// Only of this environment of the project
    #[arg(short, long, value_name = "NAME")]
    environment: Option<String>,
    /// Only of whoever has this name
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only since then: an instant (2026-01-31T09:00:00Z), or how long ago (2h, 7d)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
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
    // Without an environment it is the record of the whole server.
    let project = match &args.environment {
        Some(_) => Some(Scope::find(context, &remote).await?.project),
        None => None,
    };
    let query = [
        ("project", project),
        ("environment", args.environment),
        ("actor", args.actor),
        ("since", args.since),
        ("limit", Some(args.limit.to_string())),
    ];
    let page: AuditPage = remote.get(&with_query("/api/audit", &query)).await?;
    context.terminal.show(&page, |paint| lines(paint, &page.items));
    Ok(Exit::Done)
}

fn lines(paint: Paint, entries: &[AuditEntry]) -> Vec<String> {
    if entries.is_empty() {
        return vec!["nobody asked for anything".into()];
    }
    let mut table = Table::new(&["when", "who", "role", "command", "where", "what", "outcome", "why"]);
    entries.iter().for_each(|entry| table.row(row(entry)));
    table.lines(paint, 0)
}

fn row(entry: &AuditEntry) -> Vec<(Hue, String)> {
    let place = [entry.project.as_ref().map(ToString::to_string), entry.environment.as_ref().map(ToString::to_string)];
    let place = place.into_iter().flatten().collect::<Vec<_>>().join("/");
    let what = [entry.subject.clone(), entry.deployment.as_ref().map(ToString::to_string)];
    let why = [entry.refusal.clone(), entry.reason.clone()];
    let hue = match entry.outcome {
        AuditOutcome::Allowed => Hue::Good,
        AuditOutcome::Denied => Hue::Bad,
        AuditOutcome::Refused => Hue::Warn,
    };
    vec![
        (Hue::Faint, entry.at.to_string()),
        (Hue::Bold, entry.actor.clone()),
        plain(entry.role.map_or("-", |role| role.name())),
        plain(&entry.command),
        plain(if place.is_empty() { "-".to_owned() } else { place }),
        plain(what.into_iter().flatten().collect::<Vec<_>>().join(" ")),
        (hue, entry.outcome.name().to_owned()),
        plain(why.into_iter().flatten().collect::<Vec<_>>().join("; ")),
    ]
}
