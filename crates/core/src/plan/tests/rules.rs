//! What must hold after every step, whatever the strategy.

use std::collections::{BTreeMap, BTreeSet};

use super::world::World;
use crate::{
    id::{InstanceId, ReleaseId, ServiceName, SlotKey},
    instance::InstanceState,
    plan::{Goal, PlannedStep, Policy, Step, reloadable},
    release::Release,
    route::{Backend, BackendTarget, Pool, link_address},
    slot::{Serving, Slot},
    spec::{InteractionSpec, MigrateKind, Order, OrderName, ServiceKind},
    strategy::{StrategyKind, StrategySpec},
};

pub(super) struct Rules {
    strategy: StrategySpec,
    order: Order,
    /// The slots whose data is put back.
    restored: BTreeSet<SlotKey>,
    goal: Goal,
    parents: BTreeMap<SlotKey, Slot>,
    releases: BTreeMap<ReleaseId, Release>,
    /// Instances that ran in each slot at the beginning.
    first_alive: BTreeMap<SlotKey, usize>,
    /// These instances.
    first: BTreeSet<InstanceId>,
    /// Instances that stood by in each slot at the beginning.
    first_warm: BTreeMap<SlotKey, usize>,
    back: bool,
    /// Instances that the deployment may have begun to stop.
    stopping: BTreeSet<InstanceId>,
    /// The deployment begins where another got stuck: what that one left may break this one's promises.
    after_stuck: bool,
    /// Services that don't go back.
    given_up: BTreeSet<ServiceName>,
}

impl Rules {
    pub(super) fn new(world: &World, goal: &Goal, policy: &Policy) -> Self {
        let parents: BTreeMap<_, _> = world.slots.iter().map(|(key, slot)| (key.clone(), slot.clone())).collect();
        let alive = |key: &SlotKey| world.alive_in(key).count();
        let warm = |slot: &Slot| slot.warm.iter().map(|warm| warm.instances as usize).sum();
        Self {
            strategy: policy.strategy.clone(),
            order: policy.order.clone(),
            restored: policy.restore.keys().cloned().collect(),
            goal: goal.clone(),
            first: world.alive.clone(),
            first_alive: parents.keys().map(|key| (key.clone(), alive(key))).collect(),
            first_warm: parents.iter().map(|(key, slot)| (key.clone(), warm(slot))).collect(),
            parents,
            releases: world.releases.clone(),
            back: false,
            stopping: BTreeSet::new(),
            after_stuck: false,
            given_up: BTreeSet::new(),
        }
    }

    /// The same for the way back from steps that ran or may have run.
    pub(super) fn going_back(self, ran: &[&PlannedStep]) -> Self {
        let stopping = ran.iter().filter_map(|planned| match &planned.step {
            Step::Stop { instance, .. } => Some(instance.clone()),
            _ => None,
        });
        Self { back: true, stopping: stopping.collect(), ..self }
    }

    /// The same for a deployment that begins where another got stuck.
    pub(super) fn after_stuck(self) -> Self {
        Self { after_stuck: true, ..self }
    }

    /// The same for a way back that leaves out some services.
    pub(super) fn without(self, given_up: &BTreeSet<ServiceName>) -> Self {
        Self { given_up: given_up.clone(), ..self }
    }

    fn parent_live(&self, key: &SlotKey) -> Option<&Serving> {
        self.parents.get(key)?.live.as_ref()
    }

    fn is_process(&self, release: &ReleaseId) -> bool {
        self.releases[release].serve.kind == ServiceKind::Process
    }

    fn is_exclusive(&self, release: &ReleaseId) -> bool {
        let own = self.releases[release].serve.strategy.kind() == StrategyKind::Recreate;
        self.is_process(release) && (own || self.strategy.kind() == StrategyKind::Recreate)
    }

    /// The slots that get another release, with it.
    fn changes(&self) -> impl Iterator<Item = (&SlotKey, &Serving)> {
        let goal = self.goal.iter().filter_map(|(key, to)| Some((key, to.as_ref()?)));
        let goal = goal.filter(|(key, _)| !self.given_up.contains(&key.service));
        goal.filter(|(key, to)| self.parent_live(key).is_none_or(|live| live.release != to.release))
    }

