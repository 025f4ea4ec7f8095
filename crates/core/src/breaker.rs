//! Circuit breakers: what failed too often is left alone for a while. Pure; times are passed in.
//!
//! Two of them: one for each target (its driver fails), one for each environment (too many automatic rollbacks). Not
//! here: what is done when one is open (`engine::breakers`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{DeploymentId, EnvironmentName, ProjectId, ReleaseId},
    spec::RollbackLimit,
    time::Timestamp,
};

/// Failures in a row that open a target's breaker.
pub const FAILURES_MAX: u32 = 5;
/// How long a breaker stays open first, in milliseconds; it doubles with every opening in a row.
pub const OPEN_MS: u64 = 5_000;
/// How long it stays open at most, in milliseconds.
pub const OPEN_MS_MAX: u64 = 300_000;

/// The breaker of a target. Closed lets all pass; open lets none pass until its time is over; then it lets pass, and
/// the next answer closes or opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Breaker {
    /// The target.
    pub name: String,
    /// Failures in a row.
    pub failures: u32,
    /// Openings in a row.
    pub openings: u32,
    /// Until when nothing passes.
    pub open_until: Option<Timestamp>,
    /// The last failure.
    pub last: Option<String>,
}

impl Breaker {
    /// A closed one.
    pub fn closed(name: impl Into<String>) -> Self {
        Self { name: name.into(), failures: 0, openings: 0, open_until: None, last: None }
    }

    /// Until when nothing passes; none when something may.
    pub fn blocks(&self, now: Timestamp) -> Option<Timestamp> {
        self.open_until.filter(|until| now < *until)
    }

    /// Notes a failure. Says whether this opened it.
    pub fn failed(&mut self, now: Timestamp, why: &str) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.last = Some(why.to_owned());
        let half_open = self.open_until.is_some();
        if self.blocks(now).is_some() || (self.failures < FAILURES_MAX && !half_open) {
            return false;
        }
        let span_ms = OPEN_MS.saturating_mul(1 << self.openings.min(16)).min(OPEN_MS_MAX);
        self.openings = self.openings.saturating_add(1);
        self.open_until = Some(now.plus_ms(span_ms));
        true
    }

    /// Notes a success. Says whether this closed it.
    pub fn passed(&mut self) -> bool {
        let was_open = self.open_until.is_some();
        *self = Self::closed(std::mem::take(&mut self.name));
        was_open
    }
}

/// The automatic rollbacks of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollbacks {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// When each was, the oldest first; no more than the limit asks for.
    pub at: Vec<Timestamp>,
    /// Since when the environment takes nothing but rollbacks.
    pub stopped: Option<Timestamp>,
    /// The deployment that was the last drop.
    pub by: Option<DeploymentId>,
}

impl Rollbacks {
    /// An environment without any.
    pub fn none(project: ProjectId, environment: EnvironmentName) -> Self {
        Self { project, environment, at: Vec::new(), stopped: None, by: None }
    }

    /// Notes one. Says whether it is one too many.
    pub fn add(&mut self, by: &DeploymentId, limit: &RollbackLimit, now: Timestamp) -> bool {
        self.at.push(now);
        self.at.retain(|at| now.since_ms(*at) <= limit.per.ms);
        let surplus = self.at.len().saturating_sub(limit.max as usize);
        self.at.drain(..surplus);
        let stops = surplus > 0 && self.stopped.is_none();
        if stops {
            self.stopped = Some(now);
            self.by = Some(by.clone());
        }
        stops
    }

    /// The breaker's name.
    pub fn name(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
}

/// Releases that are not deployed together again by themselves: one that was the first cause of a failure, or a
/// combination that failed or was left by a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quarantine {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The releases by service.
    pub releases: std::collections::BTreeMap<crate::id::ServiceName, Quarantined>,
    /// The deployment that showed it.
    pub by: DeploymentId,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// A release with what runs in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quarantined {
    /// The release.
    pub release: ReleaseId,
    /// Its artifact: automation doesn't deploy that again in another release either.
    pub artifact: crate::id::ArtifactDigest,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn a_breaker_opens_after_failures_in_a_row_and_closes_by_one_success() {
        let mut breaker = Breaker::closed("local");
        let at = |ms| Timestamp(ms);
        for _ in 1..FAILURES_MAX {
            assert!(!breaker.failed(at(0), "no"));
        }
        assert_eq!(breaker.blocks(at(0)), None);
        assert!(breaker.failed(at(0), "no"));
        assert_eq!(breaker.blocks(at(1)), Some(at(5000)));
        assert_eq!(breaker.blocks(at(5000)), None, "half open");
        assert!(breaker.failed(at(5000), "still no"), "one more is enough now");
        assert_eq!(breaker.blocks(at(5001)), Some(at(15_000)), "and it stays open longer");
        assert!(breaker.passed());
        assert_eq!(breaker, Breaker::closed("local"));
        assert!(!breaker.passed());
    }

    #[test]
    fn an_environment_stops_at_one_rollback_too_many_in_the_time() {
        let mut rollbacks = Rollbacks::none("p".into(), "e".into());
        let limit = RollbackLimit { max: 2, per: Span::seconds(10) };
        let by = DeploymentId::from("d");
        assert!(!rollbacks.add(&by, &limit, Timestamp(0)));
        assert!(!rollbacks.add(&by, &limit, Timestamp(1000)));
        assert!(!rollbacks.add(&by, &limit, Timestamp(10_500)), "the first is over");
        assert!(rollbacks.add(&by, &limit, Timestamp(10_600)));
        assert_eq!(rollbacks.stopped, Some(Timestamp(10_600)));
        assert!(!rollbacks.add(&by, &limit, Timestamp(10_700)), "it is told once");
    }
}
