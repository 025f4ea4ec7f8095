//! Drift on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::id::ServiceName;

/// The body of `POST /api/projects/:id/environments/:environment/drift/repair`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RepairRequest {
    /// The services; all that differ when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceName>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
