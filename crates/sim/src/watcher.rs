//! What must hold, looked at after every commit, every table and every act on the machine. docs/INVARIANTS.md says each
//! in words; the numbers are the same.
//!
//! Not here: what must hold when all is over (`closing`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use shipway_core::{
    deployment::Deployment,
    id::{DeploymentId, InstanceId, ReleaseId, SlotKey},
    instance::{Instance, InstanceState},
    phase::{End, Phase, Turn, next},
    plan::Step,
    release::Release,
    route::{Backend, RouteTable},
    slot::{Share, Slot},
    spec::{MigrateKind, ServiceKind},
};

use crate::{
    coverage::{Coverage, Trouble, node},
    machine::Machine,
    members::Member,
    owed::Owed,
    router::{Leaving, takes_requests, upstreams},
    seen::{Happening, Seen, mark},
};

/// A deployment as the watcher knows it.
#[derive(Clone, Default)]
pub struct Watched {
    /// How far it is.
    pub phase: Option<Phase>,
    /// The slots that it writes.
    pub slots: BTreeSet<SlotKey>,
    /// The steps of its plan, and of its way back.
    pub plans: [Vec<Arc<Step>>; 2],
    /// Whether it has ended.
    pub ended: bool,
    /// The slots that it changes, and how.
    pub members: Vec<Member>,
    /// Whether others went back without a member of it.
    pub given_up: bool,
}

/// A step that has begun and has no recorded end.
#[derive(Clone)]
pub struct Running {
    /// What it does.
    pub step: Arc<Step>,
    /// What is done to this attempt of it, on purpose.
    pub trick: Option<Trick>,
    /// How many attempts after this one fail too.
    pub failing_after: u32,
}

/// What is done to a step on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    /// It fails, and has no effect.
    Fails,
    /// It has its effect, and whoever asked for it hears that it failed.
    Unanswered,
}

/// What still reaches an instance that is stopped.
pub struct Met {
    /// It gets new requests.
    pub routed: bool,
    /// Its own requests of before are under way.
    pub leaving: Option<Leaving>,
    /// Another with requests under way may call it.
    pub caller: Option<InstanceId>,
}

/// The name of a step: its deployment, its way, its number.
pub type StepName = (DeploymentId, bool, usize);

/// Everything that is checked as it happens.
#[derive(Clone, Default)]
pub struct Watcher {
    /// The first thing that did not hold.
    pub broken: Option<String>,
    /// How many checks were made.
    pub checks: u64,
    /// Slots as they are stored.
    pub slots: BTreeMap<SlotKey, Arc<Slot>>,
    /// Instances as they are stored.
    pub instances: BTreeMap<InstanceId, Arc<Instance>>,
    /// Releases as they are stored.
    pub releases: BTreeMap<ReleaseId, Arc<Release>>,
    /// Deployments.
    pub deployments: BTreeMap<DeploymentId, Watched>,
    /// Deployments that have not ended.
    pub open: BTreeSet<DeploymentId>,
    /// Steps that have begun.
    pub running: BTreeMap<StepName, Running>,
    begun: BTreeMap<StepName, u32>,
    /// Steps that were under way when a server stood still: it may run their command when it goes on, although another
    /// server ended them meanwhile. No record can keep a process from that.
    held: BTreeMap<StepName, Arc<Step>>,
    /// The newest commit.
    pub generation: u64,
    /// The newest event.
    pub last_event: u64,
    /// The commit that last changed what is routed to a slot.
    pub(crate) moved_at: BTreeMap<SlotKey, u64>,
    /// All events so far, in their order, in one number.
    pub told: u64,
    /// What is owed to people.
    pub(crate) owed: Owed,
    /// Slots of which an instance was lost by itself, or was not ready, until they have all of them again.
    short: BTreeSet<SlotKey>,
    /// Whether the store was put back: what ran since is unknown to it.
    pub restored: bool,
    /// Whether nothing goes wrong any more.
    pub calm: bool,
    /// How deployments ended.
    pub ends: BTreeMap<Phase, u64>,
}

impl Watcher {
    /// Something does not hold. The first is kept.
    pub fn violate(&mut self, which: &str, words: impl FnOnce() -> String) {
        if self.broken.is_none() {
            self.broken = Some(format!("{which}: {}", words()));
        }
    }

