//! The way back from the middle of a deployment: every slot to exactly what it was.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CheckThrough, Observed, Plan, PlannedStep, Step, Undo,
    builder::Builder,
    leaving::{Leaving, callers_first, leave},
    moves::{beside, fresh_ids, is_exclusive},
    observed::{View, surplus, unwanted},
    order::line_up,
    reloading::reloadable,
};
use crate::{
    id::{DeploymentId, InstanceId, ReleaseId, ServiceName},
    instance::{Instance, InstanceState},
    phase::Phase,
    release::Release,
    slot::{Candidate, Serving, Share, Slot},
    spec::{CheckPhase, HookMoment, MigrateKind, Order},
    strategy::{Recreate, StrategyKind, StrategySpec},
};

/// The newest steps of each service, for those that come after.
type Ends<'a> = BTreeMap<&'a ServiceName, Vec<usize>>;

/// Plans the way back. The order is: make the old capable again, one transaction for all slots, and then each member
/// by itself: drain and stop the new, the hooks that are declared for going back (callers first with both), the old's
/// checks. Where old and new may not run at a time, the new stops first and requests are held. Only the transaction
/// needs all members: who fails elsewhere is given up, and holds up no other.
pub fn unwind(observed: Observed<'_>, undo: &Undo<'_>) -> Plan {
    let instances = taken_up_again(observed, undo.ran);
    let view = View::of(Observed { instances: &instances, ..observed });
    let mut builder = Builder::new(undo.deployment.clone(), view.slots);
    builder.enter(Phase::RollingBack);
    let parents = undo.parents.values().filter(|parent| !undo.given_up.contains(&parent.key.service));
    let returns: Vec<_> = parents.filter_map(|parent| Return::new(&view, parent, undo.strategy)).collect();
    let written = dependencies_before(returns.iter().filter(|one| one.writes).collect(), &view);
    let stopped = stop_before_start(&mut builder, &written, &view, undo.deployment);
    make_capable(&mut builder, &written, &stopped);
    swap_back(&mut builder, &written);
    let mut ends = stop_the_new(&mut builder, &returns, &view);
    hooks_back(&mut builder, undo, &view, &mut ends);
    verify_the_old(&mut builder, &written, &view, &ends);
    Plan::of(undo.strategy, builder.finish(), notes(undo))
}

/// What stays as the deployment left it.
fn notes(undo: &Undo<'_>) -> Vec<String> {
    let mut notes = BTreeSet::new();
    for planned in undo.ran {
        let Some(service) = &planned.service else { continue };
        match &planned.step {
            Step::Migrate { kind: MigrateKind::Expand, .. } => {
                notes.insert(format!("{service}: its migration (expand) stays, and the old works with it"));
            }
            Step::Migrate { kind: MigrateKind::Contract, .. } => {
                notes.insert(format!("{service}: its migration (contract) stays, and the old may not work with it"));
            }
            Step::RestoreData { snapshot, .. } => {
                notes.insert(format!("{service}: its data stays as it was put back from `{snapshot}`"));
            }
            _ => {}
        }
    }
    notes.extend(undo.given_up.iter().map(|service| format!("{service}: left as it is, it does not go back")));
    notes.into_iter().collect()
}

/// The instances as the way back may use them: what the deployment drains and has not begun to stop serves again once
/// it is proven, what it may have begun to stop is as good as gone, and what it may have told to read another
/// configuration has read it.
fn taken_up_again(observed: Observed<'_>, ran: &[&PlannedStep]) -> Vec<Instance> {
    let (mut drained, mut stopped, mut told) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    for planned in ran {
        match &planned.step {
            Step::Commit { draining, .. } => drained.extend(draining),
            Step::Stop { instance, .. } => drop(stopped.insert(instance)),
            Step::Reload { instance, release } => drop(told.insert(instance, release)),
            _ => {}
        }
    }
    let usable = |one: &Instance| match one.state {
        _ if stopped.contains(&one.id) => InstanceState::Draining,
        InstanceState::Draining if drained.contains(&one.id) => InstanceState::Starting,
        state => state,
    };
    let reloading = |one: &Instance| {
        let told = told.get(&one.id).copied().filter(|release| **release != one.release);
        told.or(one.reloading.as_ref()).cloned()
    };
    let taken_up = |one: &Instance| Instance { state: usable(one), reloading: reloading(one), ..one.clone() };
    observed.instances.iter().map(taken_up).collect()
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
    /// Running instances that read the old's configuration again, and are of it then.
    reloaded: Vec<InstanceId>,
    /// Instances of the old that must be started.
    fresh: Vec<InstanceId>,
    /// Recorded instances beyond what the parent wants.
    leaving: Vec<(ReleaseId, InstanceId)>,
}

