//! The way forward: one plan for every strategy and every number of services.

use super::{
    CheckThrough, Goal, Observed, Plan, PlanFault, Policy, Step,
    builder::Builder,
    canary, gap,
    interacting::{self, Interactions},
    leaving::{Leaving, leave},
    migrating,
    moves::{Move, moves},
    observed::{View, surplus, unwanted},
    proving::{Turns, announce, has_checks, prove},
    reloading, rolling,
};
use crate::{
    id::{InstanceId, ReleaseId},
    phase::Phase,
    slot::{Slot, Warm},
    spec::{CheckPhase, HookMoment},
    strategy::{Pause, StrategyKind, StrategySpec},
    time::Timestamp,
};

/// How many earlier releases of a slot stand by at a time.
const WARM_SETS_MAX: usize = 1;

/// Plans the transition from what is observed to the goal.
///
/// # Errors
/// A circle of dependencies, an order of waves against them, or a release without a record.
pub fn plan(observed: Observed<'_>, goal: &Goal, policy: &Policy) -> Result<Plan, PlanFault> {
    let view = View::of(observed);
    let moves = moves(&view, goal, policy)?;
    let interactions = interacting::choose(&view, &moves, policy);
    let mut builder = Builder::new(policy.deployment.clone(), observed.slots);
    if !moves.is_empty() {
        stage(&mut builder, &moves);
        test(&mut builder, &moves, &interactions, policy);
        promote(&mut builder, &moves, &view, policy);
        verify(&mut builder, &moves, &interactions);
        monitor(&mut builder, &moves);
        clean(&mut builder, &moves, &view, policy);
    }
    let notes = notes(&moves, &interactions, policy);
    Ok(Plan::of(policy.strategy.kind(), builder.finish(), notes))
}

fn stage(builder: &mut Builder, moves: &[Move<'_>]) {
    builder.enter(Phase::Staging);
    for one in moves {
        if let Some(release) = one.new.filter(|_| one.changes_release()) {
            builder.add(one.service(), Step::Stage { release: release.id.clone() });
        }
    }
}

fn test(builder: &mut Builder, moves: &[Move<'_>], interactions: &Interactions<'_>, policy: &Policy) {
    builder.enter(Phase::Testing);
    migrating::expand(builder, moves, policy);
    hooks(builder, moves, HookMoment::BeforeTest, policy);
    announce(builder, moves, policy);
    let strategy = policy.strategy.kind();
    let mut turns = Turns::default();
    for one in moves.iter().filter(|one| !one.has_gap(strategy) && !one.reloads()) {
        let rolls = strategy == StrategyKind::Rolling && one.rolls();
        let (kept, fresh): (&[_], &[_]) = if rolls { (&[], &[]) } else { (&one.kept, &one.fresh) };
        let needs = turns.needs(one);
        let ends = prove(builder, one, kept, fresh, policy, &needs);
        turns.had(one, needs, ends);
    }
    builder.wall();
    interacting::ask(builder, &interactions.test);
    hooks(builder, moves, HookMoment::BeforePromotion, policy);
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

fn promote(builder: &mut Builder, moves: &[Move<'_>], view: &View<'_>, policy: &Policy) {
    builder.enter(Phase::Promoting);
    match &policy.strategy {
        StrategySpec::Canary(canary) => canary::grow(builder, moves, policy, canary),
        StrategySpec::Rolling(settings) => rolling::roll(builder, moves, policy, settings),
        StrategySpec::BlueGreen | StrategySpec::Recreate(_) => {}
    }
    // Before any requests are held.
    reloading::reload(builder, moves, policy);
    gap::close_gaps(builder, moves, view, policy);
    swap(builder, moves, view);
}

/// The one swap: every slot takes its goal in one transaction.
fn swap(builder: &mut Builder, moves: &[Move<'_>], view: &View<'_>) {
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
        let replaced = one.from.as_ref().filter(|_| one.changes_release() && !one.reloads());
        let replaced = replaced.map(|old| old.release.clone());
        let next = Slot { live: one.to.clone(), candidate: None, warm, hold: None, replaced, ..slot };
        let leaving = surplus(&next, leaving(&next, one, view));
        draining.extend(leaving.into_iter().filter(|instance| !builder.stops(instance)));
        changes.push((next, warm_for));
    }
    let reloaded = moves.iter().flat_map(|one| one.reloaded.iter().cloned()).collect();
    builder.commit_reloaded(changes, draining, reloaded);
}

/// The recorded instances beyond what the slot of a move wants.
fn leaving(slot: &Slot, one: &Move<'_>, view: &View<'_>) -> Vec<(ReleaseId, InstanceId)> {
    let unwanted = unwanted(slot, view, &one.fresh).into_iter();
    unwanted.filter(|(_, instance)| !one.reloaded.contains(instance)).collect()
}

fn verify(builder: &mut Builder, moves: &[Move<'_>], interactions: &Interactions<'_>) {
    builder.enter(Phase::Verifying);
    for one in moves.iter().filter(|one| one.changes_release()) {
        if let Some(release) = one.new.filter(|release| has_checks(release, CheckPhase::Verify)) {
            let through = CheckThrough::Route;
            builder.add(one.service(), Step::Check { release: release.id.clone(), through });
        }
    }
    builder.wall();
    interacting::ask(builder, &interactions.verify);
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

/// Stops what the slots no longer want, and ends. What nothing comes back from is last.
fn clean(builder: &mut Builder, moves: &[Move<'_>], view: &View<'_>, policy: &Policy) {
    builder.enter(Phase::Cleaning);
    let leaving = moves.iter().map(|one| {
        let slot = builder.slot(&one.key);
        Leaving::new(one.service(), leaving(&slot, one, view), view).beside(standing_by(&slot, one), view)
    });
    let leaving = leaving.collect();
    leave(builder, leaving);
    builder.wall();
    migrating::contract(builder, moves, policy);
    hooks(builder, moves, HookMoment::AfterCompletion, policy);
}

/// The instances that the move took from users and that stand by from now on.
fn standing_by(slot: &Slot, one: &Move<'_>) -> Vec<(ReleaseId, InstanceId)> {
    let Some(from) = one.from.as_ref().filter(|from| slot.warm.iter().any(|warm| warm.release == from.release)) else {
        return Vec::new();
    };
    one.old.iter().map(|instance| (from.release.clone(), instance.clone())).collect()
}

fn notes(moves: &[Move<'_>], interactions: &Interactions<'_>, policy: &Policy) -> Vec<String> {
    let strategy = policy.strategy.kind();
    let mut notes = Vec::new();
    if strategy == StrategyKind::Rolling && moves.iter().any(Move::rolls) {
        notes.push("rolling: while it runs, users meet both versions, and calls between services mix them".into());
    }
    for one in moves.iter().filter(|one| one.has_gap(strategy)) {
        notes.push(format!("{}: the old stops before the new starts; requests are held meanwhile", one.service()));
    }
    notes.extend(moves.iter().filter_map(reloading::note));
    notes.extend(interactions.put_off.iter().map(|name| {
        format!("`{name}` is asked after promotion: not all that it asks can be reached before users see it")
    }));
    notes.extend(moves.iter().filter_map(migrating::notes));
    notes.extend(gap::restore_notes(moves, policy));
    for one in moves.iter().filter(|one| one.changes_release()) {
        let hooks = one.new.map(|release| release.serve.hooks.as_slice()).unwrap_or_default();
        for hook in hooks.iter().filter(|hook| hook.when != HookMoment::OnRollback) {
            notes.push(format!("{}: what `{}` does can't be taken back", one.service(), hook.command));
        }
    }
    notes
}
