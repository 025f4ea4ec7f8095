//! The reconciler: what slots want against what runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::try_join_all;
use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::{DeploymentId, InstanceId, ReleaseId, SlotKey},
    instance::{Instance, InstanceState, instance_id},
    ports::{Fault, Life, Observed},
    release::Release,
    slot::Slot,
    store::Commit,
    time::Timestamp,
};
use tracing::warn;

use super::tidy;
use crate::{Engine, deploy};

const TICK_MS: u64 = 1000;
/// The wait before an instance that keeps dying is replaced: doubles from the first to the last.
const REPLACE_MS: u64 = 500;
const REPLACE_MS_MAX: u64 = 60_000;
/// A release whose instances live that long has its next death forgiven.
const FORGIVEN_AFTER_MS: u64 = 60_000;

/// What is remembered between two looks.
#[derive(Default)]
struct Memory {
    deaths: BTreeMap<(SlotKey, ReleaseId), Deaths>,
    busy: Busy,
}

/// What is being replaced or retired right now, so that one that takes long holds up no other.
#[derive(Clone, Default)]
struct Busy(Arc<Mutex<BTreeSet<(SlotKey, ReleaseId)>>>);

impl Busy {
    fn with(&self) -> MutexGuard<'_, BTreeSet<(SlotKey, ReleaseId)>> {
        // Every change is one insert or removal: a panic elsewhere leaves the set whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is(&self, slot: &SlotKey, release: &ReleaseId) -> bool {
        self.with().contains(&(slot.clone(), release.clone()))
    }

    /// Does work on a release of a slot in a task of its own.
    fn run(
        &self,
        engine: &Engine,
        of: (SlotKey, ReleaseId),
        work: impl Future<Output = Result<(), Fault>> + Send + 'static,
    ) {
        self.with().insert(of.clone());
        let busy = self.clone();
        engine.spawn(async move {
            if let Err(fault) = work.await {
                warn!(%fault, slot = %of.0, "the reconciler could not finish");
            }
            busy.with().remove(&of);
        });
    }
}

struct Deaths {
    count: u32,
    last: Timestamp,
}

pub(super) async fn run(engine: Arc<Engine>) {
    let mut memory = Memory::default();
    loop {
        if let Err(fault) = look(&engine, &mut memory).await {
            warn!(%fault, "the reconciler could not finish");
        }
        engine.ports.clock.sleep_ms(TICK_MS).await;
    }
}

/// Everything, read at one time.
struct Sight {
    slots: Vec<Slot>,
    instances: Vec<Instance>,
    seen: BTreeMap<InstanceId, Life>,
}

impl Sight {
    /// What the driver sees is read before what is recorded: an instance is recorded before it starts, so one that is
    /// seen and not recorded afterwards is nobody's.
    async fn new(engine: &Engine) -> Result<Self, Fault> {
        let seen = engine.ports.driver.instances().await?;
        let seen = seen.into_iter().map(|Observed { instance, life }| (instance, life)).collect();
        let slots = engine.ports.store.below("").await?;
        let instances = engine.ports.store.below("").await?;
        Ok(Self { slots, instances, seen })
    }

    fn runs(&self, instance: &Instance) -> bool {
        matches!(self.seen.get(&instance.id), Some(Life::Running { .. }))
    }
}

async fn look(engine: &Arc<Engine>, memory: &mut Memory) -> Result<(), Fault> {
    let sight = Sight::new(engine).await?;
    for slot in &sight.slots {
        retire_warm(engine, slot).await?;
    }
    drop_dead(engine, &sight, memory).await?;
    stop_unwanted(engine, &sight, &memory.busy).await?;
    replace_missing(engine, &sight, memory).await?;
    tidy::tidy(engine, &sight.seen, &sight.instances).await
}

/// Warm sets whose time is over leave the slot; their instances are then unwanted.
async fn retire_warm(engine: &Engine, slot: &Slot) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let itself = DeploymentId::new("reconciler");
    if slot.warm.iter().all(|warm| warm.until > now) || !engine.leases.try_hold(&itself, &slot.key) {
        return Ok(());
    }
    let retired = retire_warm_of_held(engine, &slot.key, now).await;
    engine.leases.release(&itself);
    retired
}

