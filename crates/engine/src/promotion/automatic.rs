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
    promotion::{Combination, Member, Obstacle, Origin, PROMOTION, Terms, Wish, decide},
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
    // Most specs say nothing of it: then nothing is resolved. One in CUE may put the key together.
    let may_say = project.text.contains("promotes_to") || project.file.ends_with(".cue");
    if !may_say && project.made.is_empty() {
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
        || withheld(engine, project, &combination, to, target).await?.is_some()
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

/// What keeps a combination from going to a target by itself, soaked or not; none when nothing does.
pub(super) async fn withheld(
    engine: &Engine,
    project: &Project,
    combination: &Combination,
    to: &EnvironmentName,
    target: &EnvironmentPlan,
) -> Result<Option<Obstacle>, Fault> {
    let past = past(engine, &project.id, to).await?;
    if let Some(reason) = given_up(&past, combination, engine.ports.clock.now()) {
        return Ok(Some(reason));
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
    let going = match decide(&terms) {
        Ok(going) => going,
        Err(obstacles) => return Ok(obstacles.into_iter().next()),
    };
    let artifacts = combination.members.iter().filter(|(service, _)| going.contains(service));
    let artifacts = artifacts.map(|(service, member)| (service.clone(), member.artifact.clone())).collect();
    let against = quarantine::against(engine, &format!("{}/{to}", project.id), &artifacts).await?;
    Ok(against.map(|found| {
        let names = found.releases.keys().map(ServiceName::as_str).collect::<Vec<_>>().join(" with ");
        Obstacle::new(format!("{names} is quarantined in {to} since {}: {}", found.at, found.reason))
    }))
}

/// Why a combination isn't tried in a target: it is on its way, was tried often enough, just now, or to somebody's
/// displeasure. `past` are the target's deployments, newest first.
fn given_up(past: &[Arc<Deployment>], combination: &Combination, now: Timestamp) -> Option<Obstacle> {
    let tries: Vec<_> = past.iter().filter(|past| brought(past, combination)).collect();
    if let Some(busy) = tries.iter().find(|past| !past.phase.is_end()) {
        return Some(Obstacle::new(format!("{} is bringing it: it is {}", busy.name, busy.phase)));
    }
    if let Some((bad, by)) = tries.iter().find_map(|past| Some((past, past.rolled_back_by.as_ref()?))) {
        let back = past.iter().find(|past| past.id == *by).map_or("a rollback", |back| back.name.as_str());
        return Some(Obstacle::new(format!("{} brought it, and {back} took it back", bad.name)));
    }
    if let Some(ended) = tries.iter().find(|past| past.cause == Some(Cause::Person)) {
        return Some(Obstacle::new(format!("somebody ended {}, which brought it", ended.name)));
    }
    if tries.len() >= TRIES_MAX {
        return Some(Obstacle::new(format!("it was tried {TRIES_MAX} times, {} last", tries[0].name)));
    }
    let last = tries.first()?;
    let until = last.completed_at.map(|at| at.plus_ms(AGAIN_MS)).filter(|until| now < *until)?;
    let message = format!("{} brought it just now, and is {}", last.name, last.phase);
    Some(Obstacle { message, until: Some(until) })
}

/// Whether a deployment brought that combination.
fn brought(past: &Deployment, combination: &Combination) -> bool {
    matches!(&past.request.origin, Some(Origin::Promotion { combination: id, .. }) if *id == combination.id)
}
