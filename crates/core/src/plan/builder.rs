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
    /// Whether a later step needs it, for each step.
    needed: Vec<bool>,
    /// The steps that no later one needed at the last wall, and all since.
    open: Vec<usize>,
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
            needed: Vec::new(),
            open: Vec::new(),
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
        let needed = &self.needed;
        self.open.retain(|at| !needed[*at]);
        self.barrier.clone_from(&self.open);
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
        self.push(Some(service.clone()), needs, step)
    }

    /// Adds a step for all services; it needs the barrier.
    pub(super) fn add_for_all(&mut self, step: Step) {
        self.push(None, self.barrier.clone(), step);
    }

    fn push(&mut self, service: Option<ServiceName>, needs: Vec<usize>, step: Step) -> usize {
        for need in &needs {
            self.needed[*need] = true;
        }
        let at = self.steps.len();
        self.steps.push(PlannedStep { phase: self.phase, service, needs, step });
        self.needed.push(false);
        self.open.push(at);
        at
    }

    /// The slot as the steps so far leave it.
    pub(super) fn slot(&self, key: &SlotKey) -> Slot {
        self.slots.get(key).cloned().unwrap_or_else(|| Slot::empty(key.clone()))
    }

    /// Adds one transaction for many slots; nothing later begins before it.
    pub(super) fn commit(&mut self, changes: Vec<(Slot, Option<Span>)>, draining: Vec<InstanceId>) {
        self.commit_reloaded(changes, draining, Vec::new());
    }

    /// The same, with instances that pass to the release that their slot has live from then on.
    pub(super) fn commit_reloaded(
        &mut self,
        changes: Vec<(Slot, Option<Span>)>,
        draining: Vec<InstanceId>,
        reloaded: Vec<InstanceId>,
    ) {
        if changes.is_empty() {
            return;
        }
        let writes = changes.into_iter().map(|(slot, warm_for)| self.write(slot, warm_for)).collect();
        self.wall();
        self.add_for_all(Step::Commit { writes, draining, reloaded });
        self.wall();
    }

    fn write(&mut self, slot: Slot, warm_for: Option<Span>) -> SlotWrite {
        let revision = self.slots.get(&slot.key).map_or(0, |before| before.revision) + 1;
        let slot = Slot { revision, written_by: Some(self.deployment.clone()), ..slot };
        self.slots.insert(slot.key.clone(), slot.clone());
        SlotWrite { slot, warm_for }
    }

    /// Drains and stops an instance, unless an earlier step does. Gives the step that stops it.
    pub(super) fn stop(&mut self, service: &ServiceName, release: &ReleaseId, instance: &InstanceId) -> Option<usize> {
        self.stop_after(service, &[], release, instance).map(|(_, stopped)| stopped)
    }

    /// The same after other steps. Gives the step that drains, and the one that stops.
    pub(super) fn stop_after(
        &mut self,
        service: &ServiceName,
        needs: &[usize],
        release: &ReleaseId,
        instance: &InstanceId,
    ) -> Option<(usize, usize)> {
        if !self.stopped.insert(instance.clone()) {
            return None;
        }
        let drain = Step::Drain { release: release.clone(), instance: instance.clone() };
        let drained = self.after(service, needs, drain);
        let stop = Step::Stop { release: release.clone(), instance: instance.clone() };
        Some((drained, self.after(service, &[drained], stop)))
    }

    /// Whether a step so far stops an instance.
    pub(super) fn stops(&self, instance: &InstanceId) -> bool {
        self.stopped.contains(instance)
    }

    pub(super) fn finish(self) -> Vec<PlannedStep> {
        self.steps
    }
}
