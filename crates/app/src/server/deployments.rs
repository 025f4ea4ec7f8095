//! Deployments over HTTP.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use shipway_api::{DeploymentRequest, DeploymentView, ReportView, RollbackRequest, StageReport, deployment_view};
use shipway_core::{
    command::Command,
    deployment::{Deployment, Kind, Request, StepStatus},
    id::{Actor, DeploymentId, EnvironmentName, ProjectId},
    phase::Phase,
    ports::Clock,
    time::Timestamp,
};
use shipway_engine::Reply;

use super::{
    Shared, State,
    answer::{Answer, Rejected},
    environments::urls,
    plan_view::plan_view,
    time_and_ids::SystemClock,
    uploads,
};

pub(super) async fn create(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<DeploymentRequest>, JsonRejection>,
) -> Result<Response, Rejected> {
    let Json(body) = body?;
    let dry_run = body.dry_run;
    let request = request(body);
    uploads::known(&shared, &request.source)?;
    if dry_run {
        let drawn = shared.engine.draw(request, actor).await?;
        return Ok(Json(plan_view(drawn)).into_response());
    }
    let reply = shared.engine.execute(Command::Deploy(Box::new(request)), actor).await?;
    Ok(Json(replied(&shared, reply).await?).into_response())
}

pub(super) fn request(body: DeploymentRequest) -> Request {
    let kind = body.kind.unwrap_or_default();
    Request {
        services: body.services,
        group: body.group,
        exclude: body.exclude,
        changed: body.changed,
        order: body.order,
        source: body.source.unwrap_or_default(),
        version: body.version,
        versions: body.versions,
        artifacts: body.artifacts,
        allow_quarantined: body.allow_quarantined,
        strategy: body.strategy,
        config: body.config,
        at: body.at,
        break_glass: body.break_glass,
        on_conflict: body.on_conflict,
        metadata: body.metadata,
        reason: body.reason,
        description: body.description,
        ..Request::new(ProjectId::new(body.project), EnvironmentName::new(body.environment), kind)
    }
}

pub(super) async fn replied(shared: &Arc<Shared>, reply: Reply) -> Result<DeploymentView, Rejected> {
    match reply {
        Reply::Deployment(deployment) => view(shared, &deployment).await,
        _ => Err(Rejected::bad_request("that was no deployment")),
    }
}

/// A deployment with its addresses and its estimate.
pub(super) async fn view(shared: &Arc<Shared>, deployment: &Deployment) -> Result<DeploymentView, Rejected> {
    let urls = urls_of(shared, deployment).await?;
    let earlier_ms = match deployment.phase.is_end() {
        true => Vec::new(),
        false => shared.engine.past_durations_ms(deployment).await?,
    };
    Ok(deployment_view(deployment, urls, &earlier_ms, SystemClock.now()))
}

async fn urls_of(shared: &Arc<Shared>, deployment: &Deployment) -> Result<Vec<String>, Rejected> {
    let mut all = Vec::new();
    for state in deployment.services.values() {
        let Some(release) = &state.release else { continue };
        if let Ok(release) = shared.engine.find_release(release).await {
            all.extend(urls(&release, shared.engine.proxy_address()));
        }
    }
    all.sort_by_key(|url: &String| (url.len(), url.clone()));
    all.dedup();
    Ok(all)
}

pub(super) async fn show(shared: State, Path(id): Path<String>) -> Answer<DeploymentView> {
    let deployment = shared.engine.find_deployment(&id).await?;
    Ok(Json(view(&shared, &deployment).await?))
}

pub(super) async fn act(
    shared: &Arc<Shared>,
    actor: Actor,
    id: &str,
    command: impl FnOnce(DeploymentId) -> Command,
) -> Answer<DeploymentView> {
    let deployment = shared.engine.find_deployment(id).await?.id.clone();
    let reply = shared.engine.execute(command(deployment), actor).await?;
    Ok(Json(replied(shared, reply).await?))
}

/// The body of an action may be absent.
fn optional(body: &Bytes) -> Result<RollbackRequest, Rejected> {
    if body.is_empty() {
        return Ok(RollbackRequest::default());
    }
    let Json(body) = Json::from_bytes(body)?;
    Ok(body)
}

pub(super) async fn cancel(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer<DeploymentView> {
    let reason = optional(&body)?.reason;
    act(&shared, actor, &id, |deployment| Command::Cancel { deployment, reason }).await
}

pub(super) async fn pause(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer<DeploymentView> {
    act(&shared, actor, &id, |deployment| Command::Pause { deployment }).await
}

pub(super) async fn resume(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer<DeploymentView> {
    act(&shared, actor, &id, |deployment| Command::Resume { deployment }).await
}

pub(super) async fn advance(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer<DeploymentView> {
    act(&shared, actor, &id, |deployment| Command::Advance { deployment }).await
}

pub(super) async fn rollback(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer<DeploymentView> {
    let RollbackRequest { reason, force, artifact_only, accept_contract, with_data } = optional(&body)?;
    let undone = shared.engine.find_deployment(&id).await?;
    let (undo, to, snapshots) = (Some(undone.id.clone()), None, BTreeMap::new());
    let kind = Kind::Rollback { undo, to, force, artifact_only, accept_contract, with_data, snapshots };
    let Request { project, environment, .. } = undone.request.clone();
    let request = Request { reason, ..Request::new(project, environment, kind) };
    let reply = shared.engine.execute(Command::Deploy(Box::new(request)), actor).await?;
    Ok(Json(replied(&shared, reply).await?))
}

pub(super) async fn rollback_target(
    shared: State,
    Path((id, environment)): Path<(String, String)>,
) -> Answer<DeploymentView> {
    let target = shared.engine.newest_other_state(&ProjectId::new(id), &EnvironmentName::new(environment)).await?;
    Ok(Json(view(&shared, &target).await?))
}

pub(super) async fn report(shared: State, Path(id): Path<String>) -> Answer<ReportView> {
    let deployment = shared.engine.find_deployment(&id).await?;
    let view = view(&shared, &deployment).await?;
    let stage = |phases: &[Phase]| stage(&view, &deployment, phases);
    Ok(Json(ReportView {
        deployment: deployment.id.clone(),
        staging: stage(&[Phase::Staging, Phase::Provisioning]),
        validation: stage(&[Phase::Testing]),
        verification: stage(&[Phase::Verifying, Phase::Monitoring]),
    }))
}

fn stage(view: &DeploymentView, deployment: &Deployment, phases: &[Phase]) -> StageReport {
    let mine = |step: &&shipway_api::StepView| !step.back && phases.contains(&step.phase);
    let steps: Vec<_> = view.steps.iter().filter(mine).cloned().collect();
    let checks: Vec<_> = deployment.checks.iter().filter(|check| phases.contains(&check.phase)).cloned().collect();
    let failed = steps.iter().any(|step| step.status == StepStatus::Failed);
    let open = steps.iter().any(|step| matches!(step.status, StepStatus::Waiting | StepStatus::Running));
    let reached = deployment.phases.iter().any(|record| phases.contains(&record.phase)) || !open;
    let passed =
        if failed { Some(false) } else { (!open && reached && deployment.course.plan.is_some()).then_some(true) };
    let first: Option<Timestamp> = steps.iter().filter_map(|step| step.started_at).min();
    let last = steps.iter().filter_map(|step| step.ended_at).max();
    let took_ms = first.zip(last).map(|(first, last)| last.since_ms(first));
    StageReport { passed, steps, checks, took_ms }
}
