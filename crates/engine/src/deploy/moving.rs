//! The move: plan under leases, record the plan, run it.

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    deployment::{Cause, Deployment, FailureReport, Kind, ServiceState, StepStatus, Stuck},
    event::{EventBody, EventKind, EventStatus},
    id::{ServiceName, SlotKey},
    phase::{End, Phase, Turn},
    plan::{self, Goal, PLAN_VERSION, Plan, Policy, plan},
    ports::Fault,
    slot::{Serving, Slot},
    spec::OnFailure,
    store::{Commit, Listing},
    strategy::StrategySpec,
    time::Timestamp,
};
use shipway_saga::{Manner, Outcome};
use tokio::sync::OnceCell;

use super::{
    Active, from_fault,
    mover::Mover,
    outside::{self, Stop},
    report, say,
    steps::{graph, waiting_steps},
    switch,
};
use crate::{Engine, breakers, make::key, quarantine, world};

/// How far back a combination that a rollback leaves is looked for.
const QUARANTINED_MAX: u32 = 100;

/// Plans under the leases, and records the plan. Says whether it goes on.
pub(super) async fn record_plan(engine: &Engine, active: &Active, goal: &Goal) -> Result<bool, Fault> {
    let deployment = active.read().await;
    let planned = draw(engine, &deployment, goal).await;
    let (plan, parents) = match planned {
        Ok(planned) => planned,
        Err(fault) => {
            let now = engine.ports.clock.now();
            let failure = from_fault(now, deployment.phase, "planning".into(), fault);
            fail_unmoved(engine, active, failure).await?;
            return Ok(false);
        }
    };
    let recorded = |deployment: &mut Deployment| {
        let details = serde_json::json!({ "hash": plan.hash(), "strategy": plan.strategy, "steps": plan.steps.len() });
        let message = format!("plan of {} steps, {}", plan.steps.len(), plan.strategy);
        let event = say(deployment, EventKind::PlanRecorded, EventStatus::Ok, message);
        deployment.steps = waiting_steps(&plan, false);
        for slot in &parents {
            let previous = slot.live.as_ref().map(|live| live.release.clone());
            let state = deployment.services.entry(slot.key.service.clone()).or_default();
            state.unchanged = slot.live == deployment.course.goal.get(&slot.key.service).cloned().flatten();
            state.previous = previous;
        }
        let course = deployment.course_mut();
        course.parents = parents;
        course.plan = Some(plan);
        vec![EventBody { details, ..event }]
    };
    active.update(engine, recorded).await?;
    active.enter(engine, Phase::Staging).await?;
    Ok(true)
}

/// The plan for a goal as the world is now, and the slots that it starts from.
pub(crate) async fn draw(engine: &Engine, deployment: &Deployment, goal: &Goal) -> Result<(Plan, Vec<Slot>), Fault> {
    let scope = format!("{}/{}", deployment.request.project, deployment.request.environment);
    let mut seen = world::look(engine, &scope).await?;
    for serving in goal.values().flatten() {
        seen.know((*engine.release(&serving.release).await?).clone());
    }
    let proven = !matches!(deployment.request.kind, Kind::Deploy) && !is_artifact_only(deployment);
    let strategy = deployment.strategy.clone().unwrap_or_default();
    let policy = Policy {
        proven,
        order: deployment.order.clone(),
        interactions: deployment.interactions.clone(),
        restore: restored(deployment),
        ..Policy::new(deployment.id.clone(), strategy)
    };
    let plan = plan(seen.observed(), goal, &policy).map_err(|fault| Fault::invalid(fault.to_string()))?;
    let parent = |key: &SlotKey| seen.slots.get(key).cloned().unwrap_or_else(|| Slot::empty(key.clone()));
    Ok((plan, goal.keys().map(parent).collect()))
}

