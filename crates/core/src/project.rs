//! Projects as they are registered, and the layers that are set through the API.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
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
    /// The environments, in the order of the file.
    pub environments: Vec<EnvironmentName>,
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
}
