//! Deployments: what is asked for, and what is shown of each. Not here: their plans (`plans`), what a stuck one takes
//! (`standing`).

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    deployment::{
        Cause, CheckRecord, FailureReport, Gated, Kind, OnConflict, PhaseRecord, Resolved, ServiceState, Source,
        StepStatus, Stuck, Waiting,
    },
    finding::Finding,
    id::{ArtifactDigest, DeploymentId, EnvironmentName, ProjectId, ServiceName},
    phase::Phase,
    promotion::Origin,
    spec::Order,
    strategy::{StrategyKind, StrategySpec},
    time::Timestamp,
};

use crate::standing::SkippedView;

/// The body of `POST /api/deployments`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentRequest {
    /// The project's id: its name in the spec.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The services; all of the spec when empty.
    #[serde(default)]
    pub services: Vec<ServiceName>,
    /// A group of the spec, instead of services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Services that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<ServiceName>,
    /// Only services whose release would differ from the live one.
    #[serde(default)]
    pub changed: bool,
    /// The order in which they are proven: `parallel`, `sequential`, or waves of names; the group's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Where the code comes from; the project's own folder when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What sort of transition; a deployment of new releases when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The version that people call it by; the artifact's digest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Versions of single services, above `version`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<ServiceName, String>,
    /// Stored artifacts of single services, by their whole digest; the others come from the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<ServiceName, ArtifactDigest>,
    /// Deploy what is quarantined; it takes a `reason`.
    #[serde(default)]
    pub allow_quarantined: bool,
    /// The strategy for the whole group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<StrategySpec>,
    /// The topmost layer of configuration, in the shape of an environment in the spec: `variables`, `services`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<serde_json::Value>,
    /// Only draw the plan: the answer is a `PlanView`, and nothing moves.
    #[serde(default)]
    pub dry_run: bool,
    /// Not before this time. What is deployed is made at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Open every gate at once, in an emergency; it takes a `reason`, and everyone on the list is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
    /// What to do when the same services are being written.
    #[serde(default)]
    pub on_conflict: OnConflict,
    /// Anything that the caller wants to find again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The body of `POST /api/deployments/:id/rollback` and `/cancel`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackRequest {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Go back though a service was written since.
    #[serde(default)]
    pub force: bool,
    /// Keep today's configuration.
    #[serde(default)]
    pub artifact_only: bool,
    /// Go back though a `contract` migration ran since: the old may not work with today's data.
    #[serde(default)]
    pub accept_contract: bool,
    /// Put data folders back too, each from the oldest copy that was taken since.
    #[serde(default)]
    pub with_data: bool,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentView {
    /// Its id.
    pub id: DeploymentId,
    /// Its name, unique in its environment.
    pub name: String,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What sort of transition.
    pub kind: Kind,
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The version, when all services share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The commit of the project's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    /// The branch of the project's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_branch: Option<String>,
    /// How far it is.
    pub phase: Phase,
    /// The coarse status: `pending`, `building`, `deploying`, `success`, `failed`, `cancelled`, `rolled_back`.
    pub status: String,
    /// The stage of the pipeline.
    pub current_stage: String,
    /// From 0 to 100.
    pub progress: u8,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its turn came.
    pub started_at: Option<Timestamp>,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// When it will probably be complete.
    pub estimated_completion: Option<Timestamp>,
    /// How long it took or has taken, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Who asked for it.
    pub initiated_by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where its artifacts or its configuration come from, when another environment gave them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// How traffic moves.
    pub strategy: Option<StrategyKind>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Whether a person holds it.
    pub paused: bool,
    /// Why it failed, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// How far each service is.
    pub services: BTreeMap<ServiceName, ServiceState>,
    /// Where its services answer.
    pub deployment_url: Option<String>,
    /// All addresses.
    pub urls: Vec<String>,
    /// The artifacts by service.
    pub artifacts: BTreeMap<ServiceName, ArtifactDigest>,
    /// What validation found.
    pub findings: Vec<Finding>,
    /// What failed, the first cause first.
    pub errors: Vec<FailureReport>,
    /// Its numbers.
    pub metrics: DeploymentMetrics,
    /// Its steps, forward and then back.
    pub steps: Vec<StepView>,
    /// When each phase began.
    pub phases: Vec<PhaseRecord>,
    /// The hash of its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_hash: Option<String>,
    /// How it stands before its gates; absent when it never was asked to wait.
    #[serde(default, skip_serializing_if = "Gated::is_empty")]
    pub gated: Gated,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether automation leaves this combination alone.
    pub quarantined: bool,
    /// Why it stands still, when it is stuck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// Services whose way back failed for good; the others went back without them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub given_up: BTreeSet<ServiceName>,
    /// Steps of the way back that a person left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<SkippedView>,
    /// Who declared it to be dealt with, when it was stuck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolved>,
    /// The deployment that took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back_by: Option<DeploymentId>,
    /// What ties its events together.
    pub correlation_id: String,
    /// What the caller wanted to find again.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// The numbers of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentMetrics {
    /// Requests to its services from the first change of traffic until its end.
    pub requests: u64,
    /// How many of these its switch failed: refused, reset, cut, timed out, or answered by the proxy itself.
    pub failed_by_switch: u64,
    /// How long going back took until the old had all traffic again, when it went back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_ms: Option<u64>,
    /// How long the builds took together.
    pub build_ms: u64,
}

/// A step of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// Whether it belongs to the way back.
    pub back: bool,
    /// Its number in its plan.
    pub number: usize,
    /// Its phase.
    pub phase: Phase,
    /// Its service; none when it is for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// What it does, in words.
    pub title: String,
    /// The steps that it needs.
    pub needs: Vec<usize>,
    /// How it stands.
    pub status: StepStatus,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How often it was begun.
    pub attempts: u32,
    /// When it is tried again after a failure that may pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The reports of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Staging: what was brought where, and its integrity.
    pub staging: StageReport,
    /// Validation: tests before promotion.
    pub validation: StageReport,
    /// Verification: checks through the real route.
    pub verification: StageReport,
}

/// The report of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageReport {
    /// Whether all of it went well; none while it has not ended.
    pub passed: Option<bool>,
    /// The steps.
    pub steps: Vec<StepView>,
    /// The answers of checks.
    pub checks: Vec<CheckRecord>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
}

/// A page of deployments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentPage {
    /// Newest first.
    pub items: Vec<DeploymentView>,
    /// What to send as `before` for the next page; none at the end.
    pub next: Option<String>,
}
