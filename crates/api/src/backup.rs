//! Backups, and whether everything agrees, over the wire.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::time::Timestamp;

/// The body of `POST /api/backups`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupRequest {
    /// Where to, on the server's machine; the folder that the server was told when absent.
    pub folder: Option<PathBuf>,
}

/// A copy in a backup folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupView {
    /// The backup folder.
    pub folder: PathBuf,
    /// The copy's name in it.
    pub name: String,
    /// What it holds is as of then.
    pub at: Timestamp,
    /// How many files it holds.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes that no earlier copy held.
    pub new_bytes: u64,
}

/// How the server's own backups go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupStatus {
    /// Where to.
    pub folder: PathBuf,
    /// How often, in milliseconds.
    pub every_ms: u64,
    /// The newest whole copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<BackupView>,
    /// How long ago that was: what a loss of the machine would take away now (the recovery point), in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// How long it took, in milliseconds; none when an earlier server took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// Why the last one failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The body of `POST /api/doctor`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DoctorRequest {
    /// Whether to put right what can be.
    #[serde(default)]
    pub repair: bool,
}

/// What was looked at, and what doesn't agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorView {
    /// Whether everything agrees, or was put right.
    pub sound: bool,
    /// What doesn't agree.
    pub complaints: Vec<ComplaintView>,
}

/// Something that doesn't agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComplaintView {
    /// What was looked at: `database`, `releases`, `artifacts`, `instances`, `routes`, `deployments`, `secrets`.
    pub area: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Whether it was put right just now.
    pub repaired: bool,
}
