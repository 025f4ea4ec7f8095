//! Why a deployment doesn't go on, for now or for good, and what a person decided about it. Not here: what may be done
//! next (`explain`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{Actor, DeploymentId},
    plan::Step,
    time::Timestamp,
};

/// What a deployment waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// What for, in words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// The deployments that it waits for.
    #[serde(default)]
    pub on: Vec<DeploymentId>,
}

/// Why a deployment stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stuck {
    /// An undo failed for good.
    UndoFailed,
    /// Going back took longer than it may.
    RollbackTooLong,
    /// A `contract` migration ran, or may have run: the old may not work with the data any more.
    Contract,
    /// The spec says `on_failure = "stop"`.
    OnFailureStop,
    /// Its plan was made in a form that this version doesn't know.
    UnknownPlan,
}

/// A step of the way back that a person chose to leave out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// What is not done.
    pub step: Step,
    /// Who chose so.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Who declared a stuck deployment to be dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    /// Who.
    pub by: String,
    /// How it was dealt with.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}
