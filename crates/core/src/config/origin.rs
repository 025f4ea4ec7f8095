//! Where a value comes from: the layer, and who wrote it there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The layers, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// What holds when nobody says anything.
    Default,
    /// The file's own variables and settings, for every service in every environment.
    Global,
    /// The environment's, for every service in it.
    Environment,
    /// The service's own.
    Service,
    /// The environment's word on the service.
    ServiceInEnvironment,
    /// What remotes answered.
    Remote,
    /// Settings made through the API.
    Settings,
    /// What one deployment brings.
    Deployment,
}

impl Level {
    /// The name on the wire, and for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Global => "global",
            Self::Environment => "environment",
            Self::Service => "service",
            Self::ServiceInEnvironment => "service-in-environment",
            Self::Remote => "remote",
            Self::Settings => "settings",
            Self::Deployment => "deployment",
        }
    }
}

/// Who wrote a value, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Origin {
    /// Nobody: it holds by itself.
    Default,
    /// A line of the spec file.
    File {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u32,
    },
    /// Somebody, through the API.
    Api {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// The version of the environment's configuration that brought it; 0 before there were versions.
        version: u64,
    },
    /// A remote of the spec.
    #[serde(rename_all = "camelCase")]
    Remote {
        /// Its name.
        name: String,
        /// Where its values come from, as the spec writes it.
        source: String,
        /// What the answer called its version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        etag: Option<String>,
        /// When the values came.
        at: Timestamp,
    },
    /// The request of a deployment.
    Deployment,
}

/// What a layer says: which layer, and who wrote it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// The layer.
    pub level: Level,
    /// Who wrote it there.
    pub origin: Origin,
}
