//! What the proxy answers itself, in plain text.

use http::{HeaderValue, Response, StatusCode, header};

use crate::{arrival::Arrival, body::AnswerBody};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// When a client may ask again, in seconds.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// A short text with a status.
pub(crate) fn text(status: StatusCode, text: String) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::own(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, TEXT);
    answer.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S);
    }
    answer
}

/// No route leads anywhere.
pub(crate) fn no_route(arrival: &Arrival) -> Response<AnswerBody> {
    let host = arrival.host_name();
    let asked = match arrival.link {
        Some(address) => format!("the link {address}"),
        None if host.is_empty() => format!("path {} without a host", arrival.path()),
        None => format!("host {host}, path {}", arrival.path()),
    };
    text(StatusCode::NOT_FOUND, format!("There is no route for {asked}.\n"))
}
