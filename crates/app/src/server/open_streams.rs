//! A live stream goes on for as long as whoever opened it may look: it ends when the access token is revoked or expires.
//!
//! Not here: who may look (`auth`), streams of flags, which no access token opens (`flags`).

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::header, response::Response};
use futures_util::StreamExt;

use super::Shared;

/// How often it is asked whether the token still holds, in ms: so long a stream may outlive it.
const LOOK_MS: u64 = 500;

/// The answer; a live stream in it ends with the token that opened it.
pub(super) fn until_it_ends(shared: Arc<Shared>, token: String, response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(ended(shared, token)))))
}

async fn ended(shared: Arc<Shared>, token: String) {
    // Nor does it go on while nobody can say whether it may.
    while matches!(shared.engine.actor_of(&token).await, Ok(Some(_))) {
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
}
