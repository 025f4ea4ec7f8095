//! Projects, and checks of their specs. Not here: their environments (`environments`).

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    finding::Finding,
    id::{EnvironmentName, ProjectId},
    time::Timestamp,
};

use crate::plans::PlanView;

/// The body of `POST /api/projects`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectRequest {
    /// The name of the spec file, for messages.
    pub file: String,
    /// The text of the spec file.
    pub text: String,
    /// The folder that holds it on the server's machine; only for the owner of the data folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectView {
    /// Its id: its name in the spec.
    pub id: ProjectId,
    /// One line on what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The environments, in the order of the file.
    pub environments: Vec<EnvironmentName>,
    /// The folder on the server's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// When its spec last changed.
    pub updated_at: Timestamp,
}

/// The body of `POST /api/validations`: a text, or a registered project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidationRequest {
    /// The name of the spec file, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The text of the spec file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A registered project, whose spec is read anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Only this environment; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// What a validation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationView {
    /// Whether nothing blocks.
    pub valid: bool,
    /// Everything that was found, critical first.
    pub findings: Vec<TimedFinding>,
    /// What a deployment of the project's folder would do, when an environment is named and nothing blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanView>,
}

/// A finding with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimedFinding {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// When it was found.
    pub at: Timestamp,
}
