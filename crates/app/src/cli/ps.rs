//! `shipway ps`: the instances of a project.

use shipway_api::InstanceView;
use shipway_core::{instance::InstanceState, ports::Life, time::Timestamp};

use super::{
    Exit, Outcome,
    context::Context,
    remote::with_query,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// List the instances
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArg,
    /// Only this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let query = [("environment", args.environment.environment), ("service", args.service)];
    let instances: Vec<InstanceView> = remote.get(&with_query(&scope.path("/instances"), &query)).await?;
    context.terminal.show(&instances, |paint| lines(paint, &instances));
    Ok(Exit::Done)
}

fn lines(paint: Paint, instances: &[InstanceView]) -> Vec<String> {
    if instances.is_empty() {
        return vec!["no instance runs (static services have none)".into()];
    }
    let mut table =
        Table::new(&["id", "environment", "service", "version", "role", "state", "address", "pid", "up", "in flight"]);
    let now = words::now();
    instances.iter().for_each(|instance| table.row(row(instance, now)));
    table.lines(paint, 0).into_iter().chain(instances.iter().flat_map(|one| substituted(paint, one))).collect()
}

/// Secrets that an instance was given in other versions than its release names.
fn substituted(paint: Paint, instance: &InstanceView) -> Vec<String> {
    let words = instance.substituted.values().map(|given| {
        let words = format!(
            "{} has {}@{}: the version of its release is revoked",
            instance.id, given.secret.name, given.version
        );
        paint.put(Hue::Warn, words)
    });
    words.collect()
}

fn row(instance: &InstanceView, now: Timestamp) -> Vec<(Hue, String)> {
    let (pid, up) = match &instance.life {
        Life::Running { pid, since, .. } => (pid.to_string(), words::span(now.since_ms(*since))),
        Life::Exited { status: Some(status), .. } => (format!("exited {status}"), "-".into()),
        Life::Exited { signal: Some(signal), .. } => (format!("signal {signal}"), "-".into()),
        Life::Exited { .. } => ("exited".into(), "-".into()),
        Life::Absent => ("gone".into(), "-".into()),
    };
    let (hue, state) = state(instance.state);
    vec![
        plain(instance.id.as_str()),
        plain(instance.slot.environment.as_str()),
        plain(instance.slot.service.as_str()),
        plain(&instance.version),
        plain(&instance.role),
        (hue, state.to_owned()),
        plain(instance.address.map_or_else(|| "-".to_owned(), |address| address.to_string())),
        plain(pid),
        plain(up),
        plain(instance.in_flight.to_string()),
    ]
}

/// A state as it is shown.
pub fn state(state: InstanceState) -> (Hue, &'static str) {
    match state {
        InstanceState::Starting => (Hue::Busy, "starting"),
        InstanceState::Ready => (Hue::Good, "ready"),
        InstanceState::Unready => (Hue::Bad, "unready"),
        InstanceState::Draining => (Hue::Warn, "draining"),
    }
}
