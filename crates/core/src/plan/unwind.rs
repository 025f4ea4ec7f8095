//! The way back from the middle of a deployment: every slot to exactly what it was.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CheckThrough, Observed, Plan, PlannedStep, Step,
    builder::Builder,
    forward::{fresh_ids, unwanted},
};
use crate::{
    id::{DeploymentId, InstanceId, ReleaseId, SlotKey},
    phase::Phase,
    slot::{Candidate, Serving, Share, Slot},
    spec::{CheckPhase, HookMoment},
    strategy::StrategyKind,
};

/// Plans the way back.
///
/// `parents` are the slots as they were before the deployment, `ran` are its steps that ran or may have run. The
/// order is: make the old capable again, one transaction for all slots, drain and stop the new, then the hooks that
/// are declared for going back, newest first, and the old's checks. Where old and new may not run at a time, the new
/// stops first and requests are held.
pub fn unwind(
    observed: Observed<'_>,
    parents: &BTreeMap<SlotKey, Slot>,
    ran: &[&PlannedStep],
    strategy: StrategyKind,
    deployment: &DeploymentId,
) -> Plan {
    let mut builder = Builder::new(deployment.clone(), observed.slots);
    builder.enter(Phase::RollingBack);
    let returns: Vec<_> = parents.values().filter_map(|parent| Return::new(observed, parent, strategy)).collect();
    let written: Vec<_> = returns.iter().filter(|one| one.slot_changed).collect();
    stop_before_start(&mut builder, &written, observed, deployment);
    make_capable(&mut builder, &written);
    swap_back(&mut builder, &written);
    stop_the_new(&mut builder, &returns, observed);
    hooks_back(&mut builder, ran, observed);
    verify_the_old(&mut builder, &written, observed);
    Plan { strategy, steps: builder.finish(), notes: Vec::new() }
}

/// The way back of one slot.
struct Return<'a> {
    parent: &'a Slot,
    slot_changed: bool,
    /// Old and new may not run at a time.
    gap: bool,
    running: Vec<InstanceId>,
    fresh: Vec<InstanceId>,
}

impl<'a> Return<'a> {
    fn new(observed: Observed<'_>, parent: &'a Slot, strategy: StrategyKind) -> Option<Self> {
        let now = observed.slots.get(&parent.key).cloned().unwrap_or_else(|| Slot::empty(parent.key.clone()));
        let slot_changed = now.revision != parent.revision;
        let has_instances = observed.instances.iter().any(|instance| instance.slot == parent.key);
        if !slot_changed && !has_instances {
            return None;
        }
        let running = parent.live.as_ref().map(|live| observed.running(&parent.key, &live.release)).unwrap_or_default();
        let fresh = if slot_changed { fresh_ids(&now, parent.live.as_ref(), running.len()) } else { Vec::new() };
        let own = |release: &ReleaseId| {
            observed.releases.get(release).is_some_and(|r| r.serve.strategy.kind() == StrategyKind::Recreate)
        };
        let exclusive = strategy == StrategyKind::Recreate || parent.live.iter().any(|live| own(&live.release));
        let gap = exclusive && !fresh.is_empty();
        Some(Self { parent, slot_changed, gap, running, fresh })
    }
}

/// Where old and new exclude each other: hold requests, and stop the new.
fn stop_before_start(
    builder: &mut Builder,
    returns: &[&Return<'_>],
    observed: Observed<'_>,
    deployment: &DeploymentId,
) {
    let gaps: Vec<_> = returns.iter().filter(|one| one.gap).collect();
    let mut changes = Vec::new();
    for one in &gaps {
        let now = builder.slot(&one.parent.key);
        let Some(live) = &one.parent.live else { continue };
        let hold = now.hold.clone().or_else(|| Some(Default::default()));
        let coming = Candidate {
            release: live.release.clone(),
            instances: live.instances,
            share: Share::Lane,
            deployment: deployment.clone(),
        };
        changes.push((Slot { live: None, candidate: Some(coming), hold, ..now }, None));
    }
    let leaving: Vec<_> = gaps.iter().flat_map(|one| leaving(one, observed)).collect();
    builder.commit(changes, leaving.iter().map(|(_, _, instance)| instance.clone()).collect());
    for (key, release, instance) in leaving {
        builder.stop(&key.service, &release, &instance);
    }
    builder.wall();
}

fn leaving(one: &Return<'_>, observed: Observed<'_>) -> Vec<(SlotKey, ReleaseId, InstanceId)> {
    let old = one.parent.live.as_ref().map(|live| &live.release);
    let mine = observed.instances.iter().filter(|instance| instance.slot == one.parent.key);
    mine.filter(|instance| Some(&instance.release) != old)
        .map(|instance| (instance.slot.clone(), instance.release.clone(), instance.id.clone()))
        .collect()
}

/// Starts what is missing of the old, and proves all of it.
fn make_capable(builder: &mut Builder, returns: &[&Return<'_>]) {
    for one in returns {
        let Some(Serving { release, .. }) = &one.parent.live else { continue };
        let service = &one.parent.key.service;
        for instance in &one.running {
            builder.add(service, Step::Prove { release: release.clone(), instance: instance.clone() });
        }
        for instance in &one.fresh {
            let start = Step::Start { release: release.clone(), instance: instance.clone() };
            let start = builder.add(service, start);
            let prove = Step::Prove { release: release.clone(), instance: instance.clone() };
            builder.after(service, &[start], prove);
        }
    }
    builder.wall();
}

/// One swap for all members. The parents' written-by stays with this deployment: it is the one that wrote.
fn swap_back(builder: &mut Builder, returns: &[&Return<'_>]) {
    let changes = returns.iter().map(|one| (one.parent.clone(), None)).collect();
    builder.commit(changes, Vec::new());
}

fn stop_the_new(builder: &mut Builder, returns: &[Return<'_>], observed: Observed<'_>) {
    for one in returns {
        for (release, instance) in unwanted(one.parent, observed, &one.fresh) {
            builder.stop(&one.parent.key.service, &release, &instance);
        }
    }
    builder.wall();
}

/// The hooks of every release of which more than its files came, newest first.
fn hooks_back(builder: &mut Builder, ran: &[&PlannedStep], observed: Observed<'_>) {
    let when = HookMoment::OnRollback;
    let mut done = BTreeSet::new();
    for planned in ran.iter().rev().filter(|planned| planned.phase >= Phase::Testing) {
        let (Some(release), Some(service)) = (planned.step.release(), &planned.service) else { continue };
        let declared = observed.releases.get(release).is_some_and(|r| r.serve.hooks.iter().any(|h| h.when == when));
        if declared && done.insert(release) {
            builder.add(service, Step::Hooks { release: release.clone(), when });
            builder.wall();
        }
    }
}

fn verify_the_old(builder: &mut Builder, returns: &[&Return<'_>], observed: Observed<'_>) {
    for one in returns {
        let Some(live) = &one.parent.live else { continue };
        let Some(release) = observed.releases.get(&live.release) else { continue };
        if release.serve.checks.iter().any(|check| check.phase == CheckPhase::Verify) {
            let through = CheckThrough::Route;
            builder.add(&one.parent.key.service, Step::Check { release: live.release.clone(), through });
        }
    }
}
