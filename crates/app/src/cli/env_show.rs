//! `shipway env list` and `show`: which environments there are, and how they are.

use shipway_api::EnvironmentView;

use super::{
    Exit, Outcome,
    context::Context,
    remote::with_query,
    scope,
    table::{Table, plain},
    terminal::{Hue, Paint},
};

/// List the environments of a project
#[derive(clap::Args)]
pub struct ListArgs {
    /// Only of this type: development, staging, testing, production
    #[arg(long = "type", value_name = "TYPE", value_parser = super::env_make::kind)]
    kind: Option<String>,
}

/// Show an environment: what it is, how it is and why, and what runs there
#[derive(clap::Args)]
pub struct ShowArgs {
    /// The environment
    name: String,
}

/// Lists.
pub async fn list(context: &Context, args: ListArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let path = with_query(&scope.path("/environments"), &[("type", args.kind)]);
    let all: Vec<EnvironmentView> = remote.get(&path).await?;
    context.terminal.show(&all, |paint| {
        let mut table = Table::new(&["name", "type", "region", "status", "why"]);
        all.iter().for_each(|one| table.row(row(one)));
        table.lines(paint, 0)
    });
    Ok(Exit::Done)
}

fn row(one: &EnvironmentView) -> Vec<(Hue, String)> {
    vec![
        plain(one.name.as_str()),
        plain(kind(one)),
        plain(one.facts.region.as_deref().unwrap_or("-")),
        (hue(&one.status), one.status.clone()),
        plain(&one.reason),
    ]
}

fn hue(status: &str) -> Hue {
    match status {
        "healthy" => Hue::Good,
        "degraded" => Hue::Warn,
        _ => Hue::Bad,
    }
}

fn kind(one: &EnvironmentView) -> String {
    let word = one.kind.and_then(|kind| serde_json::to_value(kind).ok());
    word.as_ref().and_then(serde_json::Value::as_str).unwrap_or("-").to_owned()
}

/// Shows one.
pub async fn show(context: &Context, args: ShowArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let one: EnvironmentView = remote.get(&scope.environment_path(&args.name, "")).await?;
    context.terminal.show(&one, |paint| lines(paint, &one));
    Ok(Exit::Done)
}

/// An environment in lines, as `show`, `create` and `set` say it.
pub fn lines(paint: Paint, one: &EnvironmentView) -> Vec<String> {
    let whose = if one.made { "made through the API" } else { "in the spec file" };
    let mut lines = vec![
        format!("{} ({}, {whose})", one.name, kind(one)),
        format!("{}: {}", paint.put(hue(&one.status), &one.status), one.reason),
        format!("configuration version {}", one.config_version),
    ];
    let facts = serde_json::to_value(&one.facts).unwrap_or_default();
    let facts = shipway_core::config::version::values(&facts);
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    lines.extend(facts.iter().map(|(key, value)| format!("{key} = {}", text(value))));
    let mut table = Table::new(&["service", "version", "ready", "url"]);
    for service in &one.services {
        table.row(vec![
            plain(service.service.as_str()),
            plain(service.version.as_deref().unwrap_or("-")),
            plain(service.ready.to_string()),
            plain(service.urls.first().map_or("-", String::as_str)),
        ]);
    }
    lines.extend(table.lines(paint, 0));
    lines.extend(one.drift.iter().flat_map(|drift| super::repair::lines(paint, drift)));
    lines
}
