//! Environments and their configuration on the wire. Not here: how values come to be (`core::config`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shipway_core::{
    config::{
        chain::Explained,
        remote::RemoteStanding,
        version::{Change, ConfigVersion},
    },
    id::{EnvironmentName, ProjectId, ServiceName},
    spec::{EnvironmentFacts, EnvironmentType, Settings},
};

/// The body of `POST /api/projects/:id/environments`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentRequest {
    /// Its name.
    pub name: EnvironmentName,
    /// What kind of environment.
    #[serde(rename = "type")]
    pub kind: EnvironmentType,
    /// Variables of every service there, below those of the service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Settings of every service there, below those of the service.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    /// Fields of services, laid over the file's.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub services: Settings,
    /// What is said of it as a whole.
    #[serde(flatten)]
    pub facts: EnvironmentFacts,
    /// Whatever else an environment of the file may say, by its key there: `gates`, `quota`, `promotes_to`, `promotion`,
    /// `notify`. A key that the file couldn't have is refused.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// An environment's configuration, value by value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigView {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The newest version of what was set through the API; 0 when nothing ever was.
    pub version: u64,
    /// The values of each service, with who said what about each.
    pub services: BTreeMap<ServiceName, Vec<Explained>>,
}

/// Versions of an environment's settings, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigHistory {
    /// The versions.
    pub items: Vec<ConfigVersion>,
    /// What to ask as `before` for the next page; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// What differs between two versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigDiff {
    /// The one version.
    pub from: u64,
    /// The other.
    pub to: u64,
    /// The values that differ.
    pub changes: Vec<Change>,
}

/// What the remotes of an environment say: what a deployment would take now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigFetch {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// Each remote, in the order of the file.
    pub remotes: Vec<RemoteStanding>,
}

/// The body of `POST …/config/rollback`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigRollback {
    /// The version whose settings come back; 0 is that nothing was ever set.
    pub to: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The version that was seen; another one is a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// The body of `POST …/config/deploy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigDeploy {
    /// The services; all that run there when empty.
    #[serde(default)]
    pub services: Vec<ServiceName>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl EnvironmentRequest {
    /// What it is, in the shape of an environment of the file.
    pub fn stated(&self) -> Value {
        let mut stated = serde_json::to_value(self).unwrap_or_default();
        if let Some(stated) = stated.as_object_mut() {
            stated.shift_remove("name");
        }
        stated
    }
}
