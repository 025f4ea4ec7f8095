//! Secrets on the wire. A value goes to the server, and never comes back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    id::{EnvironmentName, ReleaseId, ServiceName},
    ports::MasterKeys,
    secret::{Revocation, SecretText, in_clear},
    time::Timestamp,
};

/// The body of `PUT /api/projects/{id}/secrets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretWrite {
    /// What it is called.
    pub name: String,
    /// The environment; all of the project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The service; all of the environment when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The value.
    #[serde(serialize_with = "in_clear")]
    pub value: SecretText,
    /// Whether the secret must be there already.
    #[serde(default)]
    pub rotate: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The body of `POST /api/projects/{id}/secrets/revoke`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRevocation {
    /// What it is called.
    pub name: String,
    /// The environment; all of the project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The service; all of the environment when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// Which version.
    pub version: u32,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The body of `POST /api/projects/{id}/secrets/delete`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRemoval {
    /// What it is called.
    pub name: String,
    /// The environment; all of the project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The service; all of the environment when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// Also when a release that serves names it.
    #[serde(default)]
    pub force: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A secret, without its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretView {
    /// Whose, and its name: `shop/production:DATABASE_URL`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The environment; all of the project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The service; all of the environment when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// Its versions, oldest first.
    pub versions: Vec<SecretVersionView>,
    /// The version that a deployment would be given; none when all are revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<u32>,
    /// Who names which version.
    pub used_by: Vec<SecretUserView>,
}

/// A version of a secret, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretVersionView {
    /// Its number, from 1.
    pub number: u32,
    /// Who set it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who revoked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// The same for equal values of the project, and nothing can be made of it without the master key; none when the
    /// value can't be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// A release in a slot that names a version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretUserView {
    /// The environment.
    pub environment: EnvironmentName,
    /// The service.
    pub service: ServiceName,
    /// The release.
    pub release: ReleaseId,
    /// The version that it names.
    pub version: u32,
    /// Whether the release is live; else it comes, or stands by.
    pub live: bool,
}

/// The master keys that the server has, and what they don't open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MasterKeyView {
    /// Where they come from, and what they are known by.
    #[serde(flatten)]
    pub keys: MasterKeys,
    /// Secrets that can't be opened.
    pub troubles: Vec<SecretTroubleView>,
}

/// A secret that can't be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretTroubleView {
    /// Whose, and its name.
    pub secret: String,
    /// Why.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The body of `POST /api/master-key/rekey`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RekeyRequest {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What came of sealing everything by another master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RekeyView {
    /// The master key that seals now.
    pub master_key: String,
    /// Where it comes from.
    pub source: String,
    /// Whether Shipway made it.
    pub made: bool,
    /// Secrets that were sealed again.
    pub secrets: usize,
    /// Master keys that nothing in the store is sealed by any more; older backups are.
    pub old: Vec<String>,
}