    pub(crate) fn check(&mut self, which: &str, holds: bool, words: impl FnOnce() -> String) {
        self.checks += 1;
        if !holds {
            self.violate(which, words);
        }
    }

    /// Takes in a commit that was made.
    pub fn committed(&mut self, seen: Seen, generation: u64, last_event: u64, coverage: &mut Coverage) {
        let events = seen.happenings.len() as u64;
        let dense = generation == self.generation + 1 && last_event == self.last_event + events;
        self.check("I7", dense, || format!("commit {generation} ends at event {last_event}, of {events}"));
        (self.generation, self.last_event) = (generation, last_event);
        self.releases.extend(seen.releases.into_iter().map(|release| (release.id.clone(), release)));
        self.told = seen.marks.iter().fold(self.told, |told, one| mark(told, *one));
        seen.taken_in.iter().for_each(|id| self.taken_in(id));
        seen.quarantined.iter().for_each(|by| self.is_quarantined(by.clone()));
        for deployment in &seen.opened {
            let watched = self.deployments.entry(deployment.clone()).or_default();
            // A stuck one is opened again before it goes back again.
            if watched.phase.is_none() {
                watched.phase = Some(Phase::Queued);
                self.open.insert(deployment.clone());
            }
        }
        for deployment in &seen.planned {
            self.learn_plans(deployment);
        }
        for happening in &seen.happenings {
            self.happened(happening, coverage);
        }
        for instance in seen.instances {
            self.put_instance(instance, generation);
        }
        for id in seen.gone {
            self.drop_instance(&id, generation);
        }
        if !seen.slots.is_empty() {
            self.put_slots(seen.slots, generation);
            self.move_as_one();
        }
        for deployment in seen.ended {
            self.ended(&deployment);
        }
    }

    fn learn_plans(&mut self, deployment: &Deployment) {
        let watched = self.deployments.entry(deployment.id.clone()).or_default();
        watched.slots = deployment.slot_keys();
        watched.members = Member::all(deployment);
        watched.given_up |= !deployment.given_up.is_empty();
        for (way, plan) in [&deployment.course.plan, &deployment.course.unwind].into_iter().enumerate() {
            let steps = plan.iter().flat_map(|plan| &plan.steps);
            watched.plans[way] = steps.map(|planned| Arc::new(planned.step.clone())).collect();
        }
    }

    fn happened(&mut self, happening: &Happening, coverage: &mut Coverage) {
        match happening {
            Happening::Phase { deployment, phase } => self.entered(deployment, *phase),
            Happening::Began { step } => self.began(step, coverage),
            Happening::Ended { step, failed } => {
                if let Some(running) = self.running.remove(step)
                    && *failed
                {
                    coverage.note(node(&running.step), step.1, Trouble::Failed);
                    // Its next attempt fails too, as long as that was the aim.
                    self.begun.insert(step.clone(), running.failing_after);
                }
            }
            Happening::Allowed => self.may_go_on(),
            Happening::Other => {}
        }
    }

    fn entered(&mut self, id: &DeploymentId, phase: Phase) {
        let before = self.deployments.get(id).and_then(|watched| watched.phase);
        let legal = before.is_some_and(|before| before == phase || follows(before, phase));
        self.check("I7", legal, || format!("{id} went from {before:?} to {phase}"));
        let watched = self.deployments.entry(id.clone()).or_default();
        watched.phase = Some(phase);
        if std::mem::take(&mut watched.ended) {
            self.open.insert(id.clone());
        }
        if !phase.moves() {
            return;
        }
        let mine = watched.slots.clone();
        if phase == Phase::RollingBack {
            self.goes_back(id, before);
            // What was under way forward was given up: it fails nobody any more.
            let given_up = self.running.iter_mut().filter(|((of, back, _), _)| of == id && !back);
            given_up.for_each(|(_, running)| running.trick = None);
        }
        let others = self.deployments.iter().filter(|(other, its)| *other != id && its.moves());
        let other = others.filter(|(_, its)| !its.slots.is_disjoint(&mine)).map(|(other, _)| other.clone()).next();
        self.check("I8", other.is_none(), || format!("{id} and {other:?} move the same slots"));
    }

