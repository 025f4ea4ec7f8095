//! `shipway repair`: puts right what differs from its release, and waits until it is.

use std::time::Duration;

use shipway_api::RepairRequest;
use shipway_core::{drift::Drift, id::ServiceName};

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    remote::Remote,
    scope::{self, EnvironmentArg},
    terminal::{Hue, Paint},
};

/// Between two looks, in milliseconds.
const LOOK_MS: u64 = 200;
/// How often it is looked: an hour in all.
const LOOKS_MAX: u32 = 18_000;

/// Put right what differs from its release: files, and what instances were started with
///
/// Files are put right where they lie; then each instance is replaced by another that was proven first.
#[derive(clap::Args)]
pub struct Args {
    /// The services; all that differ when left out
    services: Vec<String>,
    #[command(flatten)]
    environment: EnvironmentArg,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = super::unstick::reason)]
    reason: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let path = scope.environment_path(&environment, "/drift");
    let services: Vec<_> = args.services.into_iter().map(ServiceName::new).collect();
    let body = RepairRequest { services: services.clone(), reason: args.reason };
    let mut left: Vec<Drift> = remote.post(&format!("{path}/repair"), &body).await?;
    left = wait(&remote, &path, left).await?;
    left.retain(|drift| services.is_empty() || services.contains(&drift.slot.service));
    let done = left.is_empty();
    context.terminal.show(&left, |paint| match done {
        true => vec![paint.put(Hue::Good, format!("{environment} is what its releases say"))],
        false => left.iter().flat_map(|drift| lines(paint, drift)).collect(),
    });
    Ok(if done { Exit::Done } else { Exit::Failed })
}

async fn wait(remote: &Remote, path: &str, mut left: Vec<Drift>) -> Result<Vec<Drift>, CliError> {
    for _ in 0..LOOKS_MAX {
        if left.iter().all(|drift| drift.repair.is_none()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        left = remote.get(path).await?;
    }
    Ok(left)
}

/// What differs, as `status` and `env show` say it too.
pub fn lines(paint: Paint, drift: &Drift) -> Vec<String> {
    let (service, environment) = (&drift.slot.service, &drift.slot.environment);
    let words = format!("{service} is not what its release says: {}", drift.words());
    let next = match (&drift.repair, &drift.failed) {
        (Some(repair), _) => format!("→ it is being put right, as {} asked", repair.by),
        (None, Some(failed)) => format!("→ it could not be put right: {failed}"),
        (None, None) => format!("→ `shipway repair {service} -e {environment}` puts it right"),
    };
    vec![paint.put(Hue::Warn, words), next]
}
