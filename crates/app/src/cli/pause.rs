//! `shipway pause`.

use super::{
    Outcome,
    acts::{self, ActArgs},
    context::Context,
};

/// Keep a running deployment from going on
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    act: ActArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let words = |name: &str| format!("{name} is paused before its next step: `shipway resume {name}` lets it go on");
    acts::act_and_say(context, args.act, "pause", |view| words(&view.name)).await
}
