//! The reconciler: what slots want against what runs.

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::{InstanceId, ReleaseId, SlotKey},
    instance::{Instance, InstanceState},
    ports::{Fault, FaultKind, Life, Observed},
    slot::Slot,
    store::{Commit, Guarded},
};
use tracing::warn;

use super::{
    memory::{Busy, Memory},
    repair, replace, tidy,
};
use crate::{Engine, deploy, leases::Held};

const TICK_MS: u64 = 1000;

pub(super) async fn run(engine: Arc<Engine>) {
    let memory = Memory::default();
    loop {
        if let Err(fault) = look(&engine, &memory).await {
            warn!(%fault, "the reconciler could not finish");
        }
        engine.ports.clock.sleep_ms(TICK_MS).await;
    }
}

/// Everything, read at one time.
pub(super) struct Sight {
    /// By which right this server keeps the state true; what a former leader writes is refused.
    pub(super) leader: u64,
    pub(super) held: Held,
    pub(super) slots: Vec<Slot>,
    pub(super) instances: Vec<Instance>,
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

    pub(super) fn is_leased(&self, slot: &SlotKey) -> bool {
        self.held.holder(slot).is_some()
    }

    pub(super) fn runs(&self, instance: &Instance) -> bool {
        matches!(self.seen.get(&instance.id), Some(Life::Running { .. }))
    }
}

async fn look(engine: &Arc<Engine>, memory: &Memory) -> Result<(), Fault> {
    let Some(leader) = engine.itself.leads(engine.ports.clock.now()) else { return Ok(()) };
    let sight = Sight::new(engine, leader).await?;
    for slot in &sight.slots {
        retire_warm(engine, &sight, slot).await?;
    }
    drop_dead(engine, &sight, memory).await?;
    if let Err(fault) = stop_strays(engine, &sight, memory).await {
        warn!(%fault, "what nobody recorded goes on for now");
    }
    stop_unwanted(engine, &sight, &memory.busy).await?;
    replace::take_up(engine, &sight, memory).await?;
    replace::missing(engine, &sight, memory).await?;
    repair::asked(engine, &sight, memory).await?;
    repair::misled(engine, &sight, memory).await?;
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

pub(super) fn said(slot: &SlotKey, kind: EventKind, status: EventStatus, message: String) -> EventBody {
    EventBody {
        project: Some(slot.project.clone()),
        environment: Some(slot.environment.clone()),
        services: vec![slot.service.clone()],
        ..EventBody::new(kind, status, "reconciler", message)
    }
}

/// Records of instances that ended go; the slot then misses them.
async fn drop_dead(engine: &Engine, sight: &Sight, memory: &Memory) -> Result<(), Fault> {
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
        memory.deaths.add(instance, now);
        let message = format!("{} {how}", instance.id);
        let event = said(&instance.slot, EventKind::InstanceStopped, EventStatus::Warning, message);
        engine.ports.store.commit(sight.commit(engine).delete(instance).event(event)).await?;
        engine.publisher.kick();
    }
    Ok(())
}

/// What nobody recorded, once the router follows a table without it. After an older store was put back it may still
/// serve users, and is given time to finish.
async fn stop_strays(engine: &Engine, sight: &Sight, memory: &Memory) -> Result<(), Fault> {
    let strays = deploy::strays(engine, &sight.seen).await?;
    let now = engine.ports.clock.now();
    memory.strays.keep(&strays, now);
    if strays.is_empty() {
        return Ok(());
    }
    let (generation, _) = engine.ports.store.snapshot(&[]).await?;
    engine.publisher.follow(&*engine.ports.clock, generation).await?;
    let in_flight = engine.publisher.traffic().await?.in_flight;
    for id in &strays {
        let serves = in_flight.get(id).is_some_and(|requests| *requests > 0);
        if !serves || memory.strays.is_late(id, now) {
            deploy::stop_stray(engine, id).await?;
        }
    }
    Ok(())
}

/// Instances beyond what their slot wants.
async fn stop_unwanted(engine: &Arc<Engine>, sight: &Sight, busy: &Busy) -> Result<(), Fault> {
    let mut counts: BTreeMap<(SlotKey, ReleaseId), u32> = BTreeMap::new();
    let mut running: Vec<_> = sight.instances.iter().filter(|instance| sight.runs(instance)).collect();
    running.sort_by_key(|instance| (instance.state == InstanceState::Draining, instance.created_at, &instance.id));
    for instance in running {
        if sight.is_leased(&instance.slot) || busy.is(&instance.slot, &instance.release) {
            continue;
        }
        // Read again, before its slot: it may have been written since the look, and the instance passed to another release.
        let Some(instance) = engine.ports.store.find::<Instance>(instance.id.as_str()).await? else { continue };
        let slot: Option<Slot> = engine.ports.store.find(&instance.slot.to_string()).await?;
        let wanted = slot.map_or(0, |slot| slot.wanted(&instance.release));
        let count = counts.entry((instance.slot.clone(), instance.release.clone())).or_default();
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
pub(super) async fn retire(engine: Arc<Engine>, instance: Instance, first: Commit) -> Result<(), Fault> {
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
