//! `Idempotency-Key`: the same POST sent twice is done once, and answered twice.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shipway_core::id::Actor;
use shipway_engine::Remembered;

use super::{Shared, answer::Rejected};

const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
const KEY_CHARS_MAX: usize = 200;

type Gates = Mutex<BTreeMap<String, Weak<tokio::sync::Mutex<()>>>>;

/// Requests with the same key wait for each other.
static GATES: LazyLock<Gates> = LazyLock::new(Gates::default);

fn gate(key: &str) -> Arc<tokio::sync::Mutex<()>> {
    let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
    gates.retain(|_, gate| gate.strong_count() > 0);
    if let Some(gate) = gates.get(key).and_then(Weak::upgrade) {
        return gate;
    }
    let gate = Arc::new(tokio::sync::Mutex::new(()));
    gates.insert(key.to_owned(), Arc::downgrade(&gate));
    gate
}

pub(super) async fn once(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let key = request.headers().get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Some(key) = key.filter(|_| request.method() == Method::POST) else { return next.run(request).await };
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        let detail = format!("an Idempotency-Key has 1 to {KEY_CHARS_MAX} characters");
        return Rejected::bad_request(detail).into_response();
    }
    // What one caller was answered is no business of another who sends the same key.
    let token = request.extensions().get::<Actor>().and_then(|actor| actor.token.as_deref());
    let whose = token.map(|token| format!("{token} ")).unwrap_or_default();
    let key = format!("{whose}{} {key}", request.uri().path());
    let (parts, body) = request.into_parts();
    let too_long =
        |_| Rejected::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has {BODY_BYTES_MAX} bytes at most"));
    let body = match to_bytes(body, BODY_BYTES_MAX).await.map_err(too_long) {
        Ok(body) => body,
        Err(rejected) => return rejected.into_response(),
    };
    // In a task of its own: what is done must be remembered, also when the caller has gone away.
    let done = tokio::spawn(async move { remembered_or_done(&shared, key, parts, body, next).await }).await;
    match done {
        Ok(Ok(response)) => response,
        Ok(Err(rejected)) => rejected.into_response(),
        Err(error) => {
            let detail = format!("the request was cut off: {error}");
            Rejected::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
        }
    }
}

async fn remembered_or_done(
    shared: &Shared,
    key: String,
    parts: Parts,
    body: Bytes,
    next: Next,
) -> Result<Response, Rejected> {
    let body_hash = blake3::hash(&body).to_hex().to_string();
    let gate = gate(&key);
    let _alone = gate.lock().await;
    if let Some(known) = shared.engine.remembered(&key).await? {
        if known.body_hash != body_hash {
            let detail = "this Idempotency-Key was sent with another body before";
            return Err(
                Rejected::new(StatusCode::UNPROCESSABLE_ENTITY, detail).hint("send a new key for a new request")
            );
        }
        let status = StatusCode::from_u16(known.status).unwrap_or(StatusCode::OK);
        return Ok((status, axum::Json(known.answer)).into_response());
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    remember(shared, key, body_hash, response).await
}

/// Remembers what was done; a refusal changed nothing and may be tried again.
async fn remember(shared: &Shared, key: String, body_hash: String, response: Response) -> Result<Response, Rejected> {
    if !response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let unreadable = |_| Rejected::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be kept");
    let body = to_bytes(body, usize::MAX).await.map_err(unreadable)?;
    if let Ok(answer) = serde_json::from_slice(&body) {
        let at = shipway_core::ports::Clock::now(&super::time_and_ids::SystemClock);
        let known = Remembered { key, body_hash, status: parts.status.as_u16(), answer, at };
        shared.engine.remember(&known).await?;
    }
    let mut response = Response::from_parts(parts, Body::from(body));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    Ok(response)
}
