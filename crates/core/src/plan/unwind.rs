//! The way back from the middle of a deployment: every slot to exactly what it was.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CheckThrough, Observed, PLAN_VERSION, Plan, PlannedStep, Step, Undo,
    builder::Builder,
    moves::{fresh_ids, is_exclusive},
    observed::{surplus, unwanted},
    order::dependencies_first,
};
use crate::{
    id::{DeploymentId, InstanceId, ReleaseId, ServiceName},
    instance::{Instance, InstanceState},
    phase::Phase,
    release::Release,
    slot::{Candidate, Serving, Share, Slot},
    spec::{CheckPhase, HookMoment},
    strategy::{Recreate, StrategyKind, StrategySpec},
};

/// Plans the way back. The order is: make the old capable again, one transaction for all slots, drain and stop the new, then the hooks that
/// are declared for going back, newest first, and the old's checks. Where old and new may not run at a time, the new
/// stops first and requests are held.
pub fn unwind(observed: Observed<'_>, undo: &Undo<'_>) -> Plan {
    let Undo { parents, ran, strategy, deployment, given_up } = *undo;
    let instances = taken_up_again(observed, ran);
    let observed = Observed { instances: &instances, ..observed };
    let mut builder = Builder::new(deployment.clone(), observed.slots);
    builder.enter(Phase::RollingBack);
    let parents = parents.values().filter(|parent| !given_up.contains(&parent.key.service));
    let returns: Vec<_> = parents.filter_map(|parent| Return::new(observed, parent, strategy)).collect();
    let written = dependencies_before(returns.iter().filter(|one| one.writes).collect());
    stop_before_start(&mut builder, &written, deployment);
    make_capable(&mut builder, &written);
    swap_back(&mut builder, &written);
    stop_the_new(&mut builder, &returns);
    hooks_back(&mut builder, ran, observed, given_up);
    verify_the_old(&mut builder, &written, observed);
    Plan { version: PLAN_VERSION, strategy, steps: builder.finish(), notes: Vec::new() }
}

/// The instances as the way back may use them: what the deployment drains and has not begun to stop serves again once
/// it is proven, and what it may have begun to stop is as good as gone.
fn taken_up_again(observed: Observed<'_>, ran: &[&PlannedStep]) -> Vec<Instance> {
    let (mut drained, mut stopped) = (BTreeSet::new(), BTreeSet::new());
    for planned in ran {
        match &planned.step {
            Step::Commit { draining, .. } => drained.extend(draining),
            Step::Stop { instance, .. } => drop(stopped.insert(instance)),
            _ => {}
        }
    }
    let usable = |one: &Instance| match one.state {
        _ if stopped.contains(&one.id) => InstanceState::Draining,
        InstanceState::Draining if drained.contains(&one.id) => InstanceState::Starting,
        state => state,
    };
    observed.instances.iter().map(|one| Instance { state: usable(one), ..one.clone() }).collect()
}

/// The way back of one slot.
struct Return<'a> {
    parent: &'a Slot,
    old: Option<&'a Release>,
    /// The slot is not what it was, or instances must leave its routes.
    writes: bool,
    /// Old and new may not run at a time.
    gap: bool,
    /// Running instances of the old that must be proven: they have left traffic, or were never proven.
    unproven: Vec<InstanceId>,
    /// Instances of the old that must be started.
    fresh: Vec<InstanceId>,
    /// Recorded instances beyond what the parent wants.
    leaving: Vec<(ReleaseId, InstanceId)>,
}

impl<'a> Return<'a> {
    fn new(observed: Observed<'a>, parent: &'a Slot, strategy: StrategyKind) -> Option<Self> {
        let now = observed.slots.get(&parent.key).cloned().unwrap_or_else(|| Slot::empty(parent.key.clone()));
        let slot_changed = now.revision != parent.revision;
        let has_instances = observed.instances.iter().any(|instance| instance.slot == parent.key);
        if !slot_changed && !has_instances {
            return None;
        }
        let old = parent.live.as_ref().and_then(|live| observed.releases.get(&live.release));
        let running = still_running(observed, parent);
        let fresh = if slot_changed { fresh_ids(&now, parent.live.as_ref(), running.len()) } else { Vec::new() };
        let leaving = unwanted(parent, observed, &fresh);
        let writes = slot_changed || !surplus(parent, leaving.clone()).is_empty();
        let present = now.live.iter().map(|live| &live.release).chain(now.candidate.iter().map(|c| &c.release));
        let mut present = present.filter_map(|release| observed.releases.get(release)).chain(old);
        let exclusive = strategy == StrategyKind::Recreate || present.any(is_exclusive);
        let release = |slot: &Slot| slot.live.as_ref().map(|live| live.release.clone());
        let is_live = release(&now) == release(parent);
        let serves = |one: &InstanceId| is_live && !observed.starts(one);
        let unproven = running.into_iter().filter(|one| !serves(one)).collect();
        let gap = exclusive && !fresh.is_empty() && !leaving.is_empty();
        Some(Self { parent, old, writes, gap, unproven, fresh, leaving })
    }

