//! `shipway env usage`: what an environment uses now.

use shipway_core::utilization::{EnvironmentUsage, InstanceUsage, Load, ServiceUsage};

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
const MIB: f64 = 1024.0 * 1024.0;

/// Show what an environment uses now: cores, memory, instances, requests
#[derive(clap::Args)]
pub struct Args {
    /// The environment
    name: String,
    /// Count cores and requests a second over that long: 100ms to 10s
    #[arg(long, value_name = "SPAN", default_value = "1s")]
    interval: shipway_core::time::Span,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let query = [("intervalMs", Some(args.interval.ms.to_string()))];
    let path = scope.environment_path(&args.name, "/usage");
    let usage: EnvironmentUsage = remote.get(&with_query(&path, &query)).await?;
    context.terminal.show(&usage, |paint| lines(paint, &usage));
    Ok(Exit::Done)
}

fn lines(paint: Paint, usage: &EnvironmentUsage) -> Vec<String> {
    let target = &usage.target;
    let mut lines = vec![format!(
        "{} over {} ms, on {} cores with {} of {} MiB of memory free",
        usage.environment, usage.interval_ms, target.cores, target.memory_free_mb, target.memory_mb
    )];
    if usage.services.is_empty() {
        lines.push("nothing runs".into());
        return lines;
    }
    let mut services =
        Table::new(&["service", "instances", "cores", "memory MiB", "req/s", "in flight", "requests", "failed"]);
    usage.services.iter().for_each(|service| services.row(load_row(service.service.as_str(), &service.load)));
    if usage.services.len() > 1 {
        services.row(load_row("all", &usage.total));
    }
    lines.extend(services.lines(paint, 0));
    let mut instances = Table::new(&["instance", "state", "cores", "memory MiB", "processes", "in flight"]);
    let of = |service: &ServiceUsage| service.instances.iter().map(instance_row).collect::<Vec<_>>();
    usage.services.iter().flat_map(of).for_each(|row| instances.row(row));
    let instances = instances.lines(paint, 0);
    lines.extend((!instances.is_empty()).then(String::new));
    lines.extend(instances);
    lines
}

fn load_row(name: &str, load: &Load) -> Vec<(Hue, String)> {
    let requests = load.requests.as_ref();
    let or_none = |text: Option<String>| plain(text.unwrap_or_else(|| "-".into()));
    vec![
        (Hue::Bold, name.to_owned()),
        plain(load.instances.to_string()),
        cores(Some(load.cpu_cores), load.cpu_limit),
        memory(Some(load.memory_bytes), load.memory_limit_bytes, load.memory_share),
        or_none(requests.map(|requests| format!("{:.1}", requests.per_s))),
        or_none(requests.map(|requests| requests.in_flight.to_string())),
        or_none(requests.map(|requests| requests.total.to_string())),
        or_none(requests.map(|requests| (requests.failed + requests.server_errors).to_string())),
    ]
}

fn instance_row(one: &InstanceUsage) -> Vec<(Hue, String)> {
    let (hue, state) = super::ps::state(one.state);
    let or_none = |number: Option<u64>| plain(number.map_or_else(|| "-".into(), |number| number.to_string()));
    vec![
        (Hue::Bold, one.id.to_string()),
        (hue, state.to_owned()),
        cores(one.cpu_cores, one.cpu_limit),
        memory(one.memory_bytes, one.memory_limit_bytes, one.memory_share),
        or_none(one.processes),
        or_none(one.in_flight),
    ]
}

/// `0.25 of 0.5`.
fn cores(used: Option<f64>, limit: Option<f64>) -> (Hue, String) {
    let Some(used) = used else { return plain("-") };
    match limit {
        Some(limit) => (hue(used / limit), format!("{used:.2} of {limit}")),
        None => plain(format!("{used:.2}")),
    }
}

/// `48.2 of 64 (75%)`.
fn memory(bytes: Option<u64>, limit: Option<u64>, share: Option<f64>) -> (Hue, String) {
    let Some(bytes) = bytes else { return plain("-") };
    let used = bytes as f64 / MIB;
    match (limit, share) {
        (Some(limit), Some(share)) => {
            (hue(share), format!("{used:.1} of {:.0} ({:.0}%)", limit as f64 / MIB, share * 100.0))
        }
        _ => plain(format!("{used:.1}")),
    }
}

fn hue(share: f64) -> Hue {
    if share >= NEAR { Hue::Warn } else { Hue::Plain }
}
