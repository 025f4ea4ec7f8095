//! Fast builds can't starve a soak: while what an environment serves soaks for the next one, new releases for it wait,
//! and of those that wait only the newest comes. Who asks to supersede doesn't wait, and going back never does.

use std::sync::Arc;

use shipway_core::{
    deployment::{Cause, Deployment, FailureReport, Kind, OnConflict, Request, Waiting},
    event::{EventKind, EventStatus},
    id::EnvironmentName,
    phase::Phase,
    ports::Fault,
    project::Project,
    time::Timestamp,
};

use super::{
    automatic::{next, withheld},
    stands,
};
use crate::{
    Engine,
    deploy::{Active, Fail, report, say},
};

/// How often who waits looks again.
const LOOK_MS: u64 = 1000;
/// How long what has soaked may take to be asked for, before nobody waits for it any more.
const GRACE_MS: u64 = 15_000;

/// What soaks in an environment for which other one, and until when.
pub(super) struct Soaking {
    to: EnvironmentName,
    until: Timestamp,
}

/// What soaks in an environment and will go on by itself; none when nothing does, or it can't go on.
pub(super) async fn soaking(
    engine: &Engine,
    project: &Project,
    environment: &EnvironmentName,
) -> Result<Option<Soaking>, Fault> {
    let Some((to, target)) = next(engine, project, environment).await else { return Ok(None) };
    let Ok(combination) = stands(engine, &project.id, environment).await? else { return Ok(None) };
    let until = combination.since.plus_ms(target.promotion.soak.ms);
    if engine.ports.clock.now() >= until.plus_ms(GRACE_MS)
        || withheld(engine, project, &combination, &to, &target).await?.is_some()
    {
        return Ok(None);
    }
    Ok(Some(Soaking { to, until }))
}

/// Waits until nothing soaks any more where new releases are to come.
pub(crate) async fn wait(engine: &Arc<Engine>, active: &Active) -> Result<(), Fail> {
    let deployment = active.read().await;
    let request = &deployment.request;
    let is_new = request.kind == Kind::Deploy && request.on_conflict != OnConflict::Supersede;
    if !is_new || deployment.started_at.is_some() {
        return Ok(());
    }
    let Some(project) = engine.ports.store.find::<Project>(request.project.as_str()).await? else { return Ok(()) };
    while let Some(soaking) = soaking(engine, &project, &request.environment).await? {
        if let Some(newer) = newer_one(engine, &deployment).await {
            return Err(Fail::Failed(Box::new(superseded(engine, &newer))));
        }
        tell(engine, active, &soaking).await?;
        engine.ports.clock.sleep_ms(LOOK_MS).await;
    }
    crate::deploy::resume(engine, active).await?;
    Ok(())
}

async fn tell(engine: &Engine, active: &Active, soaking: &Soaking) -> Result<(), Fault> {
    let environment = active.read().await.request.environment.clone();
    let reason = format!("what {environment} serves soaks for {} until {}", soaking.to, soaking.until);
    if active.read().await.waiting.as_ref().is_some_and(|waiting| waiting.reason == reason) {
        return Ok(());
    }
    let since = engine.ports.clock.now();
    let waits = |deployment: &mut Deployment| {
        deployment.waiting = Some(Waiting { reason: reason.clone(), since, on: Vec::new() });
        vec![say(deployment, EventKind::DeploymentWaiting, EventStatus::Warning, reason)]
    };
    active.update(engine, waits).await.map(|_| ())
}

/// A newer deployment that waits for the same, and writes all that this one would.
async fn newer_one(engine: &Engine, mine: &Deployment) -> Option<Arc<Deployment>> {
    let running: Vec<Arc<Active>> = engine.active().values().cloned().collect();
    for active in running {
        let other = active.read().await;
        if other.number > mine.number && other.phase == Phase::Queued && covers(&other.request, &mine.request) {
            return Some(other);
        }
    }
    None
}

fn covers(newer: &Request, older: &Request) -> bool {
    let same_place = newer.project == older.project && newer.environment == older.environment;
    let all = newer.services.is_empty() && newer.exclude.is_empty();
    let named = !older.services.is_empty() && older.services.iter().all(|service| newer.services.contains(service));
    same_place && newer.kind == Kind::Deploy && newer.on_conflict != OnConflict::Supersede && (all || named)
}

fn superseded(engine: &Engine, newer: &Deployment) -> FailureReport {
    let message = format!("{} is newer and waits for the same soak: this one is left out", newer.name);
    report(engine.ports.clock.now(), Phase::Queued, "waiting for a soak".into(), Cause::Person, message)
}
