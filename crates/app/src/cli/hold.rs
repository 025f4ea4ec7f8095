//! `shipway hold`: keeps new releases from an environment, or from one service of it. What ends it is `unhold`.

use shipway_api::HoldRequest;
use shipway_core::{id::ServiceName, promotion::Hold};

use super::{
    Exit, Outcome,
    context::Context,
    scope::{self, EnvironmentArg},
    unstick,
};

/// Keep new releases from an environment, or from one service of it; rollbacks still pass
#[derive(clap::Args)]
pub struct Args {
    /// The service; the whole environment when left out
    service: Option<String>,
    #[command(flatten)]
    environment: EnvironmentArg,
    /// The one version, or the beginning of an artifact's digest, that may come all the same
    #[arg(long, value_name = "VERSION")]
    pin: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = unstick::reason)]
    #[arg(required_unless_present = "list")]
    reason: Option<String>,
    /// Only list what is held
    #[arg(long, conflicts_with_all = ["service", "pin", "reason"])]
    list: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let path = scope.environment_path(&environment, "/holds");
    let holds: Vec<Hold> = match args.reason {
        None => remote.get(&path).await?,
        Some(reason) => {
            let body = HoldRequest { service: args.service.map(ServiceName::new), pin: args.pin, reason };
            remote.post(&path, &body).await?
        }
    };
    context.terminal.show(&holds, |_| lines(&environment, &holds));
    Ok(Exit::Done)
}

/// What is held, one line each.
pub fn lines(environment: &str, holds: &[Hold]) -> Vec<String> {
    match holds.is_empty() {
        true => vec![format!("nothing is held in {environment}")],
        false => holds.iter().map(Hold::words).collect(),
    }
}
