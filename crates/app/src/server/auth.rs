//! Who asks. One token for now: its holder owns the data folder. Roles come with their own issue, and in this room.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shipway_core::id::Actor;

use super::{Shared, answer::Rejected};

/// Lets a request through when it carries the token, and tells handlers who it is.
pub(super) async fn authenticate(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
    if !token.is_some_and(|token| same(token, &shared.token)) {
        let rejected = Rejected::new(StatusCode::UNAUTHORIZED, "the request carries no valid token")
            .hint("send `Authorization: Bearer TOKEN`; the owner's is in `admin.token` in the data folder");
        let mut response = rejected.into_response();
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        return response;
    }
    request.extensions_mut().insert(Actor::admin());
    next.run(request).await
}

/// Compares in a time that does not depend on where the texts differ.
fn same(given: &str, wanted: &str) -> bool {
    let hash = |text: &str| blake3::hash(text.as_bytes());
    // blake3's own comparison takes constant time.
    hash(given) == hash(wanted)
}
