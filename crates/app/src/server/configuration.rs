//! Configuration over HTTP: what holds and why, its versions, going back, deploying it alone.

use axum::{
    Extension, Json,
    extract::{
        Path, Query,
        rejection::{JsonRejection, QueryRejection},
    },
};
use serde::Deserialize;
use shipway_api::{ConfigDeploy, ConfigDiff, ConfigFetch, ConfigHistory, ConfigRollback, ConfigView, DeploymentView};
use shipway_core::{
    command::Command,
    config::version::{ConfigVersion, differences},
    id::{Actor, EnvironmentName, ProjectId, ServiceName},
};
use shipway_engine::Reply;

use super::{
    State,
    answer::{Answer, Rejected},
    deployments,
};

const HISTORY: u32 = 50;
const HISTORY_MAX: u32 = 200;

type Place = Path<(String, String)>;

fn place(Path((project, environment)): Place) -> (ProjectId, EnvironmentName) {
    (ProjectId::new(project), EnvironmentName::new(environment))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    service: Option<String>,
}

pub(super) async fn show(
    shared: State,
    path: Place,
    which: Result<Query<Which>, QueryRejection>,
) -> Answer<ConfigView> {
    let Query(which) = which?;
    let (project, environment) = place(path);
    let mut services = shared.engine.configuration(&project, &environment).await?;
    if let Some(service) = which.service.map(ServiceName::new) {
        if !services.contains_key(&service) {
            let names: Vec<&str> = services.keys().map(ServiceName::as_str).collect();
            let hint = format!("the services are {}", names.join(", "));
            let refused = Rejected::new(axum::http::StatusCode::NOT_FOUND, format!("there is no service `{service}`"));
            return Err(refused.hint(hint));
        }
        services.retain(|name, _| *name == service);
    }
    let newest = shared.engine.config_versions(&project, &environment, None, 1).await?;
    let version = newest.first().map_or(0, |version| version.number);
    Ok(Json(ConfigView { project, environment, version, services }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    limit: Option<u32>,
    before: Option<u64>,
}

pub(super) async fn history(
    shared: State,
    path: Place,
    page: Result<Query<Page>, QueryRejection>,
) -> Answer<ConfigHistory> {
    let Query(page) = page?;
    let (project, environment) = place(path);
    shared.engine.refuse_unknown_environment(&project, &environment).await?;
    let limit = page.limit.unwrap_or(HISTORY).clamp(1, HISTORY_MAX);
    let items = shared.engine.config_versions(&project, &environment, page.before, limit).await?;
    let is_full = items.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = items.last().map(|last| last.number).filter(|number| is_full && *number > 1);
    Ok(Json(ConfigHistory { items, next }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Two {
    from: Option<u64>,
    to: Option<u64>,
}

pub(super) async fn diff(shared: State, path: Place, two: Result<Query<Two>, QueryRejection>) -> Answer<ConfigDiff> {
    let Query(two) = two?;
    let (project, environment) = place(path);
    shared.engine.refuse_unknown_environment(&project, &environment).await?;
    let newest = shared.engine.config_versions(&project, &environment, None, 1).await?;
    let to = two.to.unwrap_or_else(|| newest.first().map_or(0, |newest| newest.number));
    let from = two.from.unwrap_or(to.saturating_sub(1));
    let before = shared.engine.config_version(&project, &environment, from).await?;
    let after = shared.engine.config_version(&project, &environment, to).await?;
    Ok(Json(ConfigDiff { from, to, changes: differences(&before.tree, &after.tree) }))
}

pub(super) async fn roll_back(
    shared: State,
    Extension(actor): Extension<Actor>,
    path: Place,
    body: Result<Json<ConfigRollback>, JsonRejection>,
) -> Answer<ConfigVersion> {
    let Json(ConfigRollback { to, reason, expected }) = body?;
    let (project, environment) = place(path);
    let command = Command::RestoreLayer {
        project: project.clone(),
        environment: environment.clone(),
        version: to,
        reason,
        expected,
    };
    match shared.engine.execute(command, actor).await? {
        Reply::Layer(layer) => Ok(Json(shared.engine.config_version(&project, &environment, layer.version).await?)),
        _ => Err(Rejected::bad_request("that was no configuration")),
    }
}

pub(super) async fn deploy(
    shared: State,
    Extension(actor): Extension<Actor>,
    path: Place,
    body: Result<Json<ConfigDeploy>, JsonRejection>,
) -> Answer<DeploymentView> {
    let Json(ConfigDeploy { services, reason }) = body?;
    let (project, environment) = place(path);
    let mut request = shared.engine.configuration_request(&project, &environment, &services).await?;
    request.reason = reason;
    match shared.engine.execute(Command::Deploy(Box::new(request)), actor).await? {
        Reply::Deployment(deployment) => Ok(Json(deployments::view(&shared, &deployment).await?)),
        _ => Err(Rejected::bad_request("that was no deployment")),
    }
}

pub(super) async fn fetch(shared: State, Extension(actor): Extension<Actor>, path: Place) -> Answer<ConfigFetch> {
    let (project, environment) = place(path);
    let command = Command::FetchRemotes { project: project.clone(), environment: environment.clone() };
    match shared.engine.execute(command, actor).await? {
        Reply::Remotes(remotes) => Ok(Json(ConfigFetch { project, environment, remotes })),
        _ => Err(Rejected::bad_request("those were no remotes")),
    }
}
