//! Readiness and liveness of running instances, each at its own interval.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::join_all;
use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::InstanceId,
    instance::{Instance, InstanceState},
    ports::Fault,
    release::Release,
    spec::Probe,
    store::Guarded,
    time::Timestamp,
};
use tracing::warn;

use super::turn::turn;
use crate::{Engine, deploy};

const TICK_MS: u64 = 100;
/// How long an instance that is not alive may still answer what it was asked.
const ILL_DRAIN_MS_MAX: u64 = 1000;

/// How an instance answered lately.
#[derive(Default)]
struct Series {
    asked_at: Timestamp,
    failures: u32,
    successes: u32,
}

/// What is remembered between two looks.
#[derive(Default)]
struct Memory {
    series: BTreeMap<(InstanceId, Sort), Series>,
    ending: Ending,
}

/// What is being ended because it is not alive. Some still answer in their grace: they are not asked.
#[derive(Clone, Default)]
struct Ending(Arc<Mutex<BTreeSet<InstanceId>>>);

impl Ending {
    fn with(&self) -> MutexGuard<'_, BTreeSet<InstanceId>> {
        // Every change is one insert or removal: a panic elsewhere leaves the set whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, instance: &InstanceId) -> bool {
        self.with().contains(instance)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Readiness,
    Liveness,
}

/// A question whose time has come.
#[derive(Clone)]
struct Due {
    instance: Instance,
    release: Arc<Release>,
    sort: Sort,
    probe: Probe,
    leader: u64,
}

pub(super) async fn run(engine: Arc<Engine>) {
    let mut memory = Memory::default();
    loop {
        if let Err(fault) = look(&engine, &mut memory).await {
            warn!(%fault, "the probes could not finish");
        }
        engine.ports.clock.sleep_ms(TICK_MS).await;
    }
}

async fn look(engine: &Arc<Engine>, memory: &mut Memory) -> Result<(), Fault> {
    let Some(leader) = engine.itself.leads(engine.ports.clock.now()) else { return Ok(()) };
    let instances: Vec<Instance> = engine.ports.store.below("").await?;
    memory.series.retain(|(id, _), _| instances.iter().any(|instance| instance.id == *id));
    let due = due(engine, instances, memory, leader).await?;
    let asked = due.into_iter().map(|due| async {
        let answer = match due.instance.address {
            Some(address) => deploy::ask(engine, &due.release, &due.instance.id, &due.probe, address).await.passed,
            None => true,
        };
        (due, answer)
    });
    for (due, passed) in join_all(asked).await {
        let series = memory.series.entry((due.instance.id.clone(), due.sort)).or_default();
        series.failures = if passed { 0 } else { series.failures + 1 };
        series.successes = if passed { series.successes + 1 } else { 0 };
        act(engine, &due, series, &memory.ending).await?;
    }
    Ok(())
}

async fn due(engine: &Engine, instances: Vec<Instance>, memory: &mut Memory, leader: u64) -> Result<Vec<Due>, Fault> {
    let now = engine.ports.clock.now();
    let mut all = Vec::new();
    for instance in instances {
        let serves = matches!(instance.state, InstanceState::Ready | InstanceState::Unready);
        if !serves || memory.ending.has(&instance.id) {
            continue;
        }
        let release = engine.release(&instance.release).await?;
        let health = &release.serve.health;
        for (sort, probe) in [(Sort::Readiness, &health.readiness), (Sort::Liveness, &health.liveness)] {
            let Some(probe) = probe else { continue };
            let series = memory.series.entry((instance.id.clone(), sort)).or_default();
            if now.since_ms(series.asked_at) >= probe.interval_ms {
                series.asked_at = now;
                let (instance, release) = (instance.clone(), release.clone());
                all.push(Due { instance, release, sort, probe: probe.clone(), leader });
            }
        }
    }
    Ok(all)
}

async fn act(engine: &Arc<Engine>, due: &Due, series: &mut Series, ending: &Ending) -> Result<(), Fault> {
    let failed = series.failures >= due.probe.failure_threshold;
    let passed = series.successes >= due.probe.success_threshold;
    let may_return = passed && due.instance.state == InstanceState::Unready && !ending.has(&due.instance.id);
    match due.sort {
        Sort::Readiness if failed => show(engine, due, InstanceState::Ready, InstanceState::Unready).await.map(|_| ()),
        // Without a question of its own, what is alive is ready.
        Sort::Liveness if may_return && due.release.serve.health.readiness.is_none() => {
            show(engine, due, InstanceState::Unready, InstanceState::Ready).await.map(|_| ())
        }
        Sort::Readiness if may_return => {
            show(engine, due, InstanceState::Unready, InstanceState::Ready).await.map(|_| ())
        }
        Sort::Liveness if failed => {
            *series = Series::default();
            end(engine, due, ending);
            Ok(())
        }
        Sort::Readiness | Sort::Liveness => Ok(()),
    }
}

/// Ends an instance. The reconciler sees that it ended, and replaces it. Others are asked while it takes its grace.
fn end(engine: &Arc<Engine>, due: &Due, ending: &Ending) {
    warn!(instance = %due.instance.id, "not alive any more: it is replaced");
    let (engine_too, due, ending) = (engine.clone(), due.clone(), ending.clone());
    ending.with().insert(due.instance.id.clone());
    engine.spawn(async move {
        if let Err(fault) = leave_and_stop(&engine_too, &due).await {
            warn!(%fault, instance = %due.instance.id, "it could not be stopped");
        }
        ending.with().remove(&due.instance.id);
    });
}

/// Out of traffic, then stopped. What it still answers it may, for a moment: it may only be slow.
async fn leave_and_stop(engine: &Engine, due: &Due) -> Result<(), Fault> {
    if let Some(generation) = show(engine, due, InstanceState::Ready, InstanceState::Unready).await? {
        engine.publisher.follow(&*engine.ports.clock, generation).await?;
    }
    deploy::drain_for(engine, &due.release, &due.instance.id, ILL_DRAIN_MS_MAX).await;
    engine.ports.driver.stop(&due.instance.id, &due.release.serve.stop).await
}

/// Takes an instance out of traffic, or lets it in again.
async fn show(engine: &Engine, due: &Due, from: InstanceState, to: InstanceState) -> Result<Option<u64>, Fault> {
    let instance = &due.instance;
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
    turn(engine, instance, from, to, event, (Guarded::Leader, due.leader)).await
}
