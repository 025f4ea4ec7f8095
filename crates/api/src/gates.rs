//! Gates on the wire: what would hold a deployment, and what people say to one that waits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    gate::{Held, declared::GatesSpec},
    id::{EnvironmentName, ProjectId},
    time::Timestamp,
};

/// A yes to what a deployment proposes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApproveRequest {
    /// The hash of the plan that was looked at: another one is not approved. The proposed one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A word that takes a reason: a no, or breaking the glass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WordRequest {
    /// Why; it is kept with the record.
    pub reason: String,
}

/// The gates of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatesView {
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// As the spec declares them.
    pub declared: GatesSpec,
    /// What would hold a deployment that you asked for now.
    pub held: Vec<Held>,
    /// When the open change window closes, or a freeze begins.
    pub closes_at: Option<Timestamp>,
}
