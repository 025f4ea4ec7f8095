//! What goes over the wire.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    artifact::GitCommit,
    deployment::{
        Cause, CheckRecord, FailureReport, Gated, Kind, OnConflict, PhaseRecord, Resolved, ServiceState, Source,
        StepStatus, Stuck, Waiting,
    },
    drift::Drift,
    event::Event,
    finding::Finding,
    gate::Held,
    id::{ArtifactDigest, DeploymentId, EnvironmentName, InstanceId, ProjectId, ReleaseId, ServiceName, SlotKey},
    instance::InstanceState,
    phase::Phase,
    ports::{HeldLimits, Life, ReleaseTraffic},
    promotion::Origin,
    risk::Risk,
    secret::SecretPins,
    slot::{Candidate, Serving, Warm},
    spec::{EnvironmentFacts, EnvironmentType, Order},
    strategy::{Promise, StrategyKind, StrategySpec},
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

/// A plan that was drawn and not run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// Whether anything differs.
    pub differs: bool,
    /// The hash of the plan.
    pub hash: Option<String>,
    /// The hash that approvals bind to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_hash: Option<String>,
    /// How much may go wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// What would hold it now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Held>,
    /// How traffic moves.
    pub strategy: Option<StrategyKind>,
    /// What that promises.
    pub promise: Option<PromiseView>,
    /// What changes, by service.
    pub changes: Vec<ServiceChange>,
    /// The steps.
    pub steps: Vec<StepView>,
    /// What a person should know before it starts.
    pub notes: Vec<String>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What stands against it.
    pub errors: Vec<FailureReport>,
}

/// What a strategy promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromiseView {
    /// How much of the new is proven before users see it.
    pub proven_before: String,
    /// Whether users meet both versions at a time.
    pub versions_mix: String,
    /// What going back takes.
    pub way_back: String,
}

impl From<Promise> for PromiseView {
    fn from(promise: Promise) -> Self {
        Self {
            proven_before: promise.proven_before.into(),
            versions_mix: promise.versions_mix.into(),
            way_back: promise.way_back.into(),
        }
    }
}

/// What changes for one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceChange {
    /// The service.
    pub service: ServiceName,
    /// What happens: `create`, `change`, `scale`, `remove`, `none`.
    pub action: String,
    /// What it serves.
    pub from: Option<ServingView>,
    /// What it would serve.
    pub to: Option<ServingView>,
    /// The fields of the configuration that differ.
    pub fields: Vec<FieldChange>,
}

/// A release with a count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServingView {
    /// The release.
    pub release: ReleaseId,
    /// Its version.
    pub version: String,
    /// Its artifact.
    pub artifact: ArtifactDigest,
    /// How many instances.
    pub instances: u32,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The dotted path in the service.
    pub field: String,
    /// Its value; null when it isn't set.
    pub from: serde_json::Value,
    /// What it would be.
    pub to: serde_json::Value,
}

/// The body of `POST /api/projects`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectRequest {
    /// The name of the spec file, for messages.
    pub file: String,
    /// The text of the spec file.
    pub text: String,
    /// The folder that holds it on the server's machine; only for the owner of the data folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectView {
    /// Its id: its name in the spec.
    pub id: ProjectId,
    /// One line on what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The environments, in the order of the file.
    pub environments: Vec<EnvironmentName>,
    /// The folder on the server's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// When its spec last changed.
    pub updated_at: Timestamp,
}

/// An environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentView {
    /// Its id: `project/name`.
    pub id: String,
    /// The project.
    pub project_id: ProjectId,
    /// Its name.
    pub name: EnvironmentName,
    /// What kind of environment; none while the spec is wrong.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EnvironmentType>,
    /// Where its first routed service answers.
    pub url: Option<String>,
    /// `healthy`, `degraded` or `down`.
    pub status: String,
    /// Why it has that status.
    pub reason: String,
    /// Since when it takes nothing but rollbacks, because too many deployments were taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_since: Option<Timestamp>,
    /// The newest deployment that is complete.
    pub current_deployment: Option<DeploymentId>,
    /// Its services.
    pub services: Vec<SlotView>,
    /// What is not what its release says: files, and what instances were started with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// What was set through the API.
    pub settings: serde_json::Value,
    /// The newest version of what was set through the API; 0 when nothing ever was.
    #[serde(default)]
    pub config_version: u64,
    /// Whether it was made through the API, and is not in the spec file.
    #[serde(default)]
    pub made: bool,
    /// What is said of it as a whole: region, provider, target, labels, network, policies, monitoring.
    #[serde(flatten)]
    pub facts: EnvironmentFacts,
    /// When the project was registered.
    pub created_at: Timestamp,
}