async fn retire_warm_of_held(engine: &Engine, key: &SlotKey, now: Timestamp) -> Result<(), Fault> {
    // Read again: it may have been written before it was held.
    let Some(slot) = engine.ports.store.find::<Slot>(&key.to_string()).await? else { return Ok(()) };
    let (stay, over): (Vec<_>, Vec<_>) = slot.warm.iter().cloned().partition(|warm| warm.until > now);
    if over.is_empty() {
        return Ok(());
    }
    // The writer stays on record: that a set was retired is no reason to refuse a rollback.
    let next = Slot { warm: stay, revision: slot.revision + 1, ..slot };
    let names = over.iter().map(|warm| warm.release.short().to_owned()).collect::<Vec<_>>().join(", ");
    let event = said(key, EventKind::WarmRetired, EventStatus::Ok, format!("{names} no longer stands by"));
    engine.ports.store.commit(Commit::at(now).put_slot(&next).event(event)).await.map(|_| ())
}

fn said(slot: &SlotKey, kind: EventKind, status: EventStatus, message: String) -> EventBody {
    EventBody {
        project: Some(slot.project.clone()),
        environment: Some(slot.environment.clone()),
        services: vec![slot.service.clone()],
        ..EventBody::new(kind, status, "reconciler", message)
    }
}

/// Records of instances that ended go; the slot then misses them.
async fn drop_dead(engine: &Engine, sight: &Sight, memory: &mut Memory) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    for instance in &sight.instances {
        let leased = engine.leases.holder(&instance.slot).is_some();
        if leased || sight.runs(instance) || memory.busy.is(&instance.slot, &instance.release) {
            continue;
        }
        let life = engine.ports.driver.observe(&instance.id).await?;
        let how = match life {
            Life::Running { .. } => continue,
            Life::Exited { signal: Some(signal), .. } => format!("was ended by signal {signal}"),
            Life::Exited { status: Some(status), .. } => format!("exited with status {status}"),
            Life::Exited { .. } | Life::Absent => "is gone".to_owned(),
        };
        memory.died(instance, now);
        let message = format!("{} {how}", instance.id);
        let event = said(&instance.slot, EventKind::InstanceStopped, EventStatus::Warning, message);
        engine.ports.store.commit(Commit::at(now).delete(instance).event(event)).await?;
        engine.publisher.kick();
    }
    Ok(())
}

impl Memory {
    fn died(&mut self, instance: &Instance, now: Timestamp) {
        let deaths = self.deaths.entry((instance.slot.clone(), instance.release.clone()));
        let deaths = deaths.or_insert(Deaths { count: 0, last: now });
        // By its life, not by the time since the last death: that one holds the wait before it was started.
        if now.since_ms(instance.created_at) > FORGIVEN_AFTER_MS {
            deaths.count = 0;
        }
        *deaths = Deaths { count: deaths.count + 1, last: now };
    }

    /// Whether it is time to replace: at once after the first death, then later and later.
    fn may_replace(&self, slot: &SlotKey, release: &ReleaseId, now: Timestamp) -> bool {
        let Some(deaths) = self.deaths.get(&(slot.clone(), release.clone())) else { return true };
        if deaths.count <= 1 {
            return true;
        }
        let wait_ms = REPLACE_MS.saturating_mul(1 << (deaths.count - 1).min(20)).min(REPLACE_MS_MAX);
        now.since_ms(deaths.last) >= wait_ms
    }
}

