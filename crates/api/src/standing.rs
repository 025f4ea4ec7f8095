//! What stands between deployments, over the wire: leases, breakers, quarantines, copies of data; and what a person
//! says about a deployment that is stuck.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    id::{ArtifactDigest, DeploymentId, EnvironmentName, ProjectId, ReleaseId, ServiceName},
    phase::Phase,
    time::Timestamp,
};

/// The body of `POST /api/deployments/:id/resolve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveRequest {
    /// How it was dealt with.
    pub reason: String,
}

/// The body of `POST /api/deployments/:id/skip`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SkipRequest {
    /// The number of the step in the way back: one that failed.
    pub step: usize,
    /// Why it is left out.
    pub reason: String,
}

/// A step of the way back that a person left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedView {
    /// What is not done, in words.
    pub title: String,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// The leases of an environment, and who waits for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeasesView {
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// Raised by every change.
    pub revision: u64,
    /// Who has which slot.
    pub held: Vec<LeaseView>,
    /// Who waits, in the order of asking.
    pub waiting: Vec<ClaimView>,
}

/// The right to write a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseView {
    /// The slot's service.
    pub service: ServiceName,
    /// The deployment that has it.
    pub deployment: DeploymentId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiated_by: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Rises with every grant in the environment; what an earlier holder still writes is refused.
    pub token: u64,
    /// The server that carries the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// When that server is taken for dead, and another takes the deployment over, unless it says again that it is
    /// there; none when it has gone already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_expires_at: Option<Timestamp>,
}

/// A wish for leases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimView {
    /// The deployment that waits.
    pub deployment: DeploymentId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The services whose slots it wants, all at once.
    pub services: Vec<ServiceName>,
    /// Since when.
    pub since: Timestamp,
    /// The deployments that come before it.
    pub behind: Vec<DeploymentId>,
}

/// A circuit breaker: of a target whose driver fails, or of an environment with too many automatic rollbacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakerView {
    /// Its name: the target's, or `project/environment`.
    pub name: String,
    /// What it guards.
    pub guards: BreakerGuards,
    /// Whether it lets pass.
    pub state: BreakerState,
    /// Of a target: failures in a row. Of an environment: automatic rollbacks within `withinMs`.
    pub count: u32,
    /// Of a target: how many open it. Of an environment: one more than these opens it.
    pub count_max: u32,
    /// In how long an environment's rollbacks are counted, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
    /// Since when an environment takes nothing but rollbacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when nothing is begun at a target; after that one try decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The last failure of a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// The deployment whose rollback was one too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<DeploymentId>,
}

/// What a breaker guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BreakerGuards {
    /// A target: nothing is begun there while it is open.
    Target,
    /// An environment: it takes nothing but rollbacks while it is open, until a person resets it.
    Environment,
}

/// Whether a breaker lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// The next try, which decides.
    HalfOpen,
}

/// The body of `POST /api/breakers/reset`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreakerReset {
    /// The breaker's name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Releases that are not deployed together again by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineView {
    /// The releases by service: one alone, or a combination.
    pub releases: BTreeMap<ServiceName, QuarantinedView>,
    /// The deployment that showed it.
    pub by: DeploymentId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// A release that is quarantined, alone or among others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinedView {
    /// The release.
    pub release: ReleaseId,
    /// Its artifact.
    pub artifact: ArtifactDigest,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A copy of a service's data folders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotView {
    /// The service.
    pub service: ServiceName,
    /// What it is called.
    pub name: String,
    /// How much it holds, in bytes.
    pub bytes: u64,
    /// When it was taken.
    pub at: Timestamp,
}