/// The copies of data that are put back, by slot.
fn restored(deployment: &Deployment) -> BTreeMap<SlotKey, String> {
    let (Kind::RestoreData { snapshots } | Kind::Rollback { snapshots, .. }) = &deployment.request.kind else {
        return BTreeMap::new();
    };
    let of = |(service, name): (&ServiceName, &String)| (key(&deployment.request, service), name.clone());
    snapshots.iter().map(of).collect()
}

fn is_artifact_only(deployment: &Deployment) -> bool {
    matches!(deployment.request.kind, Kind::Rollback { artifact_only: true, .. })
}

async fn fail_unmoved(engine: &Engine, active: &Active, failure: FailureReport) -> Result<(), Fault> {
    let message = failure.message.clone();
    active.update(engine, |deployment| note_failure(deployment, failure)).await?;
    let event = say(&*active.read().await, EventKind::DeploymentFailed, EventStatus::Failed, message);
    active.turn(engine, Turn::Abandon(End::Failed), vec![event]).await
}

fn note_failure(deployment: &mut Deployment, failure: FailureReport) -> Vec<EventBody> {
    deployment.failed_in.get_or_insert(deployment.phase);
    deployment.cause.get_or_insert(failure.cause);
    deployment.failures.push(failure);
    Vec::new()
}

/// Runs the recorded plan, then completes, or begins to go back.
pub(super) async fn run_forward(engine: &Arc<Engine>, active: &Active) -> Result<(), Fault> {
    let deployment = active.read().await;
    let Some(plan) = deployment.course.plan.clone() else {
        return Err(Fault::invalid(format!("{} moves without a plan", deployment.id)));
    };
    if !plan.is_known() {
        let message = unknown_plan(&plan);
        return freeze(engine, active, Stuck::UnknownPlan, message).await;
    }
    let (graph, recorded) = graph(&deployment, &plan, false);
    let mover = Mover { engine, active, plan: &plan, back: false };
    let why: OnceCell<Stop> = OnceCell::new();
    let stop = async {
        let stop = outside::stop(engine, active).await;
        let _ = why.set(stop);
    };
    match shipway_saga::run(&graph, &recorded, &mover, Manner::StopAtFirst, stop).await? {
        Outcome::Done => complete(engine, active).await,
        Outcome::Failed { mut failed, .. } => {
            let first = failed.iter().position(|failed| failed.why.is_some()).unwrap_or(0);
            let first = failed.swap_remove(first);
            let failure = first.why.unwrap_or_else(|| as_recorded(&deployment, &plan, first.step));
            turn_back(engine, active, failure).await
        }
        Outcome::Stopped => {
            let stop = why.get().copied().unwrap_or(Stop::Cancelled);
            let failure = stop.failure(engine, active).await;
            turn_back(engine, active, failure).await
        }
    }
}

/// The failure of a step that was recorded by a server that died before it could go back: of the report only the step's
/// note is left, and nothing says any more whose fault it was.
fn as_recorded(deployment: &Deployment, plan: &Plan, step: usize) -> FailureReport {
    let state = deployment.steps.iter().find(|state| !state.back && state.number == step);
    let at = state.and_then(|state| state.ended_at).unwrap_or(deployment.updated_at);
    let note = state.and_then(|state| state.note.clone()).unwrap_or_else(|| "it failed".to_owned());
    let planned = plan.steps.get(step);
    let words = planned.map(|planned| planned.step.to_string()).unwrap_or_default();
    let failure = report(at, deployment.phase, words, Cause::Machinery, note);
    FailureReport { service: planned.and_then(|planned| planned.service.clone()), ..failure }
}

