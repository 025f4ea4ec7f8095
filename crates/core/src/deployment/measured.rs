//! What was asked and counted while a deployment went on: answers of checks, and what its switch did to requests. Not
//! here: asking and counting (`engine::deploy`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{id::ServiceName, phase::Phase, time::Timestamp};

/// The answer of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckRecord {
    /// When.
    pub at: Timestamp,
    /// In which phase.
    pub phase: Phase,
    /// The service.
    pub service: ServiceName,
    /// The check's name.
    pub name: String,
    /// Whom it asked.
    pub through: String,
    /// Whether it passed.
    pub passed: bool,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
    /// How long it took.
    pub took_ms: u64,
}

/// What a deployment's switch did to requests, as the data plane counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchNumbers {
    /// Requests to its services from the first change of traffic until the end.
    pub requests: u64,
    /// Of these: refused, reset, cut, timed out, or answered by the proxy itself.
    pub failed: u64,
    /// How long going back took, from the decision until the old had all traffic, when it went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_ms: Option<u64>,
    /// The data plane's counts when traffic began to move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<SwitchBaseline>,
}

/// Counts of the data plane at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchBaseline {
    /// The data plane's boot; another one counts from 0.
    pub boot: String,
    /// Requests to the deployment's services.
    pub requests: u64,
    /// Of these: failed.
    pub failed: u64,
    /// Requests that sudden deaths of the data plane cut off.
    pub lost_in_flight: u64,
}
