//! Environments, instances and releases over HTTP.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Extension, Json,
    extract::{
        Path, Query,
        rejection::{JsonRejection, QueryRejection},
    },
};
use serde::Deserialize;
use serde_json::json;
use shipway_api::{EnvironmentRequest, EnvironmentUpdate, EnvironmentView, InstanceView, ReleaseView, SlotView};
use shipway_core::{
    artifact::Provenance,
    command::Command,
    environment::{Observed, ServiceState, health},
    id::{Actor, EnvironmentName, ProjectId, ReleaseId},
    instance::{Instance, InstanceState},
    phase::Phase,
    ports::Life,
    project::Project,
    release::Release,
    route::host_in,
    slot::Slot,
    spec::{EnvironmentType, ServiceKind},
};

use super::{
    Shared, State,
    answer::{Answer, Rejected},
};

const RELEASES_MAX: u32 = 200;
const NEWEST_MAX: u32 = 50;

/// Where a release answers, through the proxy.
pub(super) fn urls(release: &Release, proxy: SocketAddr) -> Vec<String> {
    let port = if proxy.port() == 80 { String::new() } else { format!(":{}", proxy.port()) };
    let url = |route| format!("http://{}{port}{}", host_in(route, &release.slot), route.path);
    release.serve.routes.iter().map(url).collect()
}

/// Which environments.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Types {
    #[serde(rename = "type")]
    kind: Option<EnvironmentType>,
}

pub(super) async fn list(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    types: Result<Query<Types>, QueryRejection>,
) -> Answer<Vec<EnvironmentView>> {
    let Query(types) = types?;
    let project = shared.engine.project(&ProjectId::new(id)).await?;
    let mut all = Vec::new();
    for name in project.environments.iter().filter(|name| actor.sees(name)) {
        let view = view(&shared, &project, name).await?;
        if types.kind.is_none() || view.kind == types.kind {
            all.push(view);
        }
    }
    Ok(Json(all))
}

pub(super) async fn show(shared: State, Path((id, environment)): Path<(String, String)>) -> Answer<EnvironmentView> {
    let (project, environment) = (ProjectId::new(id), EnvironmentName::new(environment));
    let project = shared.engine.refuse_unknown_environment(&project, &environment).await?;
    Ok(Json(view(&shared, &project, &environment).await?))
}

pub(super) async fn create(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<EnvironmentRequest>, JsonRejection>,
) -> Answer<EnvironmentView> {
    let Json(body) = body?;
    let (project, environment) = (ProjectId::new(id), body.name.clone());
    let stated = body.stated();
    let command = Command::MakeEnvironment { project: project.clone(), environment: environment.clone(), stated };
    shared.engine.execute(command, actor).await?;
    let project = shared.engine.project(&project).await?;
    Ok(Json(view(&shared, &project, &environment).await?))
}

pub(super) async fn remove(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path((id, environment)): Path<(String, String)>,
) -> Answer<serde_json::Value> {
    let (project, environment) = (ProjectId::new(id), EnvironmentName::new(environment));
    let command = Command::RemoveEnvironment { project, environment: environment.clone() };
    shared.engine.execute(command, actor).await?;
    Ok(Json(json!({ "removed": environment })))
}

async fn view(shared: &Arc<Shared>, project: &Project, name: &EnvironmentName) -> Result<EnvironmentView, Rejected> {
    let scope = format!("{}/{name}", project.id);
    let slots = shared.engine.slots(&scope).await?;
    let instances = shared.engine.instances(&scope).await?;
    let mut services = Vec::new();
    let mut seen = Vec::new();
    for slot in slots.into_iter().filter(|slot| !slot.is_empty()) {
        let (service, observed) = slot_view(shared, slot, &instances).await?;
        seen.push(observed);
        services.push(service);
    }
    let (status, reason) = health(&seen);
    let plan = shared.engine.environment(project, name).await;
    let layer = shared.engine.layer(&project.id, name).await?;
    let made = project.made.get(name);
    let newest = shared.engine.deployments(&scope, None, NEWEST_MAX).await?;
    let rollbacks = shared.engine.rollbacks(&project.id, name).await?;
    let completed = newest.into_iter().find(|deployment| deployment.phase == Phase::Completed);
    let mut all_urls: Vec<_> = services.iter().flat_map(|service| &service.urls).cloned().collect();
    all_urls.sort_by_key(String::len);
    Ok(EnvironmentView {
        id: scope,
        project_id: project.id.clone(),
        name: name.clone(),
        kind: plan.as_ref().map(|plan| plan.kind),
        url: all_urls.into_iter().next(),
        status: status.name().into(),
        reason,
        stopped_since: rollbacks.and_then(|rollbacks| rollbacks.stopped),
        current_deployment: completed.map(|deployment| deployment.id.clone()),
        services,
        drift: shared.engine.drifts(&format!("{}/{name}", project.id)).await?,
        config_version: layer.as_ref().map_or(0, |layer| layer.version),
        settings: layer.map_or_else(|| json!({}), |layer| layer.tree),
        made: made.is_some(),
        facts: plan.map(|plan| plan.facts.clone()).unwrap_or_default(),
        created_at: made.map_or(project.created_at, |made| made.at),
    })
}

