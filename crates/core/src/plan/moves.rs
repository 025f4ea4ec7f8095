//! What has to change: one move for each slot that is not as it should be, in the order in which they are proven.

use std::collections::BTreeMap;

use super::{
    Goal, PlanFault, Policy,
    observed::View,
    order::{DependsOn, line_up},
    reloading::{self, Restart, Turn},
};
use crate::{
    id::{InstanceId, ReleaseId, ServiceName, SlotKey},
    instance::instance_id,
    release::Release,
    slot::{Serving, Slot},
    spec::{MigrateKind, MigrateSpec, ServiceKind},
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
    /// Running instances that read the configuration of the new release, and are of it from the swap on. Where there are
    /// any, no instance starts or stops for the move.
    pub(super) reloaded: Vec<InstanceId>,
    /// Why new instances start, where the service asks for reloads.
    pub(super) restart: Option<Restart>,
    /// Running instances of the old release.
    pub(super) old: Vec<InstanceId>,
    /// Every recorded instance of the slot that is not used again, whatever its release.
    pub(super) others: Vec<(ReleaseId, InstanceId)>,
    /// An earlier deployment got stuck in it.
    pub(super) is_half_done: bool,
    pub(super) warm_for: Span,
    /// The change of data that comes with it.
    pub(super) migrate: Option<&'a MigrateSpec>,
    /// The copy of the data folders that is put back while all instances stand still.
    pub(super) restore: Option<String>,
    /// The members that are proven before it.
    pub(super) after: Vec<ServiceName>,
    /// Members of lower rank are proven before those of higher rank.
    pub(super) rank: usize,
}

impl Move<'_> {
    pub(super) fn service(&self) -> &ServiceName {
        &self.key.service
    }

    /// Whether another release comes.
    pub(super) fn changes_release(&self) -> bool {
        changes_release(self.from.as_ref(), self.to.as_ref())
    }

    /// Whether running instances take it by a reload.
    pub(super) fn reloads(&self) -> bool {
        !self.reloaded.is_empty()
    }

    /// Whether it goes batch by batch where that is the strategy: another release of a process takes over.
    pub(super) fn rolls(&self) -> bool {
        self.new.is_some_and(is_process) && self.changes_release() && self.from.is_some() && !self.reloads()
    }

    /// Whether old and new may not run at a time, and there is an old one; or all must stand still for its data.
    pub(super) fn has_gap(&self, strategy: StrategyKind) -> bool {
        let exclusive = strategy == StrategyKind::Recreate || self.new.is_some_and(is_exclusive);
        let has_old = self.from.is_some() || !self.others.is_empty();
        let parts = exclusive && self.changes_release() && has_old && !self.reloads();
        self.new.is_some_and(is_process) && (parts || self.restore.is_some())
    }

    /// Whether all of it is proven in testing and can be reached then, before users meet any of it.
    pub(super) fn is_proven_unseen(&self, strategy: StrategyKind) -> bool {
        let rolls = strategy == StrategyKind::Rolling && self.rolls();
        self.to.is_some() && !self.is_half_done && !self.has_gap(strategy) && !rolls && !self.reloads()
    }

    /// The change of data of that kind which comes with it.
    pub(super) fn migrates(&self, kind: MigrateKind) -> Option<&MigrateSpec> {
        self.migrate.filter(|migrate| migrate.kind == kind)
    }
}

fn changes_release(from: Option<&Serving>, to: Option<&Serving>) -> bool {
    to.is_some() && from.map(|serving| &serving.release) != to.map(|serving| &serving.release)
}

fn is_process(release: &Release) -> bool {
    release.serve.kind == ServiceKind::Process
}

/// Whether a release says of itself that it may not run beside another.
pub(super) fn is_exclusive(release: &Release) -> bool {
    is_process(release) && release.serve.strategy.kind() == StrategyKind::Recreate
}

pub(super) fn moves<'a>(view: &View<'a>, goal: &Goal, policy: &Policy) -> Result<Vec<Move<'a>>, PlanFault> {
    let mut by_service = BTreeMap::new();
    for (key, to) in goal {
        by_service.extend(one_move(view, &view.slot(key), to.clone(), policy)?);
    }
    for key in policy.restore.keys().filter(|key| !goal.contains_key(key)) {
        let slot = view.slot(key);
        by_service.extend(one_move(view, &slot, slot.live.clone(), policy)?);
    }
    let members = by_service.iter().map(|(name, one)| (name, depends_on(one.new))).collect();
    let beside = by_service.values().next().map(|one| beside(view, &one.key)).unwrap_or_default();
    let places = line_up(&members, &beside, &policy.order)?;
    let placed = places.into_iter().filter_map(|place| {
        let one = by_service.remove(&place.service)?;
        Some(Move { after: place.after, rank: place.rank, ..one })
    });
    Ok(placed.collect())
}

