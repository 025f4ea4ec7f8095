//! Instances: running copies of a release. Not here: processes (`targets`).

use std::{collections::BTreeMap, net::SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{DeploymentId, InstanceId, ReleaseId, SlotKey},
    secret::SecretPins,
    time::Timestamp,
};

/// One running copy of a release, as it is recorded. The record stands before the process does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Which one.
    pub id: InstanceId,
    /// Where it belongs.
    pub slot: SlotKey,
    /// What it runs.
    pub release: ReleaseId,
    /// How far it is.
    pub state: InstanceState,
    /// Where it listens, once it was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// The deployment that started it; none when the reconciler did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
    /// The release that its process was started with, where it has passed to another one by a reload since: its
    /// environment, its folder and the addresses of its links are still of that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launched: Option<ReleaseId>,
    /// The release whose configuration it may have been told to read, while it is not yet of it: a reload is under way,
    /// or was left half way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reloading: Option<ReleaseId>,
    /// Secrets that it was given in other versions than its release names, by the key in `secrets`: those were revoked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub substituted: SecretPins,
    /// When it was recorded.
    pub created_at: Timestamp,
}

impl Instance {
    /// The release that its process was started with.
    pub fn launched_as(&self) -> &ReleaseId {
        self.launched.as_ref().unwrap_or(&self.release)
    }

    /// The same instance once it is of a release whose configuration it has read.
    #[must_use]
    pub fn passed_to(self, release: &ReleaseId) -> Self {
        let launched = Some(self.launched_as().clone()).filter(|launched| launched != release);
        Self { launched, release: release.clone(), reloading: None, ..self }
    }
}

/// How far an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum InstanceState {
    /// It is recorded, and was perhaps started.
    Starting,
    /// It passed its start-up probe and takes requests.
    Ready,
    /// It runs, and its readiness probe fails.
    Unready,
    /// It takes no new requests and will be stopped.
    Draining,
}

/// The id of an instance: readable, and never used twice. `revision` is the slot's revision when the instance was
/// planned, `number` counts from 1 within that.
pub fn instance_id(slot: &SlotKey, release: &ReleaseId, revision: u64, number: u32) -> InstanceId {
    let release = &release.short()[..6.min(release.short().len())];
    InstanceId::new(format!("{}-{}-{release}-{revision}-{number}", slot.environment, slot.service))
}
