//! Leases on slots: one deployment writes a slot at a time.
//!
//! They live in memory: one server owns a data folder (it holds its lock), and a server that starts takes up the
//! deployments that held them. Leases between several servers come with many machines.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use shipway_core::id::{DeploymentId, SlotKey};
use tokio::sync::Notify;

#[derive(Default)]
struct Held {
    by_slot: BTreeMap<SlotKey, DeploymentId>,
    /// Who waits, in the order of asking: nobody is overtaken on a slot that both want.
    queue: Vec<(DeploymentId, BTreeSet<SlotKey>)>,
}

/// Who may write which slot.
#[derive(Default)]
pub(crate) struct Leases {
    held: Mutex<Held>,
    changed: Notify,
}

impl Leases {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Every change is one insert or removal: a panic elsewhere leaves the maps whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all of the slots or none; says who has or waits for them before.
    pub(crate) fn try_take(
        &self,
        deployment: &DeploymentId,
        slots: &BTreeSet<SlotKey>,
    ) -> Result<(), Vec<DeploymentId>> {
        let mut held = self.held();
        let holders = slots.iter().filter_map(|slot| held.by_slot.get(slot));
        let ahead = held.queue.iter().take_while(|(waiting, _)| waiting != deployment);
        let ahead = ahead.filter(|(_, wanted)| !wanted.is_disjoint(slots)).map(|(waiting, _)| waiting);
        let before: BTreeSet<_> = holders.chain(ahead).filter(|other| *other != deployment).cloned().collect();
        if before.is_empty() {
            held.queue.retain(|(waiting, _)| waiting != deployment);
            held.by_slot.extend(slots.iter().map(|slot| (slot.clone(), deployment.clone())));
            return Ok(());
        }
        if !held.queue.iter().any(|(waiting, _)| waiting == deployment) {
            held.queue.push((deployment.clone(), slots.clone()));
        }
        Err(before.into_iter().collect())
    }

    /// Takes one slot if nobody has it, for a moment and without waiting. Says whether it was taken.
    pub(crate) fn try_hold(&self, holder: &DeploymentId, slot: &SlotKey) -> bool {
        let mut held = self.held();
        let free = !held.by_slot.contains_key(slot);
        if free {
            held.by_slot.insert(slot.clone(), holder.clone());
        }
        free
    }

    /// Gives everything back, and leaves the queue.
    pub(crate) fn release(&self, deployment: &DeploymentId) {
        let mut held = self.held();
        held.by_slot.retain(|_, holder| holder != deployment);
        held.queue.retain(|(waiting, _)| waiting != deployment);
        drop(held);
        self.changed.notify_waiters();
    }

    /// Ends when any lease was given back after this call was first polled.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Who has the slot.
    pub(crate) fn holder(&self, slot: &SlotKey) -> Option<DeploymentId> {
        self.held().by_slot.get(slot).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(service: &str) -> SlotKey {
        SlotKey { project: "p".into(), environment: "e".into(), service: service.into() }
    }

    fn slots(services: &[&str]) -> BTreeSet<SlotKey> {
        services.iter().map(|service| slot(service)).collect()
    }

    #[test]
    fn disjoint_slots_run_beside_and_the_queue_is_fair() {
        let leases = Leases::default();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(DeploymentId::from);
        assert_eq!(leases.try_take(&a, &slots(&["web", "api"])), Ok(()));
        assert_eq!(leases.try_take(&d, &slots(&["mail"])), Ok(()));
        assert_eq!(leases.try_take(&b, &slots(&["api", "job"])), Err(vec![a.clone()]));
        assert_eq!(leases.try_take(&c, &slots(&["job"])), Err(vec![b.clone()]), "b asked before");
        leases.release(&a);
        assert_eq!(leases.try_take(&c, &slots(&["job"])), Err(vec![b.clone()]));
        assert_eq!(leases.try_take(&b, &slots(&["api", "job"])), Ok(()));
        leases.release(&b);
        assert_eq!(leases.try_take(&c, &slots(&["job"])), Ok(()));
        assert_eq!(leases.holder(&slot("mail")), Some(d));
    }
}
