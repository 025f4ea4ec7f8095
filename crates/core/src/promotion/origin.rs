//! Why a deployment of stored artifacts was asked for, beyond what its request says. Not here: who asked (`id::Actor`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{DeploymentId, EnvironmentName, ReleaseId, ServiceName},
    time::Timestamp,
};

/// The part of Shipway that promotes by itself, as an actor.
pub const PROMOTION: &str = "promotion";

/// Where a deployment of stored artifacts comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "is")]
pub enum Origin {
    /// Artifacts that ran together in another environment.
    Promotion {
        /// Where they ran.
        from: EnvironmentName,
        /// Which combination it is.
        combination: String,
        /// Since when they ran together there.
        since: Timestamp,
        /// The deployment that completed with them there.
        proven_by: DeploymentId,
        /// The releases that ran there, of the services that go.
        releases: BTreeMap<ServiceName, ReleaseId>,
        /// The environments that were left out, and with them the rest of the soak.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        skipped: Vec<EnvironmentName>,
        /// Whether it went on before its soak was over, for the request's reason.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        soak_cut: bool,
    },
    /// A change of configuration alone: what runs, with what holds now.
    Configuration {
        /// The version of the environment's settings; 0 before anything was set.
        version: u64,
    },
    /// Configuration that was taken over from another environment.
    Sync {
        /// Which one.
        from: EnvironmentName,
    },
}

impl Origin {
    /// The release of another environment that a service's artifact ran in.
    pub fn release(&self, service: &ServiceName) -> Option<&ReleaseId> {
        match self {
            Self::Promotion { releases, .. } => releases.get(service),
            Self::Configuration { .. } | Self::Sync { .. } => None,
        }
    }
}
