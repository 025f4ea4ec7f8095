//! `shipway quarantine`: what is not deployed again by itself.

use serde::Serialize;
use shipway_api::QuarantineView;
use shipway_core::time::Timestamp;

use super::{
    Exit, Outcome,
    context::Context,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// List what failed or was taken back, and is not deployed again by itself
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArg,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    environment: String,
    quarantined: Vec<QuarantineView>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let mut places = Vec::new();
    for environment in scope.environments(&remote, &args.environment).await? {
        let quarantined = remote.get(&scope.environment_path(&environment, "/quarantine")).await?;
        places.push(Place { environment, quarantined });
    }
    context.terminal.show(&places, |paint| lines(paint, &places));
    Ok(Exit::Done)
}

fn lines(paint: Paint, places: &[Place]) -> Vec<String> {
    let mut table = Table::new(&["environment", "what", "since", "by", "why"]);
    let now = words::now();
    for place in places {
        place.quarantined.iter().for_each(|one| table.row(row(&place.environment, one, now)));
    }
    let mut lines = table.lines(paint, 0);
    lines.push(match lines.is_empty() {
        true => "nothing is quarantined".into(),
        false => "→ `shipway deploy … --allow-quarantined --reason WHY` deploys it all the same".into(),
    });
    lines
}

fn row(environment: &str, one: &QuarantineView, now: Timestamp) -> Vec<(Hue, String)> {
    let release = |(service, one): (&shipway_core::id::ServiceName, &shipway_api::QuarantinedView)| {
        let version = one.version.as_deref().unwrap_or("?");
        format!("{service} {version} ({})", one.release.short())
    };
    vec![
        plain(environment),
        plain(one.releases.iter().map(release).collect::<Vec<_>>().join(" with ")),
        plain(words::ago(one.at, now)),
        plain(one.name.as_deref().unwrap_or(one.by.as_str())),
        plain(&one.reason),
    ]
}
