//! Puts steps into a graph, and carries the slots from write to write.

use std::collections::{BTreeMap, BTreeSet};

use super::{PlannedStep, SlotWrite, Step};
use crate::{
    id::{DeploymentId, InstanceId, ReleaseId, ServiceName, SlotKey},
    phase::Phase,
    slot::Slot,
    time::Span,
};

/// A graph under construction.
pub(super) struct Builder {
    steps: Vec<PlannedStep>,
    /// What every new step needs, unless it says better.
    barrier: Vec<usize>,
    phase: Phase,
    deployment: DeploymentId,
    slots: BTreeMap<SlotKey, Slot>,
    stopped: BTreeSet<InstanceId>,
}

impl Builder {
    pub(super) fn new(deployment: DeploymentId, slots: &BTreeMap<SlotKey, Slot>) -> Self {
        Self {
            steps: Vec::new(),
            barrier: Vec::new(),
            phase: Phase::Staging,
            deployment,
            slots: slots.clone(),
            stopped: BTreeSet::new(),
        }
    }

    /// From here on nothing begins before everything so far has ended.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.wall();
    }

    /// The same within a phase.
    pub(super) fn wall(&mut self) {
        let mut needed = vec![false; self.steps.len()];
        for need in self.steps.iter().flat_map(|step| &step.needs) {
            needed[*need] = true;
        }
        self.barrier = (0..self.steps.len()).filter(|at| !needed[*at]).collect();
    }

    /// Adds a step that needs the barrier.
    pub(super) fn add(&mut self, service: &ServiceName, step: Step) -> usize {
        self.after(service, &[], step)
    }

    /// Adds a step that needs others, and through them the barrier.
    pub(super) fn after(&mut self, service: &ServiceName, needs: &[usize], step: Step) -> usize {
        let mut needs = if needs.is_empty() { self.barrier.clone() } else { needs.to_vec() };
        needs.sort_unstable();
        needs.dedup();
        self.steps.push(PlannedStep { phase: self.phase, service: Some(service.clone()), needs, step });
        self.steps.len() - 1
    }

    /// The slot as the steps so far leave it.
    pub(super) fn slot(&self, key: &SlotKey) -> Slot {
        self.slots.get(key).cloned().unwrap_or_else(|| Slot::empty(key.clone()))
    }

    /// Adds one transaction for many slots; nothing later begins before it.
    pub(super) fn commit(&mut self, changes: Vec<(Slot, Option<Span>)>, draining: Vec<InstanceId>) {
        if changes.is_empty() {
            return;
        }
        let writes = changes.into_iter().map(|(slot, warm_for)| self.write(slot, warm_for)).collect();
        self.wall();
        let step = Step::Commit { writes, draining };
        self.steps.push(PlannedStep { phase: self.phase, service: None, needs: self.barrier.clone(), step });
        self.wall();
    }

    fn write(&mut self, slot: Slot, warm_for: Option<Span>) -> SlotWrite {
        let revision = self.slot(&slot.key).revision + 1;
        let slot = Slot { revision, written_by: Some(self.deployment.clone()), ..slot };
        self.slots.insert(slot.key.clone(), slot.clone());
        SlotWrite { slot, warm_for }
    }

    /// Drains and stops an instance, unless an earlier step does.
    pub(super) fn stop(&mut self, service: &ServiceName, release: &ReleaseId, instance: &InstanceId) {
        if self.stopped.insert(instance.clone()) {
            let drain = Step::Drain { release: release.clone(), instance: instance.clone() };
            let drained = self.add(service, drain);
            self.after(service, &[drained], Step::Stop { release: release.clone(), instance: instance.clone() });
        }
    }

    /// Adds a step for all services.
    pub(super) fn add_for_all(&mut self, step: Step) {
        self.steps.push(PlannedStep { phase: self.phase, service: None, needs: self.barrier.clone(), step });
    }

    pub(super) fn finish(self) -> Vec<PlannedStep> {
        self.steps
    }
}
