//! The reconciler: what slots want against what runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::try_join_all;
use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::{InstanceId, ReleaseId, SlotKey},
    instance::{Instance, InstanceState, instance_id},
    phase::Phase,
    ports::{Fault, FaultKind, Life, Observed},
    release::Release,
    slot::{Share, Slot},
    store::{Commit, Guarded},
    strategy::StrategyKind,
    time::Timestamp,
};
use tracing::warn;

use super::tidy;
use crate::{Engine, deploy, leases::Held};

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
    /// By which right this server keeps the state true; what a former leader writes is refused.
    leader: u64,
    held: Held,
    slots: Vec<Slot>,
    instances: Vec<Instance>,
    seen: BTreeMap<InstanceId, Life>,
}

impl Sight {
    /// What the driver sees is read before what is recorded: an instance is recorded before it starts, so one that is
    /// seen and not recorded afterwards is nobody's.
    async fn new(engine: &Engine, leader: u64) -> Result<Self, Fault> {
        let seen = engine.ports.driver.instances().await?;
        let seen = seen.into_iter().map(|Observed { instance, life }| (instance, life)).collect();
        let slots = engine.ports.store.below("").await?;
        let instances = engine.ports.store.below("").await?;
        let held = Held::look(engine).await?;
        Ok(Self { leader, held, slots, instances, seen })
    }

    /// A commit that only the leader may make.
    fn commit(&self, engine: &Engine) -> Commit {
        Commit::at(engine.ports.clock.now()).fence(Guarded::Leader, self.leader)
    }

    fn is_leased(&self, slot: &SlotKey) -> bool {
        self.held.holder(slot).is_some()
    }

    fn runs(&self, instance: &Instance) -> bool {
        matches!(self.seen.get(&instance.id), Some(Life::Running { .. }))
    }
}

async fn look(engine: &Arc<Engine>, memory: &mut Memory) -> Result<(), Fault> {
    let Some(leader) = engine.itself.leads(engine.ports.clock.now()) else { return Ok(()) };
    let sight = Sight::new(engine, leader).await?;
    for slot in &sight.slots {
        retire_warm(engine, &sight, slot).await?;
    }
    drop_dead(engine, &sight, memory).await?;
    stop_unwanted(engine, &sight, &memory.busy).await?;
    replace_missing(engine, &sight, memory).await?;
    tidy::tidy(engine, &sight.seen, &sight.instances).await
}

/// Warm sets whose time is over leave the slot; their instances are then unwanted.
async fn retire_warm(engine: &Engine, sight: &Sight, slot: &Slot) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let (stay, over): (Vec<_>, Vec<_>) = slot.warm.iter().cloned().partition(|warm| warm.until > now);
    if over.is_empty() || sight.is_leased(&slot.key) {
        return Ok(());
    }
    // The writer stays on record: that a set was retired is no reason to refuse a rollback.
    let next = Slot { warm: stay, revision: slot.revision + 1, ..slot.clone() };
    let names = over.iter().map(|warm| warm.release.short().to_owned()).collect::<Vec<_>>().join(", ");
    let event = said(&slot.key, EventKind::WarmRetired, EventStatus::Ok, format!("{names} no longer stands by"));
    let (leases, revision) = sight.held.fence(&slot.key);
    match engine.ports.store.commit(sight.commit(engine).fence(leases, revision).put_slot(&next).event(event)).await {
        // A deployment came first: the next look decides again.
        Err(fault) if fault.kind == FaultKind::Conflict => Ok(()),
        Err(fault) => Err(fault),
        Ok(_) => {
            // Its links go too; where it had no instances to stop, nothing else would say so.
            engine.publisher.kick();
            Ok(())
        }
    }
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
        // What a deployment starts and stops is its own; what serves meanwhile is looked after as ever.
        let served = matches!(instance.state, InstanceState::Ready | InstanceState::Unready);
        let others = sight.is_leased(&instance.slot) && !served;
        if others || sight.runs(instance) || memory.busy.is(&instance.slot, &instance.release) {
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
        engine.ports.store.commit(sight.commit(engine).delete(instance).event(event)).await?;
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
        if sight.is_leased(&instance.slot) || busy.is(&instance.slot, &instance.release) {
            continue;
        }
        // Read again: the slot may have been written since the look.
        let slot: Option<Slot> = engine.ports.store.find(&instance.slot.to_string()).await?;
        let wanted = slot.map_or(0, |slot| slot.wanted(&instance.release));
        let count = counts.entry((&instance.slot, &instance.release)).or_default();
        *count += 1;
        if *count > wanted || instance.state == InstanceState::Draining {
            let of = (instance.slot.clone(), instance.release.clone());
            let (leases, revision) = sight.held.fence(&instance.slot);
            let first = sight.commit(engine).fence(leases, revision);
            busy.run(engine, of, retire(engine.clone(), instance.clone(), first));
        }
    }
    Ok(())
}

