//! The world as a plan needs it: read once, then looked at by pure functions.

use std::collections::{BTreeMap, BTreeSet};

use shipway_core::{
    id::{InstanceId, ReleaseId, SlotKey},
    instance::Instance,
    plan::Observed,
    ports::{Fault, Life},
    release::Release,
    slot::Slot,
};

use crate::Engine;

/// Slots of one environment with everything around them.
pub(crate) struct Seen {
    pub(crate) slots: BTreeMap<SlotKey, Slot>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) alive: BTreeSet<InstanceId>,
    pub(crate) releases: BTreeMap<ReleaseId, Release>,
}

impl Seen {
    pub(crate) fn observed(&self) -> Observed<'_> {
        Observed { slots: &self.slots, instances: &self.instances, alive: &self.alive, releases: &self.releases }
    }

    /// Adds a release that no slot names yet.
    pub(crate) fn know(&mut self, release: Release) {
        self.releases.insert(release.id.clone(), release);
    }
}

/// Looks at all slots below a scope (`project/environment`).
pub(crate) async fn look(engine: &Engine, scope: &str) -> Result<Seen, Fault> {
    let slots: Vec<Slot> = engine.ports.store.below(scope).await?;
    let instances: Vec<Instance> = engine.ports.store.below(scope).await?;
    let mut alive = BTreeSet::new();
    for instance in &instances {
        if let Life::Running { .. } = engine.ports.driver.observe(&instance.id).await? {
            alive.insert(instance.id.clone());
        }
    }
    let mut releases = BTreeMap::new();
    let named = slots.iter().flat_map(Slot::releases).chain(instances.iter().map(|instance| &instance.release));
    for id in named.collect::<BTreeSet<_>>() {
        releases.insert(id.clone(), (*engine.release(id).await?).clone());
    }
    Ok(Seen { slots: slots.into_iter().map(|slot| (slot.key.clone(), slot)).collect(), instances, alive, releases })
}
