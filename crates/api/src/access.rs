//! Access tokens and the audit record on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    access::AccessToken,
    audit::AuditEntry,
    id::{EnvironmentName, Role},
    time::Timestamp,
};

/// An access token as everybody may see it who manages them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// The public part of its text, by which the audit record names it.
    pub id: String,
    /// The name of whoever comes in with it.
    pub name: String,
    /// What it is trusted with.
    pub role: Role,
    /// The environments that it may act in; all of them when empty.
    pub environments: Vec<EnvironmentName>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends; none when it lasts until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// Whether it has ended.
    pub expired: bool,
}

/// A new access token. Its text is in this answer and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewTokenView {
    /// What it is.
    #[serde(flatten)]
    pub view: TokenView,
    /// What its holder sends as `Authorization: Bearer`. It is shown this once, and not stored.
    pub token: String,
}

/// A page of the audit record, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// The entries.
    pub items: Vec<AuditEntry>,
    /// `before` for the next page; none when this is the last.
    pub next: Option<String>,
}

/// An access token on the wire.
pub fn token_view(token: AccessToken, now: Timestamp) -> TokenView {
    let expired = token.has_expired(now);
    let AccessToken { id, name, role, environments, created_by, created_at, expires_at, .. } = token;
    TokenView { id, name, role, environments, created_by, created_at, expires_at, expired }
}