    fn began(&mut self, name: &StepName, coverage: &mut Coverage) {
        let watched = self.deployments.get(&name.0);
        let Some(step) = watched.and_then(|watched| watched.plans[usize::from(name.1)].get(name.2)).cloned() else {
            self.violate("I6", || format!("{name:?} began and is in no recorded plan"));
            return;
        };
        if self.begun.contains_key(name) {
            coverage.note(node(&step), name.1, Trouble::Repeated);
        }
        let left = self.begun.insert(name.clone(), 0).unwrap_or(0);
        let trick = (left > 0).then_some(Trick::Fails);
        let running = Running { step, trick, failing_after: left.saturating_sub(1) };
        self.running.insert(name.clone(), running);
    }

    fn put_instance(&mut self, instance: Arc<Instance>, generation: u64) {
        if instance.state == InstanceState::Unready {
            self.short.insert(instance.slot.clone());
        }
        self.moved_at.insert(instance.slot.clone(), generation);
        self.instances.insert(instance.id.clone(), instance);
    }

    fn drop_instance(&mut self, id: &InstanceId, generation: u64) {
        let Some(instance) = self.instances.remove(id) else { return };
        self.moved_at.insert(instance.slot.clone(), generation);
        let by_step = self
            .running
            .values()
            .any(|running| matches!(&*running.step, Step::Stop { instance, .. } if instance == id));
        if !by_step && instance.state != InstanceState::Draining {
            self.short.insert(instance.slot.clone());
        }
    }

    fn put_slots(&mut self, slots: Vec<Arc<Slot>>, generation: u64) {
        for slot in slots {
            let before = self.slots.get(&slot.key).cloned().unwrap_or_else(|| Arc::new(Slot::empty(slot.key.clone())));
            let one_more = slot.revision == before.revision + 1;
            self.check("I7", one_more || self.restored, || {
                format!("{} jumped to revision {}", slot.key, slot.revision)
            });
            self.one_stable(&slot);
            let only_warm =
                Slot { warm: before.warm.clone(), revision: before.revision, ..Slot::clone(&slot) } == *before;
            if !only_warm {
                self.written_by_its_holder(&slot);
            }
            self.moved_at.insert(slot.key.clone(), generation);
            self.slots.insert(slot.key.clone(), slot);
        }
    }

    fn one_stable(&mut self, slot: &Slot) {
        let release = slot.live.as_ref().map(|live| &live.release);
        let twice = slot.candidate.iter().any(|candidate| Some(&candidate.release) == release);
        self.check("I2", !twice, || format!("{} is its own candidate", slot.key));
        let warm = slot.warm.iter().any(|warm| Some(&warm.release) == release);
        self.check("I2", !warm, || format!("{} has its live release standing by", slot.key));
    }

    fn written_by_its_holder(&mut self, slot: &Slot) {
        let holder = slot.written_by.as_ref().and_then(|by| Some((by, self.deployments.get(by)?)));
        let holds = holder.is_some_and(|(_, watched)| watched.moves() && watched.slots.contains(&slot.key));
        // A swap back restores the parents with who wrote them; then whoever moves the slot is its holder.
        let moved = self.deployments.values().any(|watched| watched.moves() && watched.slots.contains(&slot.key));
        self.check("I1", holds || moved, || {
            format!("{} was written by {:?}, and nothing moves it", slot.key, slot.written_by)
        });
    }

    /// Looks at a deployment that has just ended.
    fn ended(&mut self, deployment: &Deployment) {
        let id = &deployment.id;
        let before = self.deployments.get(id).and_then(|watched| watched.phase);
        let legal = before.is_some_and(|before| before == deployment.phase || follows(before, deployment.phase));
        self.check("I7", legal, || format!("{id} ended from {before:?} as {}", deployment.phase));
        let watched = self.deployments.entry(id.clone()).or_default();
        watched.phase = Some(deployment.phase);
        if std::mem::replace(&mut watched.ended, true) {
            // Written once more; its slots may be another's by now.
            return;
        }
        self.open.remove(id);
        self.running.retain(|(of, ..), _| of != id);
        *self.ends.entry(deployment.phase).or_default() += 1;
        let says_why = deployment.phase == Phase::Completed || !deployment.failures.is_empty();
        self.check("I5", says_why, || format!("{id} is {} and does not say why", deployment.phase));
        self.quarantines(deployment);
        match deployment.phase {
            Phase::Completed => self.reached_its_goal(deployment),
            Phase::Stuck => {}
            // What a person dealt with, or had left out, is no longer what it was.
            _ if deployment.resolved.is_some() || !deployment.skipped.is_empty() => {}
            _ => self.went_back(deployment),
        }
    }