async fn complete(engine: &Engine, active: &Active) -> Result<(), Fault> {
    switch::close(engine, active).await?;
    let deployment = active.read().await;
    active.enter(engine, Phase::Cleaning).await?;
    let result = result_of(engine, &deployment).await?;
    active
        .update(engine, |deployment| {
            deployment.result = result;
            Vec::new()
        })
        .await?;
    quarantine_what_was_left(engine, &deployment).await?;
    quarantine::lift(engine, &deployment).await?;
    let changed = deployment.services.values().filter(|state| !state.unchanged).count();
    let message = match changed {
        0 if matches!(deployment.request.kind, Kind::RestoreData { .. }) => {
            format!("{}: the data is back", deployment.name)
        }
        0 => format!("{}: nothing had to change", deployment.name),
        _ => format!("{} is live", deployment.name),
    };
    let kind = match deployment.request.kind {
        Kind::Rollback { .. } => {
            vec![EventKind::RollbackCompleted, EventKind::DeploymentSucceeded]
        }
        _ => vec![EventKind::DeploymentSucceeded],
    };
    let events = kind.into_iter().map(|kind| say(&deployment, kind, EventStatus::Ok, message.clone())).collect();
    active.turn(engine, Turn::Complete, events).await
}

/// What every service of the environment serves now.
async fn result_of(engine: &Engine, deployment: &Deployment) -> Result<BTreeMap<ServiceName, Serving>, Fault> {
    let scope = format!("{}/{}", deployment.request.project, deployment.request.environment);
    let slots: Vec<Slot> = engine.ports.store.below(&scope).await?;
    Ok(slots.into_iter().filter_map(|slot| Some((slot.key.service, slot.live?))).collect())
}

/// A rollback quarantines what it left, so that the next one goes further back.
async fn quarantine_what_was_left(engine: &Engine, rollback: &Deployment) -> Result<(), Fault> {
    let Kind::Rollback { .. } = rollback.request.kind else { return Ok(()) };
    quarantine::put_what_was_left(engine, rollback).await?;
    let left: Vec<_> = rollback
        .course
        .parents
        .iter()
        .filter_map(|slot| Some((&slot.key.service, &slot.live.as_ref()?.release)))
        .collect();
    let scope = format!("{}/{}", rollback.request.project, rollback.request.environment);
    let newest = Listing { scope, before: None, newest_first: true, limit: QUARANTINED_MAX };
    let all = engine.ports.store.deployments(newest).await?;
    for other in all.into_iter().filter(|other| other.phase == Phase::Completed && !other.quarantined) {
        let same = |(service, release): &(_, &_)| other.result.get(*service).is_some_and(|s| s.release == **release);
        if !left.is_empty() && left.iter().all(same) {
            let taken_back = |(service, state): (&ServiceName, &ServiceState)| {
                state.unchanged || left.iter().any(|(left, _)| *left == service)
            };
            let mut next = Deployment::clone(&other);
            // A later one that changed other services has the bad combination in its state, and was not taken back.
            if other.services.iter().all(taken_back) {
                next.rolled_back_by = Some(rollback.id.clone());
            }
            next.quarantined = true;
            let commit = Commit::at(engine.ports.clock.now()).put_record(&Arc::new(next));
            engine.ports.store.commit(commit).await?;
        }
    }
    Ok(())
}

/// A failure: everything goes back, unless the spec wants a person to look first, or the old may not work any more.
async fn turn_back(engine: &Engine, active: &Active, failure: FailureReport) -> Result<(), Fault> {
    let deployment = active.read().await;
    let ending = match failure.cause {
        Cause::Person => End::Cancelled,
        _ if deployment.promotion_began() => End::RolledBack,
        _ => End::Failed,
    };
    let commit = quarantine::put_failed(engine, Commit::default(), &deployment, &failure).await?;
    let freezes = freezes(engine, &deployment, &failure).await?;
    let message = failure.message.clone();
    let noted = |deployment: &mut Deployment| {
        deployment.ending = Some(ending);
        deployment.waiting = None;
        note_failure(deployment, failure)
    };
    if let Some(why) = freezes {
        active.update_with(engine, commit, noted).await?;
        return freeze(engine, active, why, message).await;
    }
    let _one_at_a_time = engine.intake.one(&deployment.request).await;
    let commit = breakers::count_rollback(engine, commit, &deployment, ending).await?;
    let event = say(&deployment, EventKind::RollbackInitiated, EventStatus::Warning, message);
    active.turn_with(engine, Turn::Unwind, commit, noted, vec![event]).await
}