    /// Old and new of one slot never run at a time where one of them may not.
    pub(super) fn may_start(&self, world: &World, release: &ReleaseId) -> Result<(), String> {
        let key = &self.releases[release].slot;
        let stood_by = |other: &ReleaseId| {
            self.back && self.parents.get(key).is_some_and(|slot| slot.warm.iter().any(|warm| warm.release == *other))
        };
        for other in world.alive_in(key) {
            let excludes = if self.back {
                self.is_exclusive(release) || self.is_exclusive(&other.release)
            } else {
                self.is_exclusive(release) && self.changes().any(|(changed, _)| changed == key)
            };
            let is_leaving = self.stopping.contains(&other.id);
            // What reads the same configuration as the new one is no other.
            let excludes = excludes && !(self.back && self.passes(&other.release, release));
            if excludes && (other.release != *release || is_leaving) && !stood_by(&other.release) && !self.after_stuck {
                return Err(format!("{release} starts beside {}", other.id));
            }
            if !self.back && self.is_restored(key) && self.first.contains(&other.id) {
                return Err(format!("{release} starts on data that was put back beside {}", other.id));
            }
        }
        self.dependencies_are_ready(world, release)?;
        self.lower_ranks_are_ready(world, key)
    }

    fn dependencies_are_ready(&self, world: &World, release: &ReleaseId) -> Result<(), String> {
        let rolling = self.strategy.kind() == StrategyKind::Rolling;
        for service in &self.releases[release].serve.depends_on {
            let key = SlotKey { service: service.clone(), ..self.releases[release].slot.clone() };
            let waited_for = match self.goal.get(&key) {
                Some(_) if self.given_up.contains(service) => None,
                Some(_) if self.back => self.parent_live(&key),
                Some(Some(to)) if !rolling && !self.has_gap(&key, to) => Some(to),
                _ => None,
            };
            let Some(to) = waited_for.filter(|to| self.is_process(&to.release) && !self.after_stuck) else { continue };
            if self.capable(world, &key, to) < to.instances as usize {
                return Err(format!("{release} starts before {service}, which it depends on, is ready"));
            }
        }
        Ok(())
    }

    /// Ready instances that are of a release, or may pass to it by a reload.
    fn capable(&self, world: &World, key: &SlotKey, to: &Serving) -> usize {
        let ready = world.alive_in(key).filter(|one| one.state == InstanceState::Ready);
        ready.filter(|one| self.passes(&one.release, &to.release)).count()
    }

    fn passes(&self, from: &ReleaseId, to: &ReleaseId) -> bool {
        from == to || reloadable(&self.releases[from], &self.releases[to]) == Some(Ok(()))
    }

    /// Who is in an earlier wave is proven before, of those that are proven in the same part of a plan.
    fn lower_ranks_are_ready(&self, world: &World, key: &SlotKey) -> Result<(), String> {
        let part = |key: &SlotKey, to: &Serving| (self.has_gap(key, to), self.rolls(key, to));
        let Some(own) = self.goal.get(key).and_then(Option::as_ref).filter(|_| !self.back && !self.after_stuck) else {
            return Ok(());
        };
        for (other, to) in self.changes().filter(|(other, _)| *other != key) {
            let (same, before) = (part(other, to) == part(key, own), self.is_before(other, key));
            let ready = !self.is_process(&to.release) || self.capable(world, other, to) >= to.instances as usize;
            let begun = world.alive_in(other).any(|one| one.release == to.release && !self.first.contains(&one.id));
            let alone = self.order == Order::Named(OrderName::Sequential);
            if same && !ready && (before || (alone && begun)) {
                return Err(format!("{key} starts before {other}, whose turn is before"));
            }
        }
        Ok(())
    }

    fn is_before(&self, one: &SlotKey, other: &SlotKey) -> bool {
        let wave = |waves: &[Vec<ServiceName>], key: &SlotKey| {
            waves.iter().position(|wave| wave.contains(&key.service)).unwrap_or(waves.len())
        };
        match &self.order {
            Order::Waves(waves) => wave(waves, one) < wave(waves, other),
            Order::Named(OrderName::Parallel | OrderName::Sequential) => false,
        }
    }

