//! What failed, and whose fault it is. Not here: what followed from it (`explain`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{InstanceId, ServiceName},
    phase::Phase,
    time::Timestamp,
};

/// What failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureReport {
    /// When.
    pub at: Timestamp,
    /// In which phase.
    pub phase: Phase,
    /// The step, in words.
    pub step: String,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// What is wrong, in one line.
    pub message: String,
    /// The check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// The last lines of the log that tells more.
    #[serde(default)]
    pub log_tail: Vec<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether another try may go well: then it is tried again before it counts.
    #[serde(default)]
    pub may_pass: bool,
    /// Whose fault it is.
    pub cause: Cause,
}

/// Why a deployment failed, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The release: its build, its health, its checks, its numbers.
    Release,
    /// Shipway or the machine.
    Machinery,
    /// Somebody ended it.
    Person,
}

impl Cause {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Machinery => "machinery",
            Self::Person => "person",
        }
    }

    /// By its name on the wire.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Release, Self::Machinery, Self::Person].into_iter().find(|cause| cause.name() == name)
    }
}