    fn reached_its_goal(&mut self, deployment: &Deployment) {
        for key in deployment.slot_keys() {
            let wanted = deployment.course.goal.get(&key.service).cloned().flatten();
            let slot = self.slots.get(&key).cloned().unwrap_or_else(|| Arc::new(Slot::empty(key.clone())));
            let there = slot.live == wanted && slot.candidate.is_none() && slot.hold.is_none();
            self.check("I10", there, || format!("{} completed, and {key} is {slot:?}", deployment.id));
        }
    }

    fn went_back(&mut self, deployment: &Deployment) {
        for parent in &deployment.course.parents {
            let slot =
                self.slots.get(&parent.key).cloned().unwrap_or_else(|| Arc::new(Slot::empty(parent.key.clone())));
            let (revision, written_by) = (parent.revision, parent.written_by.clone());
            let same =
                Slot { revision, written_by, replaced: parent.replaced.clone(), ..Slot::clone(&slot) } == *parent;
            self.check("I10", same, || format!("{} went back, and {slot:?} was {parent:?}", deployment.id));
        }
        self.ran_its_hooks(deployment);
    }

    /// The steps of a deployment's plan that were begun.
    pub(crate) fn begun_steps(&self, id: &DeploymentId) -> impl Iterator<Item = &Step> {
        let plan = self.deployments.get(id).map(|watched| watched.plans[0].as_slice()).unwrap_or_default();
        let begun =
            plan.iter().enumerate().filter(|(number, _)| self.begun.contains_key(&(id.clone(), false, *number)));
        begun.map(|(_, step)| &**step)
    }

    /// The step that is meant, when it has begun and not ended.
    pub(crate) fn begun_by(&self, meant: impl Fn(&Step) -> bool) -> Option<StepName> {
        self.running.iter().find(|(_, running)| meant(&running.step)).map(|(name, _)| name.clone())
    }

    /// Looks at a table that the data plane has begun to follow.
    pub fn followed(&mut self, table: &RouteTable, machine: &Machine, now_ms: u64) {
        let known = table.generation <= self.generation || self.restored;
        self.check("I6", known, || format!("table {} is of no commit", table.generation));
        for pool in table.pools.values() {
            // What a swap left behind is there for what was begun before it, and gets nothing else.
            let stable = pool.backends.iter().filter(|backend| !backend.candidate && backend.weight > 0).count();
            self.check("I2", stable <= 1, || format!("{} has {stable} stable releases", pool.slot));
            for id in pool.backends.iter().filter(|backend| takes_requests(backend)).flat_map(upstreams) {
                self.routed(id, machine, now_ms);
            }
        }
        self.has_read_its_own(machine, now_ms);
        let slots: Vec<_> = self.slots.values().cloned().collect();
        for slot in slots {
            self.has_capacity(&slot, table, machine, now_ms);
        }
    }

    fn routed(&mut self, id: &InstanceId, machine: &Machine, now_ms: u64) {
        self.checks += 1;
        if self.restored {
            return;
        }
        let Some(process) = machine.get(id) else {
            return self.violate("I3", || format!("{id} is routed and was never started"));
        };
        let stopped = process.stopped_ms.is_some() && !process.ended_itself(now_ms);
        if stopped && !process.stopped_ill {
            self.violate("I3", || format!("{id} is routed and was stopped"));
        } else if !process.proven {
            self.violate("I3", || format!("{id} is routed and was never healthy"));
        }
    }

