//! Gates at work: a deployment proposes its plan and waits, with no lease, until every gate is open. What it waits for
//! is in its record, so a restart finds it there.
//!
//! Rollbacks, counts of instances and data that is put back never wait. Not here: what opens a gate (`core::gate`), what
//! a person says about it (`said`), what is read for it (`facts`).

mod authors;
mod facts;
mod rate;
mod said;
mod standing;

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::{Either, select};
use shipway_core::{
    deployment::{Cause, Deployment, FailureReport, Kind, Proposal, Waiting},
    event::{EventBody, EventKind, EventStatus},
    gate::Held,
    id::ServiceName,
    plan::Goal,
    ports::{Fault, FaultKind},
    time::Timestamp,
};

use self::facts::Look;
pub use self::standing::GatesStanding;
pub(crate) use self::{
    facts::{look_at, zone},
    said::break_at_once,
};
use crate::{
    Engine,
    deploy::{Active, Fail, from_fault, report, say},
    make::key,
    quarantine,
};

/// How often a deployment that waits looks again: slots may have changed, and with them its plan.
const LOOK_MS: u64 = 10_000;
/// How often the gates are asked again because somebody wrote to the environment's leases in between.
const CONFLICTS_MAX: u32 = 100;

/// What was made already, when the deployment was taken up while it waited. What it proposed stays what it proposes,
/// whatever became of the source meanwhile.
pub(crate) fn goal_of_waiting(deployment: &Deployment) -> Option<Goal> {
    if !deployment.gated.is_waiting() || deployment.gated.proposed.is_none() {
        return None;
    }
    let goal = deployment.course.goal.iter();
    Some(goal.map(|(service, serving)| (key(&deployment.request, service), serving.clone())).collect())
}

/// Waits until every gate is open.
pub(crate) async fn wait(engine: &Engine, active: &Active, goal: &Goal) -> Result<(), Fail> {
    loop {
        let deployment = active.read().await;
        let Some(look) = look(engine, &deployment, goal).await? else { return Ok(()) };
        if let Some(shut) = look.held.iter().find(|held| !held.gate.may_open()) {
            return Err(refused(engine, &deployment, shut));
        }
        if look.held.is_empty() {
            return opened(engine, active, goal).await;
        }
        let until = look.held.iter().filter_map(|held| held.until).min();
        note(engine, active, look).await?;
        next_look(engine, active, &deployment, until).await;
    }
}

/// Whether every gate is still open, now that the leases are taken and nobody else changes the slots. Then it has its
/// place in the environment's rate, too.
pub(crate) async fn are_open(engine: &Engine, active: &Active, goal: &Goal) -> Result<bool, Fail> {
    let mut conflicts = 0;
    loop {
        let deployment = active.read().await;
        let place = rate::Place::read(engine, &deployment).await?;
        let Some(look) = look(engine, &deployment, goal).await? else { return Ok(true) };
        if !look.held.is_empty() {
            return Ok(false);
        }
        match place.take(engine, active).await {
            Err(fault) if fault.kind == FaultKind::Conflict && conflicts < CONFLICTS_MAX => conflicts += 1,
            taken => return Ok(taken.map(|()| true)?),
        }
    }
}

/// Asks the gates. What waiting can't mend, such as a zone that is gone, fails the deployment.
async fn look(engine: &Engine, deployment: &Deployment, goal: &Goal) -> Result<Option<Look>, Fail> {
    match facts::look(engine, deployment, goal).await {
        Ok(look) => Ok(look),
        Err(fault) if matches!(fault.kind, FaultKind::Invalid | FaultKind::NotFound | FaultKind::Corrupt) => {
            let now = engine.ports.clock.now();
            let failure = from_fault(now, deployment.phase, "asking the gates".into(), fault);
            Err(Fail::Failed(Box::new(failure)))
        }
        Err(fault) => Err(Fail::Halt(fault)),
    }
}

/// Ends when somebody said something about it, at a time, or when it is worth another look.
async fn next_look(engine: &Engine, active: &Active, seen: &Deployment, until: Option<Timestamp>) {
    let clock = &engine.ports.clock;
    let (approvals, broken) = (seen.gated.approvals.len(), seen.gated.broken.is_some());
    let said = active.until(|now| now.gated.approvals.len() != approvals || now.gated.broken.is_some() != broken);
    let wait_ms = until.map_or(LOOK_MS, |until| until.since_ms(clock.now()).clamp(1, LOOK_MS));
    match select(Box::pin(said), clock.sleep_ms(wait_ms)).await {
        Either::Left(_) | Either::Right(_) => {}
    }
}

