//! A small world that does what steps say: slots with revisions, recorded instances, and those that run.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
    sync::Arc,
};

use serde_json::json;

use super::rules::Rules;
use crate::{
    id::{ArtifactDigest, DeploymentId, InstanceId, ReleaseId, ServiceName, SlotKey},
    instance::{Instance, InstanceState, instance_id},
    plan::{CheckThrough, Goal, Observed, Plan, PlanFault, PlannedStep, Policy, SlotWrite, Step, Undo, plan, unwind},
    release::Release,
    route::{BackendTarget, Pool, RouteTable, World as Sources, derive},
    slot::{Serving, Slot, Warm},
    strategy::{StrategyKind, StrategySpec},
    time::Timestamp,
};

#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) slots: BTreeMap<SlotKey, Slot>,
    pub(super) releases: BTreeMap<ReleaseId, Release>,
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    pub(super) alive: BTreeSet<InstanceId>,
    /// The release whose configuration an instance read last, where that was after its start.
    pub(super) read: BTreeMap<InstanceId, ReleaseId>,
    clock: i64,
}

/// How much of a step happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    /// The record without the deed when it starts, the deed without the record when it stops.
    Half,
    All,
}

pub(super) fn key(service: &str) -> SlotKey {
    SlotKey { project: "shop".into(), environment: "prod".into(), service: service.into() }
}

pub(super) fn policy(deployment: &str, strategy: StrategySpec) -> Policy {
    Policy::new(DeploymentId::new(deployment), strategy)
}

impl World {
    /// Makes a release known. Its id is its number and the service, for instance `r2-web`.
    pub(super) fn release(&mut self, service: &str, number: u32, serve: serde_json::Value) -> ReleaseId {
        let mut whole = json!({ "routes": [{ "host": format!("{service}.example") }] });
        for (name, value) in serve.as_object().expect("an object") {
            whole[name] = value.clone();
        }
        let id = ReleaseId::new(format!("r{number}-{service}"));
        let release = Release {
            id: id.clone(),
            slot: key(service),
            version: number.to_string(),
            artifact: ArtifactDigest::new("a"),
            serve: serde_json::from_value(whole).expect("a service"),
            secrets: Default::default(),
            git: None,
            made_by: DeploymentId::new("d0"),
            made_at: Timestamp(0),
        };
        self.releases.insert(id.clone(), release);
        id
    }

    /// A release is live, with that many instances ready.
    pub(super) fn live(&mut self, service: &str, release: &ReleaseId, instances: u32) {
        let mut slot = self.slot(&key(service));
        slot.revision += 1;
        slot.live = Some(Serving { release: release.clone(), instances });
        self.run_ready(&slot, release, instances);
        self.slots.insert(slot.key.clone(), slot);
    }

    /// A release stands by, with that many instances ready.
    pub(super) fn warm(&mut self, service: &str, release: &ReleaseId, instances: u32) {
        let mut slot = self.slot(&key(service));
        slot.revision += 1;
        slot.warm = vec![Warm { release: release.clone(), instances, until: Timestamp(3_600_000) }];
        self.run_ready(&slot, release, instances);
        self.slots.insert(slot.key.clone(), slot);
    }

    fn run_ready(&mut self, slot: &Slot, release: &ReleaseId, instances: u32) {
        for number in 1..=instances {
            let id = instance_id(&slot.key, release, slot.revision, number);
            self.record(release, &id);
            self.alive.insert(id.clone());
            self.set_state(&id, InstanceState::Ready);
        }
    }

    pub(super) fn slot(&self, key: &SlotKey) -> Slot {
        self.slots.get(key).cloned().unwrap_or_else(|| Slot::empty(key.clone()))
    }

    /// Removes the records of instances that don't run, as the reconciler does between deployments.
    pub(super) fn forget_the_dead(&mut self) {
        self.instances.retain(|id, _| self.alive.contains(id));
    }

    /// The slots of a goal as they are.
    pub(super) fn parents(&self, goal: &Goal) -> BTreeMap<SlotKey, Slot> {
        goal.keys().map(|key| (key.clone(), self.slot(key))).collect()
    }

    pub(super) fn plan(&self, goal: &Goal, policy: &Policy) -> Plan {
        self.try_plan(goal, policy).expect("releases are known, and nothing goes in circles")
    }

    pub(super) fn try_plan(&self, goal: &Goal, policy: &Policy) -> Result<Plan, PlanFault> {
        let recorded: Vec<_> = self.instances.values().cloned().collect();
        plan(self.observed(&recorded), goal, policy)
    }

