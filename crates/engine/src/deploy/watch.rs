//! Watches the new releases' numbers at the proxy: during canary steps and the bake.

use std::collections::BTreeMap;

use shipway_core::{
    deployment::{Deployment, Waiting},
    event::{EventKind, EventStatus},
    id::{ServiceName, SlotKey},
    ports::{Answer, ReleaseTraffic, Traffic},
    spec::SuccessLimits,
    strategy::Pause,
    time::Timestamp,
};

use super::{failure::Broken, mover::Mover, outside, say};

const TICK_MS: u64 = 200;

/// A release that is watched.
struct Watched {
    pool: String,
    service: ServiceName,
    release: String,
    limits: Option<SuccessLimits>,
}

pub(super) async fn watch(
    mover: &Mover<'_>,
    step: usize,
    pause: Pause,
    percent: u8,
    slots: &[SlotKey],
) -> Result<(), Broken> {
    let engine = mover.engine;
    let watched = watched(mover, slots).await?;
    let from = engine.publisher.traffic().await.unwrap_or_default();
    loop {
        let deployment = mover.active.read().await;
        if deployment.advanced.contains(&step) {
            return Ok(outside::resume(engine, mover.active).await?);
        }
        let now = engine.ports.clock.now();
        let sample = sample(&engine.publisher.traffic().await.unwrap_or_default(), &from, &watched);
        if let Some(broken) = judge(&watched, &sample) {
            return Err(broken);
        }
        let missing = missing(&watched, &sample);
        match end_of(&deployment, step, pause, now) {
            _ if deployment.paused => {}
            Some(at) if now >= at && missing.is_none() => return Ok(outside::resume(engine, mover.active).await?),
            Some(at) if now >= at => wait_for(mover, missing).await?,
            Some(_) => {}
            None => {
                wait_for(mover, Some(format!("waits at {percent}% for `shipway advance {}`", deployment.name))).await?
            }
        }
        engine.ports.clock.sleep_ms(TICK_MS).await;
    }
}

async fn watched(mover: &Mover<'_>, slots: &[SlotKey]) -> Result<Vec<Watched>, Broken> {
    let course = mover.active.read().await.course.clone();
    let mut watched = Vec::new();
    for slot in slots {
        let Some(Some(serving)) = course.goal.get(&slot.service) else { continue };
        let release = mover.engine.release(&serving.release).await?;
        watched.push(Watched {
            pool: slot.to_string(),
            service: slot.service.clone(),
            release: serving.release.to_string(),
            limits: release.serve.success.clone(),
        });
    }
    Ok(watched)
}

/// When the step ends, counted from when it first began and without the time that it was held, also across a restart of
/// the server; none for a manual one.
fn end_of(deployment: &Deployment, step: usize, pause: Pause, now: Timestamp) -> Option<Timestamp> {
    let Pause::For(span) = pause else { return None };
    let state = deployment.steps.iter().find(|state| !state.back && state.number == step)?;
    Some(state.started_at.unwrap_or(now).plus_ms(span.ms + state.held_ms))
}

type Sample = BTreeMap<String, ReleaseTraffic>;

/// The numbers since the watch began, by pool.
fn sample(now: &Traffic, from: &Traffic, watched: &[Watched]) -> Sample {
    let find = |traffic: &Traffic, one: &Watched| {
        traffic.releases.iter().find(|r| r.pool == one.pool && r.release == one.release).cloned().unwrap_or_default()
    };
    let restarted = now.boot != from.boot;
    let since = |one: &Watched| {
        let (now, from) = (find(now, one), if restarted { ReleaseTraffic::default() } else { find(from, one) });
        let latency = now.latency.iter().enumerate();
        ReleaseTraffic {
            requests: now.requests.saturating_sub(from.requests),
            failed: now.failed.saturating_sub(from.failed),
            server_errors: now.server_errors.saturating_sub(from.server_errors),
            latency: latency
                .map(|(n, count)| count.saturating_sub(from.latency.get(n).copied().unwrap_or(0)))
                .collect(),
            ..now
        }
    };
    watched.iter().map(|one| (one.pool.clone(), since(one))).collect()
}

/// What is beyond its limits, as soon as there are enough requests to say so.
fn judge(watched: &[Watched], sample: &Sample) -> Option<Broken> {
    for (one, limits) in watched.iter().filter_map(|one| Some((one, one.limits.as_ref()?))) {
        let Some(numbers) = sample.get(&one.pool) else { continue };
        if numbers.requests == 0 || numbers.requests < limits.min_requests {
            continue;
        }
        let bad = numbers.failed + numbers.server_errors;
        let rate = bad as f64 / numbers.requests as f64;
        if let Some(max) = limits.error_rate_max.filter(|max| rate > *max) {
            let got = format!("{rate:.4} ({bad} of {} requests)", numbers.requests);
            return Some(beyond(&one.service, "error_rate_max", format!("at most {max}"), got));
        }
        let p99_ms = numbers.latency_quantile_ms(0.99).unwrap_or(0);
        if let Some(max) = limits.p99_ms_max.filter(|max| p99_ms > *max) {
            let got = format!("{p99_ms} ms over {} requests", numbers.requests);
            return Some(beyond(&one.service, "p99_ms_max", format!("at most {max} ms"), got));
        }
    }
    None
}

fn beyond(service: &ServiceName, limit: &str, expected: String, got: String) -> Broken {
    let message =
        format!("{service}: its numbers at the proxy exceed `success.{limit}`: expected {expected}, got {got}");
    let answer = Answer { passed: false, expected, got, took_ms: 0 };
    Broken { check: Some(format!("success.{limit}")), answer: Some(answer), ..Broken::release(message) }
}

/// What the sample still lacks.
fn missing(watched: &[Watched], sample: &Sample) -> Option<String> {
    watched.iter().find_map(|one| {
        let wanted = one.limits.as_ref()?.min_requests;
        let seen = sample.get(&one.pool).map_or(0, |numbers| numbers.requests);
        (seen < wanted).then(|| format!("waits for requests to {}: {seen} of {wanted}", one.service))
    })
}

async fn wait_for(mover: &Mover<'_>, reason: Option<String>) -> Result<(), Broken> {
    let Some(reason) = reason else { return Ok(()) };
    let since = mover.engine.ports.clock.now();
    let old = mover.active.read().await.waiting.clone();
    if old.as_ref().is_some_and(|old| old.reason == reason) {
        return Ok(());
    }
    let waits = |deployment: &mut Deployment| {
        let first = deployment.waiting.is_none();
        let since = deployment.waiting.as_ref().map_or(since, |waiting| waiting.since);
        deployment.waiting = Some(Waiting { reason: reason.clone(), since, on: Vec::new() });
        // Only the beginning is news; a growing count is not.
        let event = say(deployment, EventKind::DeploymentWaiting, EventStatus::Warning, reason);
        first.then_some(event).into_iter().collect()
    };
    mover.active.update(mover.engine, waits).await?;
    Ok(())
}
