//! Make: from a request to releases and the goal of the slots. It touches no environment and holds no lease.

mod build;
mod git;
mod quota;
mod release;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use futures_util::{FutureExt, StreamExt, stream};
use shipway_core::{
    deployment::{Cause, Deployment, FailureReport, Kind, Request},
    event::{EventBody, EventKind, EventStatus},
    finding::{Category, Finding, Severity, blocks},
    id::{ReleaseId, ServiceName, SlotKey},
    phase::Phase,
    plan::Goal,
    ports::{Fault, FaultKind},
    project::Project,
    release::Release,
    slot::{Serving, Slot},
    spec::{EnvironmentPlan, GroupSpec, ServiceKind},
    strategy::StrategySpec,
};

use crate::{
    Engine,
    deploy::{Active, choose_strategy, report, say},
    quarantine, remote, spec,
};

pub(crate) use crate::deploy::Fail;

/// Builds of one deployment that run at a time.
pub const BUILDS_MAX: usize = 2;
/// How often a goal is recorded anew because somebody else's was recorded in between.
const CONFLICTS_MAX: u32 = 100;

/// Makes everything that the request needs, and says what the slots should serve.
pub(crate) async fn make(engine: &Arc<Engine>, active: &Active) -> Result<Goal, Fail> {
    active.enter(engine, Phase::Validating).await?;
    let request = active.read().await.request.clone();
    let goal = match &request.kind {
        Kind::Deploy => deploy(engine, active).await?,
        Kind::Rollback { artifact_only, .. } => {
            let goal = release::goal_of_rollback(engine, &*active.read().await).await?;
            passed(engine, active).await?;
            active.enter(engine, Phase::Preparing).await?;
            if *artifact_only { release::with_todays_configuration(engine, active, goal).await? } else { goal }
        }
        Kind::Scale { instances } => {
            let goal = release::goal_of_scale(engine, &*active.read().await, instances).await?;
            let findings = quota::of_goal(engine, &*active.read().await, &goal).await?;
            note_findings(engine, active, findings).await?;
            goal
        }
        Kind::Decommission => {
            passed(engine, active).await?;
            request.services.iter().map(|service| (key(&request, service), None)).collect()
        }
        Kind::RestoreData { .. } => {
            let goal = release::goal_of_restore(engine, &*active.read().await).await?;
            passed(engine, active).await?;
            goal
        }
    };
    record_goal(engine, active, &goal).await?;
    Ok(goal)
}

/// The slot of a service in a request's environment.
pub(crate) fn key(request: &shipway_core::deployment::Request, service: &ServiceName) -> SlotKey {
    SlotKey { project: request.project.clone(), environment: request.environment.clone(), service: service.clone() }
}

async fn passed(engine: &Engine, active: &Active) -> Result<(), Fail> {
    let told = |deployment: &mut Deployment| {
        vec![say(deployment, EventKind::ValidationPassed, EventStatus::Ok, "nothing stands against it")]
    };
    active.update(engine, told).await?;
    Ok(())
}

/// Makes a failure of what comes before moving.
pub(crate) async fn failed(
    engine: &Engine,
    active: &Active,
    step: &str,
    service: Option<&ServiceName>,
    cause: Cause,
    message: String,
) -> FailureReport {
    let phase = active.read().await.phase;
    let at = engine.ports.clock.now();
    FailureReport { service: service.cloned(), ..report(at, phase, step.to_owned(), cause, message) }
}

async fn deploy(engine: &Arc<Engine>, active: &Active) -> Result<Goal, Fail> {
    let deployment = active.read().await;
    let request = &deployment.request;
    let (project, folder) = source_folder(engine, active).await?;
    let plan = validate(engine, active, &project).await?;
    let groups = engine.understood.of(&project).map(|spec| spec.groups()).unwrap_or_default();
    let services = match request.services.is_empty() {
        true => plan.services.keys().cloned().collect(),
        false => request.services.clone(),
    };
    begin_services(engine, active, &plan, &services, &groups).await?;
    active.enter(engine, Phase::Preparing).await?;
    git::note(engine, active, &plan, folder.as_deref()).await?;
    let builds: Vec<_> = services
        .iter()
        .map(|service| build::artifact(engine, active, &plan, service, folder.as_deref()).boxed())
        .collect();
    let mut made = stream::iter(builds).buffer_unordered(BUILDS_MAX);
    let mut artifacts = BTreeMap::new();
    while let Some(result) = made.next().await {
        let (service, artifact) = result?;
        artifacts.insert(service, artifact);
    }
    drop(made);
    let mut goal = Goal::new();
    for (service, artifact) in artifacts {
        let Some(spec) = plan.services.get(&service) else { continue };
        let release = release::make(engine, active, &service, spec.serve.clone(), artifact).await?;
        let instances = if spec.serve.kind == ServiceKind::Static { 0 } else { spec.serve.instances };
        goal.insert(key(request, &service), Some(Serving { release, instances }));
    }
    if request.changed {
        keep_changed(engine, active, &mut goal).await?;
    }
    quarantine::refuse(engine, &*active.read().await, &goal).await?;
    Ok(goal)
}

