//! Paths onto handlers. `shipway_api::ENDPOINTS` is the list that this is held against.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    response::IntoResponse,
    routing::{get, post, put},
};

use super::{
    Shared,
    answer::{Rejected, as_problem},
    audit, auth, backups, comparing, compatibility, configuration, deployments, doctor, environments, events,
    explaining, flags, gating, history, idempotency, logs, metrics, projects, promoting, quota, repairing, retaining,
    schedules, secrets, sight, standing, syncing, system, tokens, unsticking, uploads, utilization,
};

/// Bytes of a JSON body.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of an upload.
const UPLOAD_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let api = api().fallback(no_such_path);
    let api = api.layer(middleware::from_fn_with_state(shared.clone(), idempotency::once));
    let api = api.layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    let uploads = Router::new().route("/uploads", post(uploads::upload));
    let api = api.merge(uploads.layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX)));
    // What answers with a secret is never remembered for an `Idempotency-Key`: that would store it.
    let api = api.merge(Router::new().route("/tokens", get(tokens::list).post(tokens::create)));
    let api = api.layer(middleware::from_fn_with_state(shared.clone(), sight::limit));
    let api = api.layer(middleware::from_fn_with_state(shared.clone(), auth::authenticate));
    Router::new()
        .nest("/api", api)
        .route("/healthz", get(system::healthz))
        .route("/metrics", get(metrics::metrics))
        .route("/flags/{key}", get(flags::read))
        .fallback(no_such_path)
        .layer(middleware::map_response(as_problem))
        .with_state(shared)
}

fn api() -> Router<Arc<Shared>> {
    Router::new()
        .route("/openapi.json", get(system::openapi))
        .route("/server", get(system::server))
        .route("/shutdown", post(system::shutdown))
        .route("/deployments", post(deployments::create))
        .route("/deployments/{id}", get(deployments::show))
        .route("/deployments/{id}/cancel", post(deployments::cancel))
        .route("/deployments/{id}/abort", post(deployments::cancel))
        .route("/deployments/{id}/rollback", post(deployments::rollback))
        .route("/deployments/{id}/pause", post(deployments::pause))
        .route("/deployments/{id}/resume", post(deployments::resume))
        .route("/deployments/{id}/advance", post(deployments::advance))
        .route("/deployments/{id}/approve", post(gating::approve))
        .route("/deployments/{id}/reject", post(gating::reject))
        .route("/deployments/{id}/break-glass", post(gating::break_glass))
        .route("/deployments/{id}/retry", post(unsticking::retry))
        .route("/deployments/{id}/skip", post(unsticking::skip))
        .route("/deployments/{id}/resolve", post(unsticking::resolve))
        .route("/deployments/{id}/logs", get(logs::of_deployment))
        .route("/deployments/{id}/archive", get(retaining::archived))
        .route("/deployments/{id}/report", get(deployments::report))
        .route("/deployments/{id}/explain", get(explaining::explain))
        .route("/promotions", post(promoting::promote))
        .route("/projects", get(projects::list).post(projects::register))
        .route("/projects/{id}", get(projects::show))
        .route("/projects/{id}/compare", get(comparing::compare))
        .route("/projects/{id}/deployments", get(history::list))
        .route("/projects/{id}/statistics", get(history::statistics))
        .route("/projects/{id}/environments/{environment}/flags", get(flags::list))
        .route("/projects/{id}/environments/{environment}/flags/{name}", put(flags::set).delete(flags::delete))
        .route("/projects/{id}/environments", get(environments::list).post(environments::create))
        .route(
            "/projects/{id}/environments/{environment}",
            get(environments::show).put(environments::update).delete(environments::remove),
        )
        .route("/projects/{id}/environments/{environment}/config", get(configuration::show))
        .route("/projects/{id}/environments/{environment}/config/history", get(configuration::history))
        .route("/projects/{id}/environments/{environment}/config/diff", get(configuration::diff))
        .route("/projects/{id}/environments/{environment}/config/rollback", post(configuration::roll_back))
        .route("/projects/{id}/environments/{environment}/config/deploy", post(configuration::deploy))
        .route("/projects/{id}/environments/{environment}/config/fetch", post(configuration::fetch))
        .route("/projects/{id}/environments/{environment}/rollback-target", get(deployments::rollback_target))
        .route("/projects/{id}/combinations", get(promoting::combinations))
        .route("/projects/{id}/environments/{environment}/combinations", post(promoting::name))
        .route("/projects/{id}/environments/{environment}/holds", get(promoting::holds).post(promoting::hold))
        .route("/projects/{id}/environments/{environment}/holds/end", post(promoting::unhold))
        .route("/projects/{id}/environments/{environment}/sync", post(syncing::sync))
        .route("/projects/{id}/environments/{environment}/gates", get(gating::gates))
        .route("/projects/{id}/environments/{environment}/retention", get(retaining::show).post(retaining::run))
        .route("/projects/{id}/environments/{environment}/leases", get(standing::leases))
        .route("/projects/{id}/environments/{environment}/quarantine", get(standing::quarantine))
        .route("/projects/{id}/environments/{environment}/snapshots", get(standing::snapshots))
        .route("/projects/{id}/environments/{environment}/compatibility", post(compatibility::ask))
        .route("/projects/{id}/environments/{environment}/drift", get(repairing::list))
        .route("/projects/{id}/environments/{environment}/drift/repair", post(repairing::repair))
        .route("/projects/{id}/environments/{environment}/usage", get(utilization::show))
        .route("/projects/{id}/quota", get(quota::show))
        .route("/projects/{id}/secrets", get(secrets::list).put(secrets::set))
        .route("/projects/{id}/secrets/revoke", post(secrets::revoke))
        .route("/projects/{id}/secrets/delete", post(secrets::delete))
        .route("/master-key", get(secrets::master_key))
        .route("/master-key/rekey", post(secrets::rekey))
        .route("/projects/{id}/schedules", get(schedules::list).post(schedules::create))
        .route("/projects/{id}/schedules/{name}/delete", post(schedules::remove))
        .route("/projects/{id}/schedules/{name}/pause", post(schedules::pause))
        .route("/projects/{id}/schedules/{name}/resume", post(schedules::resume))
        .route("/projects/{id}/instances", get(environments::instances))
        .route("/projects/{id}/releases", get(environments::releases))
        .route("/projects/{id}/artifacts", get(environments::artifacts))
        .route("/instances/{id}/logs", get(logs::of_instance))
        .route("/validations", post(projects::validate))
        .route("/events", get(events::events))
        .route("/audit", get(audit::page))
        .route("/tokens/{name}/revoke", post(tokens::revoke))
        .route("/backups", get(backups::list).post(backups::create))
        .route("/doctor", get(doctor::look).post(doctor::repair))
        .route("/breakers", get(standing::breakers))
        .route("/breakers/reset", post(standing::reset_breaker))
        .route("/routes", get(system::routes))
        .route("/routes/table", get(system::route_table))
}

async fn no_such_path(uri: axum::http::Uri) -> impl IntoResponse {
    Rejected::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))
        .hint("see /api/openapi.json for what there is")
}
