//! Repair of drift over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::RepairRequest;
use shipway_core::{
    command::Command,
    drift::Drift,
    id::{Actor, EnvironmentName, ProjectId},
};

use super::{State, answer::Answer};

pub(super) async fn list(shared: State, Path((project, environment)): Path<(String, String)>) -> Answer<Vec<Drift>> {
    let (project, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    shared.engine.refuse_unknown_environment(&project, &environment).await?;
    Ok(Json(shared.engine.drifts(&format!("{project}/{environment}")).await?))
}

pub(super) async fn repair(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path((project, environment)): Path<(String, String)>,
    body: Result<Json<RepairRequest>, JsonRejection>,
) -> Answer<Vec<Drift>> {
    let Json(RepairRequest { services, reason }) = body?;
    let (project, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    let scope = format!("{project}/{environment}");
    shared.engine.execute(Command::Repair { project, environment, services, reason }, actor).await?;
    Ok(Json(shared.engine.drifts(&scope).await?))
}