    fn has_capacity(&mut self, slot: &Slot, table: &RouteTable, machine: &Machine, now_ms: u64) {
        let newest = self.moved_at.get(&slot.key).is_none_or(|moved| *moved <= table.generation);
        let Some(live) = slot.live.as_ref().filter(|_| newest && slot.hold.is_none()) else { return };
        if self.releases.get(&live.release).is_none_or(|release| release.serve.kind == ServiceKind::Static) {
            return;
        }
        let share = slot.candidate.as_ref().map(|candidate| candidate.share);
        let coming = slot.candidate.iter().filter(|_| share == Some(Share::ByInstances));
        let wanted = live.instances + coming.map(|candidate| candidate.instances).sum::<u32>();
        let pool = table.pools.values().find(|pool| pool.slot == slot.key);
        let counted = |backend: &&Backend| match backend.candidate {
            true => share == Some(Share::ByInstances),
            false => backend.release == live.release,
        };
        let backends = pool.iter().flat_map(|pool| &pool.backends).filter(counted);
        let routed = u32::try_from(backends.flat_map(upstreams).count()).unwrap_or(u32::MAX);
        self.checks += 1;
        if routed >= wanted {
            // What a deployment starts for its next step may stand in for what was lost, until that step wants more.
            if !self.deployments.values().any(|watched| watched.moves() && watched.slots.contains(&slot.key)) {
                self.short.remove(&slot.key);
            }
            return;
        }
        let lost = machine.all().any(|(_, p)| p.slot == slot.key && (p.ended_itself(now_ms) || p.sick_ms.is_some()));
        if !self.short.contains(&slot.key) && !lost && !self.restored && !self.is_stuck(&slot.key) {
            self.violate("I4", || format!("{} has {routed} of {wanted} instances at {}", slot.key, table.generation));
        }
    }

    /// Whether the newest deployment of a slot is stuck.
    pub fn is_stuck(&self, key: &SlotKey) -> bool {
        self.deployments.values().any(|watched| watched.slots.contains(key) && watched.phase == Some(Phase::Stuck))
    }

    /// Looks at a start.
    pub fn starts(&mut self, id: &InstanceId) {
        let recorded = self.instances.contains_key(id);
        self.check("I6", recorded || self.restored, || format!("{id} is started and not recorded"));
        let Some(deployment) = self.instances.get(id).and_then(|instance| instance.deployment.clone()) else { return };
        let meant =
            |step: &Step| matches!(step, Step::Start { instance, .. } | Step::Prove { instance, .. } if instance == id);
        let intended = self.running.iter().any(|((of, ..), running)| *of == deployment && meant(&running.step));
        // A start that was begun goes on when others end the deployment beside it.
        let watched = self.deployments.get(&deployment).filter(|watched| watched.phase == Some(Phase::Stuck));
        let intended =
            intended || watched.is_some_and(|watched| watched.plans.iter().flatten().any(|step| meant(step)));
        self.check("I6", intended || self.restored, || {
            format!("{id} is started, and no step of {deployment} means it")
        });
        let early = self.is_before_its_migration(id, &deployment);
        self.check("I12", !early || self.restored, || format!("{id} is started before the data is migrated for it"));
    }

    /// Whether the step that starts an instance runs while its release's `expand` migration has not ended.
    fn is_before_its_migration(&self, id: &InstanceId, deployment: &DeploymentId) -> bool {
        let plan = self.deployments.get(deployment).map(|watched| watched.plans[0].as_slice()).unwrap_or_default();
        let name = |number| (deployment.clone(), false, number);
        let of = |number: &usize| match &*plan[*number] {
            Step::Start { instance, release } if instance == id => Some(release),
            _ => None,
        };
        let starting = (0..plan.len()).filter(|number| self.running.contains_key(&name(*number))).find_map(|n| of(&n));
        plan.iter().enumerate().any(|(number, step)| {
            let ended = self.begun.contains_key(&name(number)) && !self.running.contains_key(&name(number));
            matches!(&**step, Step::Migrate { release, kind: MigrateKind::Expand } if Some(release) == starting)
                && !ended
        })
    }

    /// Looks at a reload.
    pub fn reloads(&mut self, id: &InstanceId, release: &ReleaseId) {
        let meant =
            |step: &Step| matches!(step, Step::Reload { instance, release: its } if instance == id && its == release);
        let intended = self.running.values().any(|running| meant(&running.step));
        self.check("I6", intended || self.restored, || format!("{id} is told to reload, and no step means it"));
        let marked =
            self.instances.get(id).is_none_or(|one| one.release == *release || one.reloading.as_ref() == Some(release));
        self.check("I6", marked || self.restored, || format!("{id} reads {release}, and its record does not say so"));
    }

