//! `shipway config show`, `history` and `diff`.

use shipway_api::{ConfigDiff, ConfigHistory, ConfigView};
use shipway_core::config::{chain::Explained, version::ConfigVersion};

use super::{
    Exit, Outcome,
    config_words::{shown, told, whose},
    context::Context,
    remote::with_query,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Show every value of the configuration, as a deployment would use it now, and where it comes from
#[derive(clap::Args)]
pub struct ShowArgs {
    /// Only this service
    service: Option<String>,
    /// Only values whose key begins so, like variables.
    #[arg(long, value_name = "BEGINNING")]
    key: Option<String>,
    /// What every layer said, the weakest first: the last one won
    #[arg(long)]
    why: bool,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// List the versions of what was set through the API, the newest first
#[derive(clap::Args)]
pub struct HistoryArgs {
    /// How many
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Show what differs between two versions
#[derive(clap::Args)]
pub struct DiffArgs {
    /// The one version; 0 is that nothing was set
    from: u64,
    /// The other
    to: u64,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Shows.
pub async fn show(context: &Context, args: ShowArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let path = with_query(&scope.environment_path(&environment, "/config"), &[("service", args.service)]);
    let mut view: ConfigView = remote.get(&path).await?;
    if let Some(key) = &args.key {
        view.services.values_mut().for_each(|values| values.retain(|one| one.key.starts_with(key.as_str())));
    }
    context.terminal.show(&view, |paint| lines(paint, &view, args.why));
    Ok(Exit::Done)
}

fn lines(paint: Paint, view: &ConfigView, why: bool) -> Vec<String> {
    let mut lines = vec![format!("{} of {}, configuration version {}", view.environment, view.project, view.version)];
    for (service, values) in &view.services {
        lines.push(paint.put(Hue::Bold, service));
        match why {
            true => values.iter().for_each(|one| lines.extend(chain(paint, one))),
            false => lines.extend(values_in_columns(paint, values)),
        }
    }
    lines
}

fn values_in_columns(paint: Paint, values: &[Explained]) -> Vec<String> {
    let mut table = Table::new(&["key", "value", "layer", "from"]);
    for one in values {
        let Some(winner) = one.winner() else { continue };
        let value = shown(one.value.as_ref());
        table.row(vec![plain(&one.key), plain(value), plain(winner.level.name()), plain(whose(winner))]);
    }
    table.lines(paint, 2)
}

/// What every layer said of a value, the winner marked.
fn chain(paint: Paint, one: &Explained) -> Vec<String> {
    let mut table = Table::new(&["", "layer", "said", "from"]);
    for (at, link) in one.chain.iter().enumerate() {
        let won = at + 1 == one.chain.len();
        let mark = if won { (Hue::Good, "→".to_owned()) } else { plain(" ") };
        table.row(vec![mark, plain(link.level.name()), plain(shown(link.value.as_ref())), plain(whose(link))]);
    }
    let head = format!("  {} = {}", one.key, shown(one.value.as_ref()));
    // The columns speak for themselves below each key.
    std::iter::once(head).chain(table.lines(paint, 4).into_iter().skip(1)).collect()
}

/// Lists versions.
pub async fn history(context: &Context, args: HistoryArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let path = scope.environment_path(&environment, "/config/history");
    let page: ConfigHistory = remote.get(&with_query(&path, &[("limit", Some(args.limit.to_string()))])).await?;
    context.terminal.show(&page, |paint| {
        let mut table = Table::new(&["version", "when", "by", "what", "why"]);
        page.items.iter().for_each(|version| table.row(row(version)));
        table.lines(paint, 0)
    });
    Ok(Exit::Done)
}

fn row(version: &ConfigVersion) -> Vec<(Hue, String)> {
    let what: Vec<String> = version.changes.iter().map(told).collect();
    vec![
        plain(version.number.to_string()),
        plain(words::ago(version.at, words::now())),
        plain(&version.by),
        plain(what.join("; ")),
        plain(version.reason.as_deref().unwrap_or("-")),
    ]
}

/// Compares versions.
pub async fn diff(context: &Context, args: DiffArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let two = [("from", Some(args.from.to_string())), ("to", Some(args.to.to_string()))];
    let path = with_query(&scope.environment_path(&environment, "/config/diff"), &two);
    let diff: ConfigDiff = remote.get(&path).await?;
    context.terminal.show(&diff, |_| match diff.changes.is_empty() {
        true => vec![format!("versions {} and {} say the same", diff.from, diff.to)],
        false => diff.changes.iter().map(told).collect(),
    });
    Ok(Exit::Done)
}
