//! Instances in place of those that died: started, proven, let into traffic. What another server left half way is taken
//! up too.

use std::sync::Arc;

use futures_util::future::try_join_all;
use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::{InstanceId, SlotKey},
    instance::{Instance, InstanceState, instance_id},
    phase::Phase,
    ports::{Fault, FaultKind},
    release::Release,
    slot::{Share, Slot},
    store::{Commit, Guarded},
    strategy::StrategyKind,
    time::Timestamp,
};
use tracing::warn;

use super::{
    memory::{Deaths, Memory},
    reconcile::{Sight, said},
    turn::turn,
};
use crate::{Engine, deploy};

/// Starts what slots miss.
pub(super) async fn missing(engine: &Arc<Engine>, sight: &Sight, memory: &Memory) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    for slot in &sight.slots {
        for release in slot.releases() {
            let recorded = sight.instances.iter().filter(|one| one.slot == slot.key && one.release == *release);
            let running = recorded.filter(|one| sight.runs(one)).count();
            let missing = (slot.wanted(release) as usize).saturating_sub(running);
            let idle = !memory.busy.is(&slot.key, release);
            if missing == 0 || !idle || !memory.deaths.may_replace(&slot.key, release, now) {
                continue;
            }
            let known = engine.release(release).await?;
            if may_replace_beside(engine, sight, slot, &known).await? {
                let of = (slot.key.clone(), release.clone());
                let place = Place {
                    slot: slot.key.clone(),
                    revision: slot.revision,
                    leader: sight.leader,
                    deaths: memory.deaths.clone(),
                };
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
pub(super) struct Place {
    pub(super) slot: SlotKey,
    pub(super) revision: u64,
    pub(super) leader: u64,
    pub(super) deaths: Deaths,
}

/// The id of what is started in place of another at a time, when several are.
pub(super) fn id(slot: &SlotKey, release: &Release, now: Timestamp, number: usize) -> InstanceId {
    // Revisions are small numbers, so one made of the time is never a planned instance's.
    instance_id(slot, &release.id, now.0.unsigned_abs(), u32::try_from(number).unwrap_or(u32::MAX))
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

/// Starts one, proves it, and lets it take requests; nothing is done when the slot has moved on.
pub(super) async fn replace(
    engine: &Arc<Engine>,
    place: &Place,
    release: &Arc<Release>,
    now: Timestamp,
    number: usize,
) -> Result<(), Fault> {
    let slot = &place.slot;
    let instance = Instance {
        id: id(slot, release, now, number),
        slot: slot.clone(),
        release: release.id.clone(),
        state: InstanceState::Starting,
        address: None,
        deployment: None,
        launched: None,
        reloading: None,
        substituted: Default::default(),
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
    // It is not recorded again: a deployment that has let it go meanwhile has removed its record, and so it stays.
    let instance = deploy::start(engine, release, instance, right, false).await?;
    settle(engine, place.leader, &place.deaths, release, instance).await
}

/// What was started in place of another, and is not in traffic yet: its server died, or somebody wrote in between.
pub(super) async fn take_up(engine: &Arc<Engine>, sight: &Sight, memory: &Memory) -> Result<(), Fault> {
    let coming = sight.instances.iter().filter(|one| one.state == InstanceState::Starting && sight.runs(one));
    for instance in coming {
        // What a deployment starts is its own as long as it has the slot.
        let others = instance.deployment.is_some() && sight.is_leased(&instance.slot);
        if others || memory.busy.is(&instance.slot, &instance.release) {
            continue;
        }
        let release = engine.release(&instance.release).await?;
        let (deaths, leader) = (memory.deaths.clone(), sight.leader);
        let of = (instance.slot.clone(), instance.release.clone());
        let (engine_too, instance) = (engine.clone(), instance.clone());
        memory.busy.run(engine, of, async move { settle(&engine_too, leader, &deaths, &release, instance).await });
    }
    Ok(())
}

/// Lets a replacement take requests once it is healthy, or ends it.
async fn settle(
    engine: &Engine,
    leader: u64,
    deaths: &Deaths,
    release: &Release,
    instance: Instance,
) -> Result<(), Fault> {
    let healthy = deploy::is_healthy(engine, release, &instance.id).await;
    let right = (Guarded::Leader, leader);
    if healthy {
        let event = ready(&instance);
        return turn(engine, &instance, InstanceState::Starting, InstanceState::Ready, event, right).await.map(|_| ());
    }
    // Read before the instance: when a deployment proves it in between or lets it go, the slot's revision says so.
    let slot: Option<Slot> = engine.ports.store.find(&instance.slot.to_string()).await?;
    let stored: Option<Instance> = engine.ports.store.find(instance.id.as_str()).await?;
    let Some(stored) = stored.filter(|stored| stored.state == InstanceState::Starting) else { return Ok(()) };
    warn!(instance = %instance.id, "a replacement is not healthy: it is ended");
    let fence = (Guarded::Slot(instance.slot.clone()), slot.map_or(0, |slot| slot.revision));
    let commit = Commit::at(engine.ports.clock.now()).fence(right.0, right.1).fence(fence.0, fence.1);
    // Its record goes first: nobody can let it into traffic any more, and what runs unrecorded is stopped by any look.
    match engine.ports.store.commit(commit.delete(&stored)).await {
        Err(fault) if fault.kind == FaultKind::Conflict => return Ok(()),
        committed => committed?,
    };
    deaths.add(&stored, engine.ports.clock.now());
    engine.ports.driver.stop(&instance.id, &release.serve.stop).await
}

fn ready(instance: &Instance) -> EventBody {
    let (kind, words) = match instance.deployment {
        None => (EventKind::InstanceReplaced, "was started in place of one that ended"),
        // A deployment began it, and ended before it was ready.
        Some(_) => (EventKind::InstanceReady, "takes requests"),
    };
    said(&instance.slot, kind, EventStatus::Ok, format!("{} {words}", instance.id))
}
