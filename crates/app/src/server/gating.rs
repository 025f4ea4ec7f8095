//! What people say to a deployment that waits before its gates, and how the gates stand, over HTTP.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{ApproveRequest, DeploymentView, GatesView, WordRequest};
use shipway_core::{
    command::Command,
    id::{Actor, EnvironmentName, ProjectId},
};

use super::{State, answer::Answer, deployments::act, unsticking::said};

pub(super) async fn approve(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer<DeploymentView> {
    // A plain yes needs no body.
    let Json(ApproveRequest { hash, reason }) = match body.is_empty() {
        true => Json(ApproveRequest::default()),
        false => Json::from_bytes(&body)?,
    };
    act(&shared, actor, &id, |deployment| Command::Approve { deployment, hash, reason }).await
}

pub(super) async fn reject(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<WordRequest>, JsonRejection>,
) -> Answer<DeploymentView> {
    let reason = said(body?.0.reason)?;
    act(&shared, actor, &id, |deployment| Command::Reject { deployment, reason }).await
}

pub(super) async fn break_glass(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<WordRequest>, JsonRejection>,
) -> Answer<DeploymentView> {
    let reason = said(body?.0.reason)?;
    act(&shared, actor, &id, |deployment| Command::BreakGlass { deployment, reason }).await
}

pub(super) async fn gates(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path((project, environment)): Path<(String, String)>,
) -> Answer<GatesView> {
    let (project_id, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    let standing = shared.engine.gates(&project_id, &environment, &actor).await?;
    let (declared, held, closes_at) = (standing.declared, standing.held, standing.closes_at);
    Ok(Json(GatesView { project_id, environment, declared, held, closes_at }))
}
