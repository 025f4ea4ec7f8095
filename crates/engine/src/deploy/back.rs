//! The way back of a deployment that failed or was cancelled: planned from what is observed, recorded, run to its end.
//! A step that fails for good is told, and everything that does not need it still goes back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use shipway_core::{
    deployment::{Deployment, FailureReport, StepState, StepStatus, Stuck},
    event::{EventBody, EventKind, EventStatus},
    phase::{End, Phase, Turn},
    plan::{Plan, PlannedStep, Step, Undo, unwind},
    ports::Fault,
    spec::Timeouts,
    time::Timestamp,
};
use shipway_saga::{Blocked, Failed, Manner, Outcome};

use super::{
    Active,
    mover::Mover,
    moving::{freeze, unknown_plan},
    say,
    steps::{graph, waiting_steps},
    switch,
};
use crate::{Engine, world};

pub(super) async fn run_back(engine: &Arc<Engine>, active: &Active) -> Result<(), Fault> {
    let deployment = active.read().await;
    if deployment.course.unwind.is_none() {
        if let Some(plan) = deployment.course.plan.as_ref().filter(|plan| !plan.is_known() && !was_stuck(&deployment)) {
            return freeze(engine, active, Stuck::UnknownPlan, unknown_plan(plan)).await;
        }
        record_way_back(engine, active).await?;
    }
    let too_long = too_long(engine, active).await?;
    loop {
        let deployment = active.read().await;
        let Some(plan) = deployment.course.unwind.clone() else {
            return Err(Fault::invalid(format!("{} goes back without a plan", deployment.id)));
        };
        if !plan.is_known() {
            return freeze(engine, active, Stuck::UnknownPlan, unknown_plan(&plan)).await;
        }
        let (graph, recorded) = graph(&deployment, &plan, true);
        let mover = Mover { engine, active, plan: &plan, back: true };
        let left_ms = too_long.since_ms(engine.ports.clock.now());
        let stop = engine.ports.clock.sleep_ms(left_ms);
        match shipway_saga::run(&graph, &recorded, &mover, Manner::KeepGoing, stop).await? {
            Outcome::Done => return went_back(engine, active).await,
            Outcome::Stopped => {
                let message = "going back took longer than `timeouts.rollback_s`".to_owned();
                return get_stuck(engine, active, Stuck::RollbackTooLong, message).await;
            }
            Outcome::Failed { failed, blocked } => {
                note_failures(engine, active, failed.iter().filter_map(|failed| failed.why.clone()).collect()).await?;
                if go_without(engine, active, &failed, &blocked).await? {
                    continue;
                }
                return get_stuck(engine, active, Stuck::UndoFailed, what_failed(&*active.read().await)).await;
            }
        }
    }
}

/// Whether a person has seen it stand still, and sends it back: then what is observed must do.
fn was_stuck(deployment: &Deployment) -> bool {
    deployment.phases.iter().any(|record| record.phase == Phase::Stuck)
}

/// When it is too long.
async fn too_long(engine: &Engine, active: &Active) -> Result<Timestamp, Fault> {
    let deployment = active.read().await;
    let mut longest_s = 0;
    for serving in deployment.course.goal.values().flatten() {
        longest_s = longest_s.max(engine.release(&serving.release).await?.serve.timeouts.rollback_s);
    }
    let longest_s = if longest_s == 0 { Timeouts::default().rollback_s } else { longest_s };
    let decided = deployment.phases.iter().rev().find(|record| record.phase == Phase::RollingBack);
    Ok(decided.map_or(engine.ports.clock.now(), |record| record.at).plus_ms(longest_s * 1000))
}

