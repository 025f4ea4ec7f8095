//! What a person does with a deployment that is stuck, over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{DeploymentView, ResolveRequest, SkipRequest};
use shipway_core::{command::Command, id::Actor};

use super::{
    State,
    answer::{Answer, Rejected},
    deployments::act,
};

pub(super) async fn retry(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer<DeploymentView> {
    act(&shared, actor, &id, |deployment| Command::Retry { deployment }).await
}

pub(super) async fn skip(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<SkipRequest>, JsonRejection>,
) -> Answer<DeploymentView> {
    let Json(SkipRequest { step, reason }) = body?;
    let reason = said(reason)?;
    act(&shared, actor, &id, |deployment| Command::Skip { deployment, step, reason }).await
}

pub(super) async fn resolve(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<ResolveRequest>, JsonRejection>,
) -> Answer<DeploymentView> {
    let Json(ResolveRequest { reason }) = body?;
    let reason = said(reason)?;
    act(&shared, actor, &id, |deployment| Command::Resolve { deployment, reason }).await
}

/// A reason that says something: it is what is left for whoever asks later.
pub(super) fn said(reason: String) -> Result<String, Rejected> {
    if reason.trim().is_empty() {
        return Err(Rejected::bad_request("the reason is empty").hint("say why: it is kept with the record"));
    }
    Ok(reason)
}
