//! `shipway skip`: leaves a failed step out of the way back of a stuck deployment.

use shipway_api::SkipRequest;

use super::{
    Outcome,
    context::Context,
    unstick::{self, UnstickArgs},
};

/// Leave a failed step out of the way back of a stuck deployment, and try the rest again
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    unstick: UnstickArgs,
    /// The step's number in the way back, as `shipway status` shows it
    step: usize,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = unstick::reason)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let body = SkipRequest { step: args.step, reason: args.reason };
    unstick::go_on(context, &args.unstick, "skip", &body).await
}
