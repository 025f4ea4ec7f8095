//! What the history says of a deployment in short, how it is asked for, and what many of them sum up to. The measures
//! are DORA's: how often, how long until live, how many of them failed, how long until what failed was put right.
//!
//! Not here: where it is kept (`store`), and for how long.

mod sums;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::sums::{BLOCK_DAYS, DAY_MS, Durations, Stretch, Sums, day_of, stretches};
use crate::{
    deployment::{Cause, Deployment},
    id::{DeploymentId, EnvironmentName, ProjectId, ServiceName},
    phase::Phase,
    progress::coarse_status,
    time::Timestamp,
};

/// A deployment in short: what it is found and counted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Which one.
    pub id: DeploymentId,
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// `deploy`, `rollback`, `scale`, …
    pub kind: String,
    /// How far it is.
    pub phase: Phase,
    /// The coarse status (`progress::coarse_status`).
    pub status: String,
    /// Who asked.
    pub actor: String,
    /// Whose fault it was that it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Its services.
    pub services: BTreeSet<ServiceName>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it left the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When its first failure was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
    /// Whether it came as far as moving traffic.
    pub moved: bool,
}

impl Entry {
    /// Of a deployment; its course is not needed.
    pub fn of(deployment: &Deployment) -> Self {
        let promotes = |phase: Phase| (Phase::Promoting..=Phase::Cleaning).contains(&phase);
        Self {
            id: deployment.id.clone(),
            project: deployment.request.project.clone(),
            environment: deployment.request.environment.clone(),
            kind: deployment.request.kind.name().to_owned(),
            phase: deployment.phase,
            status: coarse_status(deployment).to_owned(),
            actor: deployment.actor.name.clone(),
            cause: deployment.cause,
            services: deployment.services.keys().cloned().collect(),
            created_at: deployment.created_at,
            started_at: deployment.started_at,
            completed_at: deployment.completed_at.filter(|_| deployment.phase.is_end()),
            failed_at: deployment.failures.first().map(|failure| failure.at),
            moved: deployment.phases.iter().any(|record| promotes(record.phase)),
        }
    }

    /// Where it stands among the others.
    pub fn place(&self) -> Place {
        Place { at: self.created_at, id: self.id.clone() }
    }
}

/// A place in the history: pages go on after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When the deployment there was asked for.
    pub at: Timestamp,
    /// Which one it is: several may have been asked for in the same millisecond.
    pub id: DeploymentId,
}

/// Which deployments of a project are wanted, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The project.
    pub project: ProjectId,
    /// Only of this environment.
    pub environment: Option<EnvironmentName>,
    /// Only with this coarse status.
    pub status: Option<String>,
    /// Only in this phase, by its name.
    pub phase: Option<String>,
    /// Only of this kind, by its name.
    pub kind: Option<String>,
    /// Only with this service.
    pub service: Option<ServiceName>,
    /// Only asked for by this actor.
    pub actor: Option<String>,
    /// Only failed by this cause.
    pub cause: Option<Cause>,
    /// Only asked for at this time or later.
    pub since: Option<Timestamp>,
    /// Only asked for before this time.
    pub until: Option<Timestamp>,
    /// Only those after this place, which are older.
    pub after: Option<Place>,
    /// How many at most.
    pub limit: u32,
}

impl Question {
    /// All of a project.
    pub fn of(project: ProjectId, limit: u32) -> Self {
        Self {
            project,
            environment: None,
            status: None,
            phase: None,
            kind: None,
            service: None,
            actor: None,
            cause: None,
            since: None,
            until: None,
            after: None,
            limit,
        }
    }

    /// Whether a deployment is wanted, wherever the page stands.
    pub fn fits(&self, entry: &Entry) -> bool {
        let same = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        self.project == entry.project
            && self.environment.as_ref().is_none_or(|wanted| *wanted == entry.environment)
            && same(&self.status, &entry.status)
            && same(&self.phase, entry.phase.name())
            && same(&self.kind, &entry.kind)
            && same(&self.actor, &entry.actor)
            && self.service.as_ref().is_none_or(|wanted| entry.services.contains(wanted))
            && self.cause.is_none_or(|wanted| entry.cause == Some(wanted))
            && self.since.is_none_or(|since| entry.created_at >= since)
            && self.until.is_none_or(|until| entry.created_at < until)
    }
}

/// A page of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What fits, newest first. It may be fewer than asked for while there are more: a page looks through a bounded
    /// number of deployments.
    pub entries: Vec<Entry>,
    /// Where the next page goes on; none at the end.
    pub next: Option<Place>,
}

/// Days of which sums are wanted, as `day_of` counts them, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The project.
    pub project: ProjectId,
    /// Only of this environment.
    pub environment: Option<EnvironmentName>,
    /// The first day.
    pub first: i64,
    /// The last day.
    pub last: i64,
}
