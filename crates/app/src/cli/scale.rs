//! `shipway scale`: other counts of instances.

use std::collections::BTreeMap;

use shipway_api::DeploymentRequest;
use shipway_core::{deployment::Kind, id::ServiceName};

use super::{
    Outcome,
    context::Context,
    deploy::pair,
    request::{self, WaitArgs},
    scope::{self, EnvironmentArg},
};

/// Change how many instances run
#[derive(clap::Args)]
pub struct Args {
    /// The counts, like catalog=3
    #[arg(required = true, value_name = "SERVICE=COUNT", value_parser = count)]
    counts: Vec<(String, u32)>,
    #[command(flatten)]
    environment: EnvironmentArg,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
}

fn count(text: &str) -> Result<(String, u32), String> {
    let fault = |_| "write it like SERVICE=COUNT: catalog=3".to_owned();
    let (service, count) = pair(text).map_err(|_| fault(()))?;
    Ok((service, count.parse().map_err(|_| fault(()))?))
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let counts = args.counts.into_iter().map(|(service, count)| (ServiceName::new(service), count));
    let instances: BTreeMap<ServiceName, u32> = counts.collect();
    let request = DeploymentRequest {
        project: scope.project,
        environment,
        kind: Some(Kind::Scale { instances }),
        reason: args.reason,
        ..DeploymentRequest::default()
    };
    request::deploy(context, &remote, &request, args.wait).await
}
