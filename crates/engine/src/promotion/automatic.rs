//! What goes on by itself: the leader looks along `promotes_to`, and asks for a promotion once a combination has soaked.
//!
//! What is quarantined in the target is not brought back, what a person ended is not tried again, and what failed is
//! tried a few times. While a combination soaks in an environment, nothing comes there by itself: the newest waits.

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    command::Command,
    deployment::{Cause, Deployment},
    id::{Actor, EnvironmentName, ServiceName},
    ports::Fault,
    project::Project,
    promotion::{Combination, Member, Origin, PROMOTION, Terms, Wish, decide},
    spec::EnvironmentPlan,
    time::Timestamp,
};
use tracing::{debug, warn};

use super::{holds, members, past, soak, stands};
use crate::{Engine, Refusal, quarantine};

/// How often it is looked whether something may go on.
const TICK_MS: u64 = 1000;
/// How often a combination is tried in a target.
const TRIES_MAX: usize = 3;
/// How long it is left alone after it failed there.
const AGAIN_MS: u64 = 60_000;

/// Lets go on by itself what may, for as long as the engine lives.
pub(crate) async fn run(engine: Arc<Engine>) {
    loop {
        if engine.itself.leads(engine.ports.clock.now()).is_some()
            && let Err(fault) = look(&engine).await
        {
            warn!(%fault, "nothing is promoted by itself for now");
        }
        engine.ports.clock.sleep_ms(TICK_MS).await;
    }
}

async fn look(engine: &Arc<Engine>) -> Result<(), Fault> {
    for project in engine.projects().await? {
        for from in &project.environments {
            let Some((to, target)) = next(engine, &project, from).await else { continue };
            advance(engine, &project, from, &to, &target).await?;
        }
    }
    Ok(())
}

/// Where an environment promotes to by itself.
pub(super) async fn next(
    engine: &Engine,
    project: &Project,
    from: &EnvironmentName,
) -> Option<(EnvironmentName, Arc<EnvironmentPlan>)> {
    // Most specs say nothing of it: then nothing is resolved.
    if !project.text.contains("promotes_to") && project.made.is_empty() {
        return None;
    }
    let to = engine.environment_plan(project, from).await?.promotes_to.clone()?;
    let target = engine.environment_plan(project, &to).await?;
    target.promotion.automatic.then_some((to, target))
}

async fn advance(
    engine: &Arc<Engine>,
    project: &Project,
    from: &EnvironmentName,
    to: &EnvironmentName,
    target: &EnvironmentPlan,
) -> Result<(), Fault> {
    // What there is to do most of the time is nothing, and that is seen in the slots alone.
    if !is_news(&members(engine, &project.id, from).await?, &members(engine, &project.id, to).await?) {
        return Ok(());
    }
    let Ok(combination) = stands(engine, &project.id, from).await? else { return Ok(()) };
    let now = engine.ports.clock.now();
    let is_busy = past(engine, &project.id, to).await?.iter().any(|past| !past.phase.is_end());
    let is_stopped = engine.rollbacks(&project.id, to).await?.is_some_and(|rollbacks| rollbacks.stopped.is_some());
    if is_busy
        || is_stopped
        || !is_over(&combination, target, now)
        || !may_go(engine, project, &combination, to, target).await?
        || soak::soaking(engine, project, to).await?.is_some()
    {
        return Ok(());
    }
    let wish = Wish {
        project: project.id.clone(),
        from: Some(from.clone()),
        to: Some(to.clone()),
        services: Vec::new(),
        combination: None,
        skip_stage: false,
        reason: None,
        on_conflict: shipway_core::deployment::OnConflict::Queue,
    };
    match engine.execute(Command::Promote(Box::new(wish)), Actor::system(PROMOTION)).await {
        Ok(_) => debug!(%from, %to, "goes on by itself"),
        Err(Refusal::Fault(fault)) => return Err(fault),
        // Something came in between: the next look decides again.
        Err(refusal) => debug!(%refusal, "nothing goes on by itself"),
    }
    Ok(())
}

/// Whether one environment serves anything that the other doesn't.
fn is_news(from: &BTreeMap<ServiceName, Member>, to: &BTreeMap<ServiceName, Member>) -> bool {
    from.iter().any(|(service, member)| to.get(service).is_none_or(|live| !live.is_same(member)))
}

fn is_over(combination: &Combination, target: &EnvironmentPlan, now: Timestamp) -> bool {
    now >= combination.since.plus_ms(target.promotion.soak.ms)
}

/// Whether a combination would go to a target by itself, soaked or not.
pub(super) async fn may_go(
    engine: &Engine,
    project: &Project,
    combination: &Combination,
    to: &EnvironmentName,
    target: &EnvironmentPlan,
) -> Result<bool, Fault> {
    let past = past(engine, &project.id, to).await?;
    let is_on_its_way = past.iter().any(|past| brought(past, combination) && !past.phase.is_end());
    if is_on_its_way || is_given_up(&past, combination, engine.ports.clock.now()) {
        return Ok(false);
    }
    let (live, holds) = (members(engine, &project.id, to).await?, holds(engine, &project.id, to).await?);
    let terms = Terms {
        combination,
        to,
        live: &live,
        holds: &holds,
        soak: target.promotion.soak,
        services: &[],
        skips_soak: true,
        now: engine.ports.clock.now(),
    };
    let Ok(going) = decide(&terms) else { return Ok(false) };
    let artifacts = combination.members.iter().filter(|(service, _)| going.contains(service));
    let artifacts = artifacts.map(|(service, member)| (service.clone(), member.artifact.clone())).collect();
    Ok(quarantine::against(engine, &format!("{}/{to}", project.id), &artifacts).await?.is_none())
}

/// Whether a combination was tried in a target often enough, just now, or to somebody's displeasure.
fn is_given_up(past: &[Arc<Deployment>], combination: &Combination, now: Timestamp) -> bool {
    let tries: Vec<_> = past.iter().filter(|past| brought(past, combination)).collect();
    let unwanted = |past: &&&Arc<Deployment>| past.cause == Some(Cause::Person) || past.rolled_back_by.is_some();
    let just_now = |past: &&Arc<Deployment>| past.completed_at.is_some_and(|at| now.since_ms(at) < AGAIN_MS);
    tries.len() >= TRIES_MAX || tries.iter().any(|past| unwanted(&past)) || tries.first().is_some_and(just_now)
}

/// Whether a deployment brought that combination.
fn brought(past: &Deployment, combination: &Combination) -> bool {
    matches!(&past.request.origin, Some(Origin::Promotion { combination: id, .. }) if *id == combination.id)
}
