//! Who asks: the owner of the data folder by its own token, everybody else by an access token.
//!
//! Not here: what they may do (`core::policy`, which the engine asks).

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shipway_core::{
    command::{About, Meaning},
    id::Actor,
    policy::Act,
};

use super::{Shared, answer::Rejected, open_streams};

/// Lets a request through when it carries the token, and tells handlers who it is.
pub(super) async fn authenticate(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
    let actor = match token {
        Some(token) if same(token, &shared.token) => Some(Actor::admin()),
        Some(token) => match shared.engine.actor_of(token).await {
            Ok(actor) => actor,
            Err(fault) => return Rejected::from(fault).into_response(),
        },
        None => None,
    };
    let Some(actor) = actor else { return unknown() };
    let opened_with = token.filter(|_| actor.token.is_some()).map(str::to_owned);
    if let Err(refusal) = shared.engine.permit_look(&Meaning::new("look", Act::Read, About::Server), &actor).await {
        return Rejected::from(refusal).into_response();
    }
    request.extensions_mut().insert(actor);
    let response = next.run(request).await;
    match opened_with {
        Some(token) => open_streams::until_it_ends(shared, token, response),
        None => response,
    }
}

fn unknown() -> Response {
    let hint = "send `Authorization: Bearer TOKEN`: an access token that has not expired and was not revoked, or the \
                owner's, which is in `admin.token` in the data folder";
    let rejected = Rejected::new(StatusCode::UNAUTHORIZED, "the request carries no valid token").hint(hint);
    let mut response = rejected.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}

/// Compares in a time that does not depend on where the texts differ.
fn same(given: &str, wanted: &str) -> bool {
    let hash = |text: &str| blake3::hash(text.as_bytes());
    // blake3's own comparison takes constant time.
    hash(given) == hash(wanted)
}
