//! The audit record over HTTP.

use axum::{
    Extension, Json,
    extract::{Query, rejection::QueryRejection},
};
use serde::Deserialize;
use shipway_api::AuditPage;
use shipway_core::{
    command::{About, Meaning},
    id::{Actor, EnvironmentName, ProjectId},
    policy::Act,
    ports::Clock,
    time::{Span, Timestamp},
};
use shipway_engine::AuditFilter;

use super::{
    State,
    answer::{Answer, Rejected},
    time_and_ids::SystemClock,
};

const PAGE_MAX: u32 = 200;
const PAGE: u32 = 50;

/// Which entries a page holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    project: Option<String>,
    environment: Option<String>,
    actor: Option<String>,
    since: Option<String>,
    limit: Option<u32>,
    before: Option<i64>,
}

pub(super) async fn page(
    shared: State,
    Extension(actor): Extension<Actor>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Answer<AuditPage> {
    let Query(filter) = filter?;
    let about = match (&filter.project, &filter.environment) {
        (Some(project), Some(environment)) => {
            About::Environment(ProjectId::new(project), EnvironmentName::new(environment))
        }
        (None, Some(_)) => return Err(Rejected::bad_request("`environment` is of a project: name `project` too")),
        (_, None) => About::Server,
    };
    shared.engine.permit_look(&Meaning::new("audit", Act::Audit, about), &actor).await?;
    let scope = [filter.project, filter.environment].into_iter().flatten().collect::<Vec<_>>().join("/");
    let filter = AuditFilter {
        scope,
        actor: filter.actor,
        since: filter.since.as_deref().map(since).transpose()?,
        before: filter.before,
        limit: filter.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX) as usize,
    };
    let (items, next) = shared.engine.audit(&filter).await?;
    Ok(Json(AuditPage { items, next: next.map(|place| place.to_string()) }))
}

/// An instant, or how long ago it was.
fn since(text: &str) -> Result<Timestamp, Rejected> {
    if let Ok(span) = text.parse::<Span>() {
        return Ok(Timestamp(SystemClock.now().0.saturating_sub(i64::try_from(span.ms).unwrap_or(i64::MAX))));
    }
    let instant = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    instant.map_err(|_| {
        let detail = format!("`since` is no instant and no span of time: `{text}`");
        Rejected::bad_request(detail).hint("write it like 2026-01-31T09:00:00Z, or 2h for two hours ago")
    })
}
