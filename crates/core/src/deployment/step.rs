//! How the steps of a deployment's plans stand. Not here: what they do (`plan::Step`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How one step stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepState {
    /// Whether it belongs to the way back.
    pub back: bool,
    /// Its number in its plan.
    pub number: usize,
    /// How it stands.
    pub status: StepStatus,
    /// When it first began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How often it was begun.
    pub attempts: u32,
    /// How long a person held the deployment while it ran, in milliseconds: a watch lasts so much longer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_ms: u64,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it is tried again after a failure that may pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl StepState {
    /// A step that was not begun.
    pub fn waiting(back: bool, number: usize) -> Self {
        Self {
            back,
            number,
            status: StepStatus::Waiting,
            started_at: None,
            ended_at: None,
            attempts: 0,
            held_ms: 0,
            note: None,
            next_at: None,
        }
    }
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// It was not begun.
    Waiting,
    /// It was begun; whether it ran is known only when it has ended.
    Running,
    /// It ended well.
    Done,
    /// It failed.
    Failed,
    /// A person chose to leave it out.
    Skipped,
}