/// Notes what holds it, and the plan that is to be approved, as far as they changed.
async fn note(engine: &Engine, active: &Active, look: Look) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let deployment = active.read().await;
    let gated = &deployment.gated;
    let same_plan = gated.proposed.as_ref().is_some_and(|proposed| proposed.hash == look.hash);
    if same_plan && gated.held == look.held && gated.is_waiting() && deployment.waiting.is_some() {
        return Ok(());
    }
    let noted = |deployment: &mut Deployment| {
        let mut events = Vec::new();
        // The deadline rests: people take their time.
        deployment.deadline_at = None;
        deployment.gated.asked_at.get_or_insert(now);
        deployment.gated.opened_at = None;
        if !same_plan {
            events.extend(propose(deployment, &look, now));
        }
        let reason = reason(&look.held);
        deployment.gated.held = look.held;
        deployment.waiting = Some(Waiting { reason: reason.clone(), since: now, on: Vec::new() });
        events.push(say(deployment, EventKind::DeploymentWaiting, EventStatus::Warning, reason));
        events
    };
    active.update(engine, noted).await.map(|_| ())
}

fn propose(deployment: &mut Deployment, look: &Look, now: Timestamp) -> Option<EventBody> {
    let Look { hash, risk, .. } = look.clone();
    let voids = !deployment.gated.approvals.is_empty();
    let words = if voids { ": the plan has changed, and what was approved holds no more" } else { "" };
    let message = format!("a plan of {} risk is proposed{words}", risk.level.name());
    let details = serde_json::json!({ "hash": hash, "risk": risk });
    let status = if voids { EventStatus::Warning } else { EventStatus::Running };
    deployment.gated.proposed = Some(Proposal { hash, at: now, risk });
    Some(EventBody { details, ..say(deployment, EventKind::PlanProposed, status, message) })
}

/// What holds it, in one line.
fn reason(held: &[Held]) -> String {
    let one = |held: &Held| match held.until {
        Some(until) => format!("{} (until {until})", held.why),
        None => held.why.clone(),
    };
    held.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// From here on its deadline runs. What was quarantined while it waited is refused.
async fn opened(engine: &Engine, active: &Active, goal: &Goal) -> Result<(), Fail> {
    let deployment = active.read().await;
    if !deployment.gated.is_waiting() {
        return Ok(());
    }
    if deployment.request.kind == Kind::Deploy {
        quarantine::refuse(engine, &deployment, goal).await?;
    }
    let mut deadline_s = 0;
    for serving in goal.values().flatten() {
        deadline_s = engine.release(&serving.release).await?.serve.deadline_s.max(deadline_s);
    }
    let now = engine.ports.clock.now();
    let goes_on = |deployment: &mut Deployment| {
        deployment.gated.opened_at = Some(now);
        deployment.gated.held.clear();
        deployment.waiting = None;
        deployment.deadline_at = (deadline_s > 0).then(|| now.plus_ms(deadline_s * 1000));
        vec![say(deployment, EventKind::DeploymentResumed, EventStatus::Running, "every gate is open: it goes on")]
    };
    active.update(engine, goes_on).await?;
    Ok(())
}

/// A gate that no waiting opens.
fn refused(engine: &Engine, deployment: &Deployment, shut: &Held) -> Fail {
    let now = engine.ports.clock.now();
    let failure = report(now, deployment.phase, format!("gate: {}", shut.gate), Cause::Person, shut.why.clone());
    Fail::Failed(Box::new(FailureReport { hint: Some(shut.who.clone()), ..failure }))
}

/// Whether the gates are asked at all: what goes back, or mends, must not wait.
fn is_asked(deployment: &Deployment) -> bool {
    matches!(deployment.request.kind, Kind::Deploy | Kind::Decommission)
}

/// Releases of a goal by service, with how many instances.
type Serves = BTreeMap<ServiceName, (Arc<shipway_core::release::Release>, u32)>;
