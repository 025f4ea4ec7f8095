//! Looking at the world: what runs, and what nobody wants.

use std::collections::BTreeSet;

use super::Observed;
use crate::{
    id::{InstanceId, ReleaseId, SlotKey},
    instance::{Instance, InstanceState},
    slot::Slot,
};

impl Observed<'_> {
    /// The running instances of a release in a slot, the oldest first.
    pub(super) fn running(&self, key: &SlotKey, release: &ReleaseId) -> Vec<InstanceId> {
        self.instances_of(key, release).into_iter().filter(|one| self.runs(one)).map(|one| one.id.clone()).collect()
    }

    /// The recorded instances of a release in a slot: first those that run, of these the oldest first.
    fn instances_of(&self, key: &SlotKey, release: &ReleaseId) -> Vec<&Instance> {
        let mut all: Vec<_> = self.instances.iter().filter(|one| one.slot == *key && one.release == *release).collect();
        all.sort_by_key(|one| (!self.runs(one), one.created_at, &one.id));
        all
    }

    /// Whether an instance has yet to take requests.
    pub(super) fn starts(&self, id: &InstanceId) -> bool {
        self.instances.iter().any(|one| one.id == *id && one.state == InstanceState::Starting)
    }

    fn runs(&self, instance: &Instance) -> bool {
        instance.state != InstanceState::Draining && self.alive.contains(&instance.id)
    }
}

/// The recorded instances of a slot beyond what it wants; `newer` ones count as running too.
pub(super) fn unwanted(slot: &Slot, observed: Observed<'_>, newer: &[InstanceId]) -> Vec<(ReleaseId, InstanceId)> {
    let mine = observed.instances.iter().filter(|instance| instance.slot == slot.key);
    let releases: BTreeSet<_> = mine.map(|instance| &instance.release).collect();
    let mut unwanted = Vec::new();
    for release in releases {
        let instances = observed.instances_of(&slot.key, release);
        let is_live = slot.live.as_ref().is_some_and(|live| live.release == *release);
        let started = if is_live { newer.len() } else { 0 };
        let room = (slot.wanted(release) as usize).saturating_sub(started);
        unwanted.extend(instances.into_iter().skip(room).map(|instance| (release.clone(), instance.id.clone())));
    }
    unwanted
}

/// The unwanted instances of the live release: the routes name them until they drain.
pub(super) fn surplus(slot: &Slot, unwanted: Vec<(ReleaseId, InstanceId)>) -> Vec<InstanceId> {
    let is_live = |release: &ReleaseId| slot.live.as_ref().is_some_and(|live| live.release == *release);
    unwanted.into_iter().filter(|(release, _)| is_live(release)).map(|(_, instance)| instance).collect()
}
