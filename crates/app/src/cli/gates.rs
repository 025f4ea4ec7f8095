//! `shipway gates`: what would hold a deployment now, until when, and who can open it.

use shipway_api::GatesView;
use shipway_core::gate::Held;

use super::{
    Exit, Outcome,
    context::Context,
    remote::escaped,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
};

/// Show what would hold a deployment now, until when, and who can open it
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let path = scope.path(&format!("/environments/{}/gates", escaped(&environment)));
    let gates: GatesView = remote.get(&path).await?;
    context.terminal.show(&gates, |paint| lines(paint, &gates));
    Ok(Exit::Done)
}

fn lines(paint: Paint, gates: &GatesView) -> Vec<String> {
    let mut lines = held(paint, &gates.held);
    if gates.held.is_empty() {
        lines.push(format!("nothing would hold a deployment to {}", gates.environment));
    }
    lines.extend(gates.closes_at.map(|at| format!("from {at} on, a gate holds that is open now")));
    lines
}

/// Gates that hold something, as a table.
pub fn held(paint: Paint, held: &[Held]) -> Vec<String> {
    if held.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new(&["gate", "why", "until", "who can open it"]);
    for one in held {
        let until = one.until.map_or_else(|| "-".to_owned(), |until| until.to_string());
        table.row(vec![(Hue::Warn, one.gate.name().into()), plain(&one.why), plain(until), plain(&one.who)]);
    }
    table.lines(paint, 0)
}
