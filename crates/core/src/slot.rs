//! Slots: the state of an environment, and the only thing that deployments change. Not here: who may write when
//! (`lease`), what follows for traffic (`route`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{DeploymentId, ReleaseId, SlotKey},
    strategy::Recreate,
    time::Timestamp,
};

/// One service in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// Which one.
    pub key: SlotKey,
    /// Raised by every write; a write names the revision that it read. 0 is a slot that was never written.
    pub revision: u64,
    /// What users meet.
    pub live: Option<Serving>,
    /// What is coming, while a deployment runs.
    pub candidate: Option<Candidate>,
    /// What stands by for an immediate way back, newest first.
    pub warm: Vec<Warm>,
    /// Whether the proxy holds requests instead of passing them on.
    pub hold: Option<Recreate>,
    /// The deployment that wrote last; none after a repair.
    pub written_by: Option<DeploymentId>,
    /// The release that the newest swap took from users. Requests that it had begun call what stood beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<ReleaseId>,
}

/// A release with a count of instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Serving {
    /// The release.
    pub release: ReleaseId,
    /// How many instances should run; 0 for a static site.
    pub instances: u32,
}

/// A release on its way to being live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The release.
    pub release: ReleaseId,
    /// How many instances should run by now.
    pub instances: u32,
    /// How much of the traffic it takes by now.
    pub share: Share,
    /// The deployment that brings it; its releases form a lane.
    pub deployment: DeploymentId,
}

/// How much of the traffic a candidate takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Share {
    /// None: only its own lane reaches it.
    Lane,
    /// That many of a hundred clients.
    Percent(u8),
    /// As many requests as its instances are of all.
    ByInstances,
}

/// A release that stands by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Warm {
    /// The release.
    pub release: ReleaseId,
    /// How many instances stand by.
    pub instances: u32,
    /// When the reconciler may stop them.
    pub until: Timestamp,
}

impl Slot {
    /// A slot that was never written.
    pub fn empty(key: SlotKey) -> Self {
        let warm = Vec::new();
        Self { key, revision: 0, live: None, candidate: None, warm, hold: None, written_by: None, replaced: None }
    }

    /// How many instances of a release should run, whatever their part.
    pub fn wanted(&self, release: &ReleaseId) -> u32 {
        let live = self.live.iter().filter(|live| live.release == *release).map(|live| live.instances);
        let candidate = self.candidate.iter().filter(|c| c.release == *release).map(|c| c.instances);
        let warm = self.warm.iter().filter(|warm| warm.release == *release).map(|warm| warm.instances);
        live.chain(candidate).chain(warm).max().unwrap_or(0)
    }

    /// Whether a release is live, or coming.
    pub fn names_as_serving(&self, release: &ReleaseId) -> bool {
        let is_live = self.live.as_ref().is_some_and(|live| live.release == *release);
        is_live || self.candidate.as_ref().is_some_and(|candidate| candidate.release == *release)
    }

    /// Every release that the slot names.
    pub fn releases(&self) -> Vec<&ReleaseId> {
        let live = self.live.iter().map(|live| &live.release);
        let candidate = self.candidate.iter().map(|candidate| &candidate.release);
        let mut all: Vec<_> = live.chain(candidate).chain(self.warm.iter().map(|warm| &warm.release)).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Whether nothing runs and nothing stands by.
    pub fn is_empty(&self) -> bool {
        self.live.is_none() && self.candidate.is_none() && self.warm.is_empty()
    }
}
