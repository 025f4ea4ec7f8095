//! `shipway quota`: what a project takes of its quotas, and what that costs.

use shipway_api::{QuotaView, QuotasView, ResourceView, ServiceDemandView};
use shipway_core::quota::Resource;

use super::{
    Exit, Outcome,
    context::Context,
    remote::with_query,
    scope,
    table::{Table, plain},
    terminal::{Hue, Paint},
};

/// From this share of a limit on it is worth a look.
const NEAR: f64 = 0.8;

/// Show what a project takes of its quotas, and what that costs
#[derive(clap::Args)]
pub struct Args {
    /// Only this environment, besides the whole project
    #[arg(short, long, value_name = "NAME")]
    environment: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let query = [("environment", args.environment)];
    let view: QuotasView = remote.get(&with_query(&scope.path("/quota"), &query)).await?;
    context.terminal.show(&view, |paint| lines(paint, &view));
    Ok(Exit::Done)
}

fn lines(paint: Paint, view: &QuotasView) -> Vec<String> {
    let mut quotas = Table::new(&["of", "what", "used", "limit"]);
    for quota in &view.quotas {
        quota.resources.iter().filter(|one| is_told(one)).for_each(|one| quotas.row(quota_row(view, quota, one)));
    }
    let mut lines = quotas.lines(paint, 0);
    if view.services.is_empty() {
        return lines.into_iter().chain(std::iter::once("nothing runs".to_owned())).collect();
    }
    let mut services = Table::new(&["service", "instances", "cores each", "MiB each", "disk MiB", "used", "a month"]);
    view.services.iter().for_each(|service| services.row(service_row(view, service)));
    lines.push(String::new());
    lines.extend(services.lines(paint, 0));
    lines
}

/// What is neither taken nor limited says nothing.
fn is_told(one: &ResourceView) -> bool {
    one.limit.is_some() || one.used > 0.0
}

fn quota_row(view: &QuotasView, quota: &QuotaView, one: &ResourceView) -> Vec<(Hue, String)> {
    let of = quota.environment.as_ref().map_or_else(|| view.project_id.to_string(), ToString::to_string);
    let hue = match one.limit {
        Some(limit) if one.used > limit => Hue::Bad,
        Some(limit) if one.used >= limit * NEAR => Hue::Warn,
        Some(_) => Hue::Good,
        None => Hue::Plain,
    };
    let limit = one.limit.map_or_else(|| "-".to_owned(), |limit| amount(view, one.resource, limit));
    vec![
        (Hue::Bold, of),
        plain(one.resource.key().replace('_', " ")),
        (hue, amount(view, one.resource, one.used)),
        plain(limit),
    ]
}

fn amount(view: &QuotasView, resource: Resource, amount: f64) -> String {
    match resource {
        Resource::CostPerMonth => money(view, amount),
        _ => format!("{}", (amount * 100.0).round() / 100.0),
    }
}

fn money(view: &QuotasView, amount: f64) -> String {
    match &view.currency {
        Some(currency) => format!("{amount:.2} {currency}"),
        None => "-".into(),
    }
}

/// What its data folders take, against what it declares.
fn disk_used(service: &ServiceDemandView) -> (Hue, String) {
    match (service.disk_used_mb, service.disk_mb) {
        (Some(used), Some(declared)) if used > declared => (Hue::Warn, used.to_string()),
        (Some(used), _) if used > 0 => plain(used.to_string()),
        _ => plain("-"),
    }
}

fn service_row(view: &QuotasView, service: &ServiceDemandView) -> Vec<(Hue, String)> {
    let or_none = |text: Option<String>| plain(text.unwrap_or_else(|| "-".into()));
    vec![
        (Hue::Bold, format!("{}/{}", service.environment, service.service)),
        plain(service.instances.to_string()),
        or_none(service.cpu.map(|cpu| cpu.to_string())),
        or_none(service.memory_mb.map(|mb| mb.to_string())),
        or_none(service.disk_mb.map(|mb| mb.to_string())),
        disk_used(service),
        plain(money(view, service.cost_per_month)),
    ]
}
