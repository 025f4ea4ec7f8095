//! Plans as they are drawn: what changes, and what is promised. Not here: the steps of one that runs (`deployments`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    deployment::FailureReport,
    finding::Finding,
    gate::Held,
    id::{ArtifactDigest, ReleaseId, ServiceName},
    risk::Risk,
    strategy::{Promise, StrategyKind},
};

use crate::deployments::StepView;

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
