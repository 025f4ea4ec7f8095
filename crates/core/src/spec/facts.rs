//! What an environment is besides its services, and the rules that a project sets for its own values.
//!
//! Not here: what a rule finds (`config::rules`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::EnvironmentType;
use crate::id::{EnvironmentName, ServiceName};

/// The only target that there is: the server's own machine.
pub const LOCAL_TARGET: &str = "local";

/// A free tree of values.
pub type Settings = Map<String, Value>;

/// What is said of an environment as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvironmentFacts {
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whose machines it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The target that it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Settings of its network.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub network: Settings,
    /// What holds there as policy.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub policies: Settings,
    /// Where to look at it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub monitoring: Vec<MonitoringSpec>,
}

/// A place to look at an environment from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MonitoringSpec {
    /// What it is called.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// A rule for a value of the configuration. Every value that breaks one is told before anything moves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The value, as a path in the service: `variables.API_URL`, `settings.scaling.max`, `limits.memory_mb`.
    pub key: String,
    /// Whether it must be there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// What it must be. A text that reads as a number counts as one, because variables are texts.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ValueType>,
    /// The least that it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The most that it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// A regular expression that is found in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// All that it may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Value>,
    /// The environments where the rule holds; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<EnvironmentName>,
    /// The types of environments where it holds; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment_types: Vec<EnvironmentType>,
    /// The services for which it holds; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceName>,
    /// Whether all services that have the value must have the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_across: bool,
    /// Why there is the rule: it is told with every violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A list.
    List,
    /// A table.
    Table,
}

impl ValueType {
    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Table => "a table",
        }
    }

    /// Whether some values of this type may be of the other, too: a variable is a text, whatever it reads as.
    pub fn is_within(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Integer, Self::Number) | (Self::Number | Self::Integer | Self::Boolean, Self::Text)
        )
    }
}
