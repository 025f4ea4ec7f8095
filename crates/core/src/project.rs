//! Projects as they are registered, and the layers that are set through the API.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    config::origin::Origin,
    id::{EnvironmentName, ProjectId},
    time::Timestamp,
};

/// A registered project: the text of its spec, as it was read last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// The project's name.
    pub id: ProjectId,
    /// One line on what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of the spec file.
    pub file: String,
    /// The text of the spec file.
    pub text: String,
    /// The folder that holds the spec, on the server's machine; none when it came by upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// The environments, in the order of the file; then those that were made through the API.
    pub environments: Vec<EnvironmentName>,
    /// Environments that the file doesn't have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub made: BTreeMap<EnvironmentName, MadeEnvironment>,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// When its spec last changed.
    pub updated_at: Timestamp,
}

/// What was set for an environment through the API: above the file, below a deployment's own configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentLayer {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The values, in the shape of an environment: `variables`, `services`. A null unsets.
    pub tree: serde_json::Value,
    /// Who set it last.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The number of the version that this is; 0 before there were versions.
    #[serde(default)]
    pub version: u64,
    /// Who wrote each value, by its path.
    #[serde(default)]
    pub authors: BTreeMap<String, Origin>,
}

/// An environment that was made through the API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadeEnvironment {
    /// What it is, in the shape of an environment of the file.
    pub stated: serde_json::Value,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
