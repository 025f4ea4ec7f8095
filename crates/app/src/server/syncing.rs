//! Synchronisation of environments over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{SyncRequest, SyncView};
use shipway_core::id::{Actor, EnvironmentName, ProjectId};
use shipway_engine::SyncWish;

use super::{State, answer::Answer, sight};

pub(super) async fn sync(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path((project, environment)): Path<(String, String)>,
    body: Result<Json<SyncRequest>, JsonRejection>,
) -> Answer<SyncView> {
    let Json(body) = body?;
    let wish = SyncWish {
        project: ProjectId::new(project),
        from: EnvironmentName::new(body.from),
        to: EnvironmentName::new(environment),
        services: body.services,
        keys: body.keys,
        reason: body.reason,
    };
    // Whoever takes it over reads it.
    sight::environment(&shared, &actor, wish.project.as_str(), wish.from.as_str()).await?;
    let standing = shared.engine.sync_standing(&wish).await?;
    let deployment = match body.dry_run {
        true => None,
        false => shared.engine.sync(&wish, actor).await?.map(|deployment| deployment.id.clone()),
    };
    let mut view = SyncView {
        from: wish.from,
        to: wish.to,
        differences: Default::default(),
        kept: Default::default(),
        not_live: standing.not_live,
        deployment,
    };
    for (service, one) in standing.services {
        if !one.taken.is_empty() {
            view.differences.insert(service.clone(), one.taken);
        }
        if !one.kept.is_empty() {
            view.kept.insert(service, one.kept);
        }
    }
    Ok(Json(view))
}
