//! `shipway resume`.

use super::{
    Outcome,
    acts::{self, ActArgs},
    context::Context,
};

/// Let a paused deployment go on
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    act: ActArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let words = |name: &str| format!("{name} goes on: `shipway status` shows it");
    acts::act_and_say(context, args.act, "resume", |view| words(&view.name)).await
}
