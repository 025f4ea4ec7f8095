//! What is asked for: the sort of transition, the services, where the code comes from. Not here: what the engine refuses
//! (`engine::commands`).

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{ArtifactDigest, DeploymentId, EnvironmentName, ProjectId, ServiceName},
    promotion::Origin,
    spec::Order,
    strategy::StrategySpec,
    time::Timestamp,
};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// What sort of transition.
    pub kind: Kind,
    /// The services; all of the spec when empty.
    #[serde(default)]
    pub services: Vec<ServiceName>,
    /// A group of the spec instead of services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Services that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<ServiceName>,
    /// Only services whose release would differ from the live one.
    #[serde(default)]
    pub changed: bool,
    /// The order in which they are proven; the group's, or side by side, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Where the code comes from.
    #[serde(default)]
    pub source: Source,
    /// The version that people call it by; the artifact's short digest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Versions of single services, above `version`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<ServiceName, String>,
    /// Stored artifacts of single services; the others come from the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<ServiceName, ArtifactDigest>,
    /// Deploy what is quarantined; it takes a reason.
    #[serde(default)]
    pub allow_quarantined: bool,
    /// The strategy for the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<StrategySpec>,
    /// The topmost layer of configuration, in the shape of an environment: `variables`, `services`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<serde_json::Value>,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Open every gate at once; it takes a reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
    /// The schedule that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduledBy>,
    /// What to do when the same slots are being written.
    #[serde(default)]
    pub on_conflict: OnConflict,
    /// Anything that the caller wants to find again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where stored artifacts or configuration come from, when another environment gave them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Request {
    /// A request for a sort of transition, with nothing special.
    pub fn new(project: ProjectId, environment: EnvironmentName, kind: Kind) -> Self {
        Self {
            project,
            environment,
            kind,
            services: Vec::new(),
            group: None,
            exclude: Vec::new(),
            changed: false,
            order: None,
            source: Source::default(),
            version: None,
            versions: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            allow_quarantined: false,
            strategy: None,
            config: None,
            at: None,
            break_glass: false,
            schedule: None,
            on_conflict: OnConflict::default(),
            metadata: BTreeMap::new(),
            reason: None,
            description: None,
            origin: None,
        }
    }
}

/// The schedule that asked for a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledBy {
    /// Its name.
    pub name: String,
    /// Who declared it: they don't approve what it asks for.
    pub by: String,
    /// When this run was due.
    pub due: Timestamp,
}

/// Sorts of transitions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Kind {
    /// New releases.
    #[default]
    Deploy,
    /// Slots as they were.
    #[serde(rename_all = "camelCase")]
    Rollback {
        /// The deployment that is taken back: its slots return to what they were before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<DeploymentId>,
        /// The deployment whose state the environment returns to, when none is named to be taken back: the newest
        /// completed, not quarantined one whose state is not the live one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<DeploymentId>,
        /// Go back though a slot was written since.
        #[serde(default)]
        force: bool,
        /// Keep today's configuration, and take only the artifacts back.
        #[serde(default)]
        artifact_only: bool,
        /// Go back though a `contract` migration ran since: the old may not work with today's data.
        #[serde(default)]
        accept_contract: bool,
        /// Put data folders back too, each from the oldest copy that was taken since the state that it goes back to.
        #[serde(default)]
        with_data: bool,
        /// These copies, by service, once they were found.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        snapshots: BTreeMap<ServiceName, String>,
    },
    /// Other counts of instances.
    Scale {
        /// The counts.
        instances: BTreeMap<ServiceName, u32>,
    },
    /// Slots emptied.
    Decommission,
    /// The live releases on the data of a snapshot; instances stop while it is put back.
    RestoreData {
        /// The snapshots, by service.
        snapshots: BTreeMap<ServiceName, String>,
    },
}

impl Kind {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback { .. } => "rollback",
            Self::Scale { .. } => "scale",
            Self::Decommission => "decommission",
            Self::RestoreData { .. } => "restore-data",
        }
    }
}

/// Where the code comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The project's own folder, as it was registered.
    #[default]
    Project,
    /// A folder on the server's machine; only for the owner of the data folder.
    Path(PathBuf),
    /// Artifacts that are stored already, by service.
    Artifact(BTreeMap<ServiceName, ArtifactDigest>),
    /// A project folder that was uploaded, by the upload's id.
    Upload(String),
}

/// What to do when the same slots are being written by another deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Wait for it to end.
    #[default]
    Queue,
    /// Refuse the request.
    Refuse,
    /// Cancel the other one first.
    Supersede,
}
