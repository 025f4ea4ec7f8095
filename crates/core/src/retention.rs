//! How long the past of an environment is kept, and what is needed however old it is.
//!
//! Not here: removing it (`engine::retention`).

use std::{collections::BTreeSet, ops::AddAssign};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    deployment::{Kind, Request},
    history::Entry,
    id::DeploymentId,
    phase::Phase,
    promotion::Origin,
    slot::Slot,
    time::{Span, Timestamp},
};

/// How long the past of an environment is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSpec {
    /// Deployments, with all that is known of each.
    pub history: Span,
    /// What deployments logged.
    pub logs: Span,
    /// Events.
    pub events: Span,
    /// So many of the newest deployments, and of the newest that succeeded, are kept however old they are.
    #[schemars(range(min = 1, max = 1000))]
    pub keep: u32,
    /// Whether deployments are written to files before they are removed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub archive: bool,
}

const DAY_S: u64 = 86_400;

impl Default for RetentionSpec {
    fn default() -> Self {
        let days = |days: u64| Span::seconds(days * DAY_S);
        Self { history: days(365), logs: days(30), events: days(90), keep: 20, archive: false }
    }
}

impl RetentionSpec {
    /// Whether it says nothing of its own.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The instant before which something is old.
pub fn cut(now: Timestamp, span: Span) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(span.ms).unwrap_or(i64::MAX)))
}

/// How much of the past was removed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Removed {
    /// Deployments, each with its course, its explanation, its logs and its events.
    pub deployments: u64,
    /// Deployments that stay, and lose their logs.
    pub logs: u64,
    /// Events.
    pub events: u64,
}

impl Removed {
    /// Whether it is nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Removed {
    fn add_assign(&mut self, more: Self) {
        self.deployments += more.deployments;
        self.logs += more.logs;
        self.events += more.events;
    }
}

/// Deployments that something still needs.
#[derive(Clone, Debug, Default)]
pub struct Needed(BTreeSet<DeploymentId>);

impl Needed {
    /// One that is needed by its id.
    pub fn add(&mut self, id: &DeploymentId) {
        self.0.insert(id.clone());
    }

    /// What a slot names; the makers of its releases are added by whoever reads those.
    pub fn add_slot(&mut self, slot: &Slot) {
        self.0.extend(slot.written_by.clone());
        self.0.extend(slot.candidate.as_ref().map(|candidate| candidate.deployment.clone()));
    }

    /// What a deployment that has not ended asks for.
    pub fn add_request(&mut self, request: &Request) {
        if let Kind::Rollback { undo, to, .. } = &request.kind {
            self.0.extend(undo.iter().chain(to).cloned());
        }
        if let Some(Origin::Promotion { proven_by, .. }) = &request.origin {
            self.add(proven_by);
        }
    }

    /// Whether a deployment of the history may go: it has ended before that time, for good, and nothing needs it.
    pub fn lets_go(&self, entry: &Entry, before: Timestamp) -> bool {
        let ended = entry.phase.is_end() && entry.phase != Phase::Stuck;
        ended && entry.completed_at.unwrap_or(entry.created_at) < before && !self.0.contains(&entry.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deployment::Deployment,
        id::{Actor, SlotKey},
    };

    fn entry(phase: Phase, completed_at: Option<i64>) -> Entry {
        let request = Request::new("p".into(), "e".into(), Kind::Deploy);
        let mut deployment = Deployment::new("d1".into(), 1, request, Actor::admin(), "c".into(), Timestamp(10));
        deployment.phase = phase;
        deployment.completed_at = completed_at.map(Timestamp);
        Entry::of(&deployment)
    }

    #[test]
    fn what_is_old_and_over_goes_and_nothing_else() {
        let needed = Needed::default();
        for (phase, completed_at, goes) in [
            (Phase::Completed, Some(50), true),
            (Phase::RolledBack, Some(99), true),
            (Phase::Completed, Some(100), false),
            (Phase::Stuck, Some(50), false),
            (Phase::Staging, None, false),
        ] {
            assert_eq!(needed.lets_go(&entry(phase, completed_at), Timestamp(100)), goes, "{phase} {completed_at:?}");
        }
    }

    #[test]
    fn what_a_slot_or_a_request_names_stays() {
        let old = entry(Phase::Completed, Some(50));
        let key = SlotKey { project: "p".into(), environment: "e".into(), service: "s".into() };
        let mut by_slot = Needed::default();
        by_slot.add_slot(&Slot { written_by: Some("d1".into()), ..Slot::empty(key) });
        assert!(!by_slot.lets_go(&old, Timestamp(100)));
        let back = |undo: Option<&str>, to: Option<&str>| Kind::Rollback {
            undo: undo.map(Into::into),
            to: to.map(Into::into),
            force: false,
            artifact_only: false,
            accept_contract: false,
            with_data: false,
            snapshots: std::collections::BTreeMap::new(),
        };
        for (kind, stays) in [(back(Some("d1"), None), true), (back(None, Some("d1")), true), (Kind::Deploy, false)] {
            let mut by_request = Needed::default();
            by_request.add_request(&Request::new("p".into(), "e".into(), kind));
            assert_eq!(!by_request.lets_go(&old, Timestamp(100)), stays);
        }
    }

    #[test]
    fn a_span_longer_than_time_itself_keeps_everything() {
        assert_eq!(cut(Timestamp(1000), Span { ms: u64::MAX }), Timestamp(1000 - i64::MAX));
        assert_eq!(cut(Timestamp(1000), Span { ms: 300 }), Timestamp(700));
    }
}
