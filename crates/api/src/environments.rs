//! Environments, and what runs in them: slots, instances, releases. Not here: their configuration (`configuration`).

use std::{collections::BTreeMap, net::SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    artifact::GitCommit,
    drift::Drift,
    id::{ArtifactDigest, DeploymentId, EnvironmentName, InstanceId, ProjectId, ReleaseId, ServiceName, SlotKey},
    instance::InstanceState,
    ports::Life,
    secret::SecretPins,
    slot::{Candidate, Serving, Warm},
    spec::{EnvironmentFacts, EnvironmentType},
    time::Timestamp,
};

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