/// Leaves out services whose live release is the one that was made.
async fn keep_changed(engine: &Engine, active: &Active, goal: &mut Goal) -> Result<(), Fail> {
    let request = active.read().await.request.clone();
    let slots: Vec<Slot> = engine.ports.store.below(&format!("{}/{}", request.project, request.environment)).await?;
    goal.retain(|key, serving| {
        let live = slots.iter().find(|slot| slot.key == *key).and_then(|slot| slot.live.as_ref());
        live.map(|live| &live.release) != serving.as_ref().map(|serving| &serving.release)
    });
    let left_out = |deployment: &mut Deployment| {
        deployment.services.retain(|service, _| goal.keys().any(|key| key.service == *service));
        Vec::new()
    };
    active.update(engine, left_out).await?;
    Ok(())
}

/// The project with the spec that holds for this deployment, and the folder of its source.
async fn source_folder(engine: &Engine, active: &Active) -> Result<(Project, Option<PathBuf>), Fail> {
    let request = active.read().await.request.clone();
    let project: Option<Project> = engine.ports.store.find(request.project.as_str()).await?;
    let Some(project) = project else {
        let message = format!("there is no project `{}`", request.project);
        return Err(Fail::Failed(Box::new(
            failed(engine, active, "reading the spec", None, Cause::Person, message).await,
        )));
    };
    match spec::of_request(engine, project, &request).await {
        Ok(found) => Ok(found),
        Err(fault) => Err(fault_of(engine, active, "reading the spec", None, fault).await),
    }
}

/// A port's failure as a failure of the deployment.
pub(crate) async fn fault_of(
    engine: &Engine,
    active: &Active,
    step: &str,
    service: Option<&ServiceName>,
    fault: Fault,
) -> Fail {
    let hint = fault.hint.clone();
    let failure = failed(engine, active, step, service, Cause::Machinery, fault.message).await;
    Fail::Failed(Box::new(FailureReport { hint, ..failure }))
}

async fn validate(engine: &Engine, active: &Active, project: &Project) -> Result<Arc<EnvironmentPlan>, Fail> {
    let validation = engine.validate_request(project, &*active.read().await).await?;
    let mut findings = validation.findings;
    if let Some(plan) = &validation.environment {
        findings.extend(engine.left_behind(&project.id, plan).await?);
    }
    note_findings(engine, active, findings).await?;
    match validation.environment {
        Some(plan) => Ok(plan),
        None => Err(unvalidated(engine, active, Cause::Release, "the spec can't be used as it is".into()).await),
    }
}

/// Notes what was found, and ends the deployment when something of it blocks.
pub(crate) async fn note_findings(engine: &Engine, active: &Active, findings: Vec<Finding>) -> Result<(), Fail> {
    let blocked = blocks(&findings);
    let cause = cause_of(&findings);
    let worst = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
    let (kind, status, message) = match blocked {
        false => (EventKind::ValidationPassed, EventStatus::Ok, "nothing stands against it".to_owned()),
        true => (EventKind::ValidationFailed, EventStatus::Failed, worst.clone()),
    };
    let noted = |deployment: &mut Deployment| {
        let details = serde_json::json!({ "findings": findings });
        deployment.findings = findings;
        vec![EventBody { details, ..say(deployment, kind, status, message) }]
    };
    active.update(engine, noted).await?;
    if blocked { Err(unvalidated(engine, active, cause, worst).await) } else { Ok(()) }
}

/// Whose fault it is that findings block: not the release's, when nothing but a remote gave no answer.
fn cause_of(findings: &[Finding]) -> Cause {
    let mut blocking = findings.iter().filter(|finding| finding.severity == Severity::Critical);
    let is_remote = |finding: &Finding| finding.validator == remote::VALIDATOR && finding.category == Category::Network;
    if blocking.all(is_remote) { Cause::Machinery } else { Cause::Release }
}

