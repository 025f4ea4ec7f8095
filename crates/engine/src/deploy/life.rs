//! Carries a deployment from wherever it stands to its end. After a crash, or when a record could not be written, it
//! is taken up from what is stored: that is the same thing.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::{Either, select};
use shipway_core::{
    deployment::{Deployment, FailureReport, Source, Waiting},
    event::{EventKind, EventStatus},
    id::{DeploymentId, SlotKey},
    instance::Instance,
    phase::{End, Phase, Turn},
    plan::Goal,
    ports::Fault,
    release::Release,
    slot::Slot,
    store::Listing,
};
use tracing::{error, warn};

use super::{Active, back, moving, outside, say};
use crate::{Engine, gates, leases, make, promotion};

/// Unpacked releases of a slot that stay, besides those that it names.
const STAGED_MAX: usize = 3;
/// How far back unpacked releases are looked for.
const STAGED_LOOKED_AT_MAX: u32 = 20;
/// How long a deployment waits before it is taken up again, when its record could not be written.
const TAKE_UP_MS: u64 = 2000;

impl Engine {
    /// Carries a deployment in a task of its own.
    pub(crate) fn carry(self: &Arc<Self>, deployment: Arc<Deployment>, recovered: bool) -> Arc<Active> {
        let id = deployment.id.clone();
        let active = Arc::new(Active::new(deployment));
        self.active().insert(id.clone(), active.clone());
        let (engine, carried) = (self.clone(), active.clone());
        self.spawn(async move {
            if carry(&engine, &carried, recovered).await {
                leave_tidy(&engine, &carried).await;
            }
            engine.active().remove(&id);
        });
        active
    }
}

/// Carries it to its end. Says whether it came there; else another server carries it now.
async fn carry(engine: &Arc<Engine>, active: &Active, mut recovered: bool) -> bool {
    loop {
        let result = match std::mem::take(&mut recovered) {
            true => tell_recovered(engine, active).await,
            false => Ok(()),
        };
        let result = match result {
            Ok(()) => live(engine, active).await,
            Err(fault) => Err(fault),
        };
        let Err(fault) = result else { return true };
        error!(%fault, "a deployment can't be recorded; it is taken up again");
        engine.ports.clock.sleep_ms(TAKE_UP_MS).await;
        match active.reload(engine).await {
            Ok(true) => {}
            Ok(false) => return false,
            Err(fault) => warn!(%fault, "the store can't be read either"),
        }
    }
}

/// Removes what only this deployment needed, and the files of releases that nobody goes back to in a moment.
async fn leave_tidy(engine: &Engine, active: &Active) {
    let deployment = active.read().await;
    if let Err(fault) = leases::give_back_ended(engine, &deployment).await {
        warn!(%fault, "its leases stay until somebody else asks for them");
    }
    for slot in deployment.slot_keys() {
        if let Err(fault) = unstage_old(engine, &slot).await {
            warn!(%fault, %slot, "old releases stay where they ran");
        }
    }
    let mut folders = vec![engine.settings.folders.builds().join(deployment.id.as_str())];
    if let Source::Upload(id) = &deployment.request.source {
        folders.push(engine.settings.folders.uploads().join(id));
    }
    for folder in folders {
        if let Err(fault) = engine.ports.sources.remove(&folder).await {
            warn!(%fault, "a working folder stays");
        }
    }
}

/// The artifacts stay stored: only what was unpacked goes, and is unpacked again when it is wanted.
async fn unstage_old(engine: &Engine, slot: &SlotKey) -> Result<(), Fault> {
    let key = slot.to_string();
    let current: Option<Slot> = engine.ports.store.find(&key).await?;
    let instances: Vec<Instance> = engine.ports.store.below(&key).await?;
    // What was reloaded runs from the folder of another release than the slot names.
    let launched = instances.iter().map(Instance::launched_as);
    let named: Vec<_> = current.iter().flat_map(Slot::releases).chain(launched).cloned().collect();
    let listing = Listing { scope: key, before: None, newest_first: true, limit: STAGED_LOOKED_AT_MAX };
    let releases: Vec<Release> = engine.ports.store.all(listing).await?;
    for release in releases.into_iter().skip(STAGED_MAX).filter(|release| !named.contains(&release.id)) {
        engine.ports.driver.unstage(&release.id).await?;
    }
    Ok(())
}

async fn tell_recovered(engine: &Engine, active: &Active) -> Result<(), Fault> {
    let told = |deployment: &mut Deployment| {
        let message = format!("taken up in {}", deployment.phase);
        vec![say(deployment, EventKind::DeploymentRecovered, EventStatus::Running, message)]
    };
    active.update(engine, told).await.map(|_| ())
}

async fn live(engine: &Arc<Engine>, active: &Active) -> Result<(), Fault> {
    if active.read().await.phase < Phase::Staging && !before_moving(engine, active).await? {
        return Ok(());
    }
    let phase = active.read().await.phase;
    if phase.moves() && phase != Phase::RollingBack {
        moving::run_forward(engine, active).await?;
    }
    if active.read().await.phase == Phase::RollingBack {
        back::run_back(engine, active).await?;
    }
    Ok(())
}

