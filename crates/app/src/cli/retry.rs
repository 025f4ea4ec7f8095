//! `shipway retry`: tries the way back of a stuck deployment again.

use serde_json::json;

use super::{
    Outcome,
    context::Context,
    unstick::{self, UnstickArgs},
};

/// Try the way back of a stuck deployment again, once what failed is mended
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    unstick: UnstickArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    unstick::go_on(context, &args.unstick, "retry", &json!({})).await
}
