//! Projects and validations over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{ProjectRequest, ProjectView, TimedFinding, ValidationRequest, ValidationView};
use shipway_core::{
    command::{Command, Registration},
    finding::blocks,
    id::{Actor, EnvironmentName, ProjectId},
    ports::Clock,
    project::Project,
};
use shipway_engine::Reply;

use super::{
    State,
    answer::{Answer, Rejected},
    time_and_ids::SystemClock,
};

pub(super) fn view(project: Project) -> ProjectView {
    ProjectView {
        id: project.id,
        description: project.description,
        environments: project.environments,
        folder: project.folder,
        created_at: project.created_at,
        updated_at: project.updated_at,
    }
}

pub(super) async fn list(shared: State) -> Answer<Vec<ProjectView>> {
    Ok(Json(shared.engine.projects().await?.into_iter().map(view).collect()))
}

pub(super) async fn show(shared: State, Path(id): Path<String>) -> Answer<ProjectView> {
    Ok(Json(view(shared.engine.project(&ProjectId::new(id)).await?)))
}

pub(super) async fn register(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<ProjectRequest>, JsonRejection>,
) -> Answer<ProjectView> {
    let Json(ProjectRequest { file, text, folder }) = body?;
    if file.contains('/') || file.is_empty() {
        return Err(Rejected::bad_request("`file` is the spec's file name alone, without folders"));
    }
    let command = Command::Register(Registration { file, text, folder });
    match shared.engine.execute(command, actor).await? {
        Reply::Project(project) => Ok(Json(view(*project))),
        Reply::Deployment(_) | Reply::Layer(_) => Err(Rejected::bad_request("that was no project")),
    }
}

pub(super) async fn validate(
    shared: State,
    body: Result<Json<ValidationRequest>, JsonRejection>,
) -> Answer<ValidationView> {
    let Json(body) = body?;
    let (file, text) = match (body.text, body.project) {
        (Some(text), _) => (body.file.unwrap_or_else(|| "shipway.toml".into()), text),
        (None, Some(project)) => {
            let project = shared.engine.newest_spec(&ProjectId::new(project)).await?;
            (project.file, project.text)
        }
        (None, None) => return Err(Rejected::bad_request("send `text`, or the id of a registered `project`")),
    };
    let environment = body.environment.map(EnvironmentName::new);
    let validation = shared.engine.validate_text(&file, &text, environment.as_ref()).await?;
    let at = SystemClock.now();
    let valid = !blocks(&validation.findings);
    let findings = validation.findings.into_iter().map(|finding| TimedFinding { finding, at }).collect();
    Ok(Json(ValidationView { valid, findings }))
}
