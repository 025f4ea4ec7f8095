//! Numbers in the text format of Prometheus (exposition format 0.0.4).

use std::{collections::BTreeMap, fmt::Write};

use axum::{http::header, response::IntoResponse};
use shipway_core::{
    phase::Phase,
    ports::{LATENCY_BOUNDS_MS, ReleaseTraffic, Traffic},
    progress::coarse_status,
};

use super::{State, answer::Rejected, utilization};

/// The newest deployments that are counted.
const DEPLOYMENTS_MAX: u32 = 500;

pub(super) async fn metrics(shared: State) -> Result<impl IntoResponse, Rejected> {
    let mut text = String::new();
    let deployments = shared.engine.deployments("", None, DEPLOYMENTS_MAX).await?;
    let mut counts: BTreeMap<(String, &str), u64> = BTreeMap::new();
    let mut running = 0;
    for deployment in &deployments {
        let scope =
            format!("project=\"{}\",environment=\"{}\"", deployment.request.project, deployment.request.environment);
        *counts.entry((scope, coarse_status(deployment))).or_default() += 1;
        running += u64::from(!deployment.phase.is_end() && deployment.phase != Phase::Queued);
    }
    head(&mut text, "shipway_deployments", "gauge", "The newest 500 deployments by status");
    for ((scope, status), count) in counts {
        line(&mut text, "shipway_deployments", &format!("{scope},status=\"{status}\""), count);
    }
    head(&mut text, "shipway_deployments_running", "gauge", "Deployments under way");
    line(&mut text, "shipway_deployments_running", "", running);
    head(&mut text, "shipway_proxy_up", "gauge", "Whether the proxy answers");
    match shared.engine.traffic().await {
        Ok(traffic) => {
            line(&mut text, "shipway_proxy_up", "", 1);
            proxy(&mut text, &traffic);
        }
        Err(_) => line(&mut text, "shipway_proxy_up", "", 0),
    }
    // Numbers that can't be read are left out; the others are worth having.
    if let Ok(all) = shared.engine.usage_of_all().await {
        utilization::metrics(&mut text, &all);
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}

pub(super) fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a text can't fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

pub(super) fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    let _ = writeln!(text, "{name}{labels} {value}");
}

type Counter = (&'static str, &'static str, fn(&ReleaseTraffic) -> u64);

fn proxy(text: &mut String, traffic: &Traffic) {
    let counters: [Counter; 4] = [
        ("shipway_requests_total", "Requests answered or failed", |release| release.requests),
        (
            "shipway_requests_failed_total",
            "Requests refused, reset, cut, timed out, or answered by the proxy",
            |release| release.failed,
        ),
        ("shipway_server_errors_total", "Answers of applications with a status of 500 and above", |release| {
            release.server_errors
        }),
        ("shipway_sent_bytes_total", "Bytes of answers' bodies", |release| release.bytes_sent),
    ];
    for (name, help, value) in counters {
        head(text, name, "counter", help);
        for release in &traffic.releases {
            line(text, name, &labels(release), value(release));
        }
    }
    head(text, "shipway_request_seconds", "histogram", "Time from a request's head to the end of its answer");
    for release in &traffic.releases {
        histogram(text, release);
    }
    head(text, "shipway_in_flight", "gauge", "Requests in flight by instance");
    for (instance, count) in &traffic.in_flight {
        line(text, "shipway_in_flight", &format!("instance=\"{instance}\""), *count);
    }
    head(text, "shipway_lost_in_flight_total", "counter", "Requests in flight that deaths of the proxy cut off");
    line(text, "shipway_lost_in_flight_total", "", traffic.lost_in_flight);
}

fn labels(release: &ReleaseTraffic) -> String {
    format!("service=\"{}\",release=\"{}\"", release.pool, release.release)
}

fn histogram(text: &mut String, release: &ReleaseTraffic) {
    let mut total = 0;
    let bounds = LATENCY_BOUNDS_MS.iter().map(|bound| format!("{}", *bound as f64 / 1000.0));
    for (bound, count) in bounds.chain(["+Inf".into()]).zip(&release.latency) {
        total += count;
        line(text, "shipway_request_seconds_bucket", &format!("{},le=\"{bound}\"", labels(release)), total);
    }
    line(text, "shipway_request_seconds_count", &labels(release), total);
}