/// Has the other members go back without those whose way back failed for good. Says whether there is anything to do.
async fn go_without(
    engine: &Engine,
    active: &Active,
    failed: &[Failed<FailureReport>],
    blocked: &[Blocked],
) -> Result<bool, Fault> {
    let deployment = active.read().await;
    let Some(plan) = &deployment.course.unwind else { return Ok(false) };
    let service_of = |step: usize| plan.steps.get(step).and_then(|planned| planned.service.clone());
    let lost: BTreeSet<_> = failed.iter().filter_map(|failed| service_of(failed.step)).collect();
    let news = !lost.is_subset(&deployment.given_up);
    let holds_up_others = blocked.iter().any(|one| service_of(one.step).is_none_or(|service| !lost.contains(&service)));
    let whole = failed.iter().any(|failed| service_of(failed.step).is_none());
    if !news || !holds_up_others || whole {
        return Ok(false);
    }
    let given_up = move |deployment: &mut Deployment| {
        let names = lost.iter().map(|service| service.as_str()).collect::<Vec<_>>().join(", ");
        deployment.given_up.extend(lost);
        let message = format!("the others go back without {names}");
        vec![say(deployment, EventKind::RollbackInitiated, EventStatus::Warning, message)]
    };
    active.update(engine, given_up).await?;
    record_way_back(engine, active).await?;
    Ok(true)
}

/// Plans the way back from what is observed, and records it. What failed for good in an earlier one stays in it, so that
/// a person can say what to do about it; what can't be observed and was done, or was left out, is not done again.
async fn record_way_back(engine: &Engine, active: &Active) -> Result<(), Fault> {
    let deployment = active.read().await;
    let mut plan = draw(engine, &deployment).await?;
    let mut states = waiting_steps(&plan, true);
    for (planned, state) in plan.steps.iter().zip(&mut states) {
        if deployment.undone.contains(&planned.step) || was_done(&deployment, &planned.step) {
            state.status = StepStatus::Done;
        } else if deployment.skipped.iter().any(|skipped| skipped.step == planned.step) {
            state.status = StepStatus::Skipped;
        }
    }
    for (planned, state) in failed_before(&deployment) {
        states.push(StepState { number: plan.steps.len(), ..state });
        plan.steps.push(PlannedStep { needs: Vec::new(), ..planned });
    }
    let recorded = |deployment: &mut Deployment| {
        note_undone(deployment);
        deployment.steps.retain(|state| !state.back);
        deployment.steps.extend(states);
        let message = format!("way back of {} steps", plan.steps.len());
        let details = serde_json::json!({ "hash": plan.hash(), "steps": plan.steps.len(), "back": true });
        deployment.course_mut().unwind = Some(plan);
        let event = say(deployment, EventKind::PlanRecorded, EventStatus::Ok, message);
        vec![EventBody { details, ..event }]
    };
    active.update(engine, recorded).await.map(|_| ())
}

/// The steps of an earlier way back that failed for good, of services that were given up.
fn failed_before(deployment: &Deployment) -> Vec<(PlannedStep, StepState)> {
    let Some(plan) = &deployment.course.unwind else { return Vec::new() };
    let failed = deployment.steps.iter().filter(|state| state.back && state.status == StepStatus::Failed);
    let of = |state: &StepState| Some((plan.steps.get(state.number)?.clone(), state.clone()));
    failed.filter_map(of).collect()
}

/// Whether a step that can't be observed was done in an earlier way back.
fn was_done(deployment: &Deployment, step: &Step) -> bool {
    let Some(plan) = &deployment.course.unwind else { return false };
    let done = deployment.steps.iter().filter(|state| state.back && state.status == StepStatus::Done);
    let mut done = done.filter_map(|state| plan.steps.get(state.number));
    matches!(step, Step::Hooks { .. }) && done.any(|planned| planned.step == *step)
}

/// Notes what was undone and can't be observed, before its plan makes room for another.
pub(crate) fn note_undone(deployment: &mut Deployment) {
    let Some(plan) = &deployment.course.unwind else { return };
    let done = deployment.steps.iter().filter(|state| state.back && state.status == StepStatus::Done);
    let done = done.filter_map(|state| plan.steps.get(state.number)).map(|planned| planned.step.clone());
    let hooks: Vec<_> = done.filter(|step| matches!(step, Step::Hooks { .. })).collect();
    deployment.undone.extend(hooks);
}

