//! Feature flags on the wire: what people send, and what applications read. Not here: the flags themselves
//! (`core::flag`), which are sent as they are stored.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::flag::FlagValue;

/// The body of `PUT /api/projects/:id/environments/:env/flags/:name`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FlagUpdate {
    /// For whom it is on.
    pub value: FlagValue,
    /// What it is for; as before when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The revision that it must have, 0 when it must not be there yet; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// The flags of an environment as its applications read them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlagsReading {
    /// Rises with every change.
    pub revision: u64,
    /// The flags by name.
    pub flags: BTreeMap<String, FlagReading>,
}

/// A flag as an application reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlagReading {
    /// Whether it is on for whom it was asked; for nobody in particular when nobody was named.
    pub on: bool,
    /// For whom it is on.
    pub value: FlagValue,
}
