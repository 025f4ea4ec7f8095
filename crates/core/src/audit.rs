//! The audit record: one entry for every command, whether it was done or not. It is only ever added to, and holds no
//! value of a setting or a secret.
//!
//! Not here: when an entry is written (`engine::audit`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    command::Meaning,
    id::{Actor, DeploymentId, EnvironmentName, ProjectId, Role},
    time::Timestamp,
};

/// Characters of each text of an entry; the rest is cut off.
pub const TEXT_CHARS_MAX: usize = 500;

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuditOutcome {
    /// It was taken, and what it changes is recorded with this.
    Allowed,
    /// Whoever asked may not.
    Denied,
    /// It could not be done, whoever asks.
    Refused,
}

impl AuditOutcome {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Refused => "refused",
        }
    }
}

/// That somebody asked for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its id.
    pub id: String,
    /// Its place in the order of all entries: microseconds since 1970, no two of a server the same.
    pub place: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The role that they had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The id of the access token that they came with; none for the data folder's own and for Shipway's parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What they asked for: `deploy`, `cancel`, `set`, `create-token`, …
    pub command: String,
    /// The project that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The environment that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// What exactly: services, a token, the names of settings; never their values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What became of it.
    pub outcome: AuditOutcome,
    /// Why not, when it was denied or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The deployment that it made or was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
    /// What ties it to the events of a deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

impl AuditEntry {
    /// An entry for what somebody asks, as if it were done.
    pub fn new(id: String, place: i64, actor: &Actor, meaning: &Meaning, at: Timestamp) -> Self {
        Self {
            id,
            place,
            at,
            actor: actor.name.clone(),
            role: actor.role(),
            token: actor.token.clone(),
            command: meaning.name.into(),
            project: None,
            environment: None,
            subject: meaning.subject.as_deref().map(cut),
            reason: meaning.reason.as_deref().map(cut),
            outcome: AuditOutcome::Allowed,
            refusal: None,
            deployment: None,
            correlation_id: None,
        }
    }

    /// The same, not done, and why.
    #[must_use]
    pub fn not_done(self, outcome: AuditOutcome, refusal: &str) -> Self {
        Self { outcome, refusal: Some(cut(refusal)), ..self }
    }
}

/// A text as long as an entry may hold.
fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{command::About, policy::Act};

    #[test]
    fn an_entry_holds_so_much_and_no_more() {
        let long = "ü".repeat(TEXT_CHARS_MAX + 1);
        let meaning = Meaning::new("deploy", Act::Deploy, About::Server).of(long.clone()).because(Some(&long));
        let entry = AuditEntry::new("a".into(), 1, &Actor::admin(), &meaning, Timestamp(1));
        let entry = entry.not_done(AuditOutcome::Denied, &long);
        for text in [entry.subject, entry.reason, entry.refusal] {
            assert_eq!(text.expect("a text").chars().count(), TEXT_CHARS_MAX + 1);
        }
    }
}
