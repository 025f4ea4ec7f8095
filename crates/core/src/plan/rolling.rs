//! Rolling: batch by batch, within `max_surge` and `max_unavailable`.

use std::collections::VecDeque;

use super::{
    Policy,
    builder::Builder,
    moves::Move,
    proving::{candidate, prove},
};
use crate::{
    id::InstanceId,
    slot::{Serving, Share, Slot},
    strategy::{Recreate, Rolling},
};

/// Takes every member through its batches, a dependency before its dependents.
pub(super) fn roll(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy, settings: &Rolling) {
    for one in moves.iter().filter(|one| one.rolls() && !one.has_gap(policy.strategy.kind())) {
        Roll::new(one, settings).run(builder, policy);
    }
}

struct Roll<'a> {
    one: &'a Move<'a>,
    settings: &'a Rolling,
    /// How many instances change at a time, 1 at least.
    batch: usize,
    wanted: usize,
    /// Instances of the new release that take requests.
    new: usize,
    to_start: VecDeque<InstanceId>,
    to_stop: VecDeque<InstanceId>,
}

impl<'a> Roll<'a> {
    fn new(one: &'a Move<'a>, settings: &'a Rolling) -> Self {
        let wanted = one.to.as_ref().map_or(0, |to| to.instances as usize);
        Self {
            one,
            settings,
            batch: settings.batch.max(1) as usize,
            wanted,
            new: 0,
            to_start: one.kept.iter().chain(&one.fresh).cloned().collect(),
            to_stop: one.old.iter().cloned().collect(),
        }
    }

    fn run(mut self, builder: &mut Builder, policy: &Policy) {
        while !self.to_start.is_empty() || !self.to_stop.is_empty() {
            let started = self.start_batch(builder, policy);
            let mut leaving: Vec<_> = self.stoppable().collect();
            if started == 0 && leaving.is_empty() {
                // Settings that allow no move at all are refused by the spec's rules; one fewer is better than no end.
                leaving = self.to_stop.drain(..1.min(self.to_stop.len())).collect();
            }
            self.take_over(builder, policy, leaving);
        }
    }

    fn ceiling(&self) -> usize {
        self.wanted + self.settings.max_surge as usize
    }

    fn start_batch(&mut self, builder: &mut Builder, policy: &Policy) -> usize {
        let room = self.ceiling().saturating_sub(self.new + self.to_stop.len());
        let count = room.min(self.batch).min(self.to_start.len());
        let batch: Vec<_> = self.to_start.drain(..count).collect();
        let (kept, fresh): (Vec<_>, Vec<_>) = batch.into_iter().partition(|id| self.one.kept.contains(id));
        prove(builder, self.one, &kept, &fresh, policy, &[]);
        builder.wall();
        self.new += count;
        count
    }

    fn stoppable(&mut self) -> std::collections::vec_deque::Drain<'_, InstanceId> {
        // The last one stays, unless it is in the way of the next.
        let last = usize::from(self.ceiling() > 1);
        let floor = self.wanted.saturating_sub(self.settings.max_unavailable as usize).max(last);
        let spare = (self.new + self.to_stop.len()).saturating_sub(floor);
        let count = spare.min(self.batch).min(self.to_stop.len());
        self.to_stop.drain(..count)
    }

    /// One batch of traffic: the slot counts both releases' instances, and those that leave are drained and stopped.
    fn take_over(&self, builder: &mut Builder, policy: &Policy, leaving: Vec<InstanceId>) {
        let (Some(from), Some(to)) = (&self.one.from, &self.one.to) else { return };
        let old = Serving { release: from.release.clone(), instances: u32::try_from(self.to_stop.len()).unwrap_or(0) };
        let new = u32::try_from(self.new).unwrap_or(0);
        let coming = candidate(policy, to, new, Share::ByInstances);
        // Settings may let the last instance go before the next one comes.
        let hold = (self.new + self.to_stop.len() == 0).then(Recreate::default);
        let slot = Slot { live: Some(old), candidate: Some(coming), hold, ..builder.slot(&self.one.key) };
        builder.commit(vec![(slot, None)], leaving.clone());
        for instance in leaving {
            builder.stop(self.one.service(), &from.release, &instance);
        }
        builder.wall();
    }
}
