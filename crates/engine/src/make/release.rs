//! Releases, and what the slots should serve, for every kind of request.

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    artifact::GitCommit,
    deployment::{Cause, Deployment, FailureReport, Kind},
    event::{EventBody, EventKind, EventStatus},
    id::{ArtifactDigest, DeploymentId, ReleaseId, ServiceName, SlotKey},
    phase::Phase,
    plan::Goal,
    release::{Release, release_id},
    slot::{Serving, Slot},
    spec::{ServeSpec, ServiceKind},
    store::Commit,
};

use super::{Fail, key};
use crate::{
    Engine,
    deploy::{Active, report, say},
    secrets,
};

/// Makes a release, or finds it: the same parts give the same one.
pub(super) async fn make(
    engine: &Engine,
    active: &Active,
    service: &ServiceName,
    serve: ServeSpec,
    artifact: ArtifactDigest,
) -> Result<ReleaseId, Fail> {
    let deployment = active.read().await;
    let slot = key(&deployment.request, service);
    let named = deployment.request.versions.get(service).or(deployment.request.version.as_ref());
    let version = named.cloned().unwrap_or_else(|| artifact.short().to_owned());
    let secrets = secrets::pins(engine, &slot, &serve).await?;
    let id = release_id(&slot, &version, &artifact, &serve, &secrets);
    let known: Option<Release> = engine.ports.store.find(id.as_str()).await?;
    let git = match known {
        Some(_) => None,
        None => commit_of(engine, &deployment, service).await?,
    };
    let release = known.unwrap_or_else(|| Release {
        id: id.clone(),
        slot,
        version,
        artifact,
        serve,
        secrets,
        git,
        made_by: deployment.id.clone(),
        made_at: engine.ports.clock.now(),
    });
    let noted = |deployment: &mut Deployment| {
        let message = format!("{service}: release {} is {}", id.short(), release.version);
        let event = say(deployment, EventKind::ReleaseReady, EventStatus::Ok, message);
        vec![EventBody { services: vec![service.clone()], ..event }]
    };
    active.update_with(engine, Commit::default().put(&release), noted).await?;
    Ok(id)
}

/// The commit of a service's source: as it was looked up, or as the release of another environment has it that the
/// artifact comes from.
async fn commit_of(engine: &Engine, deployment: &Deployment, service: &ServiceName) -> Result<Option<GitCommit>, Fail> {
    if let Some(git) = deployment.services.get(service).and_then(|state| state.git.clone()) {
        return Ok(Some(git));
    }
    match deployment.request.origin.as_ref().and_then(|origin| origin.release(service)) {
        Some(release) => Ok(engine.release(release).await?.git.clone()),
        None => Ok(None),
    }
}

async fn slots(engine: &Engine, deployment: &Deployment) -> Result<BTreeMap<ServiceName, Slot>, Fail> {
    let scope = format!("{}/{}", deployment.request.project, deployment.request.environment);
    let slots: Vec<Slot> = engine.ports.store.below(&scope).await?;
    Ok(slots.into_iter().map(|slot| (slot.key.service.clone(), slot)).collect())
}

/// The slots as they were: before one deployment, or after another.
pub(super) async fn goal_of_rollback(engine: &Engine, deployment: &Deployment) -> Result<Goal, Fail> {
    let now = slots(engine, deployment).await?;
    let Kind::Rollback { undo, to, .. } = &deployment.request.kind else { return Ok(Goal::new()) };
    let mut before: BTreeMap<ServiceName, Option<Serving>> = BTreeMap::new();
    if let Some(undo) = undo {
        before.extend(
            find(engine, undo).await?.course.parents.iter().map(|slot| (slot.key.service.clone(), slot.live.clone())),
        );
    } else if let Some(to) = to {
        let then = find(engine, to).await?.result.clone();
        before.extend(now.keys().map(|service| (service.clone(), then.get(service).cloned())));
    }
    let goal = before.into_iter().map(|(service, serving)| {
        let live = now.get(&service).and_then(|slot| slot.live.clone());
        (key(&deployment.request, &service), serving.map(|serving| same_count(serving, live.as_ref())))
    });
    Ok(goal.collect())
}

async fn find(engine: &Engine, id: &DeploymentId) -> Result<Arc<Deployment>, Fail> {
    let found = engine.ports.store.deployment(id.as_str()).await?;
    found.ok_or_else(|| Fail::Failed(Box::new(unplaced(engine, format!("there is no deployment {id}")))))
}

/// Instance counts stay as they are: scaling is not taken back with a release.
fn same_count(serving: Serving, live: Option<&Serving>) -> Serving {
    match live {
        Some(live) if live.instances > 0 && serving.instances > 0 => Serving { instances: live.instances, ..serving },
        _ => serving,
    }
}

fn unplaced(engine: &Engine, message: String) -> FailureReport {
    report(engine.ports.clock.now(), Phase::Validating, "reading the past".into(), Cause::Person, message)
}

/// The old artifacts with the configuration that is live now.
pub(super) async fn with_todays_configuration(engine: &Arc<Engine>, active: &Active, goal: Goal) -> Result<Goal, Fail> {
    let now = slots(engine, &*active.read().await).await?;
    let mut mixed = Goal::new();
    for (slot, serving) in goal {
        let live = now.get(&slot.service).and_then(|slot| slot.live.as_ref());
        let (Some(serving), Some(live)) = (&serving, live) else {
            mixed.insert(slot, serving);
            continue;
        };
        let old = engine.release(&serving.release).await?;
        let today = engine.release(&live.release).await?;
        let release = make(engine, active, &slot.service, today.serve.clone(), old.artifact.clone()).await?;
        mixed.insert(slot, Some(Serving { release, instances: serving.instances }));
    }
    Ok(mixed)
}

/// The live releases with other counts.
pub(super) async fn goal_of_scale(
    engine: &Engine,
    deployment: &Deployment,
    instances: &BTreeMap<ServiceName, u32>,
) -> Result<Goal, Fail> {
    let now = slots(engine, deployment).await?;
    let mut goal = Goal::new();
    for (service, count) in instances {
        let live = now.get(service).and_then(|slot| slot.live.clone());
        let Some(live) = live else {
            let message = format!("{service} does not run in {}: deploy it first", deployment.request.environment);
            return Err(Fail::Failed(Box::new(unplaced(engine, message))));
        };
        let slot: SlotKey = key(&deployment.request, service);
        if engine.release(&live.release).await?.serve.kind == ServiceKind::Static {
            let message = format!("{service} is a static site: it has no instances");
            return Err(Fail::Failed(Box::new(unplaced(engine, message))));
        }
        goal.insert(slot, Some(Serving { instances: *count, ..live }));
    }
    Ok(goal)
}

/// The live releases as they are: only their data changes.
pub(super) async fn goal_of_restore(engine: &Engine, deployment: &Deployment) -> Result<Goal, Fail> {
    let now = slots(engine, deployment).await?;
    let services = deployment.request.services.iter();
    let live = services
        .map(|service| (key(&deployment.request, service), now.get(service).and_then(|slot| slot.live.clone())));
    Ok(live.collect())
}
