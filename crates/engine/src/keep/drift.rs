//! Finds drift: one release of one slot at a time, round and round, by the leader. What is found is kept and told once;
//! where the environment's policy says so, it is asked to be put right.
//!
//! Not here: looking at files and records (`ports::Driver`), putting right (`repair`). A slot under a lease is left to its
//! deployment.

use std::{collections::BTreeSet, sync::Arc};

use shipway_core::{
    drift::{Difference, Drift, DriftPolicy, Repair},
    event::{EventKind, EventStatus},
    id::{Actor, ReleaseId, SlotKey},
    instance::{Instance, InstanceState},
    ports::{Fault, FaultKind, Launch},
    project::Project,
    slot::Slot,
    spec::ServiceKind,
    store::{Commit, Guarded},
};
use tracing::warn;

use super::reconcile::said;
use crate::{Engine, deploy, leases::Held};

/// Between two looks, in milliseconds.
const TICK_MS: u64 = 1000;
/// A look that took long is followed by a rest of so many times that long.
const REST_TIMES: u64 = 20;

/// A release in its slot.
type Of = (SlotKey, ReleaseId);

pub(super) async fn run(engine: Arc<Engine>) {
    let clock = engine.ports.clock.clone();
    let mut last: Option<Of> = None;
    loop {
        let began = clock.now();
        if let Some(leader) = engine.itself.leads(began)
            && let Err(fault) = look(&engine, leader, &mut last).await
        {
            warn!(%fault, "drift could not be looked for");
        }
        let took_ms = clock.now().since_ms(began);
        clock.sleep_ms(took_ms.saturating_mul(REST_TIMES).max(TICK_MS)).await;
    }
}

/// Looks at what comes after the last one.
async fn look(engine: &Engine, leader: u64, last: &mut Option<Of>) -> Result<(), Fault> {
    let slots: Vec<Slot> = engine.ports.store.below("").await?;
    let drifts: Vec<Drift> = engine.ports.store.below("").await?;
    forget_gone(engine, leader, &slots, &drifts).await?;
    *last = next(&slots, last.as_ref());
    let Some((key, release)) = last else { return Ok(()) };
    let held = Held::look(engine).await?;
    let Some(slot) = slots.iter().find(|slot| slot.key == *key && held.holder(key).is_none()) else { return Ok(()) };
    // What is being put right differs until it is done.
    let is_this = |drift: &&Drift| drift.slot == *key && drift.release == *release;
    if drifts.iter().find(is_this).is_some_and(|known| known.repair.is_some()) {
        return Ok(());
    }
    let Some(found) = differences(engine, slot, release).await? else { return Ok(()) };
    let first = Commit::at(engine.ports.clock.now()).fence(Guarded::Leader, leader);
    let first = first.fence(Guarded::Slot(slot.key.clone()), slot.revision);
    match note(engine, first, slot, release, found).await {
        // A deployment came first.
        Err(fault) if fault.kind == FaultKind::Conflict => Ok(()),
        noted => noted,
    }
}

/// The release that comes after the last one, round and round.
fn next(slots: &[Slot], last: Option<&Of>) -> Option<Of> {
    let of = |slot: &Slot| -> Vec<Of> {
        slot.releases().into_iter().map(|release| (slot.key.clone(), release.clone())).collect()
    };
    let all: BTreeSet<Of> = slots.iter().flat_map(of).collect();
    let after = last.and_then(|last| all.iter().find(|of| *of > last));
    after.or_else(|| all.first()).cloned()
}

/// What is known of releases that are in no slot any more says nothing.
async fn forget_gone(engine: &Engine, leader: u64, slots: &[Slot], drifts: &[Drift]) -> Result<(), Fault> {
    let is_there = |drift: &&Drift| {
        let slot = slots.iter().find(|slot| slot.key == drift.slot);
        slot.is_some_and(|slot| slot.releases().contains(&&drift.release))
    };
    let gone: Vec<_> = drifts.iter().filter(|drift| !is_there(drift)).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let commit = Commit::at(engine.ports.clock.now()).fence(Guarded::Leader, leader);
    let commit = gone.into_iter().fold(commit, |commit, drift| commit.delete(drift));
    engine.ports.store.commit(commit).await.map(|_| ())
}

/// What differs now; none when nothing runs by which it could be told.
async fn differences(engine: &Engine, slot: &Slot, id: &ReleaseId) -> Result<Option<Vec<Difference>>, Fault> {
    let release = engine.release(id).await?;
    let instances: Vec<Instance> = engine.ports.store.below(&slot.key.to_string()).await?;
    let serves = |one: &Instance| matches!(one.state, InstanceState::Ready | InstanceState::Unready);
    let of_release = instances.into_iter().filter(|one| one.slot == slot.key && one.release == *id && serves(one));
    let launch = |one: Instance| Launch {
        variables: deploy::variables(engine, &release, &one.id, one.launched_as()),
        instance: one.id,
        release: release.clone(),
        secrets: Default::default(),
    };
    let launches: Vec<_> = of_release.map(launch).collect();
    // Whoever starts the first one brings the files, too.
    if launches.is_empty() && release.serve.kind == ServiceKind::Process {
        return Ok(None);
    }
    engine.ports.driver.drift(&release, &launches).await.map(Some)
}

/// Keeps what was found, when it is not what is known already.
async fn note(
    engine: &Engine,
    first: Commit,
    slot: &Slot,
    release: &ReleaseId,
    found: Vec<Difference>,
) -> Result<(), Fault> {
    // Somebody may ask for its repair at this very moment.
    let _alone = engine.intake.all().await;
    let known: Option<Drift> = engine.ports.store.find(&Drift::key_of(&slot.key, release)).await?;
    if known.as_ref().is_some_and(|known| known.repair.is_some()) {
        return Ok(());
    }
    let (commit, event) = match (known, found.is_empty()) {
        (None, true) => return Ok(()),
        (Some(known), _) if known.differences == found => return Ok(()),
        (Some(known), true) => {
            let message = format!("{} is again what {} says", slot.key.service, release.short());
            (first.delete(&known), said(&slot.key, EventKind::DriftRepaired, EventStatus::Ok, message))
        }
        (known, false) => {
            let drift = drift(engine, slot, release, known, found).await?;
            let message =
                format!("{} is not what its release {} says: {}", slot.key.service, release.short(), drift.words());
            let mut event = said(&slot.key, EventKind::DriftFound, EventStatus::Warning, message);
            event.details = serde_json::json!({ "release": release, "differences": drift.differences });
            (first.put(&drift), event)
        }
    };
    engine.ports.store.commit(commit.event(event)).await.map(|_| ())
}

async fn drift(
    engine: &Engine,
    slot: &Slot,
    release: &ReleaseId,
    known: Option<Drift>,
    differences: Vec<Difference>,
) -> Result<Drift, Fault> {
    let now = engine.ports.clock.now();
    let failed = known.and_then(|known| known.failed);
    let project: Option<Arc<Project>> = engine.ports.store.share(slot.key.project.as_str()).await?;
    let policy = match project {
        Some(project) => engine.environment_plan(&project, &slot.key.environment).await.map(|plan| plan.drift),
        None => None,
    };
    // What could not be put right is left to a person.
    let asks = policy == Some(DriftPolicy::Repair) && failed.is_none();
    let by = Actor::system("drift").name;
    let repair = asks.then(|| Repair { by, at: now, reason: Some("the environment's policy".into()) });
    let (slot, release) = (slot.key.clone(), release.clone());
    Ok(Drift { slot, release, differences, found_at: now, repair, failed })
}
