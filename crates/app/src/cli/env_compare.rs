//! `shipway env compare`: what is the same in two environments, what differs, and what is only in one.

use shipway_core::compare::{Comparison, Key, KeyState, Pair, ServiceComparison};

use super::{
    Exit, Outcome,
    context::Context,
    remote::with_query,
    scope,
    table::{Table, plain},
    terminal::{Hue, Paint},
};
use crate::compare_page::page;

/// Compare two environments: versions, artifacts, configuration, instances, health, policies. Exits with 3 when they
/// differ
#[derive(clap::Args)]
pub struct Args {
    /// The first environment
    from: String,
    /// The second
    to: String,
    /// Only these services, parted by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    services: Vec<String>,
    /// A page of HTML on standard output
    #[arg(long)]
    html: bool,
    /// What is the same, too
    #[arg(long)]
    all: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let services = (!args.services.is_empty()).then(|| args.services.join(","));
    let query = [("from", Some(args.from)), ("to", Some(args.to)), ("services", services)];
    let comparison: Comparison = remote.get(&with_query(&scope.path("/compare"), &query)).await?;
    if args.html && !context.terminal.json {
        context.terminal.raw(page(&comparison).as_bytes());
    } else {
        context.terminal.show(&comparison, |paint| lines(paint, &comparison, args.all));
    }
    Ok(if comparison.differs { Exit::Differs } else { Exit::Done })
}

fn lines(paint: Paint, comparison: &Comparison, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, one) in &comparison.services {
        lines.extend(service(paint, comparison, name.as_str(), one, all));
    }
    let policies: Vec<_> = comparison.policies.iter().filter(|key| all || key.differs()).collect();
    if !policies.is_empty() {
        lines.push(format!("{} policies", paint.put(Hue::Warn, "~")));
        let mut table = headed(comparison);
        policies.into_iter().for_each(|key| table.row(row("", key)));
        lines.extend(table.lines(paint, 2));
    }
    let verdict = if comparison.differs { "they differ" } else { "they are the same" };
    lines.push(format!("{} and {}: {verdict}", comparison.from, comparison.to));
    lines
}

/// A table whose second and third columns are the two environments.
fn headed(comparison: &Comparison) -> Table {
    Table::new(&["", comparison.from.as_str(), comparison.to.as_str()])
}

fn service(paint: Paint, comparison: &Comparison, name: &str, one: &ServiceComparison, all: bool) -> Vec<String> {
    if !one.differs && !all {
        return vec![format!("{} {name} is the same", paint.put(Hue::Good, "="))];
    }
    let mut table = headed(comparison);
    let pairs = [
        pair("version", &one.version, String::clone),
        pair("artifact", &one.artifact, |digest| digest.short().to_owned()),
        pair("instances", &one.instances, u32::to_string),
        pair("health", &one.health, |health| health.name().to_owned()),
    ];
    pairs.into_iter().filter(|(same, _)| all || !same).for_each(|(_, row)| table.row(row));
    let wanted = |key: &&Key| all || key.differs();
    let runs_in_both = one.artifact.from.is_some() && one.artifact.to.is_some();
    if runs_in_both || all {
        one.configuration.iter().filter(wanted).for_each(|key| table.row(row("", key)));
        one.secrets.iter().filter(wanted).for_each(|key| table.row(row("secret ", key)));
    }
    let mark = if one.differs { paint.put(Hue::Warn, "~") } else { paint.put(Hue::Good, "=") };
    std::iter::once(format!("{mark} {name}")).chain(table.lines(paint, 2)).collect()
}

type Row = Vec<(Hue, String)>;

fn pair<T>(name: &str, pair: &Pair<T>, words: impl Fn(&T) -> String) -> (bool, Row) {
    let cell = |one: &Option<T>| plain(one.as_ref().map_or_else(|| "-".into(), &words));
    (pair.same, vec![(Hue::Faint, name.to_owned()), cell(&pair.from), cell(&pair.to)])
}

fn row(before: &str, key: &Key) -> Row {
    let value = |value: &serde_json::Value| match key.state {
        KeyState::Same => "same".to_owned(),
        _ if value.is_null() => "-".into(),
        _ => value.to_string(),
    };
    vec![(Hue::Faint, format!("{before}{}", key.key)), plain(value(&key.from)), plain(value(&key.to))]
}
