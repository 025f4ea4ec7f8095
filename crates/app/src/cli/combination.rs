//! `shipway combination`: what environments serve together, and giving it a name to promote it later.

use shipway_api::{CombinationRequest, CombinationsView, StandingView};
use shipway_core::{
    promotion::{Combination, Onward},
    time::Timestamp,
};

use super::{
    Exit, Outcome,
    context::Context,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// What environments serve together, proven, and since when
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    List(ListArgs),
    Name(NameArgs),
}

/// List what each environment serves together now, and what has a name
#[derive(clap::Args)]
struct ListArgs {}

/// Name what an environment serves together now: `shipway promote --combination NAME` brings it on later
#[derive(clap::Args)]
struct NameArgs {
    /// The name
    name: String,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    match args.act {
        Act::List(ListArgs {}) => list(context).await,
        Act::Name(args) => name(context, args).await,
    }
}

async fn list(context: &Context) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let view: CombinationsView = remote.get(&scope.path("/combinations")).await?;
    context.terminal.show(&view, |paint| lines(paint, &view));
    Ok(Exit::Done)
}

async fn name(context: &Context, args: NameArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let body = CombinationRequest { name: args.name };
    let named: Combination = remote.post(&scope.environment_path(&environment, "/combinations"), &body).await?;
    let told = format!("{} is what {environment} serves: {}", body.name, members(&named));
    context.terminal.show(&named, |_| vec![told]);
    Ok(Exit::Done)
}

fn lines(paint: Paint, view: &CombinationsView) -> Vec<String> {
    let now = words::now();
    let mut table = Table::new(&["environment", "name", "served together", "for", "what"]);
    for standing in &view.environments {
        let environment = plain(standing.environment.as_str());
        match (&standing.combination, &standing.missing) {
            (Some(found), _) => table.row(row(found, now)),
            (None, Some(missing)) => {
                table.row(vec![
                    environment,
                    plain("-"),
                    (Hue::Faint, "no".into()),
                    plain("-"),
                    plain(&missing.message),
                ]);
            }
            (None, None) => {}
        }
    }
    view.named.iter().for_each(|named| table.row(row(named, now)));
    let onward = view.environments.iter().filter_map(|standing| going_on(standing, now));
    table.lines(paint, 0).into_iter().chain(onward).collect()
}

/// Where what an environment serves goes by itself, or why it doesn't.
fn going_on(standing: &StandingView, now: Timestamp) -> Option<String> {
    let Onward { to, soaked_at, withheld } = standing.onward.as_ref()?;
    let from = &standing.environment;
    Some(match withheld {
        Some(obstacle) => format!("{from} does not go on to {to} by itself: {}", obstacle.message),
        None if *soaked_at > now => format!("{from} goes on to {to} by itself, once it has soaked: {soaked_at}"),
        None => format!("{from} goes on to {to} by itself now"),
    })
}

fn row(one: &Combination, now: Timestamp) -> Vec<(Hue, String)> {
    let is_now = if one.until.is_some() { "until a while ago" } else { "now" };
    vec![
        plain(one.environment.as_str()),
        plain(one.name.as_deref().unwrap_or("-")),
        plain(is_now),
        plain(words::span(one.until.unwrap_or(now).since_ms(one.since))),
        plain(members(one)),
    ]
}

fn members(one: &Combination) -> String {
    let member = |(service, member): (&shipway_core::id::ServiceName, &shipway_core::promotion::Member)| {
        format!("{service} {}", member.version)
    };
    one.members.iter().map(member).collect::<Vec<_>>().join(", ")
}