impl<'a> Return<'a> {
    fn new(view: &View<'a>, parent: &'a Slot, strategy: StrategyKind) -> Option<Self> {
        let now = view.slot(&parent.key);
        let slot_changed = now.revision != parent.revision;
        let has_instances = !view.instances(&parent.key).is_empty();
        if !slot_changed && !has_instances {
            return None;
        }
        let old = parent.live.as_ref().and_then(|live| view.releases.get(&live.release));
        let running = still_running(view, parent);
        let reloaded = to_reload(view, &now, parent, &running);
        let passing: Vec<_> = reloaded.iter().filter(|one| !running.contains(one)).cloned().collect();
        let there = running.len() + passing.len();
        let fresh = if slot_changed { fresh_ids(view, &now, parent.live.as_ref(), there) } else { Vec::new() };
        let mut leaving = unwanted(parent, view, &[fresh.as_slice(), &passing].concat());
        leaving.retain(|(_, instance)| !passing.contains(instance));
        let writes = slot_changed || !reloaded.is_empty() || !surplus(parent, leaving.clone()).is_empty();
        let present = now.live.iter().map(|live| &live.release).chain(now.candidate.iter().map(|c| &c.release));
        // A way back that was begun before has left the slot naming the old, while the new may still run.
        let present = present.chain(leaving.iter().map(|(release, _)| release));
        let mut present = present.filter_map(|release| view.releases.get(release)).chain(old);
        let exclusive = strategy == StrategyKind::Recreate || present.any(is_exclusive);
        let release = |slot: &Slot| slot.live.as_ref().map(|live| live.release.clone());
        let is_live = release(&now) == release(parent);
        let serves = |one: &InstanceId| is_live && !view.starts(&parent.key, one);
        let unproven = running.into_iter().filter(|one| !serves(one) && !reloaded.contains(one)).collect();
        let gap = exclusive && !fresh.is_empty() && !leaving.is_empty();
        Some(Self { parent, old, writes, gap, unproven, reloaded, fresh, leaving })
    }

    fn depends_on(&self) -> &[ServiceName] {
        self.old.map(|release| release.serve.depends_on.as_slice()).unwrap_or_default()
    }

    /// What users meet beside the old, as the slot stands now.
    fn replaced(&self, now: &Slot) -> Option<ReleaseId> {
        let candidate = now.candidate.iter().map(|candidate| &candidate.release);
        let mut met = now.live.iter().map(|live| &live.release).chain(candidate);
        let old = self.parent.live.as_ref().map(|live| &live.release);
        let met = met.find(|release| Some(*release) != old).cloned();
        // In a gap it was noted when the gap began.
        met.or_else(|| now.replaced.clone().filter(|_| now.live.is_none()))
    }

    fn hold_settings(&self) -> Recreate {
        match self.old.map(|release| &release.serve.strategy) {
            Some(StrategySpec::Recreate(settings)) => settings.clone(),
            _ => Recreate::default(),
        }
    }
}

/// The running instances of a slot's old release, as many as it wants.
fn still_running(view: &View<'_>, parent: &Slot) -> Vec<InstanceId> {
    let Some(live) = &parent.live else { return Vec::new() };
    let running = view.running(&parent.key, &live.release);
    running.into_iter().take(live.instances as usize).collect()
}

/// The running instances that take up the old's configuration again: those of the old that may have read another, and
/// those of what is live now, where that came by a reload or could have.
fn to_reload(view: &View<'_>, now: &Slot, parent: &Slot, running: &[InstanceId]) -> Vec<InstanceId> {
    let (Some(live), Some(old)) = (&now.live, &parent.live) else { return Vec::new() };
    let misled = view.misled(&parent.key, &old.release);
    let mut all: Vec<_> = running.iter().filter(|one| misled.contains(one)).cloned().collect();
    let releases = (view.releases.get(&live.release), view.releases.get(&old.release));
    if let (Some(from), Some(to)) = releases
        && from.id != to.id
        // What stood by before stands by again.
        && parent.wanted(&live.release) == 0
        && reloadable(from, to) == Some(Ok(()))
    {
        let room = (old.instances as usize).saturating_sub(running.len());
        all.extend(view.running(&parent.key, &live.release).into_iter().take(room));
    }
    all
}

