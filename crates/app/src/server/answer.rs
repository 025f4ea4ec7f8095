//! Answers, and problems as HTTP says them.

use axum::{
    Json,
    extract::rejection::{JsonRejection, QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use shipway_api::Problem;
use shipway_core::ports::{Fault, FaultKind};
use shipway_engine::Refusal;

const PROBLEM: &str = "application/problem+json";

/// What a handler gives.
pub(super) type Answer<T> = Result<Json<T>, Rejected>;

/// A problem as an answer.
#[derive(Debug)]
pub(super) struct Rejected(pub(super) Box<Problem>);

impl Rejected {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Problem");
        Self(Box::new(Problem::new(status.as_u16(), title, detail)))
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self(Box::new(self.0.hint(Some(hint.into()))))
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }
}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&*self.0)).into_response();
        let kind = header::HeaderValue::from_static(PROBLEM);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// Bytes of a text that becomes a problem's detail.
const DETAIL_BYTES_MAX: usize = 8 * 1024;

/// Makes a problem of what the framework itself refuses: a wrong method, a path or a body that it can't read.
pub(super) async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let said = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM);
    if said || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, DETAIL_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let reason = status.canonical_reason().unwrap_or("it is refused");
    let mut problem = Rejected::new(status, if text.is_empty() { reason } else { &text }).into_response();
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        problem.headers_mut().insert(header::ALLOW, allow.clone());
    }
    problem
}

impl From<Fault> for Rejected {
    fn from(fault: Fault) -> Self {
        let status = match fault.kind {
            FaultKind::NotFound => StatusCode::NOT_FOUND,
            FaultKind::Invalid => StatusCode::BAD_REQUEST,
            FaultKind::Conflict => StatusCode::CONFLICT,
            FaultKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            FaultKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            FaultKind::Corrupt => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let Self(problem) = Self::new(status, fault.message);
        Self(Box::new(problem.hint(fault.hint)))
    }
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Fault(fault) => fault.into(),
            Refusal::Forbidden { message, hint } => {
                let Self(problem) = Self::new(StatusCode::FORBIDDEN, message);
                Self(Box::new(problem.hint(hint)))
            }
            Refusal::Conflict { message, list, hint } => {
                let Self(problem) = Self::new(StatusCode::CONFLICT, message);
                Self(Box::new(Problem { errors: list, hint, ..*problem }))
            }
            Refusal::Findings(findings) => {
                let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
                let Self(problem) = Self::new(StatusCode::UNPROCESSABLE_ENTITY, first);
                let hint = Some("`shipway check` shows everything that was found".to_owned());
                Self(Box::new(Problem { findings, hint, ..*problem }))
            }
        }
    }
}

impl From<JsonRejection> for Rejected {
    fn from(rejection: JsonRejection) -> Self {
        let hint = "see /api/openapi.json for the shape of the body";
        Self::new(rejection.status(), rejection.body_text()).hint(hint)
    }
}

impl From<QueryRejection> for Rejected {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}
