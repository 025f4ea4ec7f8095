//! The server itself, and the routes.

use std::collections::BTreeMap;

use axum::{Extension, Json, extract::rejection::JsonRejection};
use serde_json::{Value, json};
use shipway_api::{RouteView, RoutesView, ServerView, ShutdownRequest};
use shipway_core::{
    command::{About, Meaning},
    id::{Actor, EnvironmentName},
    policy::Act,
    ports::Clock,
    route::{Route, RouteTable},
};

use super::{State, answer::Answer, time_and_ids::SystemClock};

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn openapi() -> Json<Value> {
    Json(shipway_api::openapi())
}

pub(super) async fn server(shared: State) -> Answer<ServerView> {
    Ok(Json(ServerView {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        data: shared.data.clone(),
        proxy: shared.engine.proxy_address(),
        proxy_up: shared.engine.traffic().await.is_ok(),
        limits: shared.engine.held_limits(),
        started_at: shared.started_at,
        backup: shared.backups.status(SystemClock.now()),
    }))
}

pub(super) async fn shutdown(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<ShutdownRequest>, JsonRejection>,
) -> Answer<Value> {
    let Json(ShutdownRequest { applications }) = body?;
    let what = if applications { "the server and what it runs" } else { "the server alone" };
    shared.engine.permit(&Meaning::new("shutdown", Act::Administer, About::Server).of(what), &actor).await?;
    shared.stop.send_replace(Some(applications));
    Ok(Json(json!({ "stopping": true, "applications": applications })))
}

pub(super) async fn routes(shared: State, Extension(actor): Extension<Actor>) -> Answer<RoutesView> {
    let mut table = shared.engine.route_table().await?;
    table.routes.retain(|route| sees(&actor, &route.pool));
    let mut traffic = shared.engine.traffic().await.ok();
    if let Some(traffic) = &mut traffic {
        traffic.releases.retain(|release| sees(&actor, &release.pool));
    }
    Ok(Json(RoutesView {
        generation: table.generation,
        followed: traffic.as_ref().map(|traffic| traffic.generation),
        routes: table.routes.iter().map(|route| route_view(&table, route)).collect(),
        lost_in_flight: traffic.as_ref().map_or(0, |traffic| traffic.lost_in_flight),
        traffic: traffic.map(|traffic| traffic.releases).unwrap_or_default(),
    }))
}

/// Whether an actor may see a pool, which is named like its slot.
fn sees(actor: &Actor, pool: &str) -> bool {
    let environment = pool.split('/').nth(1).map(EnvironmentName::new);
    actor.environments.is_empty() || environment.is_some_and(|name| actor.sees(&name))
}

fn route_view(table: &RouteTable, route: &Route) -> RouteView {
    let pool = table.pools.get(&route.pool);
    let backends = pool.map(|pool| pool.backends.as_slice()).unwrap_or_default();
    // What a swap left behind takes no requests from routes.
    let shares = backends.iter().filter(|backend| backend.weight > 0 || backend.candidate);
    let weights: BTreeMap<_, _> = shares.map(|backend| (backend.release.to_string(), backend.weight)).collect();
    RouteView {
        host: route.host.clone(),
        path: route.path.clone(),
        strip_prefix: route.strip_prefix,
        slot: route.pool.clone(),
        weights,
        held: pool.is_some_and(|pool| pool.hold.is_some()),
    }
}

pub(super) async fn route_table(shared: State, Extension(actor): Extension<Actor>) -> Answer<Vec<Route>> {
    let mut routes = shared.engine.route_table().await?.routes;
    routes.retain(|route| sees(&actor, &route.pool));
    Ok(Json(routes))
}
