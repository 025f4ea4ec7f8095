//! Proving what comes: the lane is formed, instances start in their turn, and checks ask them.

use std::collections::BTreeMap;

use super::{CheckThrough, Policy, Step, builder::Builder, moves::Move};
use crate::{
    id::{InstanceId, ServiceName},
    release::Release,
    slot::{Candidate, Serving, Share, Slot},
    spec::{CheckPhase, ServiceKind},
    strategy::StrategyKind,
};

/// Forms the lane: the slots name what is coming, and only the lane reaches it.
pub(super) fn announce(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy) {
    let strategy = policy.strategy.kind();
    let nothing_to_prove = |one: &&Move<'_>| one.fresh.is_empty() && policy.proven;
    let announced = |one: &&Move<'_>| one.changes_release() && !one.reloads();
    if moves.iter().filter(announced).all(|one| nothing_to_prove(&one)) {
        return;
    }
    let mut changes = Vec::new();
    for one in moves.iter().filter(announced).filter(|one| !one.has_gap(strategy)) {
        let Some(to) = &one.to else { continue };
        let instances = if strategy == StrategyKind::Rolling && one.rolls() { 0 } else { to.instances };
        let coming = candidate(policy, to, instances, Share::Lane);
        changes.push((Slot { candidate: Some(coming), ..builder.slot(&one.key) }, None));
    }
    builder.commit(changes, Vec::new());
}

/// Whose turn it is: members come in the order of `moves`, after those that they wait for and after everybody of
/// lower rank.
#[derive(Default)]
pub(super) struct Turns {
    /// The steps that others wait for, by service.
    ends: BTreeMap<ServiceName, Vec<usize>>,
    rank: usize,
    /// The ends of the newest lower rank that had any.
    gate: Vec<usize>,
    of_this_rank: Vec<usize>,
}

impl Turns {
    /// The steps that a member has to wait for.
    pub(super) fn needs(&mut self, one: &Move<'_>) -> Vec<usize> {
        if self.rank != one.rank {
            self.rank = one.rank;
            let ends = std::mem::take(&mut self.of_this_rank);
            if !ends.is_empty() {
                self.gate = ends;
            }
        }
        let mut needs = self.gate.clone();
        needs.extend(one.after.iter().filter_map(|name| self.ends.get(name)).flatten());
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// Notes what others wait for. Who has nothing to wait for passes on what it waits for itself.
    pub(super) fn had(&mut self, one: &Move<'_>, needs: Vec<usize>, ends: Vec<usize>) {
        self.of_this_rank.extend(&ends);
        self.ends.insert(one.service().clone(), if ends.is_empty() { needs } else { ends });
    }
}

pub(super) fn candidate(policy: &Policy, to: &Serving, instances: u32, share: Share) -> Candidate {
    Candidate { release: to.release.clone(), instances, share, deployment: policy.deployment.clone() }
}

/// Starts the fresh instances and proves these and the kept ones. Gives the steps that others wait for.
pub(super) fn prove(
    builder: &mut Builder,
    one: &Move<'_>,
    kept: &[InstanceId],
    fresh: &[InstanceId],
    policy: &Policy,
    needs: &[usize],
) -> Vec<usize> {
    let Some(release) = one.new else { return Vec::new() };
    let (service, id) = (one.service(), &release.id);
    let test = !policy.proven && has_checks(release, CheckPhase::Test);
    let mut ends = Vec::new();
    if release.serve.kind == ServiceKind::Static && test && one.changes_release() {
        let through = CheckThrough::Link;
        ends.push(builder.after(service, needs, Step::Check { release: id.clone(), through }));
    }
    let kept = kept.iter().filter(|_| one.changes_release());
    for instance in kept.chain(fresh) {
        let mut last = needs.to_vec();
        if fresh.contains(instance) {
            let start = Step::Start { release: id.clone(), instance: instance.clone() };
            last = vec![builder.after(service, &last, start)];
        }
        let mut end = builder.after(service, &last, Step::Prove { release: id.clone(), instance: instance.clone() });
        if test {
            let through = CheckThrough::Instance { instance: instance.clone() };
            end = builder.after(service, &[end], Step::Check { release: id.clone(), through });
        }
        ends.push(end);
    }
    ends
}

pub(super) fn has_checks(release: &Release, phase: CheckPhase) -> bool {
    release.serve.checks.iter().any(|check| check.phase == phase)
}