/// Makes, waits for the gates and the slots, plans. Says whether it goes on to move.
async fn before_moving(engine: &Arc<Engine>, active: &Active) -> Result<bool, Fault> {
    let work = async {
        promotion::wait(engine, active).await?;
        begin(engine, active).await?;
        let waiting = gates::goal_of_waiting(&*active.read().await);
        let goal = match waiting {
            Some(goal) => goal,
            None => make::make(engine, active).await?,
        };
        pass_gates(engine, active, &goal).await?;
        Ok(goal)
    };
    // Bound before anything else is awaited: what was given up is dropped here, and with it the lock on the deployment's
    // record that it may hold.
    let ended = match select(Box::pin(work), Box::pin(outside::stop(engine, active))).await {
        Either::Left((result, _)) => Ok(result),
        Either::Right((why, _)) => Err(why),
    };
    let result = match ended {
        Ok(result) => result,
        Err(why) => Err(Fail::Failed(Box::new(why.failure(engine, active).await))),
    };
    match result {
        Ok(goal) => moving::record_plan(engine, active, &goal).await,
        Err(Fail::Halt(fault)) => Err(fault),
        Err(Fail::Failed(failure)) => abandon(engine, active, *failure).await.map(|()| false),
    }
}

/// Waits for the gates without leases, then for the leases, until both are so at a time.
async fn pass_gates(engine: &Engine, active: &Active, goal: &Goal) -> Result<(), Fail> {
    loop {
        gates::wait(engine, active, goal).await?;
        take_leases(engine, active, goal).await.map_err(Fail::Halt)?;
        if gates::are_open(engine, active, goal).await? {
            return Ok(());
        }
        leases::give_back(engine, &*active.read().await).await?;
    }
}

/// Why what comes before moving did not end well.
pub(crate) enum Fail {
    /// It can't be recorded.
    Halt(Fault),
    /// It failed.
    Failed(Box<FailureReport>),
}

impl From<Fault> for Fail {
    fn from(fault: Fault) -> Self {
        Self::Halt(fault)
    }
}

async fn begin(engine: &Engine, active: &Active) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    if active.read().await.started_at.is_some() {
        return Ok(());
    }
    let begun = |deployment: &mut Deployment| {
        deployment.started_at = Some(now);
        let message = format!("{} of {} began", deployment.request.kind.name(), deployment.request.environment);
        vec![say(deployment, EventKind::DeploymentStarted, EventStatus::Running, message)]
    };
    active.update(engine, begun).await.map(|_| ())
}

/// Ends a deployment that has moved nothing.
async fn abandon(engine: &Engine, active: &Active, failure: FailureReport) -> Result<(), Fault> {
    // A request that can't be met is a person's fault too, but nobody cancelled it.
    let (end, kind) = match active.read().await.cancel {
        Some(_) => (End::Cancelled, EventKind::DeploymentCancelled),
        None => (End::Failed, EventKind::DeploymentFailed),
    };
    let message = failure.message.clone();
    let noted = |deployment: &mut Deployment| {
        deployment.failed_in = Some(deployment.phase);
        deployment.cause = Some(failure.cause);
        deployment.failures.push(failure);
        Vec::new()
    };
    active.update(engine, noted).await?;
    let deployment = active.read().await;
    let event = say(&deployment, kind, EventStatus::Failed, message);
    active.turn(engine, Turn::Abandon(end), vec![event]).await
}

async fn take_leases(engine: &Engine, active: &Active, goal: &Goal) -> Result<(), Fault> {
    let services: BTreeSet<_> = goal.keys().map(|slot| slot.service.clone()).collect();
    loop {
        let mut changed = Box::pin(leases::worth_a_look(engine));
        // Polled once, so that nothing is missed between asking and waiting.
        let _ = futures_util::poll!(changed.as_mut());
        let Err(before) = leases::take(engine, &*active.read().await, &services).await? else { break };
        let since = engine.ports.clock.now();
        let names = names(engine, &before).await;
        let waits = |deployment: &mut Deployment| {
            if deployment.waiting.as_ref().is_some_and(|waiting| waiting.on == before) {
                return Vec::new();
            }
            let reason = format!("waits for {names}, which writes the same services");
            deployment.waiting = Some(Waiting { reason: reason.clone(), since, on: before.clone() });
            vec![say(deployment, EventKind::DeploymentWaiting, EventStatus::Warning, reason)]
        };
        if active.read().await.waiting.as_ref().is_none_or(|waiting| waiting.on != before) {
            active.update(engine, waits).await?;
        }
        changed.await;
    }
    outside::resume(engine, active).await
}

/// The names of running deployments, as people know them.
async fn names(engine: &Engine, ids: &[DeploymentId]) -> String {
    let mut names = Vec::new();
    for id in ids {
        let running = engine.active().get(id).cloned();
        names.push(match running {
            Some(running) => running.read().await.name.clone(),
            None => id.to_string(),
        });
    }
    names.join(", ")
}
