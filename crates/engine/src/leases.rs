//! Leases on slots, as they are stored: read, decided by `core::lease`, written if nobody wrote in between.

use std::collections::BTreeSet;

use futures_util::future::{Either, select};
use shipway_core::{
    deployment::Deployment,
    id::{DeploymentId, EnvironmentName, ProjectId, ServiceName, SlotKey},
    lease::Leases,
    ports::{Fault, FaultKind},
    store::{Commit, Guarded},
};
use tokio::sync::Notify;

use crate::{Engine, servers::EXPIRES_MS};

/// How often a decision is taken again because somebody wrote in between.
const CONFLICTS_MAX: u32 = 100;
/// How often somebody who waits looks again, in case another server gave a lease back.
const LOOK_MS: u64 = 1000;

/// Tells those who wait on this server that a lease was given back.
#[derive(Default)]
pub(crate) struct Returned(Notify);

/// An environment's leases as they are now.
pub(crate) async fn read(engine: &Engine, project: &ProjectId, environment: &EnvironmentName) -> Result<Leases, Fault> {
    let stored = engine.ports.store.find(&format!("{project}/{environment}")).await?;
    Ok(stored.unwrap_or_else(|| Leases::none(project.clone(), environment.clone())))
}

/// Decides on the leases of an environment, and writes what was decided; the decision says whether it changed anything.
async fn decide<T>(
    engine: &Engine,
    project: &ProjectId,
    environment: &EnvironmentName,
    decision: impl Fn(&mut Leases) -> T,
) -> Result<T, Fault> {
    let mut conflicts = 0;
    loop {
        let before = read(engine, project, environment).await?;
        let mut after = before.clone();
        let decided = decision(&mut after);
        if after == before {
            return Ok(decided);
        }
        after.revision += 1;
        let what = Guarded::Leases(project.clone(), environment.clone());
        let commit = Commit::at(engine.ports.clock.now()).put(&after).raise(what, before.revision);
        match engine.ports.store.commit(commit).await {
            Ok(_) => return Ok(decided),
            Err(fault) if fault.kind == FaultKind::Conflict && conflicts < CONFLICTS_MAX => conflicts += 1,
            Err(fault) => return Err(fault),
        }
    }
}

/// Takes the leases on all of the services' slots, or joins the queue and says who comes before.
pub(crate) async fn take(
    engine: &Engine,
    deployment: &Deployment,
    services: &BTreeSet<ServiceName>,
) -> Result<Result<(), Vec<DeploymentId>>, Fault> {
    let (project, environment) = (&deployment.request.project, &deployment.request.environment);
    let now = engine.ports.clock.now();
    loop {
        let taken = decide(engine, project, environment, |leases| leases.take(&deployment.id, services, now)).await?;
        let Err(before) = taken else { return Ok(Ok(())) };
        let mut cleared = false;
        for other in &before {
            // It ended, and what carried it died before it gave back what it had.
            if has_ended(engine, other).await? {
                decide(engine, project, environment, |leases| leases.release(other)).await?;
                cleared = true;
            }
        }
        if !cleared {
            return Ok(Err(before));
        }
    }
}

async fn has_ended(engine: &Engine, id: &DeploymentId) -> Result<bool, Fault> {
    let stored = engine.ports.store.deployment(id.as_str()).await?;
    Ok(stored.is_none_or(|deployment| deployment.phase.is_end()))
}

/// Gives everything of a deployment back, and its place in the queue.
pub(crate) async fn give_back(engine: &Engine, deployment: &Deployment) -> Result<(), Fault> {
    let (project, environment) = (&deployment.request.project, &deployment.request.environment);
    decide(engine, project, environment, |leases| leases.release(&deployment.id)).await?;
    engine.returned.0.notify_waiters();
    Ok(())
}

/// The same when a deployment has ended, unless somebody has it tried again by now: then it needs them.
pub(crate) async fn give_back_ended(engine: &Engine, deployment: &Deployment) -> Result<(), Fault> {
    let right = deployment.right();
    let what = Guarded::Leases(deployment.request.project.clone(), deployment.request.environment.clone());
    for _ in 0..CONFLICTS_MAX {
        let before = read(engine, &deployment.request.project, &deployment.request.environment).await?;
        let mut after = before.clone();
        after.release(&deployment.id);
        if after == before || !has_ended(engine, &deployment.id).await? {
            break;
        }
        after.revision += 1;
        let commit = Commit::at(engine.ports.clock.now()).put(&after).raise(what.clone(), before.revision);
        match engine.ports.store.commit(commit.fence(right.0.clone(), right.1)).await {
            Err(fault) if fault.kind == FaultKind::Conflict => {}
            committed => {
                committed?;
                break;
            }
        }
    }
    engine.returned.0.notify_waiters();
    Ok(())
}

/// Gives back what deployments have that ended, and whose servers died before they gave it back themselves: nothing
/// would retire or stop anything there until somebody asks for these slots. A fresh lease may be that of a stuck one
/// that is just being taken up again, so only older ones are looked at.
pub(crate) async fn clear(engine: &Engine) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let all: Vec<Leases> = engine.ports.store.below("").await?;
    for leases in &all {
        let older = leases.held.values().filter(|lease| lease.since.plus_ms(EXPIRES_MS) < now);
        let holders: BTreeSet<_> = older.map(|lease| &lease.holder).collect();
        for holder in holders {
            if !engine.active().contains_key(holder) && has_ended(engine, holder).await? {
                decide(engine, &leases.project, &leases.environment, |leases| leases.release(holder)).await?;
                engine.returned.0.notify_waiters();
            }
        }
    }
    Ok(())
}

/// Ends when it is worth looking again. Made before the look, it misses nothing that this server gives back after it.
pub(crate) async fn worth_a_look(engine: &Engine) {
    let returned = Box::pin(engine.returned.0.notified());
    match select(returned, engine.ports.clock.sleep_ms(LOOK_MS)).await {
        Either::Left(_) | Either::Right(_) => {}
    }
}

/// All leases, as they were at one look.
pub(crate) struct Held(Vec<Leases>);

impl Held {
    pub(crate) async fn look(engine: &Engine) -> Result<Self, Fault> {
        Ok(Self(engine.ports.store.below("").await?))
    }

    /// Who has the slot.
    pub(crate) fn holder(&self, slot: &SlotKey) -> Option<&DeploymentId> {
        let leases = self.of(slot)?;
        leases.held.get(&slot.service).map(|lease| &lease.holder)
    }

    /// Whether a deployment has all of these slots.
    pub(crate) fn all_of(&self, deployment: &DeploymentId, slots: &BTreeSet<SlotKey>) -> bool {
        slots.iter().all(|slot| self.holder(slot) == Some(deployment))
    }

    /// The leases of a slot's environment with their revision, so that a commit can ask that nothing was taken since.
    pub(crate) fn fence(&self, slot: &SlotKey) -> (Guarded, u64) {
        let revision = self.of(slot).map_or(0, |leases| leases.revision);
        (Guarded::Leases(slot.project.clone(), slot.environment.clone()), revision)
    }

    fn of(&self, slot: &SlotKey) -> Option<&Leases> {
        self.0.iter().find(|leases| leases.project == slot.project && leases.environment == slot.environment)
    }
}