    /// What runs has read the configuration of the release that its record says, unless that says that it may not have.
    fn has_read_its_own(&mut self, machine: &Machine, now_ms: u64) {
        if self.restored {
            return;
        }
        let other = |one: &&Arc<Instance>| {
            let process = machine.get(&one.id).filter(|process| process.runs(now_ms));
            one.reloading.is_none() && process.is_some_and(|process| process.release != one.release)
        };
        let other = self.instances.values().find(other).map(|one| one.id.clone());
        self.check("I10", other.is_none(), || format!("{other:?} has read the configuration of another release"));
    }

    /// Looks at a stop of a process that runs.
    pub fn stops(&mut self, id: &InstanceId, met: &Met, excused: bool) {
        let excused = excused || self.restored;
        self.check("I3", !met.routed || excused, || format!("{id} is stopped while it is routed"));
        self.check("I3", met.leaving.is_none() || excused, || {
            format!("{id} is stopped with requests in flight: {:?}", met.leaving)
        });
        self.check("I3", met.caller.is_none() || excused, || {
            format!("{id} is stopped, and {:?} has requests under way that may call it", met.caller)
        });
    }

    /// Data is touched while an instance runs that may not run beside that.
    pub fn data_is_touched(&mut self, slot: &SlotKey, id: &InstanceId) {
        if !self.restored {
            self.violate("I12", || format!("the data of {slot} is changed while {id} runs"));
        }
    }

    /// A server stands still.
    pub fn stands_still(&mut self) {
        self.held.extend(self.running.iter().map(|(name, running)| (name.clone(), running.step.clone())));
    }

    /// Whether a step was under way when a server stood still.
    pub(crate) fn was_held(&self, name: &StepName) -> bool {
        self.held.contains_key(name)
    }

    /// Looks at a hook or a migration that begins.
    pub fn one_off(&mut self, service: &str, migrates: bool) {
        let meant = |step: &Step| match migrates {
            true => matches!(step, Step::Migrate { .. }),
            false => matches!(step, Step::Hooks { .. }),
        };
        let of = |step: &Step| {
            let release = step.release().and_then(|id| self.releases.get(id));
            meant(step) && release.is_some_and(|release| release.slot.service.as_str() == service)
        };
        let intended =
            self.running.values().any(|running| of(&running.step)) || self.held.values().any(|step| of(step));
        self.check("I6", intended, || format!("a command of {service} runs, and no step means it"));
    }

    /// Whether an attempt of a running step is to fail.
    pub fn is_failing(&self, meant: impl Fn(&Step) -> bool) -> bool {
        self.trick(meant) == Some(Trick::Fails)
    }

    /// What is to be done to an attempt of a running step.
    pub fn trick(&self, meant: impl Fn(&Step) -> bool) -> Option<Trick> {
        self.running.values().filter(|running| meant(&running.step)).find_map(|running| running.trick)
    }

    /// What was to fail fails no more.
    pub fn mend(&mut self) {
        self.running.values_mut().for_each(|running| (running.trick, running.failing_after) = (None, 0));
        self.begun.values_mut().for_each(|left| *left = 0);
    }

    /// A step of a recorded plan.
    pub fn step(&self, (deployment, back, number): &StepName) -> Option<Arc<Step>> {
        self.deployments.get(deployment)?.plans[usize::from(*back)].get(*number).cloned()
    }

    /// Whether a release is of that slot, as far as is known.
    pub fn is_of(&self, release: &ReleaseId, slot: &SlotKey) -> bool {
        self.releases.get(release).is_some_and(|release| release.slot == *slot)
    }

    /// What a restore of an older store makes it forget.
    pub fn forget_since(&mut self, earlier: Self) {
        let (checks, ends, broken) = (self.checks, self.ends.clone(), self.broken.take());
        *self = Self { checks, ends, broken, restored: true, ..earlier };
    }
}

impl Watched {
    /// Whether it changes its environment now.
    pub fn moves(&self) -> bool {
        !self.ended && self.phase.is_some_and(Phase::moves)
    }
}

/// Whether a phase may follow another, by any turn.
fn follows(before: Phase, after: Phase) -> bool {
    let ends = [End::Failed, End::RolledBack, End::Cancelled];
    let turns = [Turn::Enter(after), Turn::Complete, Turn::Unwind, Turn::GiveUp, Turn::Retry];
    let turns = turns.into_iter().chain(ends.map(Turn::Abandon)).chain(ends.map(Turn::Unwound));
    let turns = turns.chain(ends.map(Turn::Resolve));
    turns.into_iter().any(|turn| next(before, turn) == Some(after))
}