async fn draw(engine: &Engine, deployment: &Deployment) -> Result<Plan, Fault> {
    let scope = format!("{}/{}", deployment.request.project, deployment.request.environment);
    let mut seen = world::look(engine, &scope).await?;
    let servings = deployment.course.parents.iter().filter_map(|slot| slot.live.as_ref());
    for serving in servings.chain(deployment.course.goal.values().flatten()) {
        seen.know((*engine.release(&serving.release).await?).clone());
    }
    let parents: BTreeMap<_, _> =
        deployment.course.parents.iter().map(|slot| (slot.key.clone(), slot.clone())).collect();
    let plan = deployment.course.plan.as_ref();
    let ran = deployment.steps.iter().filter(|state| !state.back && state.status != StepStatus::Waiting);
    let ran: Vec<_> = ran.filter_map(|state| plan?.steps.get(state.number)).collect();
    let strategy = deployment.strategy_kind().unwrap_or(shipway_core::strategy::StrategyKind::BlueGreen);
    let (ran, given_up) = (&ran[..], &deployment.given_up);
    let undo = Undo { parents: &parents, ran, strategy, deployment: &deployment.id, given_up };
    Ok(unwind(seen.observed(), &undo))
}

async fn went_back(engine: &Engine, active: &Active) -> Result<(), Fault> {
    let deployment = active.read().await;
    if !deployment.given_up.is_empty() {
        return get_stuck(engine, active, Stuck::UndoFailed, what_failed(&deployment)).await;
    }
    switch::close(engine, active).await?;
    let deployment = active.read().await;
    let ending = deployment.ending.unwrap_or(End::Failed);
    let cause = deployment.failures.first().map_or("it failed", |failure| failure.message.as_str());
    let (kind, message) = match ending {
        End::Cancelled => (EventKind::DeploymentCancelled, format!("{} was cancelled and undone", deployment.name)),
        End::Failed => {
            (EventKind::DeploymentFailed, format!("{} failed before users saw it: {cause}", deployment.name))
        }
        End::RolledBack => (EventKind::DeploymentFailed, format!("{} was taken back: {cause}", deployment.name)),
    };
    let failed = say(&deployment, kind, EventStatus::Failed, message.clone());
    let mut events = vec![failed];
    if ending == End::RolledBack {
        events.insert(0, say(&deployment, EventKind::RollbackCompleted, EventStatus::Ok, message));
    }
    active.turn(engine, Turn::Unwound(ending), events).await
}

async fn note_failures(engine: &Engine, active: &Active, failures: Vec<FailureReport>) -> Result<(), Fault> {
    let noted = |deployment: &mut Deployment| {
        deployment.failures.extend(failures);
        Vec::new()
    };
    active.update(engine, noted).await.map(|_| ())
}

/// What failed on the way back, in one line; without what failed in an earlier one and is done or left out by now.
fn what_failed(deployment: &Deployment) -> String {
    let failed = deployment.steps.iter().filter(|state| state.back && state.status == StepStatus::Failed);
    let planned = |state: &StepState| deployment.course.unwind.as_ref()?.steps.get(state.number);
    let titles: BTreeSet<_> = failed.filter_map(planned).map(|planned| planned.step.to_string()).collect();
    let failures = deployment.failures.iter().filter(|failure| failure.phase == Phase::RollingBack);
    let failures = failures.filter(|failure| titles.contains(&failure.step));
    let failures = failures.map(|failure| format!("{}: {}", failure.step, failure.message)).collect::<Vec<_>>();
    format!("going back stands still: {}", failures.join("; "))
}

async fn get_stuck(engine: &Engine, active: &Active, why: Stuck, message: String) -> Result<(), Fault> {
    switch::close(engine, active).await?;
    let noted = |deployment: &mut Deployment| {
        deployment.stuck = Some(why);
        Vec::new()
    };
    active.update(engine, noted).await?;
    let event = say(&*active.read().await, EventKind::DeploymentStuck, EventStatus::Failed, message);
    active.turn(engine, Turn::GiveUp, vec![event]).await
}
