//! Releases: everything that can be taken back. Not here: who made one, and when it ran (`deployment`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    artifact::GitCommit,
    config::template::with_release,
    id::{ArtifactDigest, DeploymentId, ReleaseId, SlotKey},
    secret::SecretPins,
    spec::{ServeSpec, Settings},
    time::Timestamp,
};

/// A release: immutable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The hash of the fields that can be taken back.
    pub id: ReleaseId,
    /// The slot that it was made for.
    pub slot: SlotKey,
    /// The version that people call it by.
    pub version: String,
    /// What runs.
    pub artifact: ArtifactDigest,
    /// How it runs: the resolved configuration.
    pub serve: ServeSpec,
    /// The versions of secrets that it names, by the key in `serve.secrets`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: SecretPins,
    /// The commit of its source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitCommit>,
    /// The deployment that first made it.
    pub made_by: DeploymentId,
    /// When it was first made.
    pub made_at: Timestamp,
}

/// The id of a release: the hash of slot, version, artifact and resolved configuration. Ports, addresses and the
/// release's own id stay symbolic in the configuration, so the same input gives the same id. Secrets count by the versions
/// that are named; without any, nothing of them is hashed.
///
/// The instance count is left out: scaling is not another release.
pub fn release_id(
    slot: &SlotKey,
    version: &str,
    artifact: &ArtifactDigest,
    serve: &ServeSpec,
    secrets: &SecretPins,
) -> ReleaseId {
    let serve = ServeSpec { instances: 0, ..serve.clone() };
    let text = match secrets.is_empty() {
        true => serde_json::json!(["shipway release 1", slot, version, artifact, serve]),
        false => serde_json::json!(["shipway release 1", slot, version, artifact, serve, { "secrets": secrets }]),
    };
    ReleaseId::new(blake3::hash(text.to_string().as_bytes()).to_hex()[..32].to_owned())
}

/// Names that instances are given besides their own variables.
pub mod variable {
    /// The port that the instance listens on, at 127.0.0.1.
    pub const PORT: &str = "PORT";
    /// The project.
    pub const PROJECT: &str = "SHIPWAY_PROJECT";
    /// The environment.
    pub const ENVIRONMENT: &str = "SHIPWAY_ENVIRONMENT";
    /// The service.
    pub const SERVICE: &str = "SHIPWAY_SERVICE";
    /// The release's id.
    pub const RELEASE: &str = "SHIPWAY_RELEASE";
    /// The service's settings, as JSON.
    pub const SETTINGS: &str = "SHIPWAY_SETTINGS";
    /// The release's version.
    pub const VERSION: &str = "SHIPWAY_VERSION";
    /// The instance's id; also how strays of an instance are found.
    pub const INSTANCE: &str = "SHIPWAY_INSTANCE";
    /// Where the application reads the environment's feature flags.
    pub const FLAGS: &str = "SHIPWAY_FLAGS_URL";
    /// The file that holds the configuration of a service that asks for `reload`.
    pub const CONFIG_FILE: &str = "SHIPWAY_CONFIG_FILE";
    /// The folder that holds the secrets that are given as files.
    pub const SECRETS: &str = "SHIPWAY_SECRETS_DIR";
    /// The folder that holds the service's data folders.
    pub const DATA: &str = "SHIPWAY_DATA_DIR";
    /// The beginning of the names of dependencies' addresses: `SHIPWAY_URL_CATALOG`.
    pub const URL_PREFIX: &str = "SHIPWAY_URL_";
}

impl Release {
    /// The variables of an instance that do not depend on where it runs.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let fixed = [
            (variable::PROJECT, self.slot.project.as_str()),
            (variable::ENVIRONMENT, self.slot.environment.as_str()),
            (variable::SERVICE, self.slot.service.as_str()),
            (variable::RELEASE, self.id.as_str()),
            (variable::VERSION, &self.version),
        ];
        let (mut variables, settings) = self.told();
        if !settings.is_empty() {
            variables.insert(variable::SETTINGS.into(), Value::Object(settings).to_string());
        }
        variables.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
        variables
    }
}

impl Release {
    /// What an instance finds in the file of `SHIPWAY_CONFIG_FILE`: the release, and what the service itself says in
    /// variables and settings. No secrets, and nothing that depends on where it runs.
    pub fn configuration(&self) -> Value {
        let (variables, settings) = self.told();
        serde_json::json!({
            "release": self.id,
            "version": self.version,
            "variables": variables,
            "settings": settings,
        })
    }

    /// The service's own variables and settings, with the release's id where `{release}` stood.
    fn told(&self) -> (BTreeMap<String, String>, Settings) {
        let (mut variables, mut settings) = (self.serve.variables.clone(), Value::Object(self.serve.settings.clone()));
        for pointer in &self.serve.symbolic {
            let name = pointer.strip_prefix("/variables/").map(|name| name.replace("~1", "/").replace("~0", "~"));
            if let Some(variable) = name.and_then(|name| variables.get_mut(&name)) {
                *variable = with_release(variable, self.id.as_str());
            }
            let setting = pointer.strip_prefix("/settings").and_then(|below| settings.pointer_mut(below));
            if let Some(Value::String(text)) = setting {
                *text = with_release(text, self.id.as_str());
            }
        }
        let settings = if let Value::Object(settings) = settings { settings } else { Settings::new() };
        (variables, settings)
    }
}

/// The name of the variable that holds a dependency's address.
pub fn url_variable(service: &str) -> String {
    format!("{}{}", variable::URL_PREFIX, service.to_ascii_uppercase().replace('-', "_"))
}
