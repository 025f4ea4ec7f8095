//! `shipway advance`.

use super::{
    Outcome,
    acts::{self, ActArgs},
    context::Context,
};

/// End the canary step that a deployment stands at
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    act: ActArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let words = |name: &str| format!("{name} goes on to its next step: `shipway status` shows it");
    acts::act_and_say(context, args.act, "advance", |view| words(&view.name)).await
}
