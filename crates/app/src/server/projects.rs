//! Projects and validations over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{
    DeploymentRequest, PlanView, ProjectRequest, ProjectView, TimedFinding, ValidationRequest, ValidationView,
};
use shipway_core::{
    command::{Command, Registration},
    finding::blocks,
    id::{Actor, EnvironmentName, ProjectId},
    ports::Clock,
    project::Project,
};
use shipway_engine::{Refusal, Reply};

use super::{
    State,
    answer::{Answer, Rejected},
    deployments,
    plan_view::plan_view,
    sight,
    time_and_ids::SystemClock,
};

/// A project as its actor may see it.
fn view(mut project: Project, actor: &Actor) -> ProjectView {
    project.environments.retain(|name| actor.sees(name));
    ProjectView {
        id: project.id,
        description: project.description,
        environments: project.environments,
        folder: project.folder,
        created_at: project.created_at,
        updated_at: project.updated_at,
    }
}

pub(super) async fn list(shared: State, Extension(actor): Extension<Actor>) -> Answer<Vec<ProjectView>> {
    Ok(Json(shared.engine.projects().await?.into_iter().map(|project| view(project, &actor)).collect()))
}

pub(super) async fn show(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer<ProjectView> {
    Ok(Json(view(shared.engine.project(&ProjectId::new(id)).await?, &actor)))
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
    match shared.engine.execute(command, actor.clone()).await? {
        Reply::Project(project) => Ok(Json(view(*project, &actor))),
        _ => Err(Rejected::bad_request("that was no project")),
    }
}

pub(super) async fn validate(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<ValidationRequest>, JsonRejection>,
) -> Answer<ValidationView> {
    let Json(body) = body?;
    let (file, text) = match (body.text, body.project.clone()) {
        (Some(text), _) => (body.file.unwrap_or_else(|| "shipway.toml".into()), text),
        (None, Some(project)) => {
            let project = shared.engine.newest_spec(&ProjectId::new(project)).await?;
            (project.file, project.text)
        }
        (None, None) => return Err(Rejected::bad_request("send `text`, or the id of a registered `project`")),
    };
    let environment = body.environment.map(EnvironmentName::new);
    if let Some(name) = environment.as_ref().filter(|name| !actor.sees(name)) {
        sight::environment(&shared, &actor, body.project.as_deref().unwrap_or_default(), name.as_str()).await?;
    }
    let validation = shared.engine.validate_text(&file, &text, environment.as_ref()).await?;
    let at = SystemClock.now();
    let valid = !blocks(&validation.findings);
    let plan = match (environment, valid) {
        (Some(environment), true) => plan(&shared, body.project.as_deref(), &text, environment, actor).await?,
        _ => None,
    };
    let findings = validation.findings.into_iter().map(|finding| TimedFinding { finding, at }).collect();
    Ok(Json(ValidationView { valid, findings, plan }))
}

/// The plan of what is registered; none for a text that isn't it.
async fn plan(
    shared: &State,
    project: Option<&str>,
    text: &str,
    environment: EnvironmentName,
    actor: Actor,
) -> Result<Option<PlanView>, Rejected> {
    let mut registered = Vec::new();
    for known in shared.engine.projects().await? {
        let newest = shared.engine.newest_spec(&known.id).await;
        registered.extend(newest.ok().filter(|newest| newest.folder.is_some()));
    }
    let same = |known: &&Project| project.is_none_or(|id| id == known.id.as_str()) && known.text == text;
    let Some(known) = registered.iter().find(same) else { return Ok(None) };
    let body = DeploymentRequest {
        project: known.id.to_string(),
        environment: environment.to_string(),
        ..DeploymentRequest::default()
    };
    match shared.engine.draw(deployments::request(body), actor).await {
        Ok(drawn) => Ok(Some(plan_view(drawn))),
        // Who may look and not plan is told what was found all the same.
        Err(Refusal::Forbidden { .. }) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}
