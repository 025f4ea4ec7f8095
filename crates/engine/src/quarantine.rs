//! Quarantine: what failed, or was left by a rollback, is not deployed again by itself, nor by a person who doesn't say
//! so. Not here: the search for the last good state, which leaves out such combinations too (`commands`).

use std::collections::BTreeMap;

use shipway_core::{
    breaker::{Quarantine, Quarantined},
    deployment::{Cause, Deployment, FailureReport},
    event::{EventKind, EventStatus},
    id::{ArtifactDigest, ReleaseId, ServiceName},
    phase::Phase,
    plan::Goal,
    ports::Fault,
    slot::Slot,
    store::Commit,
};

use crate::{
    Engine,
    deploy::{Fail, report, say},
};

/// Refuses a goal that holds something quarantined, unless the request allows it. Automation may not deploy a
/// quarantined artifact in another release either.
pub(crate) async fn refuse(engine: &Engine, deployment: &Deployment, goal: &Goal) -> Result<(), Fail> {
    if deployment.request.allow_quarantined {
        return Ok(());
    }
    let coming = coming(engine, deployment, goal).await?;
    let by_artifact = deployment.actor.is_automation();
    let Some(found) = all(engine, deployment).await?.into_iter().find(|one| holds(one, &coming, by_artifact)) else {
        return Ok(());
    };
    let names = found.releases.iter().map(|(service, one)| format!("{service} {}", one.release.short()));
    let names = names.collect::<Vec<_>>().join(" with ");
    let message = format!("{names} is quarantined since {}: {}", found.at, found.reason);
    let hint = "deploy something else, or the same with `--allow-quarantined --reason WHY`".to_owned();
    let (at, step) = (engine.ports.clock.now(), "quarantine".to_owned());
    let failure = report(at, Phase::Preparing, step, Cause::Person, message);
    Err(Fail::Failed(Box::new(FailureReport { hint: Some(hint), ..failure })))
}

/// The goal's releases but for those that are live already.
async fn coming(
    engine: &Engine,
    deployment: &Deployment,
    goal: &Goal,
) -> Result<BTreeMap<ServiceName, Quarantined>, Fault> {
    let slots: Vec<Slot> = engine.ports.store.below(&scope(deployment)).await?;
    let is_live = |service: &ServiceName, release: &ReleaseId| {
        let slot = slots.iter().find(|slot| slot.key.service == *service);
        slot.and_then(|slot| slot.live.as_ref()).is_some_and(|live| live.release == *release)
    };
    let mut coming = BTreeMap::new();
    for (key, serving) in goal {
        let Some(serving) = serving.as_ref().filter(|serving| !is_live(&key.service, &serving.release)) else {
            continue;
        };
        coming.insert(key.service.clone(), named(engine, &serving.release).await?);
    }
    Ok(coming)
}

async fn named(engine: &Engine, release: &ReleaseId) -> Result<Quarantined, Fault> {
    let artifact = engine.release(release).await?.artifact.clone();
    Ok(Quarantined { release: release.clone(), artifact })
}

fn scope(deployment: &Deployment) -> String {
    format!("{}/{}", deployment.request.project, deployment.request.environment)
}

async fn all(engine: &Engine, deployment: &Deployment) -> Result<Vec<Quarantine>, Fault> {
    engine.ports.store.below(&scope(deployment)).await
}

/// Whether what comes has all that is quarantined together.
fn holds(quarantine: &Quarantine, coming: &BTreeMap<ServiceName, Quarantined>, by_artifact: bool) -> bool {
    !quarantine.releases.is_empty()
        && quarantine.releases.iter().all(|(service, one)| {
            let comes = coming.get(service);
            comes.is_some_and(|comes| comes.release == one.release || (by_artifact && comes.artifact == one.artifact))
        })
}

/// Quarantines what failed by its own fault: the release of the first cause, and the combination.
pub(crate) async fn put_failed(
    engine: &Engine,
    mut commit: Commit,
    failed: &Deployment,
    failure: &FailureReport,
) -> Result<Commit, Fault> {
    if failure.cause != Cause::Release {
        return Ok(commit);
    }
    let mut combination = BTreeMap::new();
    for (service, serving) in
        failed.course.goal.iter().filter_map(|(service, serving)| Some((service, serving.as_ref()?)))
    {
        if failed.services.get(service).is_none_or(|state| !state.unchanged) {
            combination.insert(service.clone(), named(engine, &serving.release).await?);
        }
    }
    let first = failure.service.as_ref().and_then(|service| combination.get_key_value(service));
    let first = first.map(|(service, one)| BTreeMap::from([(service.clone(), one.clone())]));
    for releases in first.into_iter().chain([combination]) {
        commit = put(engine, commit, failed, releases, &failure.message);
    }
    Ok(commit)
}

/// Quarantines the combination that a rollback left.
pub(crate) async fn put_what_was_left(engine: &Engine, rollback: &Deployment) -> Result<(), Fault> {
    let mut left = BTreeMap::new();
    for slot in &rollback.course.parents {
        let Some(live) = &slot.live else { continue };
        let stays = rollback.course.goal.get(&slot.key.service).is_some_and(|goal| goal.as_ref() == Some(live));
        if !stays {
            left.insert(slot.key.service.clone(), named(engine, &live.release).await?);
        }
    }
    let commit = Commit::at(engine.ports.clock.now());
    let commit = put(engine, commit, rollback, left, &format!("{} took it back", rollback.name));
    engine.ports.store.commit(commit).await.map(|_| ())
}

fn put(
    engine: &Engine,
    commit: Commit,
    by: &Deployment,
    releases: BTreeMap<ServiceName, Quarantined>,
    reason: &str,
) -> Commit {
    if releases.is_empty() {
        return commit;
    }
    let now = engine.ports.clock.now();
    let names = releases.iter().map(|(service, one)| format!("{service} {}", one.release.short()));
    let message = format!("{} is quarantined: {reason}", names.collect::<Vec<_>>().join(" with "));
    let quarantine = Quarantine {
        project: by.request.project.clone(),
        environment: by.request.environment.clone(),
        releases,
        by: by.id.clone(),
        reason: reason.to_owned(),
        at: now,
    };
    let event = say(by, EventKind::Quarantined, EventStatus::Warning, message);
    commit.put(&quarantine).event(event)
}

/// What a person deployed all the same, and what then was complete, is good again.
pub(crate) async fn lift(engine: &Engine, complete: &Deployment) -> Result<(), Fault> {
    let mut live = BTreeMap::new();
    for (service, serving) in &complete.course.goal {
        if let Some(serving) = serving {
            live.insert(service.clone(), named(engine, &serving.release).await?);
        }
    }
    let over: Vec<_> = all(engine, complete).await?.into_iter().filter(|one| holds(one, &live, false)).collect();
    if over.is_empty() {
        return Ok(());
    }
    let commit = over.iter().fold(Commit::at(engine.ports.clock.now()), |commit, one| commit.delete(one));
    engine.ports.store.commit(commit).await.map(|_| ())
}

/// What stands in an environment against artifacts that automation would bring together.
pub(crate) async fn against(
    engine: &Engine,
    scope: &str,
    artifacts: &BTreeMap<ServiceName, ArtifactDigest>,
) -> Result<Option<Quarantine>, Fault> {
    let all: Vec<Quarantine> = engine.ports.store.below(scope).await?;
    let comes = |quarantine: &Quarantine| {
        !quarantine.releases.is_empty()
            && quarantine.releases.iter().all(|(service, one)| artifacts.get(service) == Some(&one.artifact))
    };
    Ok(all.into_iter().find(comes))
}
