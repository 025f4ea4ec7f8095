//! What environments use, over HTTP: one environment as it is now, and everything for Prometheus.

use axum::{
    Json,
    extract::{Path, Query, rejection::QueryRejection},
};
use serde::Deserialize;
use shipway_core::{
    id::{EnvironmentName, ProjectId},
    instance::Instance,
    spec::Limits,
    utilization::{EnvironmentUsage, Usage},
};
use shipway_engine::{USAGE_INTERVAL_MS, USAGE_INTERVALS_MS, Used};

use super::{
    State,
    answer::{Answer, Rejected},
    metrics::{head, line},
};

const BYTES_PER_MIB: u64 = 1024 * 1024;

/// Over how long.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Over {
    #[serde(rename = "intervalMs")]
    interval_ms: Option<u64>,
}

pub(super) async fn show(
    shared: State,
    Path((project, environment)): Path<(String, String)>,
    over: Result<Query<Over>, QueryRejection>,
) -> Answer<EnvironmentUsage> {
    let Query(Over { interval_ms }) = over?;
    let interval_ms = interval_ms.unwrap_or(USAGE_INTERVAL_MS);
    if !USAGE_INTERVALS_MS.contains(&interval_ms) {
        let (least, most) = (USAGE_INTERVALS_MS.start(), USAGE_INTERVALS_MS.end());
        return Err(Rejected::bad_request(format!("`intervalMs` is a number from {least} to {most}")));
    }
    let (project, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    Ok(Json(shared.engine.utilization(&project, &environment, interval_ms).await?))
}

type Gauge = (&'static str, &'static str, &'static str, fn(&Limits, Option<&Usage>) -> Option<f64>);

const GAUGES: [Gauge; 6] = [
    ("shipway_instance_up", "gauge", "Whether the instance runs", |_, usage| {
        Some(f64::from(u8::from(usage.is_some())))
    }),
    ("shipway_instance_cpu_seconds_total", "counter", "Processor time of the instance", |_, usage| {
        usage.map(|usage| usage.cpu_us as f64 / 1e6)
    }),
    (
        "shipway_instance_cpu_limit_cores",
        "gauge",
        "Cores that the instance may use, where that is declared",
        |limits, _| limits.cpu,
    ),
    ("shipway_instance_memory_bytes", "gauge", "Memory of the instance", |_, usage| {
        usage.map(|usage| usage.memory_bytes as f64)
    }),
    (
        "shipway_instance_memory_limit_bytes",
        "gauge",
        "Memory that the instance may use, where that is declared",
        |limits, _| limits.memory_mb.map(|mb| mb.saturating_mul(BYTES_PER_MIB) as f64),
    ),
    ("shipway_instance_processes", "gauge", "Processes of the instance", |_, usage| {
        usage.map(|usage| usage.processes as f64)
    }),
];

/// Adds what all instances use.
pub(super) fn metrics(text: &mut String, all: &[Used]) {
    for (name, kind, help, value) in GAUGES {
        head(text, name, kind, help);
        for (instance, limits, usage) in all {
            if let Some(value) = value(limits, usage.as_ref()) {
                line(text, name, &labels(instance), value);
            }
        }
    }
}

fn labels(instance: &Instance) -> String {
    format!("service=\"{}\",release=\"{}\",instance=\"{}\"", instance.slot, instance.release, instance.id)
}