/// Takes an instance out of traffic, by a commit that is refused when a deployment has taken the slot since the look:
/// then it is that one's to stop, in its order.
async fn retire(engine: Arc<Engine>, instance: Instance, first: Commit) -> Result<(), Fault> {
    let release = engine.release(&instance.release).await?;
    let draining = Instance { state: InstanceState::Draining, ..instance.clone() };
    let committed = match engine.ports.store.commit(first.put(&draining)).await {
        Err(fault) if fault.kind == FaultKind::Conflict => return Ok(()),
        committed => committed?,
    };
    engine.publisher.follow(&*engine.ports.clock, committed.generation).await?;
    deploy::drain(&engine, &release, &instance.id).await;
    deploy::stop(&engine, &release, &instance.id).await
}

/// Starts what slots miss.
async fn replace_missing(engine: &Arc<Engine>, sight: &Sight, memory: &Memory) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    for slot in &sight.slots {
        for release in slot.releases() {
            let recorded = sight.instances.iter().filter(|one| one.slot == slot.key && one.release == *release);
            let running = recorded.filter(|one| sight.runs(one)).count();
            let missing = (slot.wanted(release) as usize).saturating_sub(running);
            let idle = !memory.busy.is(&slot.key, release);
            if missing == 0 || !idle || !memory.may_replace(&slot.key, release, now) {
                continue;
            }
            let known = engine.release(release).await?;
            if may_replace_beside(engine, sight, slot, &known).await? {
                let of = (slot.key.clone(), release.clone());
                let place = Place { slot: slot.key.clone(), revision: slot.revision, leader: sight.leader };
                memory.busy.run(engine, of, replace_all(engine.clone(), place, known, now, missing));
            }
        }
    }
    Ok(())
}

/// Whether a release's instances may be replaced beside a deployment that holds the slot: those that serve, but not
/// what the deployment has yet to start, nor what it is about to leave. Releases that may not run beside others are
/// left to the deployment altogether.
async fn may_replace_beside(engine: &Engine, sight: &Sight, slot: &Slot, release: &Release) -> Result<bool, Fault> {
    let Some(holder) = sight.held.holder(&slot.key) else { return Ok(true) };
    let comes = slot.candidate.as_ref().filter(|candidate| candidate.release == release.id);
    if comes.is_some_and(|candidate| candidate.share == Share::Lane) {
        return Ok(false);
    }
    let Some(deployment) = engine.ports.store.deployment(holder.as_str()).await? else { return Ok(true) };
    let exclusive = [Some(release.serve.strategy.kind()), deployment.strategy_kind()];
    if exclusive.contains(&Some(StrategyKind::Recreate)) {
        return Ok(false);
    }
    let returns = |parent: &Slot| parent.key == slot.key && parent.wanted(&release.id) > 0;
    Ok(deployment.phase != Phase::RollingBack || deployment.course.parents.iter().any(returns))
}

/// Where an instance is started in place of another, and what must still hold when it is recorded.
#[derive(Clone)]
struct Place {
    slot: SlotKey,
    revision: u64,
    leader: u64,
}

async fn replace_all(
    engine: Arc<Engine>,
    place: Place,
    release: Arc<Release>,
    now: Timestamp,
    missing: usize,
) -> Result<(), Fault> {
    let all = (0..missing).map(|number| replace(&engine, &place, &release, now, number));
    try_join_all(all).await.map(|_| ())
}

async fn replace(
    engine: &Arc<Engine>,
    place: &Place,
    release: &Arc<Release>,
    now: Timestamp,
    number: usize,
) -> Result<(), Fault> {
    let slot = &place.slot;
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
    // Recorded only if the slot is still what was seen: a deployment may have moved it on.
    let record = Commit::at(now)
        .fence(Guarded::Leader, place.leader)
        .fence(Guarded::Slot(slot.clone()), place.revision)
        .put(&instance);
    match engine.ports.store.commit(record).await {
        Err(fault) if fault.kind == FaultKind::Conflict => return Ok(()),
        committed => committed?,
    };
    let right = (Guarded::Leader, place.leader);
    let instance = deploy::launch(engine, release, instance, right, false).await?;
    let healthy = deploy::is_healthy(engine, release, &instance.id).await;
    // A deployment may have proven it meanwhile, or let it go: then it is that one's.
    let recorded: Option<Instance> = engine.ports.store.find(instance.id.as_str()).await?;
    if recorded.is_none_or(|recorded| recorded.state != InstanceState::Starting) {
        return Ok(());
    }
    if !healthy {
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
