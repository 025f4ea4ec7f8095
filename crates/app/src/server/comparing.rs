//! Comparisons of environments over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, Query, rejection::QueryRejection},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;
use shipway_core::id::{Actor, EnvironmentName, ProjectId, ServiceName};
use shipway_engine::Compared;

use super::{State, answer::Rejected, sight};
use crate::compare_page::page;

/// What is compared, and how it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    from: Option<String>,
    to: Option<String>,
    services: Option<String>,
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Html,
}

pub(super) async fn compare(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(project): Path<String>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Rejected> {
    let Query(query) = query?;
    let what = Compared {
        from: query.from.map(EnvironmentName::new),
        to: query.to.map(EnvironmentName::new),
        services: names(query.services.as_deref()),
    };
    let project = ProjectId::new(project);
    let comparison = shared.engine.compare(&project, &what).await?;
    for side in [&comparison.from, &comparison.to] {
        sight::environment(&shared, &actor, project.as_str(), side.as_str()).await?;
    }
    Ok(match query.format {
        Format::Json => Json(comparison).into_response(),
        Format::Html => Html(page(&comparison)).into_response(),
    })
}

/// Names behind each other, parted by commas.
pub(super) fn names(text: Option<&str>) -> Vec<ServiceName> {
    let names = text.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(ServiceName::new).collect()
}
