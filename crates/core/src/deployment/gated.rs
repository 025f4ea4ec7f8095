//! A deployment before its gates: the plan that was proposed, who said yes, what still holds it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    gate::{Held, approval::Approval},
    risk::Risk,
    time::Timestamp,
};

/// How a deployment stands before its gates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Gated {
    /// When the gates were asked first. From then until they open its deadline rests.
    pub asked_at: Option<Timestamp>,
    /// The plan that is to be approved.
    pub proposed: Option<Proposal>,
    /// Every yes, also to earlier plans.
    pub approvals: Vec<Approval>,
    /// What holds it now.
    pub held: Vec<Held>,
    /// Who said no.
    pub rejected: Option<Word>,
    /// Who opened every gate at once.
    pub broken: Option<Word>,
    /// When the last gate opened.
    pub opened_at: Option<Timestamp>,
    /// When it took its place in the environment's rate: from then on others count it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<Timestamp>,
}

/// A plan that was drawn and is not run yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// The hash that approvals bind to.
    pub hash: String,
    /// When it was drawn.
    pub at: Timestamp,
    /// Its assessment.
    pub risk: Risk,
}

/// What a person said once, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Word {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Gated {
    /// Whether no gate was ever asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it stands before a gate.
    pub fn is_waiting(&self) -> bool {
        self.asked_at.is_some() && self.opened_at.is_none()
    }
}
