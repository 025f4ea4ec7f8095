//! Places outside Shipway that values of the configuration come from.
//!
//! Not here: asking them (the engine), what an answer must be (`config::remote`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    command_line::CommandLine,
    id::{EnvironmentName, ServiceName},
    time::Span,
};

/// The longest that a remote may be given to answer.
pub const REMOTE_TIMEOUT_MAX: Span = Span::seconds(60);

/// Values that are kept elsewhere: exactly one of `http`, `file` and `command`. They are asked for when a release is
/// made, which pins them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteSpec {
    /// An address of http or https that answers with JSON. `{project}` and `{environment}` stand for their names,
    /// `{NAME}` for a secret of the environment or the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// Headers of the request, with the same names in braces.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A file of JSON on the server's machine, by its whole path. `{project}` and `{environment}` stand for their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A command that prints JSON and nothing else. It finds `SHIPWAY_PROJECT` and `SHIPWAY_ENVIRONMENT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandLine>,
    /// The user whom the command runs as; `@server` is the server's own. Needed where the server is root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
    /// How long the answer may take, up to a minute.
    #[serde(default = "default_timeout", skip_serializing_if = "is_default_timeout")]
    pub timeout: Span,
    /// Where in the answer the values are: `data.shop`. The answer itself when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Where the values go: `settings`, a path in them such as `settings.limits`, or `variables`.
    #[serde(default = "default_into", skip_serializing_if = "is_default_into")]
    pub into: String,
    /// The keys that are taken, each of which must be there; all that come when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// The services that get them; all when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceName>,
    /// The environments that get them; all when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<EnvironmentName>,
    /// What holds when it can't be read.
    #[serde(default, skip_serializing_if = "IfUnavailable::is_fail")]
    pub if_unavailable: IfUnavailable,
}

/// What becomes of a deployment when a remote can't be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IfUnavailable {
    /// It fails before anything moves.
    #[default]
    Fail,
    /// It takes what was read last, with a warning; it fails when nothing was ever read.
    LastGood,
    /// It goes on without, with a warning: the layers below hold.
    Skip,
}

impl IfUnavailable {
    /// Whether nothing else is declared.
    fn is_fail(&self) -> bool {
        *self == Self::Fail
    }
}

fn default_timeout() -> Span {
    Span::seconds(5)
}

fn is_default_timeout(span: &Span) -> bool {
    *span == default_timeout()
}

fn default_into() -> String {
    "settings".into()
}

fn is_default_into(into: &str) -> bool {
    into == "settings"
}

impl RemoteSpec {
    /// Whether its values are for an environment.
    pub fn is_for(&self, environment: &EnvironmentName) -> bool {
        self.environments.is_empty() || self.environments.contains(environment)
    }

    /// Where the values come from, as the spec writes it.
    pub fn place(&self) -> String {
        let command = self.command.as_ref().map(|command| format!("`{command}`"));
        self.http.clone().or_else(|| self.file.clone()).or(command).unwrap_or_default()
    }
}
