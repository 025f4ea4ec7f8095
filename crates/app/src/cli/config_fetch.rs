//! `shipway config fetch`: what the remotes say now.

use shipway_api::ConfigFetch;
use shipway_core::config::remote::RemoteStanding;

use super::{
    Exit, Outcome,
    config_words::shown,
    context::Context,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Ask the remotes that values come from, as a deployment would, and remember what they say
#[derive(clap::Args)]
pub struct FetchArgs {
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Asks. It is a failure when one of them can't be read.
pub async fn fetch(context: &Context, args: FetchArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    scope.register(&remote).await?;
    let path = scope.environment_path(&environment, "/config/fetch");
    let fetched: ConfigFetch = remote.post(&path, &serde_json::json!({})).await?;
    context.terminal.show(&fetched, |paint| lines(paint, &fetched));
    let is_whole = fetched.remotes.iter().all(|one| one.error.is_none());
    Ok(if is_whole { Exit::Done } else { Exit::Failed })
}

fn lines(paint: Paint, fetched: &ConfigFetch) -> Vec<String> {
    if fetched.remotes.is_empty() {
        return vec![format!("no values of {} come from elsewhere", fetched.environment)];
    }
    let mut table = Table::new(&["remote", "from", "into", "values", "since"]);
    fetched.remotes.iter().for_each(|one| table.row(row(one)));
    table.lines(paint, 0)
}

fn row(one: &RemoteStanding) -> Vec<(Hue, String)> {
    let values = match (&one.error, &one.values) {
        (Some(error), Some(values)) => (Hue::Bad, format!("{error}; as before: {}", shown(Some(values)))),
        (Some(error), None) => (Hue::Bad, error.clone()),
        (None, values) => plain(shown(values.as_ref())),
    };
    let since = one.at.map_or_else(|| "-".to_owned(), |at| words::ago(at, words::now()));
    vec![plain(&one.name), plain(&one.source), plain(&one.into), values, plain(since)]
}
