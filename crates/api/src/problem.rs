//! The body of every error (RFC 9457, `application/problem+json`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::finding::Finding;

/// What went wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// What sort of problem: `about:blank`, as the status says it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sort in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong, and where.
    pub detail: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What stands against it, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// What validation found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Problem {
    /// A problem with nothing but its detail.
    pub fn new(status: u16, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".into(),
            title: title.into(),
            status,
            detail: detail.into(),
            hint: None,
            errors: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}
