//! The way forward: one plan for every strategy and every number of services.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CheckThrough, Goal, Observed, Plan, PlanFault, Policy, Step, builder::Builder, gap, order::dependencies_first,
    rolling,
};
use crate::{
    id::{InstanceId, ReleaseId, ServiceName, SlotKey},
    instance::{Instance, InstanceState, instance_id},
    phase::Phase,
    release::Release,
    slot::{Candidate, Serving, Share, Slot, Warm},
    spec::{CheckPhase, HookMoment, ServiceKind},
    strategy::{Canary, Pause, StrategyKind, StrategySpec},
    time::{Span, Timestamp},
};

/// How many earlier releases of a slot stand by at a time.
const WARM_SETS_MAX: usize = 1;

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

/// Plans the transition from what is observed to the goal.
///
/// # Errors
/// A circle of dependencies, or a release without a record.
pub fn plan(observed: Observed<'_>, goal: &Goal, policy: &Policy) -> Result<Plan, PlanFault> {
    let moves = moves(observed, goal, policy)?;
    let mut builder = Builder::new(policy.deployment.clone(), observed.slots);
    if !moves.is_empty() {
        stage(&mut builder, &moves);
        test(&mut builder, &moves, policy);
        promote(&mut builder, &moves, observed, policy);
        verify(&mut builder, &moves);
        monitor(&mut builder, &moves);
        clean(&mut builder, &moves, observed, policy);
    }
    let strategy = policy.strategy.kind();
    Ok(Plan { strategy, steps: builder.finish(), notes: notes(&moves, strategy) })
}

fn moves<'a>(observed: Observed<'a>, goal: &Goal, policy: &Policy) -> Result<Vec<Move<'a>>, PlanFault> {
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

impl Observed<'_> {
    /// The running instances of a release in a slot, the oldest first.
    pub(super) fn running(&self, key: &SlotKey, release: &ReleaseId) -> Vec<InstanceId> {
        self.instances_of(key, release).into_iter().filter(|one| self.runs(one)).map(|one| one.id.clone()).collect()
    }

    /// The recorded instances of a release in a slot: first those that run, of these the oldest first.
    fn instances_of(&self, key: &SlotKey, release: &ReleaseId) -> Vec<&Instance> {
        let mut all: Vec<_> =
            self.instances.iter().filter(|one| one.slot == *key && one.release == *release).collect();
        all.sort_by_key(|one| (!self.runs(one), one.created_at, &one.id));
        all
    }

    /// Whether an instance has yet to take requests.
    pub(super) fn starts(&self, id: &InstanceId) -> bool {
        self.instances.iter().any(|one| one.id == *id && one.state == InstanceState::Starting)
    }

    fn runs(&self, instance: &Instance) -> bool {
        instance.state != InstanceState::Draining && self.alive.contains(&instance.id)
    }
}

