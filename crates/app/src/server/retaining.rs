//! How long the past of an environment is kept, and deployments to be archived, over HTTP.

use axum::{Extension, Json, extract::Path, http::header::CONTENT_TYPE, response::IntoResponse};
use shipway_api::{RetentionView, SweptView};
use shipway_core::{
    command::Command,
    id::{Actor, EnvironmentName, ProjectId},
};
use shipway_engine::{Reply, RetentionStanding, Swept};

use super::{
    State,
    answer::{Answer, Rejected},
};

fn view(swept: Swept) -> SweptView {
    SweptView::of(swept.removed, swept.more)
}

pub(super) async fn show(shared: State, Path((project, environment)): Path<(String, String)>) -> Answer<RetentionView> {
    let (project_id, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    let RetentionStanding { rules, due } = shared.engine.retention(&project_id, &environment).await?;
    Ok(Json(RetentionView { project_id, environment, rules, due: view(due) }))
}

pub(super) async fn run(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path((project, environment)): Path<(String, String)>,
) -> Answer<SweptView> {
    let (project, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    let reply = shared.engine.execute(Command::Retain { project, environment }, actor).await?;
    let Reply::Swept(swept) = reply else { unreachable!("removing what is old says how much it was") };
    Ok(Json(view(swept)))
}

/// Everything that is known of a deployment, as lines of JSON.
pub(super) async fn archived(shared: State, Path(id): Path<String>) -> Result<impl IntoResponse, Rejected> {
    let archived = shared.engine.archived(&id).await?;
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], archived.to_text()))
}