    fn rolls(&self, key: &SlotKey, to: &Serving) -> bool {
        let takes_over = self.parent_live(key).is_some_and(|live| live.release != to.release);
        self.strategy.kind() == StrategyKind::Rolling && self.is_process(&to.release) && takes_over
    }

    fn is_restored(&self, key: &SlotKey) -> bool {
        let to = self.goal.get(key).and_then(Option::as_ref);
        self.restored.contains(key) && to.is_some_and(|to| self.is_process(&to.release))
    }

    /// Data is widened before anything new runs, and narrowed when nothing old does or may come back by itself.
    pub(super) fn may_migrate(&self, world: &World, release: &ReleaseId, kind: MigrateKind) -> Result<(), String> {
        let key = &self.releases[release].slot;
        let stray = match kind {
            _ if self.after_stuck => None,
            MigrateKind::Expand => world.alive.iter().find(|id| !self.first.contains(id)),
            MigrateKind::Contract => world.alive_in(key).find(|one| one.release != *release).map(|one| &one.id),
        };
        if let Some(stray) = stray {
            return Err(format!("{release} changes its data ({kind:?}) while {stray} runs"));
        }
        let slot = world.slot(key);
        let is_alone = slot.releases() == [release];
        if kind == MigrateKind::Contract && !is_alone {
            return Err(format!("{release} narrows its data while its slot names others: {slot:?}"));
        }
        Ok(())
    }

    /// Data is put back while nobody works with it, and nobody is refused.
    pub(super) fn may_restore(&self, world: &World, release: &ReleaseId) -> Result<(), String> {
        let key = &self.releases[release].slot;
        let slot = world.slot(key);
        if slot.hold.is_none() || !slot.warm.is_empty() {
            return Err(format!("{key} is not held while its data is put back: {slot:?}"));
        }
        // Begun a second time: those on the data that was put back may run already.
        match world.alive_in(key).find(|one| self.first.contains(&one.id)) {
            Some(one) if !self.after_stuck => Err(format!("data is put back while {} runs", one.id)),
            _ => Ok(()),
        }
    }

    /// Whoever asks how services work together is there, and meets what the deployment brings.
    pub(super) fn may_ask(&self, world: &World, from: &ReleaseId, asked: &InteractionSpec) -> Result<(), String> {
        let to = asked.to.as_ref().unwrap_or(&asked.from);
        let table = world.table();
        let link = table.links.get(&link_address(from, to));
        let link = link.ok_or_else(|| format!("`{}`: {from} has no link to {to}", asked.name))?;
        let pool = table.pools.get(&link.pool);
        let backends: Vec<_> = pool.iter().flat_map(|pool| &pool.backends).collect();
        let met = match &link.release {
            Some(release) => Some(release),
            None => backends.iter().find(|backend| backend.weight > 0).map(|backend| &backend.release),
        };
        let key = SlotKey { service: to.clone(), ..self.releases[from].slot.clone() };
        let wanted = match self.goal.get(&key) {
            Some(to) => to.as_ref(),
            None => self.parent_live(&key),
        };
        if met != wanted.map(|wanted| &wanted.release) {
            return Err(format!("`{}` meets {met:?}, not {wanted:?}", asked.name));
        }
        let missing = |release: &ReleaseId| self.is_process(release) && world.ready(&key, release) == 0;
        match met {
            Some(release) if missing(release) => Err(format!("`{}` asks {release}, which is not ready", asked.name)),
            _ => Ok(()),
        }
    }

    fn has_gap(&self, key: &SlotKey, to: &Serving) -> bool {
        let parts =
            self.is_exclusive(&to.release) && self.parent_live(key).is_some_and(|live| live.release != to.release);
        parts || self.is_restored(key)
    }

    /// What holds after every step.
    pub(super) fn hold(&self, world: &World) -> Result<(), String> {
        let table = world.table();
        for pool in table.pools.values() {
            backends_answer(world, pool)?;
            self.hold_is_needed(world, pool)?;
        }
        for key in self.parents.keys().filter(|key| self.always_served(key)) {
            let name = key.to_string();
            let pool = table.pools.get(&name).ok_or_else(|| format!("{name} has no pool"))?;
            let weight: u32 = pool.backends.iter().map(|backend| backend.weight).sum();
            if pool.hold.is_none() && weight == 0 {
                return Err(format!("nobody answers for {name}, and nothing is held"));
            }
            if !table.routes.iter().any(|route| route.pool == name) {
                return Err(format!("no route leads to {name}"));
            }
        }
        self.swap_is_one(world)?;
        if !self.back && !self.after_stuck {
            self.proven_before_seen(world)?;
            self.rolls_within_bounds(world)?;
        }
        Ok(())
    }

