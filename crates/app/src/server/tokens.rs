//! Access tokens over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{NewTokenView, TokenView, token_view};
use shipway_core::{
    access::TokenRequest,
    command::{About, Command, Meaning},
    id::Actor,
    policy::Act,
    ports::Clock,
};
use shipway_engine::Reply;

use super::{
    State,
    answer::{Answer, Rejected},
    time_and_ids::SystemClock,
};

pub(super) async fn list(shared: State, Extension(actor): Extension<Actor>) -> Answer<Vec<TokenView>> {
    shared.engine.permit_look(&Meaning::new("list-tokens", Act::Tokens, About::Server), &actor).await?;
    let now = SystemClock.now();
    Ok(Json(shared.engine.tokens().await?.into_iter().map(|token| token_view(token, now)).collect()))
}

pub(super) async fn create(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<TokenRequest>, JsonRejection>,
) -> Answer<NewTokenView> {
    let Json(request) = body?;
    match shared.engine.execute(Command::CreateToken(request), actor).await? {
        Reply::Token(token, text) => {
            Ok(Json(NewTokenView { view: token_view(*token, SystemClock.now()), token: text.reveal().to_owned() }))
        }
        _ => Err(Rejected::bad_request("that was no access token")),
    }
}

pub(super) async fn revoke(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
) -> Answer<TokenView> {
    match shared.engine.execute(Command::RevokeToken { name }, actor).await? {
        Reply::RevokedToken(token) => Ok(Json(token_view(*token, SystemClock.now()))),
        _ => Err(Rejected::bad_request("that was no access token")),
    }
}
