//! Why a deployment failed, or why it waits, over HTTP. Not here: any of the reasons (`core::explain`).

use axum::{Json, extract::Path};
use shipway_core::explain::Explanation;

use super::{State, answer::Answer};

pub(super) async fn explain(shared: State, Path(id): Path<String>) -> Answer<Explanation> {
    Ok(Json(shared.engine.explain(&id).await?))
}
