//! `shipway breakers`: what is left alone because it failed too often, and letting it pass again.

use shipway_api::{BreakerGuards, BreakerReset, BreakerState, BreakerView};
use shipway_core::time::Timestamp;

use super::{
    Exit, Outcome,
    context::Context,
    table::{Table, plain},
    terminal::{Hue, Paint},
    unstick, words,
};

/// Show the circuit breakers: targets that fail, and environments with too many automatic rollbacks
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(clap::Subcommand)]
enum Act {
    Reset(ResetArgs),
}

/// Let a target, or an environment's deployments, pass again at once
#[derive(clap::Args)]
struct ResetArgs {
    /// The breaker's name, as `shipway breakers` shows it
    name: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = unstick::reason)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    match args.act {
        None => list(context).await,
        Some(Act::Reset(args)) => reset(context, args).await,
    }
}

async fn list(context: &Context) -> Outcome {
    let breakers: Vec<BreakerView> = context.remote()?.get("/api/breakers").await?;
    context.terminal.show(&breakers, |paint| lines(paint, &breakers));
    Ok(Exit::Done)
}

fn lines(paint: Paint, breakers: &[BreakerView]) -> Vec<String> {
    let mut table = Table::new(&["name", "guards", "state", "counted", "why"]);
    let now = words::now();
    breakers.iter().for_each(|breaker| table.row(row(breaker, now)));
    let open = breakers.iter().filter(|breaker| breaker.state == BreakerState::Open);
    let reset = open.map(|open| format!("→ `shipway breakers reset {} --reason WHY` lets it pass at once", open.name));
    table.lines(paint, 0).into_iter().chain(reset).collect()
}

async fn reset(context: &Context, args: ResetArgs) -> Outcome {
    let body = BreakerReset { name: args.name, reason: args.reason };
    let breaker: BreakerView = context.remote()?.post("/api/breakers/reset", &body).await?;
    context.terminal.show(&breaker, |_| vec![format!("{} is closed: it lets pass again", breaker.name)]);
    Ok(Exit::Done)
}

fn row(breaker: &BreakerView, now: Timestamp) -> Vec<(Hue, String)> {
    let (guards, counted) = match breaker.guards {
        BreakerGuards::Target => (
            "target",
            format!("{} in a row; {} open it", words::count(breaker.count.into(), "failure"), breaker.count_max),
        ),
        BreakerGuards::Environment => {
            let within = breaker.within_ms.map(|ms| format!(" in {}", words::span(ms))).unwrap_or_default();
            ("environment", format!("{} of {} rollbacks{within}", breaker.count, breaker.count_max))
        }
    };
    let state = match breaker.state {
        BreakerState::Closed => (Hue::Good, "closed"),
        BreakerState::Open => (Hue::Bad, "open"),
        BreakerState::HalfOpen => (Hue::Warn, "half open"),
    };
    vec![plain(&breaker.name), plain(guards), (state.0, state.1.to_owned()), plain(counted), plain(why(breaker, now))]
}

fn why(breaker: &BreakerView, now: Timestamp) -> String {
    let until = breaker.until.filter(|until| *until > now);
    let until = until.map(|until| format!("nothing is begun for {}", words::span(until.since_ms(now))));
    let since = breaker.since.map(|since| format!("only rollbacks are taken, since {}", words::ago(since, now)));
    let by = breaker.by.as_ref().map(|by| format!("the last straw was {by}"));
    let facts: Vec<_> = [until, since, breaker.last.clone(), by].into_iter().flatten().collect();
    if facts.is_empty() { "-".into() } else { facts.join("; ") }
}