fn depends_on(release: Option<&Release>) -> &[ServiceName] {
    release.map(|release| release.serve.depends_on.as_slice()).unwrap_or_default()
}

/// What the live releases around a slot depend on.
pub(super) fn beside<'a>(view: &View<'a>, around: &SlotKey) -> DependsOn<'a> {
    let near = |key: &SlotKey| key.project == around.project && key.environment == around.environment;
    let live = view.slots.values().filter(|slot| near(&slot.key)).filter_map(|slot| Some((slot, slot.live.as_ref()?)));
    let depending = live.map(|(slot, live)| (&slot.key.service, depends_on(view.releases.get(&live.release))));
    depending.filter(|(_, depends_on)| !depends_on.is_empty()).collect()
}

/// The move of a slot; none when it is as it should be.
fn one_move<'a>(
    view: &View<'a>,
    slot: &Slot,
    to: Option<Serving>,
    policy: &Policy,
) -> Result<Option<(ServiceName, Move<'a>)>, PlanFault> {
    let known = |id: &ReleaseId| view.releases.get(id).ok_or_else(|| PlanFault::UnknownRelease(id.clone()));
    let new = to.as_ref().map(|serving| known(&serving.release)).transpose()?;
    let restore = policy.restore.get(&slot.key).filter(|_| new.is_some_and(is_process)).cloned();
    // What a deployment left half-done when it got stuck is undone by the next one.
    let is_half_done = slot.candidate.is_some() || slot.hold.is_some();
    let misled = to.as_ref().map(|to| view.misled(&slot.key, &to.release)).unwrap_or_default();
    if slot.live == to && !is_half_done && restore.is_none() && misled.is_empty() {
        return Ok(None);
    }
    let running = to.as_ref().map(|serving| view.running(&slot.key, &serving.release)).unwrap_or_default();
    // On other data none of those that run can be used again.
    let wanted = to.as_ref().filter(|_| restore.is_none()).map_or(0, |serving| serving.instances as usize);
    let kept: Vec<_> = running.into_iter().take(wanted).collect();
    let old = slot.live.as_ref().map(|live| view.running_by_age(&slot.key, &live.release)).unwrap_or_default();
    let migrates = !policy.proven && changes_release(slot.live.as_ref(), to.as_ref());
    let migrate = new.filter(|_| migrates).and_then(|release| release.serve.migrate.as_ref());
    let turn = match (slot.live.as_ref().and_then(|live| view.releases.get(&live.release)), new) {
        _ if restore.is_some() => Turn::default(),
        (Some(live), Some(new)) if live.id != new.id => reloading::turn((live, new), &old, &kept, wanted),
        _ => Turn::back(misled.into_iter().filter(|one| kept.contains(one)).collect()),
    };
    let Turn { reloaded, restart } = turn;
    let taken = kept.len() + reloaded.iter().filter(|one| !kept.contains(one)).count();
    let fresh = fresh_ids(view, slot, to.as_ref(), taken);
    let stays = |id: &InstanceId| kept.contains(id) || reloaded.contains(id);
    let mine = view.instances(&slot.key).iter().filter(|one| !stays(&one.id));
    let others = mine.map(|one| (one.release.clone(), one.id.clone())).collect();
    // What was reloaded runs on: nothing of the old is left that could stand by.
    let warm_for = if reloaded.is_empty() { warm_for(new, migrate, policy.strategy.kind()) } else { Span::default() };
    let one = Move {
        key: slot.key.clone(),
        from: slot.live.clone(),
        to,
        new,
        kept,
        fresh,
        reloaded,
        restart,
        old,
        others,
        is_half_done,
        warm_for,
        migrate,
        restore,
        after: Vec::new(),
        rank: 0,
    };
    Ok(Some((slot.key.service.clone(), one)))
}

/// How long the old release stands by.
fn warm_for(new: Option<&Release>, migrate: Option<&MigrateSpec>, strategy: StrategyKind) -> Span {
    // After a contract it would stand by on data that it can't work with.
    let contracts = migrate.is_some_and(|migrate| migrate.kind == MigrateKind::Contract);
    match strategy {
        StrategyKind::BlueGreen | StrategyKind::Canary if !contracts => {
            new.map_or(Span::default(), |release| release.serve.warm_for)
        }
        _ => Span::default(),
    }
}

/// Ids for the instances that are missing. A plan that was begun and is drawn again has used some already.
pub(super) fn fresh_ids(view: &View<'_>, slot: &Slot, to: Option<&Serving>, running: usize) -> Vec<InstanceId> {
    let Some(to) = to else { return Vec::new() };
    let missing = (to.instances as usize).saturating_sub(running);
    let ids = (1..).map(|number| instance_id(&slot.key, &to.release, slot.revision + 1, number));
    let is_used = |id: &InstanceId| view.instances(&slot.key).iter().any(|one| one.id == *id);
    ids.filter(|id| !is_used(id)).take(missing).collect()
}