/// In the order of the old releases' dependencies. They ran together, so a circle among them has been lived with.
fn dependencies_before<'r, 'a>(
    returns: Vec<&'r Return<'a>>,
    view: &View<'a>,
) -> Vec<(&'r Return<'a>, Vec<ServiceName>)> {
    let mut by_service: BTreeMap<_, _> = returns.into_iter().map(|one| (&one.parent.key.service, one)).collect();
    let members = by_service.iter().map(|(name, one)| (*name, one.depends_on())).collect();
    let beside = by_service.values().next().map(|one| beside(view, &one.parent.key)).unwrap_or_default();
    match line_up(&members, &beside, &Order::default()) {
        Ok(places) => {
            let placed = places.into_iter();
            placed.filter_map(|place| Some((by_service.remove(&place.service)?, place.after))).collect()
        }
        Err(_) => by_service.into_values().map(|one| (one, Vec::new())).collect(),
    }
}

/// Where old and new exclude each other: hold requests, and stop the new.
fn stop_before_start<'r>(
    builder: &mut Builder,
    returns: &[(&'r Return<'_>, Vec<ServiceName>)],
    view: &View<'_>,
    deployment: &DeploymentId,
) -> Ends<'r> {
    let gaps: Vec<_> = returns.iter().map(|(one, _)| *one).filter(|one| one.gap).collect();
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
        let replaced = one.replaced(&now);
        changes.push((Slot { live: None, candidate: Some(coming), hold, replaced, ..now }, None));
    }
    let leaving = gaps.iter().flat_map(|one| one.leaving.iter().map(|(_, instance)| instance.clone())).collect();
    builder.commit(changes, leaving);
    leave_all(builder, &gaps, view)
}

fn leave_all<'r>(builder: &mut Builder, returns: &[&'r Return<'_>], view: &View<'_>) -> Ends<'r> {
    let leaving = returns.iter().map(|one| Leaving::new(&one.parent.key.service, one.leaving.clone(), view));
    let mut stopped = leave(builder, leaving.collect());
    let stops = |one: &&'r Return<'_>| {
        let service = &one.parent.key.service;
        (service, stopped.remove(service).unwrap_or_default())
    };
    returns.iter().map(stops).collect()
}

/// Starts what is missing of the old, a dependency before its dependents, and proves what doesn't serve.
fn make_capable<'r>(builder: &mut Builder, returns: &[(&'r Return<'_>, Vec<ServiceName>)], stopped: &Ends<'_>) {
    let mut proven: Ends<'r> = BTreeMap::new();
    for (one, after) in returns {
        let Some(Serving { release, .. }) = &one.parent.live else { continue };
        let service = &one.parent.key.service;
        let stopped = stopped.get(service).map(Vec::as_slice).unwrap_or_default();
        let needs: BTreeSet<_> = after.iter().filter_map(|name| proven.get(name)).flatten().copied().collect();
        let needs: Vec<_> = needs.into_iter().collect();
        let mut ends = Vec::new();
        for instance in &one.unproven {
            let prove = Step::Prove { release: release.clone(), instance: instance.clone() };
            ends.push(builder.after(service, stopped, prove));
        }
        let mut last = stopped.to_vec();
        for instance in &one.reloaded {
            let reload = Step::Reload { release: release.clone(), instance: instance.clone() };
            last = vec![builder.after(service, &last, reload)];
        }
        ends.extend(last.iter().copied().filter(|_| !one.reloaded.is_empty()));
        for instance in &one.fresh {
            let start = Step::Start { release: release.clone(), instance: instance.clone() };
            let start = builder.after(service, &[&needs, last.as_slice()].concat(), start);
            let prove = Step::Prove { release: release.clone(), instance: instance.clone() };
            ends.push(builder.after(service, &[start], prove));
        }
        proven.insert(service, if ends.is_empty() { needs } else { ends });
    }
    builder.wall();
}