/// A service in an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotView {
    /// The service.
    pub service: ServiceName,
    /// What users meet.
    pub live: Option<Serving>,
    /// Its version.
    pub version: Option<String>,
    /// Instances that take requests.
    pub ready: u32,
    /// What is coming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    /// What stands by.
    pub warm: Vec<Warm>,
    /// Where it answers.
    pub urls: Vec<String>,
    /// Raised by every write.
    pub revision: u64,
    /// The deployment that wrote it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_by: Option<DeploymentId>,
}

/// The body of `PUT /api/projects/:id/environments/:env`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentUpdate {
    /// Variables of all services; a null hides what the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<BTreeMap<String, Option<String>>>,
    /// Fields of services, merged over the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<serde_json::Value>,
    /// Anything else of an environment, merged over what was set before: `settings`, `region`, `labels`, `network`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<serde_json::Value>,
    /// Dotted paths of what was set before and is removed: `variables.LOG_LEVEL`, `services.web.instances`.
    #[serde(default)]
    pub unset: Vec<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The version of the configuration that was seen; another one is a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// The body of `POST /api/validations`: a text, or a registered project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidationRequest {
    /// The name of the spec file, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The text of the spec file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A registered project, whose spec is read anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Only this environment; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// What a validation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationView {
    /// Whether nothing blocks.
    pub valid: bool,
    /// Everything that was found, critical first.
    pub findings: Vec<TimedFinding>,
    /// What a deployment of the project's folder would do, when an environment is named and nothing blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanView>,
}

/// A finding with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimedFinding {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// When it was found.
    pub at: Timestamp,
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

/// A page of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// In order.
    pub items: Vec<Event>,
    /// What to send as `after` for the next page.
    pub next: u64,
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceView {
    /// Its id.
    pub id: InstanceId,
    /// Where it belongs.
    pub slot: SlotKey,
    /// What it runs.
    pub release: ReleaseId,
    /// The version of that.
    pub version: String,
    /// What part it has: `live`, `candidate`, `warm`, or `leaving`.
    pub role: String,
    /// How far it is.
    pub state: InstanceState,
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// What is seen of it.
    pub life: Life,
    /// Requests in flight.
    pub in_flight: u64,
    /// Secrets that it was given in other versions than its release names, by the key in `secrets`: those were revoked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub substituted: SecretPins,
    /// When it was recorded.
    pub created_at: Timestamp,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseView {
    /// Its id.
    pub id: ReleaseId,
    /// Its slot.
    pub slot: SlotKey,
    /// Its version.
    pub version: String,
    /// What runs.
    pub artifact: ArtifactDigest,
    /// The versions of secrets that it names, by the key in `secrets`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: SecretPins,
    /// The commit of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitCommit>,
    /// The deployment that first made it.
    pub made_by: DeploymentId,
    /// When.
    pub made_at: Timestamp,
    /// Whether it is live, comes, or stands by: `live`, `candidate`, `warm`, `stored`.
    pub role: String,
}

/// The routes with their numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoutesView {
    /// The generation that the slots say.
    pub generation: u64,
    /// The generation that the proxy follows; none when it can't be asked.
    pub followed: Option<u64>,
    /// The routes.
    pub routes: Vec<RouteView>,
    /// The numbers by service and release, counted since the proxy started.
    pub traffic: Vec<ReleaseTraffic>,
    /// Requests in flight that sudden deaths of the proxy cut off.
    pub lost_in_flight: u64,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteView {
    /// The host.
    pub host: String,
    /// The path's beginning.
    pub path: String,
    /// Whether the service sees the path without this beginning.
    pub strip_prefix: bool,
    /// The slot's key as text.
    pub slot: String,
    /// The releases that share it, with their weights.
    pub weights: BTreeMap<String, u32>,
    /// Whether requests are held.
    pub held: bool,
}

/// Lines of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// `build`, `hooks` or `instance`.
    pub stream: String,
    /// The service.
    pub service: String,
    /// The instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// The line.
    pub line: String,
}

/// The logs of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogsView {
    /// The lines: build, hooks, then instances; each in its order.
    pub lines: Vec<LogLine>,
}

/// The answer to an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadView {
    /// The id to name as the source.
    pub id: String,
    /// The folder that it was unpacked to has the spec file of this name.
    pub file: Option<String>,
}

/// The server itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Its data folder.
    pub data: PathBuf,
    /// Where the proxy takes requests.
    pub proxy: SocketAddr,
    /// Whether the proxy answers.
    pub proxy_up: bool,
    /// Which limits the machine holds.
    pub limits: HeldLimits,
    /// When the server started.
    pub started_at: Timestamp,
    /// How its backups go, when it was told to take some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<crate::BackupStatus>,
}

/// The body of `POST /api/shutdown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShutdownRequest {
    /// Whether the applications and the proxy stop too.
    #[serde(default)]
    pub applications: bool,
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
