//! What has to change: one move for each slot that is not as it should be, dependencies first.

use std::collections::BTreeMap;

use super::{Goal, Observed, PlanFault, Policy, order::dependencies_first};
use crate::{
    id::{InstanceId, ReleaseId, ServiceName, SlotKey},
    instance::instance_id,
    release::Release,
    slot::{Serving, Slot},
    spec::ServiceKind,
    strategy::StrategyKind,
    time::Span,
};

/// The transition of one slot.
pub(super) struct Move<'a> {
    pub(super) key: SlotKey,
    pub(super) from: Option<Serving>,
    pub(super) to: Option<Serving>,
    pub(super) new: Option<&'a Release>,
    /// Running instances of the new release that are used again.
    pub(super) kept: Vec<InstanceId>,
    /// Instances of the new release that must be started.
    pub(super) fresh: Vec<InstanceId>,
    /// Running instances of the old release.
    pub(super) old: Vec<InstanceId>,
    /// Every recorded instance of the slot that is not used again, whatever its release.
    pub(super) others: Vec<(ReleaseId, InstanceId)>,
    pub(super) warm_for: Span,
}

impl Move<'_> {
    pub(super) fn service(&self) -> &ServiceName {
        &self.key.service
    }

    /// Whether another release comes.
    pub(super) fn changes_release(&self) -> bool {
        self.to.is_some() && self.from.as_ref().map(|s| &s.release) != self.to.as_ref().map(|s| &s.release)
    }

    /// Whether it goes batch by batch where that is the strategy: another release of a process takes over.
    pub(super) fn rolls(&self) -> bool {
        let process = self.new.is_some_and(|release| release.serve.kind == ServiceKind::Process);
        process && self.changes_release() && self.from.is_some()
    }

    /// Whether old and new may not run at a time, and there is an old one.
    pub(super) fn has_gap(&self, strategy: StrategyKind) -> bool {
        let process = self.new.is_some_and(|release| release.serve.kind == ServiceKind::Process);
        let exclusive = strategy == StrategyKind::Recreate || self.new.is_some_and(is_exclusive);
        process && exclusive && self.changes_release() && (self.from.is_some() || !self.others.is_empty())
    }
}

/// Whether a release says of itself that it may not run beside another.
pub(super) fn is_exclusive(release: &Release) -> bool {
    release.serve.kind == ServiceKind::Process && release.serve.strategy.kind() == StrategyKind::Recreate
}

pub(super) fn moves<'a>(observed: Observed<'a>, goal: &Goal, policy: &Policy) -> Result<Vec<Move<'a>>, PlanFault> {
    let mut by_service = BTreeMap::new();
    for (key, to) in goal {
        let slot = observed.slots.get(key).cloned().unwrap_or_else(|| Slot::empty(key.clone()));
        // What a deployment left half-done when it got stuck is undone by the next one.
        let is_half_done = slot.candidate.is_some() || slot.hold.is_some();
        if slot.live != *to || is_half_done {
            by_service.insert(key.service.clone(), one_move(observed, &slot, to.clone(), policy)?);
        }
    }
    let depends_on = by_service
        .iter()
        .map(|(name, m)| (name.clone(), m.new.map(|r| r.serve.depends_on.clone()).unwrap_or_default()))
        .collect();
    let order = dependencies_first(&depends_on).map_err(PlanFault::Cycle)?;
    Ok(order.iter().filter_map(|name| by_service.remove(name)).collect())
}

fn one_move<'a>(
    observed: Observed<'a>,
    slot: &Slot,
    to: Option<Serving>,
    policy: &Policy,
) -> Result<Move<'a>, PlanFault> {
    let known = |id: &ReleaseId| observed.releases.get(id).ok_or_else(|| PlanFault::UnknownRelease(id.clone()));
    let new = to.as_ref().map(|serving| known(&serving.release)).transpose()?;
    let running = to.as_ref().map(|serving| observed.running(&slot.key, &serving.release)).unwrap_or_default();
    let wanted = to.as_ref().map_or(0, |serving| serving.instances as usize);
    let kept: Vec<_> = running.into_iter().take(wanted).collect();
    let fresh = fresh_ids(slot, to.as_ref(), kept.len());
    let old = slot.live.as_ref().map(|live| observed.running(&slot.key, &live.release)).unwrap_or_default();
    let mine = observed.instances.iter().filter(|one| one.slot == slot.key && !kept.contains(&one.id));
    let others = mine.map(|one| (one.release.clone(), one.id.clone())).collect();
    let warm_for = match policy.strategy.kind() {
        StrategyKind::BlueGreen | StrategyKind::Canary => new.map_or(Span::default(), |r| r.serve.warm_for),
        StrategyKind::Rolling | StrategyKind::Recreate => Span::default(),
    };
    Ok(Move { key: slot.key.clone(), from: slot.live.clone(), to, new, kept, fresh, old, others, warm_for })
}

/// Ids for the instances that are missing.
pub(super) fn fresh_ids(slot: &Slot, to: Option<&Serving>, running: usize) -> Vec<InstanceId> {
    let Some(to) = to else { return Vec::new() };
    let missing = to.instances.saturating_sub(u32::try_from(running).unwrap_or(u32::MAX));
    (1..=missing).map(|number| instance_id(&slot.key, &to.release, slot.revision + 1, number)).collect()
}