/// One swap for all members. The parents' written-by stays with this deployment: it is the one that wrote.
fn swap_back(builder: &mut Builder, returns: &[(&Return<'_>, Vec<ServiceName>)]) {
    let changes = returns.iter().map(|(one, _)| {
        let replaced = one.replaced(&builder.slot(&one.parent.key));
        (Slot { replaced, ..one.parent.clone() }, None)
    });
    let changes = changes.collect();
    let surplus = returns.iter().flat_map(|(one, _)| surplus(one.parent, one.leaving.clone()));
    let draining = surplus.filter(|instance| !builder.stops(instance)).collect();
    let reloaded = returns.iter().flat_map(|(one, _)| one.reloaded.iter().cloned()).collect();
    builder.commit_reloaded(changes, draining, reloaded);
}

fn stop_the_new<'r>(builder: &mut Builder, returns: &'r [Return<'_>], view: &View<'_>) -> Ends<'r> {
    leave_all(builder, &returns.iter().collect::<Vec<_>>(), view)
}

/// A member of which more than its files came, with the releases that came, newest first.
struct Came<'a> {
    service: &'a ServiceName,
    releases: Vec<&'a Release>,
}

impl Came<'_> {
    fn calls(&self) -> impl Iterator<Item = &ServiceName> {
        self.releases.iter().flat_map(|release| &release.serve.depends_on)
    }
}

/// What came, and goes back. A release that stays live is not one that goes back.
fn what_came<'r>(undo: &Undo<'r>, view: &View<'r>) -> Vec<Came<'r>> {
    let stays: BTreeSet<_> = undo.parents.values().filter_map(|slot| Some(&slot.live.as_ref()?.release)).collect();
    let mut came: BTreeMap<&ServiceName, Vec<&Release>> = BTreeMap::new();
    for planned in undo.ran.iter().rev().filter(|planned| planned.phase >= Phase::Testing) {
        let (Some(release), Some(service)) = (planned.step.release(), &planned.service) else { continue };
        // What it only let go, of an earlier one, did not come with it.
        let leaves = matches!(planned.step, Step::Drain { .. } | Step::Stop { .. } | Step::Interact { .. });
        let Some(release) = view.releases.get(release).filter(|one| !leaves && !stays.contains(&one.id)) else {
            continue;
        };
        let its = came.entry(service).or_default();
        if !its.iter().any(|one| one.id == release.id) {
            its.push(release);
        }
    }
    came.into_iter().map(|(service, releases)| Came { service, releases }).collect()
}

/// The hooks of what came, whoever calls before whom it calls: the reverse of how they came.
fn hooks_back<'r>(builder: &mut Builder, undo: &Undo<'r>, view: &View<'r>, ends: &mut Ends<'r>) {
    let when = HookMoment::OnRollback;
    let mut callers_done: BTreeMap<ServiceName, Vec<usize>> = BTreeMap::new();
    for one in callers_first(what_came(undo, view), |one| one.service, |one| one.calls().cloned().collect()) {
        // Who has no hook passes on what it would wait for.
        let mut done = callers_done.remove(one.service).unwrap_or_default();
        let declared = one.releases.iter().filter(|release| release.serve.hooks.iter().any(|hook| hook.when == when));
        for release in declared.filter(|_| !undo.given_up.contains(one.service)) {
            let its = ends.entry(one.service).or_default();
            let hooks = Step::Hooks { release: release.id.clone(), when };
            *its = vec![builder.after(one.service, &[its.as_slice(), &done].concat(), hooks)];
            done.clone_from(its);
        }
        for called in one.calls() {
            callers_done.entry(called.clone()).or_default().extend(&done);
        }
    }
}

fn verify_the_old(
    builder: &mut Builder,
    returns: &[(&Return<'_>, Vec<ServiceName>)],
    view: &View<'_>,
    ends: &Ends<'_>,
) {
    for (one, _) in returns {
        let Some(live) = &one.parent.live else { continue };
        let Some(release) = view.releases.get(&live.release) else { continue };
        if release.serve.checks.iter().any(|check| check.phase == CheckPhase::Verify) {
            let service = &one.parent.key.service;
            let needs = ends.get(service).map(Vec::as_slice).unwrap_or_default();
            let through = CheckThrough::Route;
            builder.after(service, needs, Step::Check { release: live.release.clone(), through });
        }
    }
}