    fn always_served(&self, key: &SlotKey) -> bool {
        let had = self.parents[key].live.is_some() || self.parents[key].hold.is_some();
        had && self.goal.get(key).is_none_or(Option::is_some) && !self.given_up.contains(&key.service)
    }

    fn hold_is_needed(&self, world: &World, pool: &Pool) -> Result<(), String> {
        if self.given_up.contains(&pool.slot.service) || self.is_restored(&pool.slot) {
            return Ok(());
        }
        let slot = world.slot(&pool.slot);
        let to = self.goal.get(&pool.slot).and_then(Option::as_ref);
        let either = to.into_iter().chain(self.parent_live(&pool.slot)).map(|serving| &serving.release);
        let present = slot.releases().into_iter().chain(either);
        let to = to.map_or(0, |to| to.instances);
        let none_is_left = matches!(&self.strategy, StrategySpec::Rolling(settings) if to + settings.max_surge <= 1);
        let needed = present.into_iter().any(|release| self.is_exclusive(release)) || none_is_left || self.after_stuck;
        if pool.hold.is_some() && !needed {
            return Err(format!("{} is held for nothing", pool.slot));
        }
        Ok(())
    }

    /// All members become live in one step, and cease to be in one; on the way back some may be held before that.
    fn swap_is_one(&self, world: &World) -> Result<(), String> {
        let is_live = |(key, to): (&SlotKey, &Serving)| {
            world.slots.get(key).and_then(|slot| slot.live.as_ref()).is_some_and(|live| live.release == to.release)
        };
        let is_held = |key: &SlotKey| self.back && world.slot(key).hold.is_some();
        let live: Vec<bool> = self.changes().filter(|(key, _)| !is_held(key)).map(is_live).collect();
        let one = live.iter().all(|live| *live) || live.iter().all(|live| !*live);
        if one || self.after_stuck { Ok(()) } else { Err("some members are live and some are not".into()) }
    }

    /// Blue-green and canary show nothing before every member is proven; a gap comes last.
    fn proven_before_seen(&self, world: &World) -> Result<(), String> {
        if !matches!(self.strategy.kind(), StrategyKind::BlueGreen | StrategyKind::Canary) {
            return Ok(());
        }
        let table = world.table();
        let is_seen = |(key, to): &(&SlotKey, &Serving)| {
            let pool = table.pools.get(&key.to_string());
            pool.is_some_and(|pool| pool.backends.iter().any(|one| one.weight > 0 && one.release == to.release))
        };
        let Some((seen, _)) = self.changes().find(is_seen) else { return Ok(()) };
        let proven = |(key, to): (&SlotKey, &Serving)| {
            let swapped = world.slot(key).live.is_some_and(|live| live.release == to.release);
            (self.has_gap(key, to) && !swapped) || self.capable(world, key, to) >= to.instances as usize
        };
        if self.changes().all(proven) { Ok(()) } else { Err(format!("{seen} is seen before all are proven")) }
    }

    fn rolls_within_bounds(&self, world: &World) -> Result<(), String> {
        let StrategySpec::Rolling(settings) = &self.strategy else { return Ok(()) };
        for (key, to) in self.changes().filter(|(_, to)| self.is_process(&to.release)) {
            let Some(from) = self.parent_live(key).filter(|from| self.is_process(&from.release)) else { continue };
            if self.has_gap(key, to) {
                continue;
            }
            let wanted = to.instances as usize;
            let most = (wanted + settings.max_surge as usize + self.first_warm[key]).max(self.first_alive[key]);
            let alive = world.alive_in(key).count();
            if alive > most {
                return Err(format!("{key} runs {alive} instances, {most} are allowed"));
            }
            // Settings that allow no move are refused elsewhere; the planner then lets one be missing.
            let refused = settings.max_surge + settings.max_unavailable == 0;
            let missing = if refused { 1 } else { settings.max_unavailable as usize };
            let least = wanted.saturating_sub(missing).min(from.instances as usize);
            let ready = world.alive_in(key).filter(|one| one.state == InstanceState::Ready).count();
            if ready < least {
                return Err(format!("{key} has {ready} instances that take requests, {least} are promised"));
            }
        }
        Ok(())
    }

