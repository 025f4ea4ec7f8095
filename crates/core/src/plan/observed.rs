//! Looking at the world: what runs, and what nobody wants.

use std::collections::{BTreeMap, BTreeSet};

use super::Observed;
use crate::{
    id::{InstanceId, ReleaseId, SlotKey},
    instance::{Instance, InstanceState},
    release::Release,
    slot::Slot,
};

/// The world with its instances by slot. They are looked up for every slot, so they are sorted once.
pub(super) struct View<'a> {
    pub(super) slots: &'a BTreeMap<SlotKey, Slot>,
    pub(super) releases: &'a BTreeMap<ReleaseId, Release>,
    alive: &'a BTreeSet<InstanceId>,
    instances: BTreeMap<&'a SlotKey, Vec<&'a Instance>>,
}

impl<'a> View<'a> {
    pub(super) fn of(observed: Observed<'a>) -> Self {
        let mut instances: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for instance in observed.instances {
            instances.entry(&instance.slot).or_default().push(instance);
        }
        let Observed { slots, alive, releases, .. } = observed;
        Self { slots, releases, alive, instances }
    }

    /// The slot as it is.
    pub(super) fn slot(&self, key: &SlotKey) -> Slot {
        self.slots.get(key).cloned().unwrap_or_else(|| Slot::empty(key.clone()))
    }

    /// The recorded instances of a slot.
    pub(super) fn instances(&self, key: &SlotKey) -> &[&'a Instance] {
        self.instances.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The running instances of a release in a slot, the oldest first.
    pub(super) fn running_by_age(&self, key: &SlotKey, release: &ReleaseId) -> Vec<InstanceId> {
        let mine = self.instances(key).iter().filter(|one| one.release == *release && self.runs(one));
        let mut mine: Vec<_> = mine.map(|one| (one.created_at, &one.id)).collect();
        mine.sort_unstable();
        mine.into_iter().map(|(_, id)| id.clone()).collect()
    }

    /// The running instances of a release in a slot: first those that take requests, of these the oldest first.
    pub(super) fn running(&self, key: &SlotKey, release: &ReleaseId) -> Vec<InstanceId> {
        self.instances_of(key, release).into_iter().filter(|one| self.runs(one)).map(|one| one.id.clone()).collect()
    }

    /// The running instances of a release in a slot that may have read the configuration of another.
    pub(super) fn misled(&self, key: &SlotKey, release: &ReleaseId) -> Vec<InstanceId> {
        let misled =
            self.instances_of(key, release).into_iter().filter(|one| one.reloading.is_some() && self.runs(one));
        misled.map(|one| one.id.clone()).collect()
    }

    /// The recorded instances of a release in a slot: first those that take requests, then those that run, the oldest
    /// first.
    fn instances_of(&self, key: &SlotKey, release: &ReleaseId) -> Vec<&'a Instance> {
        let mut all: Vec<_> = self.instances(key).iter().filter(|one| one.release == *release).copied().collect();
        let serves = |one: &Instance| one.state == InstanceState::Ready;
        all.sort_by_key(|one| (!self.runs(one), !serves(one), one.created_at, &one.id));
        all
    }

    /// Whether an instance of a slot has yet to take requests.
    pub(super) fn starts(&self, key: &SlotKey, id: &InstanceId) -> bool {
        self.instances(key).iter().any(|one| one.id == *id && one.state == InstanceState::Starting)
    }

    fn runs(&self, instance: &Instance) -> bool {
        instance.state != InstanceState::Draining && self.alive.contains(&instance.id)
    }
}

/// The recorded instances of a slot beyond what it wants; `newer` ones count as running too.
pub(super) fn unwanted(slot: &Slot, view: &View<'_>, newer: &[InstanceId]) -> Vec<(ReleaseId, InstanceId)> {
    let releases: BTreeSet<_> = view.instances(&slot.key).iter().map(|instance| &instance.release).collect();
    let mut unwanted = Vec::new();
    for release in releases {
        let instances = view.instances_of(&slot.key, release);
        let is_live = slot.live.as_ref().is_some_and(|live| live.release == *release);
        let started = if is_live { newer.len() } else { 0 };
        let room = (slot.wanted(release) as usize).saturating_sub(started);
        unwanted.extend(instances.into_iter().skip(room).map(|instance| (release.clone(), instance.id.clone())));
    }
    unwanted
}

/// The unwanted instances of what is live or coming: the routes name them until they drain.
pub(super) fn surplus(slot: &Slot, unwanted: Vec<(ReleaseId, InstanceId)>) -> Vec<InstanceId> {
    unwanted.into_iter().filter(|(release, _)| slot.names_as_serving(release)).map(|(_, instance)| instance).collect()
}
