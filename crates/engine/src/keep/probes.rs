//! Readiness and liveness of running instances, each at its own interval.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::join_all;
use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::InstanceId,
    instance::{Instance, InstanceState},
    ports::{Fault, FaultKind},
    release::Release,
    slot::Slot,
    spec::Probe,
    store::{Commit, Guarded},
    time::Timestamp,
};
use tracing::warn;

use crate::{Engine, deploy};

const TICK_MS: u64 = 100;

/// How an instance answered lately.
#[derive(Default)]
struct Series {
    asked_at: Timestamp,
    failures: u32,
    successes: u32,
}

type Memory = BTreeMap<(InstanceId, Sort), Series>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Readiness,
    Liveness,
}

/// A question whose time has come.
struct Due {
    instance: Instance,
    release: Arc<Release>,
    sort: Sort,
    probe: Probe,
}

pub(super) async fn run(engine: Arc<Engine>) {
    let mut memory = Memory::new();
    loop {
        if let Err(fault) = look(&engine, &mut memory).await {
            warn!(%fault, "the probes could not finish");
        }
        engine.ports.clock.sleep_ms(TICK_MS).await;
    }
}

async fn look(engine: &Engine, memory: &mut Memory) -> Result<(), Fault> {
    if engine.itself.leads(engine.ports.clock.now()).is_none() {
        return Ok(());
    }
    let instances: Vec<Instance> = engine.ports.store.below("").await?;
    memory.retain(|(id, _), _| instances.iter().any(|instance| instance.id == *id));
    let due = due(engine, instances, memory).await?;
    let asked = due.into_iter().map(|due| async {
        let answer = match due.instance.address {
            Some(address) => deploy::ask(engine, &due.release, &due.instance.id, &due.probe, address).await.passed,
            None => true,
        };
        (due, answer)
    });
    for (due, passed) in join_all(asked).await {
        let series = memory.entry((due.instance.id.clone(), due.sort)).or_default();
        series.failures = if passed { 0 } else { series.failures + 1 };
        series.successes = if passed { series.successes + 1 } else { 0 };
        act(engine, &due, series).await?;
    }
    Ok(())
}

async fn due(engine: &Engine, instances: Vec<Instance>, memory: &mut Memory) -> Result<Vec<Due>, Fault> {
    let now = engine.ports.clock.now();
    let mut all = Vec::new();
    for instance in instances {
        if !matches!(instance.state, InstanceState::Ready | InstanceState::Unready) {
            continue;
        }
        let release = engine.release(&instance.release).await?;
        let health = &release.serve.health;
        for (sort, probe) in [(Sort::Readiness, &health.readiness), (Sort::Liveness, &health.liveness)] {
            let Some(probe) = probe else { continue };
            let series = memory.entry((instance.id.clone(), sort)).or_default();
            if now.since_ms(series.asked_at) >= probe.interval_ms {
                series.asked_at = now;
                let (instance, release) = (instance.clone(), release.clone());
                all.push(Due { instance, release, sort, probe: probe.clone() });
            }
        }
    }
    Ok(all)
}

async fn act(engine: &Engine, due: &Due, series: &mut Series) -> Result<(), Fault> {
    let failed = series.failures >= due.probe.failure_threshold;
    let passed = series.successes >= due.probe.success_threshold;
    match due.sort {
        Sort::Readiness if failed => turn(engine, due, InstanceState::Ready, InstanceState::Unready).await,
        Sort::Readiness if passed => turn(engine, due, InstanceState::Unready, InstanceState::Ready).await,
        Sort::Liveness if failed => {
            *series = Series::default();
            warn!(instance = %due.instance.id, "not alive any more: it is replaced");
            let (driver, release) = (engine.ports.driver.clone(), due.release.clone());
            let id = due.instance.id.clone();
            // The reconciler sees that it ended, and replaces it. Others are asked while it takes its grace.
            engine.spawn(async move {
                if let Err(fault) = driver.stop(&id, &release.serve.stop).await {
                    warn!(%fault, instance = %id, "it could not be stopped");
                }
            });
            Ok(())
        }
        Sort::Readiness | Sort::Liveness => Ok(()),
    }
}

/// Changes an instance's state, when it still is what it was.
async fn turn(engine: &Engine, due: &Due, from: InstanceState, to: InstanceState) -> Result<(), Fault> {
    // Read before the instance: when a deployment lets it drain in between, the slot's revision says so.
    let slot: Option<Slot> = engine.ports.store.find(&due.instance.slot.to_string()).await?;
    let stored: Option<Instance> = engine.ports.store.find(due.instance.id.as_str()).await?;
    let Some(instance) = stored.filter(|instance| instance.state == from) else { return Ok(()) };
    let (kind, status, words) = match to {
        InstanceState::Ready => (EventKind::InstanceReady, EventStatus::Ok, "takes requests again"),
        _ => (EventKind::InstanceUnready, EventStatus::Warning, "is not ready: it gets no requests"),
    };
    let event = EventBody {
        project: Some(instance.slot.project.clone()),
        environment: Some(instance.slot.environment.clone()),
        services: vec![instance.slot.service.clone()],
        ..EventBody::new(kind, status, "probes", format!("{} {words}", instance.id))
    };
    let next = Instance { state: to, ..instance };
    let revision = slot.map_or(0, |slot| slot.revision);
    let commit = Commit::at(engine.ports.clock.now()).fence(Guarded::Slot(next.slot.clone()), revision);
    match engine.ports.store.commit(commit.put(&next).event(event)).await {
        Err(fault) if fault.kind == FaultKind::Conflict => return Ok(()),
        committed => committed?,
    };
    engine.publisher.kick();
    Ok(())
}
