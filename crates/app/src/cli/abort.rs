//! `shipway abort`: ends a canary and undoes it.

use super::{Outcome, cancel, context::Context};

/// End a canary, and put all traffic back to the old release
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    end: cancel::EndArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    cancel::end(context, args.end, "abort").await
}