/// Instances beyond what their slot wants, and those that nobody recorded.
async fn stop_unwanted(engine: &Arc<Engine>, sight: &Sight, busy: &Busy) -> Result<(), Fault> {
    let recorded: BTreeSet<_> = sight.instances.iter().map(|instance| &instance.id).collect();
    for (id, life) in &sight.seen {
        let strays = matches!(life, Life::Running { .. }) && !recorded.contains(id);
        if strays && engine.ports.store.find::<Instance>(id.as_str()).await?.is_none() {
            warn!(instance = %id, "stopping an instance that nobody recorded");
            engine.ports.driver.stop(id, &Default::default()).await?;
        }
    }
    let mut counts: BTreeMap<(&SlotKey, &ReleaseId), u32> = BTreeMap::new();
    let mut running: Vec<_> = sight.instances.iter().filter(|instance| sight.runs(instance)).collect();
    running.sort_by_key(|instance| (instance.state == InstanceState::Draining, instance.created_at, &instance.id));
    for instance in running {
        if engine.leases.holder(&instance.slot).is_some() || busy.is(&instance.slot, &instance.release) {
            continue;
        }
        // Read again: the slot may have been written since the look.
        let slot: Option<Slot> = engine.ports.store.find(&instance.slot.to_string()).await?;
        let wanted = slot.map_or(0, |slot| slot.wanted(&instance.release));
        let count = counts.entry((&instance.slot, &instance.release)).or_default();
        *count += 1;
        if *count > wanted || instance.state == InstanceState::Draining {
            let of = (instance.slot.clone(), instance.release.clone());
            busy.run(engine, of, retire(engine.clone(), instance.clone()));
        }
    }
    Ok(())
}

async fn retire(engine: Arc<Engine>, instance: Instance) -> Result<(), Fault> {
    let release = engine.release(&instance.release).await?;
    if instance.state != InstanceState::Draining {
        let draining = Instance { state: InstanceState::Draining, ..instance.clone() };
        let committed = engine.ports.store.commit(Commit::at(engine.ports.clock.now()).put(&draining)).await?;
        engine.publisher.follow(&*engine.ports.clock, committed.generation).await?;
    }
    deploy::drain(&engine, &release, &instance.id).await;
    deploy::stop(&engine, &release, &instance.id).await
}

/// Starts what slots miss.
async fn replace_missing(engine: &Arc<Engine>, sight: &Sight, memory: &Memory) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    for slot in sight.slots.iter().filter(|slot| engine.leases.holder(&slot.key).is_none()) {
        for release in slot.releases() {
            let recorded = sight.instances.iter().filter(|one| one.slot == slot.key && one.release == *release);
            let running = recorded.filter(|one| sight.runs(one)).count();
            let missing = (slot.wanted(release) as usize).saturating_sub(running);
            let idle = !memory.busy.is(&slot.key, release);
            if missing > 0 && idle && memory.may_replace(&slot.key, release, now) {
                let known = engine.release(release).await?;
                let of = (slot.key.clone(), release.clone());
                memory.busy.run(engine, of, replace_all(engine.clone(), slot.key.clone(), known, now, missing));
            }
        }
    }
    Ok(())
}

async fn replace_all(
    engine: Arc<Engine>,
    slot: SlotKey,
    release: Arc<Release>,
    now: Timestamp,
    missing: usize,
) -> Result<(), Fault> {
    let all = (0..missing).map(|number| replace(&engine, &slot, &release, now, number));
    try_join_all(all).await.map(|_| ())
}

async fn replace(
    engine: &Arc<Engine>,
    slot: &SlotKey,
    release: &Arc<Release>,
    now: Timestamp,
    number: usize,
) -> Result<(), Fault> {
    // Revisions are small numbers, so one made of the time is never a planned instance's.
    let revision = now.0.unsigned_abs();
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let instance = Instance {
        id: instance_id(slot, &release.id, revision, number),
        slot: slot.clone(),
        release: release.id.clone(),
        state: InstanceState::Starting,
        address: None,
        deployment: None,
        created_at: now,
    };
    engine.ports.driver.stage(release).await?;
    let instance = deploy::launch(engine, release, instance).await?;
    if !deploy::is_healthy(engine, release, &instance.id).await {
        warn!(instance = %instance.id, "a replacement is not healthy yet");
        engine.ports.driver.stop(&instance.id, &release.serve.stop).await?;
        return Ok(());
    }
    let message = format!("{} was started in place of one that ended", instance.id);
    let event = said(slot, EventKind::InstanceReplaced, EventStatus::Ok, message);
    let ready = Instance { state: InstanceState::Ready, ..instance };
    engine.ports.store.commit(Commit::at(engine.ports.clock.now()).put(&ready).event(event)).await?;
    engine.publisher.kick();
    Ok(())
}