fn stage(builder: &mut Builder, moves: &[Move<'_>]) {
    builder.enter(Phase::Staging);
    for one in moves {
        if let Some(release) = one.new.filter(|_| one.changes_release()) {
            builder.add(one.service(), Step::Stage { release: release.id.clone() });
        }
    }
}

fn test(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy) {
    builder.enter(Phase::Testing);
    hooks(builder, moves, HookMoment::BeforeTest, policy);
    announce(builder, moves, policy);
    let strategy = policy.strategy.kind();
    let mut proven: BTreeMap<ServiceName, Vec<usize>> = BTreeMap::new();
    for one in moves.iter().filter(|one| !one.has_gap(strategy)) {
        let rolls = strategy == StrategyKind::Rolling && rolling::rolls(one);
        let (kept, fresh): (&[_], &[_]) = if rolls { (&[], &[]) } else { (&one.kept, &one.fresh) };
        let needs = needs_of(one, &proven);
        let ends = prove(builder, one, kept, fresh, policy, &needs);
        // What proves nothing itself passes on what it waits for.
        proven.insert(one.service().clone(), if ends.is_empty() { needs } else { ends });
    }
    builder.wall();
    hooks(builder, moves, HookMoment::BeforePromotion, policy);
}

/// The ends of the steps that prove a service's dependencies.
fn needs_of(one: &Move<'_>, proven: &BTreeMap<ServiceName, Vec<usize>>) -> Vec<usize> {
    let depends_on = one.new.map(|release| release.serve.depends_on.as_slice()).unwrap_or_default();
    depends_on.iter().filter_map(|name| proven.get(name)).flatten().copied().collect()
}

/// Forms the lane: the slots name what is coming, and only the lane reaches it.
fn announce(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy) {
    let strategy = policy.strategy.kind();
    let nothing_to_prove = |one: &&Move<'_>| one.fresh.is_empty() && policy.proven;
    if moves.iter().filter(|one| one.changes_release()).all(|one| nothing_to_prove(&one)) {
        return;
    }
    let mut changes = Vec::new();
    for one in moves.iter().filter(|one| one.changes_release() && !one.has_gap(strategy)) {
        let Some(to) = &one.to else { continue };
        let instances = if strategy == StrategyKind::Rolling && rolling::rolls(one) { 0 } else { to.instances };
        let coming = candidate(policy, to, instances, Share::Lane);
        changes.push((Slot { candidate: Some(coming), ..builder.slot(&one.key) }, None));
    }
    builder.commit(changes, Vec::new());
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

fn has_checks(release: &Release, phase: CheckPhase) -> bool {
    release.serve.checks.iter().any(|check| check.phase == phase)
}

fn hooks(builder: &mut Builder, moves: &[Move<'_>], when: HookMoment, policy: &Policy) {
    if policy.proven {
        return;
    }
    for one in moves.iter().filter(|one| one.changes_release()) {
        if let Some(release) = one.new.filter(|release| release.serve.hooks.iter().any(|hook| hook.when == when)) {
            builder.add(one.service(), Step::Hooks { release: release.id.clone(), when });
        }
    }
    builder.wall();
}

fn promote(builder: &mut Builder, moves: &[Move<'_>], observed: Observed<'_>, policy: &Policy) {
    builder.enter(Phase::Promoting);
    match &policy.strategy {
        StrategySpec::Canary(canary) => grow(builder, moves, policy, canary),
        StrategySpec::Rolling(settings) => rolling::roll(builder, moves, policy, settings),
        StrategySpec::BlueGreen | StrategySpec::Recreate(_) => {}
    }
    gap::close_gaps(builder, moves, policy);
    swap(builder, moves, observed);
}

/// Raises the candidates' share of the clients, all members together.
fn grow(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy, canary: &Canary) {
    let growing: Vec<_> = moves
        .iter()
        .filter(|one| one.changes_release() && one.from.is_some() && !one.has_gap(StrategyKind::Canary))
        .collect();
    if growing.is_empty() {
        return;
    }
    for step in canary.steps.steps().iter().filter(|step| step.percent < 100) {
        let mut changes = Vec::new();
        for one in &growing {
            let Some(to) = &one.to else { continue };
            let coming = candidate(policy, to, to.instances, Share::Percent(step.percent));
            changes.push((Slot { candidate: Some(coming), ..builder.slot(&one.key) }, None));
        }
        builder.commit(changes, Vec::new());
        let slots = growing.iter().map(|one| one.key.clone()).collect();
        builder.add_for_all(Step::Watch { pause: step.pause, percent: step.percent, slots });
        builder.wall();
    }
}

/// The one swap: every slot takes its goal in one transaction.
fn swap(builder: &mut Builder, moves: &[Move<'_>], observed: Observed<'_>) {
    let mut changes = Vec::new();
    let mut draining = Vec::new();
    for one in moves {
        let slot = builder.slot(&one.key);
        let stands_by = one.from.as_ref().filter(|_| one.changes_release() && one.warm_for.ms > 0);
        // Rolling and recreate leave nothing of the old that could stand by.
        let stands_by = stands_by.filter(|_| slot.live == one.from);
        let mut warm: Vec<Warm> = stands_by
            .map(|old| Warm { release: old.release.clone(), instances: old.instances, until: Timestamp::default() })
            .into_iter()
            .collect();
        let warm_for = stands_by.map(|_| one.warm_for);
        let others = slot.warm.iter().filter(|old| one.to.as_ref().is_some_and(|to| to.release != old.release));
        let room = WARM_SETS_MAX.saturating_sub(warm.len());
        warm.extend(others.filter(|_| !one.changes_release()).take(room).cloned());
        let next = Slot { live: one.to.clone(), candidate: None, warm, hold: None, ..slot };
        draining.extend(surplus(&next, unwanted(&next, observed, &one.fresh)));
        changes.push((next, warm_for));
    }
    builder.commit(changes, draining);
}

/// The unwanted instances of the live release: the routes name them until they drain.
pub(super) fn surplus(slot: &Slot, unwanted: Vec<(ReleaseId, InstanceId)>) -> Vec<InstanceId> {
    let is_live = |release: &ReleaseId| slot.live.as_ref().is_some_and(|live| live.release == *release);
    unwanted.into_iter().filter(|(release, _)| is_live(release)).map(|(_, instance)| instance).collect()
}

fn verify(builder: &mut Builder, moves: &[Move<'_>]) {
    builder.enter(Phase::Verifying);
    for one in moves.iter().filter(|one| one.changes_release()) {
        if let Some(release) = one.new.filter(|release| has_checks(release, CheckPhase::Verify)) {
            let through = CheckThrough::Route;
            builder.add(one.service(), Step::Check { release: release.id.clone(), through });
        }
    }
}

fn monitor(builder: &mut Builder, moves: &[Move<'_>]) {
    builder.enter(Phase::Monitoring);
    let baked: Vec<_> = moves.iter().filter(|one| one.changes_release()).collect();
    let bake = baked.iter().filter_map(|one| one.new).map(|release| release.serve.bake).max();
    if let Some(bake) = bake.filter(|bake| bake.ms > 0) {
        let slots = baked.iter().map(|one| one.key.clone()).collect();
        builder.add_for_all(Step::Watch { pause: Pause::For(bake), percent: 100, slots });
    }
}

/// Stops what the slots no longer want, and ends.
fn clean(builder: &mut Builder, moves: &[Move<'_>], observed: Observed<'_>, policy: &Policy) {
    builder.enter(Phase::Cleaning);
    for one in moves {
        let slot = builder.slot(&one.key);
        for (release, instance) in unwanted(&slot, observed, &one.fresh) {
            builder.stop(one.service(), &release, &instance);
        }
    }
    builder.wall();
    hooks(builder, moves, HookMoment::AfterCompletion, policy);
}

/// The recorded instances of a slot beyond what it wants; `newer` ones count as running too.
pub(super) fn unwanted(slot: &Slot, observed: Observed<'_>, newer: &[InstanceId]) -> Vec<(ReleaseId, InstanceId)> {
    let mine = observed.instances.iter().filter(|instance| instance.slot == slot.key);
    let releases: BTreeSet<_> = mine.map(|instance| &instance.release).collect();
    let mut unwanted = Vec::new();
    for release in releases {
        let instances = observed.instances_of(&slot.key, release);
        let is_live = slot.live.as_ref().is_some_and(|live| live.release == *release);
        let started = if is_live { newer.len() } else { 0 };
        let room = (slot.wanted(release) as usize).saturating_sub(started);
        unwanted.extend(instances.into_iter().skip(room).map(|instance| (release.clone(), instance.id.clone())));
    }
    unwanted
}

fn notes(moves: &[Move<'_>], strategy: StrategyKind) -> Vec<String> {
    let mut notes = Vec::new();
    if strategy == StrategyKind::Rolling && moves.iter().any(rolling::rolls) {
        notes.push("rolling: while it runs, users meet both versions, and calls between services mix them".into());
    }
    for one in moves.iter().filter(|one| one.has_gap(strategy)) {
        notes.push(format!("{}: the old stops before the new starts; requests are held meanwhile", one.service()));
    }
    for one in moves.iter().filter(|one| one.changes_release()) {
        let hooks = one.new.map(|release| release.serve.hooks.as_slice()).unwrap_or_default();
        for hook in hooks.iter().filter(|hook| hook.when != HookMoment::OnRollback) {
            notes.push(format!("{}: what `{}` does can't be taken back", one.service(), hook.command));
        }
    }
    notes
}