async fn slot_view(
    shared: &Arc<Shared>,
    slot: Slot,
    instances: &[(Instance, Life)],
) -> Result<(SlotView, Observed), Rejected> {
    let mut view = SlotView {
        service: slot.key.service.clone(),
        live: slot.live.clone(),
        version: None,
        ready: 0,
        candidate: slot.candidate,
        warm: slot.warm,
        urls: Vec::new(),
        revision: slot.revision,
        written_by: slot.written_by,
    };
    let Some(live) = &slot.live else {
        // In the gap of a deployment, or after one that left it so.
        let state = if slot.hold.is_some() { ServiceState::Held } else { ServiceState::Empty };
        let observed = Observed { service: view.service.clone(), state };
        return Ok((view, observed));
    };
    let release = shared.engine.find_release(&live.release).await?;
    let takes = |instance: &Instance| instance.state == InstanceState::Ready && instance.release == live.release;
    let runs = |(instance, life): &&(Instance, Life)| {
        instance.slot == slot.key && takes(instance) && matches!(life, Life::Running { .. })
    };
    view.ready = u32::try_from(instances.iter().filter(runs).count()).unwrap_or(u32::MAX);
    view.version = Some(release.version.clone());
    view.urls = urls(&release, shared.engine.proxy_address());
    let state = match release.serve.kind {
        ServiceKind::Static => ServiceState::Static,
        ServiceKind::Process => ServiceState::Instances { ready: view.ready, wanted: live.instances },
    };
    let observed = Observed { service: view.service.clone(), state };
    Ok((view, observed))
}

pub(super) async fn update(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path((id, environment)): Path<(String, String)>,
    body: Result<Json<EnvironmentUpdate>, JsonRejection>,
) -> Answer<EnvironmentView> {
    let Json(body) = body?;
    let (project, environment) = (ProjectId::new(id), EnvironmentName::new(environment));
    let mut set = body.set.unwrap_or_else(|| json!({}));
    if !set.is_object() {
        return Err(Rejected::bad_request("`set` is a table of what is set: `{\"settings\": {…}}`"));
    }
    if let Some(variables) = body.variables {
        set["variables"] = json!(variables);
    }
    if let Some(services) = body.services {
        set["services"] = services;
    }
    let command = Command::SetLayer {
        project: project.clone(),
        environment: environment.clone(),
        set,
        unset: body.unset,
        reason: body.reason,
        expected: body.expected,
    };
    shared.engine.execute(command, actor).await?;
    let project = shared.engine.project(&project).await?;
    Ok(Json(view(&shared, &project, &environment).await?))
}

/// What of a project.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scope {
    environment: Option<String>,
    service: Option<String>,
}

impl Scope {
    fn path(&self, project: &str) -> String {
        match (&self.environment, &self.service) {
            (Some(environment), Some(service)) => format!("{project}/{environment}/{service}"),
            (Some(environment), None) => format!("{project}/{environment}"),
            (None, _) => project.to_owned(),
        }
    }

    fn fits(&self, service: &str) -> bool {
        self.service.as_deref().is_none_or(|wanted| wanted == service)
    }
}

/// Where the artifacts of a project came from.
pub(super) async fn artifacts(
    shared: State,
    Path(project): Path<String>,
    scope: Result<Query<Scope>, QueryRejection>,
) -> Answer<Vec<Provenance>> {
    let Query(scope) = scope?;
    let builds = shared.engine.builds(&project, RELEASES_MAX).await?;
    Ok(Json(builds.into_iter().filter(|build| scope.fits(build.service.as_str())).collect()))
}

/// What part a release has in a slot.
fn role(slot: Option<&Slot>, release: &ReleaseId) -> &'static str {
    let Some(slot) = slot else { return "leaving" };
    if slot.live.as_ref().is_some_and(|live| live.release == *release) {
        return "live";
    }
    if slot.candidate.as_ref().is_some_and(|candidate| candidate.release == *release) {
        return "candidate";
    }
    if slot.warm.iter().any(|warm| warm.release == *release) {
        return "warm";
    }
    "leaving"
}

pub(super) async fn instances(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(project): Path<String>,
    scope: Result<Query<Scope>, QueryRejection>,
) -> Answer<Vec<InstanceView>> {
    let Query(scope) = scope?;
    let path = scope.path(&project);
    let slots = shared.engine.slots(&path).await?;
    let in_flight = shared.engine.traffic().await.map(|traffic| traffic.in_flight).unwrap_or_default();
    let mut views = Vec::new();
    for (instance, life) in shared.engine.instances(&path).await? {
        if !scope.fits(instance.slot.service.as_str()) || !actor.sees(&instance.slot.environment) {
            continue;
        }
        let slot = slots.iter().find(|slot| slot.key == instance.slot);
        views.push(InstanceView {
            version: shared.engine.find_release(&instance.release).await?.version.clone(),
            role: role(slot, &instance.release).into(),
            in_flight: in_flight.get(&instance.id).copied().unwrap_or(0),
            id: instance.id,
            slot: instance.slot,
            release: instance.release,
            state: instance.state,
            address: instance.address,
            life,
            substituted: instance.substituted,
            created_at: instance.created_at,
        });
    }
    Ok(Json(views))
}

pub(super) async fn releases(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(project): Path<String>,
    scope: Result<Query<Scope>, QueryRejection>,
) -> Answer<Vec<ReleaseView>> {
    let Query(scope) = scope?;
    let path = scope.path(&project);
    let slots = shared.engine.slots(&path).await?;
    let releases = shared.engine.releases(&path, RELEASES_MAX).await?;
    let wanted = |release: &Release| scope.fits(release.slot.service.as_str()) && actor.sees(&release.slot.environment);
    let views = releases.into_iter().filter(wanted).map(|release| {
        let role = role(slots.iter().find(|slot| slot.key == release.slot), &release.id);
        ReleaseView {
            role: if role == "leaving" { "stored" } else { role }.into(),
            id: release.id,
            slot: release.slot,
            version: release.version,
            artifact: release.artifact,
            secrets: release.secrets,
            git: release.git,
            made_by: release.made_by,
            made_at: release.made_at,
        }
    });
    Ok(Json(views.collect()))
}