/// Why nothing goes back by itself, when nothing does.
async fn freezes(engine: &Engine, deployment: &Deployment, failure: &FailureReport) -> Result<Option<Stuck>, Fault> {
    if is_past_contract(deployment) {
        return Ok(Some(Stuck::Contract));
    }
    let asks = failure.cause != Cause::Person && deployment.promotion_began();
    Ok((asks && stops_on_failure(engine, deployment).await?).then_some(Stuck::OnFailureStop))
}

/// Whether a `contract` migration of the deployment ran or may have run.
pub(crate) fn is_past_contract(deployment: &Deployment) -> bool {
    let Some(plan) = &deployment.course.plan else { return false };
    let begun = deployment.steps.iter().filter(|state| !state.back && state.status != StepStatus::Waiting);
    let ran: Vec<_> = begun.filter_map(|state| plan.steps.get(state.number)).collect();
    plan::is_past_contract(&ran)
}

/// Everything stays as it is, for a person to decide.
pub(super) async fn freeze(engine: &Engine, active: &Active, why: Stuck, message: String) -> Result<(), Fault> {
    let deployment = active.read().await;
    let standstill = standstill(engine.ports.clock.now(), &deployment, why);
    let noted = |deployment: &mut Deployment| {
        deployment.stuck = Some(why);
        let end = if deployment.promotion_began() { End::RolledBack } else { End::Failed };
        deployment.ending.get_or_insert(end);
        note_failure(deployment, standstill)
    };
    active.update(engine, noted).await?;
    switch::close(engine, active).await?;
    let event = say(&deployment, EventKind::DeploymentStuck, EventStatus::Failed, message);
    active.turn(engine, Turn::GiveUp, vec![event]).await
}

/// Why it stands still, and what a person can do.
fn standstill(now: Timestamp, deployment: &Deployment, why: Stuck) -> FailureReport {
    let Deployment { id, name, .. } = deployment;
    let (step, cause, words, hint) = match why {
        Stuck::Contract => (
            "going back",
            Cause::Person,
            "a `contract` migration ran, or may have run: the old may not work with the data any more",
            format!(
                "deploy what mends it; or go back all the same: `shipway rollback {name} --accept-contract`, or with the \
                 data of before, where there is a copy: `shipway rollback {name} --with-data`"
            ),
        ),
        Stuck::UnknownPlan => (
            "reading its plan",
            Cause::Machinery,
            "another version of Shipway made its plan",
            format!(
                "start that version and `shipway retry {id}` there; or `shipway retry {id}` here: it goes back by what is \
                 observed, and undoes no hook or migration, which only that plan names; or deploy again"
            ),
        ),
        _ => (
            "going back",
            Cause::Person,
            "on_failure = \"stop\"",
            format!("look at it, then `shipway rollback {name}` or deploy again"),
        ),
    };
    let failure = report(now, deployment.phase, step.into(), cause, words.into());
    FailureReport { hint: Some(hint), ..failure }
}

/// Nobody guesses at what the steps of a form mean that isn't known here.
pub(super) fn unknown_plan(plan: &Plan) -> String {
    format!("its plan has form {}, and this version of Shipway runs form {PLAN_VERSION}", plan.version)
}

async fn stops_on_failure(engine: &Engine, deployment: &Deployment) -> Result<bool, Fault> {
    for serving in deployment.course.goal.values().flatten() {
        if engine.release(&serving.release).await?.serve.on_failure == OnFailure::Stop {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The strategy that a group takes: the request's, else the group's in the spec, else blue-green where its members
/// differ; a lone service takes its own.
pub(crate) fn choose_strategy(
    asked: Option<&StrategySpec>,
    group: Option<&StrategySpec>,
    members: &[&StrategySpec],
) -> StrategySpec {
    if let Some(strategy) = asked.or(group) {
        return strategy.clone();
    }
    match members.split_first() {
        Some((first, others)) if others.iter().all(|other| other == first) => (*first).clone(),
        _ => StrategySpec::BlueGreen,
    }
}
