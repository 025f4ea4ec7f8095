//! Schedules over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{ScheduleRequest, ScheduleView};
use shipway_core::{
    command::{Command, ScheduleOrder},
    id::{Actor, ProjectId},
};
use shipway_engine::Reply;

use super::{
    State,
    answer::{Answer, Rejected},
    deployments::request,
};

/// A project's schedule, as a path names it.
type Named = Path<(String, String)>;

pub(super) async fn list(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer<Vec<ScheduleView>> {
    let mut all = shared.engine.schedules(&ProjectId::new(id)).await?;
    all.retain(|schedule| actor.sees(&schedule.request.environment));
    Ok(Json(all.into_iter().map(ScheduleView::from).collect()))
}

pub(super) async fn create(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<ScheduleRequest>, JsonRejection>,
) -> Answer<ScheduleView> {
    let Json(ScheduleRequest { name, every, zone, missed, deployment }) = body?;
    if deployment.project != id || deployment.dry_run {
        let message = format!("a schedule of {id} asks for deployments of {id}, and not for plans");
        return Err(
            Rejected::bad_request(message).hint("name the same project in `deployment`, and leave `dryRun` out")
        );
    }
    let order = ScheduleOrder { name, every, zone, missed, request: request(deployment) };
    replied(shared.engine.execute(Command::CreateSchedule(Box::new(order)), actor).await?)
}

pub(super) async fn remove(shared: State, Extension(actor): Extension<Actor>, path: Named) -> Answer<ScheduleView> {
    let (project, name) = named(path);
    replied(shared.engine.execute(Command::DeleteSchedule { project, name }, actor).await?)
}

pub(super) async fn pause(shared: State, Extension(actor): Extension<Actor>, path: Named) -> Answer<ScheduleView> {
    let (project, name) = named(path);
    replied(shared.engine.execute(Command::HoldSchedule { project, name, paused: true }, actor).await?)
}

pub(super) async fn resume(shared: State, Extension(actor): Extension<Actor>, path: Named) -> Answer<ScheduleView> {
    let (project, name) = named(path);
    replied(shared.engine.execute(Command::HoldSchedule { project, name, paused: false }, actor).await?)
}

fn named(Path((project, name)): Named) -> (ProjectId, String) {
    (ProjectId::new(project), name)
}

fn replied(reply: Reply) -> Answer<ScheduleView> {
    match reply {
        Reply::Schedule(schedule) => Ok(Json((*schedule).into())),
        _ => Err(Rejected::bad_request("that was no schedule")),
    }
}