    /// What holds when a deployment is complete.
    pub(super) fn complete(&self, world: &World) -> Result<(), String> {
        for (key, to) in &self.goal {
            let slot = world.slot(key);
            if slot.live != *to || slot.candidate.is_some() || slot.hold.is_some() {
                return Err(format!("{key} is not what it should be: {slot:?}"));
            }
        }
        // What got stuck may have left instances in slots that are as they should be: the reconciler stops those.
        if self.after_stuck { Ok(()) } else { self.exactly_the_wanted(world, &BTreeMap::new()) }
    }

    /// What holds when a deployment was taken back. Sets that stood by and were retired already are the reconciler's
    /// to start again: `retired` names how many of a slot's may be missing.
    pub(super) fn taken_back(&self, world: &World, retired: &BTreeMap<SlotKey, usize>) -> Result<(), String> {
        for (key, parent) in self.parents.iter().filter(|(key, _)| !self.given_up.contains(&key.service)) {
            let slot = world.slot(key);
            let (revision, written_by) = (parent.revision, parent.written_by.clone());
            let as_it_was = Slot { revision, written_by, replaced: parent.replaced.clone(), ..slot.clone() };
            if as_it_was != *parent {
                return Err(format!("{key} is not what it was:\n{slot:?}\n{parent:?}"));
            }
        }
        self.exactly_the_wanted(world, retired)
    }

    fn exactly_the_wanted(&self, world: &World, retired: &BTreeMap<SlotKey, usize>) -> Result<(), String> {
        let given_up = |key: &SlotKey| self.given_up.contains(&key.service);
        for slot in world.slots.values().filter(|slot| !given_up(&slot.key)) {
            for release in slot.releases() {
                let (ready, wanted) = (world.ready(&slot.key, release), slot.wanted(release) as usize);
                let stands_by = slot.warm.iter().any(|warm| warm.release == *release);
                let missing = if stands_by { retired.get(&slot.key).copied().unwrap_or(0) } else { 0 };
                if ready > wanted || ready + missing < wanted {
                    return Err(format!("{release} has {ready} ready instances, {wanted} are wanted"));
                }
            }
        }
        for instance in world.instances.values().filter(|instance| !given_up(&instance.slot)) {
            let read = world.read.get(&instance.id);
            let misled = instance.reloading.is_some() || read.is_some_and(|read| *read != instance.release);
            if misled && world.alive.contains(&instance.id) {
                return Err(format!("{} is of {}, and has read {read:?}", instance.id, instance.release));
            }
            let slot = world.slot(&instance.slot);
            let retired = retired.get(&slot.key).copied().unwrap_or(0) > 0
                && slot.warm.iter().any(|warm| warm.release == instance.release);
            if slot.wanted(&instance.release) == 0 || !(retired || world.alive.contains(&instance.id)) {
                return Err(format!("{} is left behind", instance.id));
            }
        }
        // Of a service that is given up a stop may be half done.
        match world.alive.iter().find(|id| !world.instances.contains_key(id)).filter(|_| self.given_up.is_empty()) {
            Some(stray) => Err(format!("{stray} runs, and nobody knows")),
            None => Ok(()),
        }
    }
}

/// Whatever may be sent requests is there and ready, unless requests are held.
fn backends_answer(world: &World, pool: &Pool) -> Result<(), String> {
    for Backend { release, weight, target, .. } in &pool.backends {
        let BackendTarget::Instances(upstreams) = target else { continue };
        if *weight == 0 || pool.hold.is_some() {
            continue;
        }
        if upstreams.is_empty() {
            return Err(format!("{release} gets requests, and no instance takes them"));
        }
        if let Some(dead) = upstreams.iter().find(|upstream| !world.alive.contains(&upstream.instance)) {
            return Err(format!("{} gets requests, and does not run", dead.instance));
        }
    }
    Ok(())
}
