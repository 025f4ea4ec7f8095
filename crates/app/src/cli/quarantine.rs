//! `shipway quarantine`: what is not deployed again by itself.

use serde::Serialize;
use shipway_api::QuarantineView;
use shipway_core::time::Timestamp;

use super::{
    Exit, Outcome,
    context::Context,
    remote::escaped,
    scope::{EnvironmentArg, Scope},
    table::{Table, plain},
    terminal::Hue,
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
    let remote = context.remote()?;
    let scope = Scope::find(context, &remote).await?;
    let mut places = Vec::new();
    for environment in scope.environments(&remote, &args.environment).await? {
        let path = scope.path(&format!("/environments/{}/quarantine", escaped(&environment)));
        places.push(Place { quarantined: remote.get(&path).await?, environment });
    }
    let terminal = &context.terminal;
    if terminal.json {
        terminal.json(&places);
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["environment", "what", "since", "by", "why"]);
    let now = words::now();
    for place in &places {
        for one in &place.quarantined {
            table.row(row(&place.environment, one, now));
        }
    }
    let lines = table.lines(terminal.paint, 0);
    if lines.is_empty() {
        terminal.say("nothing is quarantined");
        return Ok(Exit::Done);
    }
    for line in lines {
        terminal.say(line);
    }
    terminal.say("→ `shipway deploy … --allow-quarantined --reason WHY` deploys it all the same");
    Ok(Exit::Done)
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
