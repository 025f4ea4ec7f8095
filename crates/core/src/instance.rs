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
    /// Secrets that it was given in other versions than its release names, by the key in `secrets`: those were revoked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub substituted: SecretPins,
    /// When it was recorded.
    pub created_at: Timestamp,
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