    pub(super) fn unwind(
        &self,
        parents: &BTreeMap<SlotKey, Slot>,
        ran: &[&PlannedStep],
        kind: StrategyKind,
        given_up: &BTreeSet<ServiceName>,
    ) -> Plan {
        let recorded: Vec<_> = self.instances.values().cloned().collect();
        let deployment = DeploymentId::new("d1");
        let undo = Undo { parents, ran, strategy: kind, deployment: &deployment, given_up };
        unwind(self.observed(&recorded), &undo)
    }

    fn observed<'a>(&'a self, instances: &'a [Instance]) -> Observed<'a> {
        Observed { slots: &self.slots, instances, alive: &self.alive, releases: &self.releases }
    }

    pub(super) fn table(&self) -> RouteTable {
        let slots: Vec<_> = self.slots.values().cloned().map(Arc::new).collect();
        let instances: Vec<_> = self.instances.values().cloned().map(Arc::new).collect();
        let releases = self.releases.iter().map(|(id, release)| (id.clone(), Arc::new(release.clone()))).collect();
        derive(&Sources {
            epoch: 1,
            generation: 1,
            slots: &slots,
            instances: &instances,
            releases: &releases,
            releases_dir: Path::new("releases"),
        })
    }

    /// How many instances of a release run and take requests.
    pub(super) fn ready(&self, key: &SlotKey, release: &ReleaseId) -> usize {
        let mine = self.instances.values().filter(|one| one.slot == *key && one.release == *release);
        mine.filter(|one| one.state == InstanceState::Ready && self.alive.contains(&one.id)).count()
    }

    pub(super) fn alive_in<'a>(&'a self, key: &'a SlotKey) -> impl Iterator<Item = &'a Instance> {
        self.instances.values().filter(move |one| one.slot == *key && self.alive.contains(&one.id))
    }

    /// Does a step as far as it goes, or says why it may not be done.
    pub(super) fn apply(&mut self, step: &Step, effect: Effect, rules: &Rules) -> Result<(), String> {
        if effect == Effect::Nothing {
            return Ok(());
        }
        match step {
            Step::Start { release, instance } => {
                rules.may_start(self, release)?;
                self.record(release, instance);
                if effect == Effect::All {
                    self.alive.insert(instance.clone());
                }
            }
            Step::Prove { instance, .. } => {
                self.must_run(instance)?;
                self.set_state(instance, InstanceState::Ready);
            }
            Step::Check { release, through } => self.check(release, through)?,
            Step::Commit { writes, draining, reloaded } if effect == Effect::All => {
                self.commit(writes, draining, reloaded)?;
            }
            Step::Reload { release, instance } => {
                self.must_run(instance)?;
                if let Some(instance) = self.instances.get_mut(instance) {
                    let is_own = instance.release == *release;
                    instance.reloading = Some(release.clone()).filter(|_| !is_own || effect == Effect::Half);
                    // Told or not: nobody knows.
                    self.read.insert(instance.id.clone(), release.clone());
                    if effect == Effect::All {
                        instance.state = InstanceState::Ready;
                    }
                }
            }
            Step::Drain { instance, .. } => self.must_have_left(instance)?,
            Step::Stop { instance, .. } => {
                self.must_have_left(instance)?;
                self.alive.remove(instance);
                if effect == Effect::All {
                    self.instances.remove(instance);
                }
            }
            Step::Commit { .. } | Step::Stage { .. } | Step::Hooks { .. } | Step::Watch { .. } => {}
            Step::Snapshot { .. } => {}
            Step::Migrate { release, kind } => rules.may_migrate(self, release, *kind)?,
            Step::RestoreData { release, .. } => rules.may_restore(self, release)?,
            Step::Interact { release, interaction } => rules.may_ask(self, release, interaction)?,
        }
        rules.hold(self)
    }

    fn record(&mut self, release: &ReleaseId, id: &InstanceId) {
        self.clock += 1;
        let port = u16::try_from(10_000 + self.clock).expect("few instances");
        self.instances.entry(id.clone()).or_insert_with(|| Instance {
            id: id.clone(),
            slot: self.releases[release].slot.clone(),
            release: release.clone(),
            state: InstanceState::Starting,
            address: Some(SocketAddr::from(([127, 0, 0, 1], port))),
            deployment: None,
            launched: None,
            reloading: None,
            substituted: Default::default(),
            created_at: Timestamp(self.clock),
        });
    }

    fn set_state(&mut self, id: &InstanceId, state: InstanceState) {
        if let Some(instance) = self.instances.get_mut(id) {
            instance.state = state;
        }
    }