    fn depends_on(&self) -> &[ServiceName] {
        self.old.map(|release| release.serve.depends_on.as_slice()).unwrap_or_default()
    }

    fn hold_settings(&self) -> Recreate {
        match self.old.map(|release| &release.serve.strategy) {
            Some(StrategySpec::Recreate(settings)) => settings.clone(),
            _ => Recreate::default(),
        }
    }
}

/// The running instances of a slot's old release, as many as it wants.
fn still_running(observed: Observed<'_>, parent: &Slot) -> Vec<InstanceId> {
    let Some(live) = &parent.live else { return Vec::new() };
    let running = observed.running(&parent.key, &live.release);
    running.into_iter().take(live.instances as usize).collect()
}

/// In the order of the old releases' dependencies. They ran together, so a circle among them has been lived with.
fn dependencies_before<'r, 'a>(returns: Vec<&'r Return<'a>>) -> Vec<&'r Return<'a>> {
    let mut by_service: BTreeMap<_, _> = returns.into_iter().map(|one| (one.parent.key.service.clone(), one)).collect();
    let depends_on = by_service.iter().map(|(name, one)| (name.clone(), one.depends_on().to_vec())).collect();
    match dependencies_first(&depends_on) {
        Ok(order) => order.iter().filter_map(|name| by_service.remove(name)).collect(),
        Err(_) => by_service.into_values().collect(),
    }
}

/// Where old and new exclude each other: hold requests, and stop the new.
fn stop_before_start(builder: &mut Builder, returns: &[&Return<'_>], deployment: &DeploymentId) {
    let gaps: Vec<_> = returns.iter().filter(|one| one.gap).collect();
    let mut changes = Vec::new();
    for one in &gaps {
        let now = builder.slot(&one.parent.key);
        let Some(live) = &one.parent.live else { continue };
        let hold = Some(now.hold.clone().unwrap_or_else(|| one.hold_settings()));
        let coming = Candidate {
            release: live.release.clone(),
            instances: live.instances,
            share: Share::Lane,
            deployment: deployment.clone(),
        };
        changes.push((Slot { live: None, candidate: Some(coming), hold, ..now }, None));
    }
    let leaving = gaps.iter().flat_map(|one| one.leaving.iter().map(|(_, instance)| instance.clone())).collect();
    builder.commit(changes, leaving);
    for one in &gaps {
        stop_leaving(builder, one);
    }
    builder.wall();
}

fn stop_leaving(builder: &mut Builder, one: &Return<'_>) {
    for (release, instance) in &one.leaving {
        builder.stop(&one.parent.key.service, release, instance);
    }
}

/// Starts what is missing of the old, a dependency before its dependents, and proves what doesn't serve.
fn make_capable(builder: &mut Builder, returns: &[&Return<'_>]) {
    let mut proven: BTreeMap<&ServiceName, Vec<usize>> = BTreeMap::new();
    for one in returns {
        let Some(Serving { release, .. }) = &one.parent.live else { continue };
        let service = &one.parent.key.service;
        let needs: Vec<_> = one.depends_on().iter().filter_map(|name| proven.get(name)).flatten().copied().collect();
        let mut ends = Vec::new();
        for instance in &one.unproven {
            ends.push(builder.add(service, Step::Prove { release: release.clone(), instance: instance.clone() }));
        }
        for instance in &one.fresh {
            let start = Step::Start { release: release.clone(), instance: instance.clone() };
            let start = builder.after(service, &needs, start);
            let prove = Step::Prove { release: release.clone(), instance: instance.clone() };
            ends.push(builder.after(service, &[start], prove));
        }
        proven.insert(service, if ends.is_empty() { needs } else { ends });
    }
    builder.wall();
}

/// One swap for all members. The parents' written-by stays with this deployment: it is the one that wrote.
fn swap_back(builder: &mut Builder, returns: &[&Return<'_>]) {
    let changes = returns.iter().map(|one| (one.parent.clone(), None)).collect();
    let draining = returns.iter().flat_map(|one| surplus(one.parent, one.leaving.clone())).collect();
    builder.commit(changes, draining);
}

fn stop_the_new(builder: &mut Builder, returns: &[Return<'_>]) {
    for one in returns {
        stop_leaving(builder, one);
    }
    builder.wall();
}

/// The hooks of every release of which more than its files came, newest first.
fn hooks_back(builder: &mut Builder, ran: &[&PlannedStep], observed: Observed<'_>, given_up: &BTreeSet<ServiceName>) {
    let when = HookMoment::OnRollback;
    let mut done = BTreeSet::new();
    for planned in ran.iter().rev().filter(|planned| planned.phase >= Phase::Testing) {
        let (Some(release), Some(service)) = (planned.step.release(), &planned.service) else { continue };
        let declared = observed.releases.get(release).is_some_and(|r| r.serve.hooks.iter().any(|h| h.when == when));
        if declared && !given_up.contains(service) && done.insert(release) {
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
