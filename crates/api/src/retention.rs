//! How long the past is kept, over the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    id::{EnvironmentName, ProjectId},
    retention::{Removed, RetentionSpec},
};

/// How long the past of an environment is kept, and what of it is older.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionView {
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// How long it is kept.
    pub rules: RetentionSpec,
    /// What is older, and goes by and by.
    pub due: SweptView,
}

/// What was removed, or would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SweptView {
    /// Deployments, each with its logs and its events.
    pub deployments: u64,
    /// Deployments that stay, and lose their logs.
    pub logs: u64,
    /// Events; of those that would be removed only the ones that are too old themselves are counted.
    pub events: u64,
    /// Whether there is more: one look is bounded.
    pub more: bool,
}

impl SweptView {
    /// From what was removed, and whether there is more.
    pub fn of(removed: Removed, more: bool) -> Self {
        let Removed { deployments, logs, events } = removed;
        Self { deployments, logs, events, more }
    }
}
