//! Carries a deployment from wherever it stands to its end. After a crash, or when a record could not be written, it
//! is taken up from what is stored: that is the same thing.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::{Either, select};
use shipway_core::{
    deployment::{Cause, Deployment, FailureReport, Source, Waiting},
    event::{EventKind, EventStatus},
    id::SlotKey,
    phase::{End, Phase, Turn},
    plan::Goal,
    ports::Fault,
    release::Release,
    slot::Slot,
    store::Listing,
};
use tracing::{error, warn};

use super::{Active, back, moving, report, say};
use crate::{Engine, make};

/// Unpacked releases of a slot that stay, besides those that it names.
const STAGED_MAX: usize = 3;
/// How far back unpacked releases are looked for.
const STAGED_LOOKED_AT_MAX: u32 = 20;
/// How long a deployment waits before it is taken up again, when its record could not be written.
const TAKE_UP_MS: u64 = 2000;

impl Engine {
    /// Carries a deployment in a task of its own.
    pub(crate) fn carry(self: &Arc<Self>, deployment: Deployment, recovered: bool) -> Arc<Active> {
        let id = deployment.id.clone();
        if deployment.phase.moves() {
            // What moves had its leases before; nobody else can have been given them since.
            let _ = self.leases.try_take(&id, &slots_of(&deployment));
        }
        let active = Arc::new(Active::new(deployment));
        self.active().insert(id.clone(), active.clone());
        let (engine, carried) = (self.clone(), active.clone());
        self.spawn(async move {
            carry(&engine, &carried, recovered).await;
            leave_tidy(&engine, &carried).await;
            engine.active().remove(&id);
            engine.leases.release(&id);
            carried.end();
        });
        active
    }
}

async fn carry(engine: &Arc<Engine>, active: &Active, mut recovered: bool) {
    loop {
        let result = match std::mem::take(&mut recovered) {
            true => tell_recovered(engine, active).await,
            false => Ok(()),
        };
        let result = match result {
            Ok(()) => live(engine, active).await,
            Err(fault) => Err(fault),
        };
        let Err(fault) = result else { return };
        error!(%fault, "a deployment can't be recorded; it is taken up again");
        engine.ports.clock.sleep_ms(TAKE_UP_MS).await;
        if let Err(fault) = active.reload(engine).await {
            warn!(%fault, "the store can't be read either");
        }
    }
}

/// Removes what only this deployment needed, and the files of releases that nobody goes back to in a moment.
async fn leave_tidy(engine: &Engine, active: &Active) {
    let deployment = active.read().await;
    for slot in slots_of(&deployment) {
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
    let named: Vec<_> = current.iter().flat_map(Slot::releases).cloned().collect();
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

/// Makes, waits for the slots, plans. Says whether it goes on to move.
async fn before_moving(engine: &Arc<Engine>, active: &Active) -> Result<bool, Fault> {
    begin(engine, active).await?;
    let work = async {
        let goal = make::make(engine, active).await?;
        take_leases(engine, active, &goal).await.map_err(Fail::Halt)?;
        Ok(goal)
    };
    let result = match select(Box::pin(work), Box::pin(stop(engine, active))).await {
        Either::Left((result, _)) => result,
        Either::Right((why, _)) => Err(why.into_fail(engine, active).await),
    };
    match result {
        Ok(goal) => moving::record_plan(engine, active, &goal).await,
        Err(Fail::Halt(fault)) => Err(fault),
        Err(Fail::Failed(failure)) => abandon(engine, active, *failure).await.map(|()| false),
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

/// Why a running deployment is stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Cancelled,
    Deadline,
}

/// Ends when somebody cancels, or the deadline has come.
pub(super) async fn stop(engine: &Engine, active: &Active) -> Stop {
    let cancelled = Box::pin(active.until(|deployment| deployment.cancel.is_some()));
    let deadline = Box::pin(async {
        active.until(|deployment| deployment.deadline_at.is_some()).await;
        let at = active.read().await.deadline_at.unwrap_or_default();
        engine.ports.clock.sleep_ms(at.since_ms(engine.ports.clock.now())).await;
    });
    match select(cancelled, deadline).await {
        Either::Left(_) => Stop::Cancelled,
        Either::Right(_) => Stop::Deadline,
    }
}

impl Stop {
    /// The failure that it is.
    pub(super) async fn failure(self, engine: &Engine, active: &Active) -> FailureReport {
        let deployment = active.read().await;
        let now = engine.ports.clock.now();
        let (cause, message) = match self {
            Self::Cancelled => {
                let by = deployment.cancel.as_ref().map_or("somebody", |actor| actor.name.as_str()).to_owned();
                (Cause::Person, format!("cancelled by {by}"))
            }
            Self::Deadline => (Cause::Release, "the deployment's deadline has passed".to_owned()),
        };
        let hint = (self == Self::Deadline).then(|| "raise `deadline_s`, or see which step took so long".to_owned());
        FailureReport { hint, ..report(now, deployment.phase, "whole deployment".into(), cause, message) }
    }

    async fn into_fail(self, engine: &Engine, active: &Active) -> Fail {
        Fail::Failed(Box::new(self.failure(engine, active).await))
    }
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

/// The slots that a deployment writes.
pub(super) fn slots_of(deployment: &Deployment) -> BTreeSet<SlotKey> {
    let key = |service| SlotKey {
        project: deployment.request.project.clone(),
        environment: deployment.request.environment.clone(),
        service,
    };
    deployment.goal.keys().cloned().map(key).collect()
}

async fn take_leases(engine: &Engine, active: &Active, goal: &Goal) -> Result<(), Fault> {
    let slots: BTreeSet<_> = goal.keys().cloned().collect();
    let id = active.read().await.id;
    loop {
        let mut changed = Box::pin(engine.leases.changed());
        // Polled once, so that nothing is missed between asking and waiting.
        let _ = futures_util::poll!(changed.as_mut());
        let Err(before) = engine.leases.try_take(&id, &slots) else { break };
        let since = engine.ports.clock.now();
        let names = before.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let waits = |deployment: &mut Deployment| {
            if deployment.waiting.as_ref().is_some_and(|waiting| waiting.on == before) {
                return Vec::new();
            }
            let reason = format!("waits for {names}, which writes the same services");
            deployment.waiting = Some(Waiting { reason: reason.clone(), since, on: before });
            vec![say(deployment, EventKind::DeploymentWaiting, EventStatus::Warning, reason)]
        };
        active.update(engine, waits).await?;
        changed.await;
    }
    resume(engine, active).await
}

/// Notes that a deployment waits no more.
pub(super) async fn resume(engine: &Engine, active: &Active) -> Result<(), Fault> {
    if active.read().await.waiting.is_none() {
        return Ok(());
    }
    let goes_on = |deployment: &mut Deployment| {
        deployment.waiting = None;
        vec![say(deployment, EventKind::DeploymentResumed, EventStatus::Running, "goes on")]
    };
    active.update(engine, goes_on).await.map(|_| ())
}
