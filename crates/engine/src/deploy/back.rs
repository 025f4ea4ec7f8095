//! The way back of a deployment that failed or was cancelled: planned from what is observed, recorded, run to its end.
//! A step that fails for good is told, and everything that does not need it still goes back.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::pending;
use shipway_core::{
    deployment::{Deployment, FailureReport, StepStatus},
    event::{EventBody, EventKind, EventStatus},
    phase::{End, Turn},
    plan::{Plan, Undo, unwind},
    ports::Fault,
};
use shipway_saga::{Manner, Outcome};

use super::{
    Active,
    mover::Mover,
    say,
    steps::{graph, waiting_steps},
    switch,
};
use crate::{Engine, world};

pub(super) async fn run_back(engine: &Arc<Engine>, active: &Active) -> Result<(), Fault> {
    if active.read().await.unwind.is_none() {
        record_way_back(engine, active).await?;
    }
    let deployment = active.read().await;
    let Some(plan) = deployment.unwind.clone() else {
        return Err(Fault::invalid(format!("{} goes back without a plan", deployment.id)));
    };
    let (graph, recorded) = graph(&deployment, &plan, true);
    let mover = Mover { engine, active, plan: &plan, back: true };
    match shipway_saga::run(&graph, &recorded, &mover, Manner::KeepGoing, pending()).await? {
        Outcome::Failed { failed, .. } => {
            get_stuck(engine, active, failed.into_iter().filter_map(|failed| failed.why).collect()).await
        }
        Outcome::Done | Outcome::Stopped => went_back(engine, active).await,
    }
}

async fn record_way_back(engine: &Engine, active: &Active) -> Result<(), Fault> {
    let deployment = active.read().await;
    let plan = draw(engine, &deployment).await?;
    let recorded = |deployment: &mut Deployment| {
        deployment.steps.retain(|state| !state.back);
        deployment.steps.extend(waiting_steps(&plan, true));
        let message = format!("way back of {} steps", plan.steps.len());
        let details = serde_json::json!({ "hash": plan.hash(), "steps": plan.steps.len(), "back": true });
        deployment.unwind = Some(plan);
        let event = say(deployment, EventKind::PlanRecorded, EventStatus::Ok, message);
        vec![EventBody { details, ..event }]
    };
    active.update(engine, recorded).await.map(|_| ())
}

async fn draw(engine: &Engine, deployment: &Deployment) -> Result<Plan, Fault> {
    let scope = format!("{}/{}", deployment.request.project, deployment.request.environment);
    let mut seen = world::look(engine, &scope).await?;
    let servings = deployment.parents.iter().filter_map(|slot| slot.live.as_ref());
    for serving in servings.chain(deployment.goal.values().flatten()) {
        seen.know((*engine.release(&serving.release).await?).clone());
    }
    let parents: BTreeMap<_, _> = deployment.parents.iter().map(|slot| (slot.key.clone(), slot.clone())).collect();
    let plan = deployment.plan.as_ref();
    let ran = deployment.steps.iter().filter(|state| !state.back && state.status != StepStatus::Waiting);
    let ran: Vec<_> = ran.filter_map(|state| plan?.steps.get(state.number)).collect();
    let strategy = deployment.strategy_kind().unwrap_or(shipway_core::strategy::StrategyKind::BlueGreen);
    let (ran, given_up) = (&ran[..], &deployment.given_up);
    let undo = Undo { parents: &parents, ran, strategy, deployment: &deployment.id, given_up };
    Ok(unwind(seen.observed(), &undo))
}

async fn went_back(engine: &Engine, active: &Active) -> Result<(), Fault> {
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

async fn get_stuck(engine: &Engine, active: &Active, failures: Vec<FailureReport>) -> Result<(), Fault> {
    switch::close(engine, active).await?;
    let message = failures.iter().map(|failure| format!("{}: {}", failure.step, failure.message)).collect::<Vec<_>>();
    let message = format!("going back stands still: {}", message.join("; "));
    active
        .update(engine, |deployment| {
            deployment.failures.extend(failures);
            Vec::new()
        })
        .await?;
    let event = say(&active.read().await, EventKind::DeploymentStuck, EventStatus::Failed, message);
    active.turn(engine, Turn::GiveUp, vec![event]).await
}
