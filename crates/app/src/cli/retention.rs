//! `shipway retention`: how long the past of an environment is kept, and removing at once what is older.

use clap::Subcommand;
use serde_json::json;
use shipway_api::{RetentionView, SweptView};

use super::{
    Exit, Outcome,
    context::Context,
    scope::{self, EnvironmentArg},
    words,
};

/// Show how long the past of an environment is kept; remove what is older
///
/// The server removes it by itself, bit by bit. What is in use or may be gone back to stays however old it is.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Show how long it is kept, and what is older
    Show {
        #[command(flatten)]
        environment: EnvironmentArg,
    },
    /// Remove what is older now, instead of by and by
    Run {
        #[command(flatten)]
        environment: EnvironmentArg,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = match &args.act {
        Act::Show { environment } | Act::Run { environment, .. } => environment,
    };
    let path = scope.environment_path(&scope.environment(&remote, environment).await?, "/retention");
    match args.act {
        Act::Show { .. } => {
            let view: RetentionView = remote.get(&path).await?;
            context.terminal.show(&view, |_| shown(&view));
        }
        Act::Run { dry_run: true, .. } => {
            let view: RetentionView = remote.get(&path).await?;
            context.terminal.show(&view.due, |_| vec![format!("would go: {}", told(&view.due))]);
        }
        Act::Run { dry_run: false, .. } => {
            let swept: SweptView = remote.post(&path, &json!({})).await?;
            context.terminal.show(&swept, |_| removed(&swept));
        }
    }
    Ok(Exit::Done)
}

fn told(swept: &SweptView) -> String {
    let count = |count: u64, word| words::count(count, word);
    let more = if swept.more { ", and more" } else { "" };
    format!(
        "{}, the logs of {} more, {}{more}",
        count(swept.deployments, "deployment"),
        swept.logs,
        count(swept.events, "event")
    )
}

fn shown(view: &RetentionView) -> Vec<String> {
    let rules = &view.rules;
    vec![
        format!("history {}, logs {}, events {}", rules.history, rules.logs, rules.events),
        format!("the newest {0} deployments stay, and the newest {0} that succeeded", rules.keep),
        format!("older than that: {}", told(&view.due)),
    ]
}

fn removed(swept: &SweptView) -> Vec<String> {
    let mut lines = vec![format!("removed {}", told(&SweptView { more: false, ..*swept }))];
    if swept.more {
        lines.push("→ there is more: run it again, or leave it to the server".into());
    }
    lines
}