    fn must_run(&self, id: &InstanceId) -> Result<(), String> {
        let runs = self.alive.contains(id) && self.instances.contains_key(id);
        if runs { Ok(()) } else { Err(format!("{id} is asked and does not run")) }
    }

    fn check(&self, release: &ReleaseId, through: &CheckThrough) -> Result<(), String> {
        let slot = self.slot(&self.releases[release].slot);
        let reached = match through {
            CheckThrough::Instance { instance } => return self.must_run(instance),
            CheckThrough::Link => slot.releases().contains(&release),
            CheckThrough::Route => slot.live.is_some_and(|live| live.release == *release),
        };
        if reached { Ok(()) } else { Err(format!("{release} is checked and nothing leads there")) }
    }

    /// An instance that is drained or stopped gets no new requests.
    fn must_have_left(&self, id: &InstanceId) -> Result<(), String> {
        let named = self.table().pools.values().any(|pool| takes_requests(pool, id));
        if named { Err(format!("{id} goes while it takes requests")) } else { Ok(()) }
    }

    fn commit(&mut self, writes: &[SlotWrite], draining: &[InstanceId], reloaded: &[InstanceId]) -> Result<(), String> {
        for write in writes {
            let (next, stored) = (&write.slot, self.slot(&write.slot.key));
            if stored.revision == next.revision && stored.written_by == next.written_by {
                return Ok(());
            }
            if stored.revision + 1 != next.revision {
                return Err(format!("{} has revision {}, not {}", next.key, stored.revision, next.revision - 1));
            }
        }
        for write in writes {
            let mut slot = write.slot.clone();
            if let (Some(span), Some(warm)) = (write.warm_for, slot.warm.first_mut()) {
                warm.until = Timestamp(self.clock).plus_ms(span.ms);
            }
            self.slots.insert(slot.key.clone(), slot);
        }
        for id in draining {
            self.set_state(id, InstanceState::Draining);
        }
        for id in reloaded {
            let Some(instance) = self.instances.get(id).cloned() else { continue };
            let live = self.slot(&instance.slot).live.ok_or("what is reloaded has no slot")?;
            self.instances.insert(id.clone(), instance.passed_to(&live.release));
        }
        Ok(())
    }

    /// Does the steps of a plan in any order that it allows, some of them twice. With `fail_at`, it ends when that
    /// many are done: one more has failed, and it and those under way with it may have had their effect or not. Gives
    /// the numbers of the steps that ran or may have run.
    pub(super) fn run(
        &mut self,
        plan: &Plan,
        rules: &Rules,
        dice: &mut Dice,
        fail_at: Option<usize>,
    ) -> Result<Vec<usize>, String> {
        let mut ran = Vec::new();
        while ran.len() < plan.steps.len() {
            let may_begin =
                |at: &usize| !ran.contains(at) && plan.steps[*at].needs.iter().all(|need| ran.contains(need));
            let open: Vec<_> = (0..plan.steps.len()).filter(may_begin).collect();
            let next = *open.get(dice.below(open.len())).ok_or("no step may begin")?;
            if fail_at == Some(ran.len()) {
                let under_way: Vec<_> = open.into_iter().filter(|at| *at == next || dice.below(2) == 0).collect();
                for at in under_way {
                    ran.push(at);
                    self.do_step(plan, at, dice.effect(), rules)?;
                }
                return Ok(ran);
            }
            for _ in 0..=dice.below(2) {
                self.do_step(plan, next, Effect::All, rules)?;
            }
            ran.push(next);
        }
        Ok(ran)
    }

    fn do_step(&mut self, plan: &Plan, at: usize, effect: Effect, rules: &Rules) -> Result<(), String> {
        let step = &plan.steps[at].step;
        self.apply(step, effect, rules).map_err(|why| format!("{why}\nafter step {at} ({step}, {effect:?})"))
    }
}

/// Whether users' requests may go to an instance.
fn takes_requests(pool: &Pool, id: &InstanceId) -> bool {
    pool.backends.iter().filter(|backend| backend.weight > 0).any(|backend| match &backend.target {
        BackendTarget::Instances(upstreams) => upstreams.iter().any(|upstream| upstream.instance == *id),
        BackendTarget::Files(_) => false,
    })
}

/// Numbers from a seed (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below another; 0 below 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        if bound == 0 { 0 } else { (mixed % bound as u64) as usize }
    }

    fn effect(&mut self) -> Effect {
        [Effect::Nothing, Effect::Half, Effect::All][self.below(3)]
    }
}