async fn unvalidated(engine: &Engine, active: &Active, cause: Cause, worst: String) -> Fail {
    let failure = failed(engine, active, "validation", None, cause, worst).await;
    let hint = Some("`shipway check` lists everything that was found".to_owned());
    Fail::Failed(Box::new(FailureReport { hint, ..failure }))
}

/// Notes the services, the strategy and the deadline.
async fn begin_services(
    engine: &Engine,
    active: &Active,
    plan: &EnvironmentPlan,
    services: &[ServiceName],
    groups: &BTreeMap<String, GroupSpec>,
) -> Result<(), Fail> {
    let specs: Vec<_> = services.iter().filter_map(|name| plan.services.get(name)).collect();
    let members: Vec<&StrategySpec> = specs.iter().map(|spec| &spec.serve.strategy).collect();
    let same = |group: &&GroupSpec| {
        group.services.len() == services.len() && group.services.iter().all(|service| services.contains(service))
    };
    let request = active.read().await.request.clone();
    let group = request.group.as_ref().and_then(|name| groups.get(name)).or_else(|| groups.values().find(same));
    let strategy = group.and_then(|group| group.strategy.as_ref());
    let strategy = choose_strategy(request.strategy.as_ref(), strategy, &members);
    let order = request.order.or_else(|| group.and_then(|group| group.order.clone())).unwrap_or_default();
    let deadline_s = specs.iter().map(|spec| spec.serve.deadline_s).max().unwrap_or(0);
    let noted = |deployment: &mut Deployment| {
        let begun = deployment.gated.opened_at.or(deployment.started_at).unwrap_or(deployment.created_at);
        let runs = deadline_s > 0 && !deployment.gated.is_waiting();
        deployment.deadline_at = runs.then(|| begun.plus_ms(deadline_s * 1000));
        deployment.strategy = Some(strategy);
        deployment.order = order;
        deployment.interactions = plan.interactions.clone();
        for service in services {
            deployment.services.entry(service.clone()).or_default();
        }
        Vec::new()
    };
    active.update(engine, noted).await?;
    Ok(())
}

/// Records the goal, unless it would take more than is left by now.
async fn record_goal(engine: &Engine, active: &Active, goal: &Goal) -> Result<(), Fail> {
    let mut releases = BTreeMap::new();
    for serving in goal.values().flatten() {
        releases.insert(serving.release.clone(), engine.release(&serving.release).await?);
    }
    let mut conflicts = 0;
    loop {
        let deployment = active.read().await;
        let Request { project, environment, .. } = &deployment.request;
        let slots: Vec<Slot> = engine.ports.store.below(&format!("{project}/{environment}")).await?;
        let noted = |deployment: &mut Deployment| {
            note_goal(deployment, goal, &releases, &slots);
            Vec::new()
        };
        // A plan that is only drawn takes nothing, and has been told what stands against it.
        if !active.is_recorded() {
            active.update(engine, noted).await?;
            return Ok(());
        }
        let (claim, findings) = quota::Claim::read(engine, &deployment, goal).await?;
        if blocks(&findings) {
            let all = findings.into_iter().chain(deployment.findings.iter().cloned()).collect();
            return note_findings(engine, active, all).await;
        }
        match active.update_with(engine, claim.take(), noted).await {
            Err(fault) if fault.kind == FaultKind::Conflict && conflicts < CONFLICTS_MAX => conflicts += 1,
            written => return Ok(written.map(|_| ())?),
        }
    }
}

fn note_goal(deployment: &mut Deployment, goal: &Goal, releases: &BTreeMap<ReleaseId, Arc<Release>>, slots: &[Slot]) {
    for (key, serving) in goal {
        let state = deployment.services.entry(key.service.clone()).or_default();
        if let Some(release) = serving.as_ref().and_then(|serving| releases.get(&serving.release)) {
            state.version = Some(release.version.clone());
            state.artifact = Some(release.artifact.clone());
            state.release = Some(release.id.clone());
        }
        let live = slots.iter().find(|slot| slot.key == *key).and_then(|slot| slot.live.as_ref());
        state.previous = live.map(|live| live.release.clone());
        state.unchanged = live == serving.as_ref();
    }
    deployment.course_mut().goal = goal.iter().map(|(key, serving)| (key.service.clone(), serving.clone())).collect();
}
