//! Promotion, holds and synchronisation over the wire.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    compare::Key,
    deployment::OnConflict,
    id::{DeploymentId, EnvironmentName, ServiceName},
    promotion::{Combination, Obstacle, Onward},
};

/// The body of `POST /api/promotions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PromotionRequest {
    /// The project.
    pub project: String,
    /// Where it ran; that of the named combination when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where it goes; what `from` promotes to when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only these services; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceName>,
    /// A combination that was named, in place of what runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub combination: Option<String>,
    /// Leave out environments in between, and the rest of the soak; it takes a reason.
    #[serde(default)]
    pub skip_stage: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do when the same services are being deployed.
    #[serde(default)]
    pub on_conflict: OnConflict,
}

/// What environments serve together, and what was named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CombinationsView {
    /// Each environment as it is now.
    pub environments: Vec<StandingView>,
    /// What has a name.
    pub named: Vec<Combination>,
}

/// What an environment serves together now, or what is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StandingView {
    /// The environment.
    pub environment: EnvironmentName,
    /// What it serves together, proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub combination: Option<Combination>,
    /// Where it goes by itself, and what keeps it; none where nothing goes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onward: Option<Onward>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Obstacle>,
}

/// The body of `POST /api/projects/:id/environments/:environment/combinations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CombinationRequest {
    /// The name.
    pub name: String,
}

/// The body of `POST /api/projects/:id/environments/:environment/holds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HoldRequest {
    /// The service; the whole environment when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The version, or the beginning of the artifact's digest, that may come all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// Why.
    pub reason: String,
}

/// The body of `POST /api/projects/:id/environments/:environment/holds/end`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnholdRequest {
    /// The service; the hold of the environment itself when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
}

/// The body of `POST /api/projects/:id/environments/:environment/sync`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncRequest {
    /// The environment whose configuration is taken over.
    pub from: String,
    /// Only these services; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceName>,
    /// Only these keys and what is below them, such as `variables.URL`; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Only say what differs.
    #[serde(default)]
    pub dry_run: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a synchronisation takes over, or took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncView {
    /// Where it comes from.
    pub from: EnvironmentName,
    /// Where it goes.
    pub to: EnvironmentName,
    /// By service, the keys that differ between what the two want.
    pub differences: BTreeMap<ServiceName, Vec<Key>>,
    /// By service, the keys that differ and stay, because they are bound to the environment.
    pub kept: BTreeMap<ServiceName, Vec<Key>>,
    /// By service, the keys in which what runs in the target is not what the source wants.
    pub not_live: BTreeMap<ServiceName, Vec<String>>,
    /// The deployment that brings it live; none when nothing of it runs, or nothing was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
}
