//! One case of the node tests: a shape's deployment, one mishap at one node of it, and what is made of it. Everything
//! before the deployment is run once for a shape, and every case goes on from a copy of that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::FutureExt;
use shipway_core::{
    deployment::{Deployment, StepStatus},
    id::{ArtifactDigest, DeploymentId, ServiceName},
    phase::Phase,
    plan::{Plan, PlannedStep, Step},
    store::Store,
};
use shipway_store::{MemoryState, MemoryStore};

use crate::{
    coverage::{NODES, node},
    executor::Group,
    machine::{Behaviour, Machine},
    mishap::{Awaited, Bell, Mishap, undoes},
    people::Person,
    plot::Plot,
    random::Random,
    router::Router,
    scenario::Scenario,
    shape::{Course, Shape},
    simulation::Simulation,
    watcher::Watcher,
    world::World,
};

/// How long a deployment may take to end.
const END_MS_MAX: u64 = 300_000;

/// A node: a step that ran when nothing was done to it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Whether on the way back.
    pub back: bool,
    /// Its number in its plan.
    pub number: usize,
    /// What it is.
    pub planned: PlannedStep,
    /// Whether it ended: what was given up when everything went back did not.
    pub ended: bool,
}

impl Node {
    /// Its sort, as tables name it.
    pub fn sort(&self) -> &'static str {
        NODES[node(&self.planned.step)]
    }

    /// Whether any step of a way back could undo it.
    fn may_have_undo(&self) -> bool {
        matches!(
            self.planned.step,
            Step::Start { .. }
                | Step::Prove { .. }
                | Step::Reload { .. }
                | Step::Commit { .. }
                | Step::Stop { .. }
                | Step::Hooks { .. }
        )
    }

    /// Whether it can meet a mishap. What only looks has no effect that could go unanswered; a drain can't fail: it
    /// gives up waiting.
    pub fn can_meet(&self, mishap: Mishap) -> bool {
        let looks = matches!(
            self.planned.step,
            Step::Check { .. } | Step::Watch { .. } | Step::Drain { .. } | Step::Interact { .. }
        );
        match mishap {
            Mishap::CrashBefore => true,
            _ if !self.ended => false,
            Mishap::FailsOnce | Mishap::FailsForGood => !matches!(self.planned.step, Step::Drain { .. }),
            Mishap::EffectUnanswered => !looks,
            Mishap::UndoFailsOnce | Mishap::UndoFailsForGood => !self.back && self.may_have_undo(),
            _ => true,
        }
    }
}

/// A shape up to its deployment, and how that goes when nothing is done to it.
pub struct Prepared {
    /// The shape.
    pub shape: Shape,
    /// The nodes that ran, in the order of their plans.
    pub nodes: Vec<Node>,
    /// How it ended.
    pub end: Phase,
    scenario: Arc<Scenario>,
    before: Before,
    /// The forward step at whose end it is cancelled.
    cancelled_after: Option<usize>,
}

/// The world before the deployment.
struct Before {
    store: MemoryState,
    watcher: Watcher,
    machine: Machine,
    router: Router,
    behaviours: BTreeMap<ArtifactDigest, Behaviour>,
    now_ms: u64,
    ids: u64,
}

/// What became of a case.
pub struct Made {
    /// How the deployment ended, before anybody tried again.
    pub end: Option<Phase>,
    /// How often the mishap was met.
    pub met: u32,
    /// What does not hold.
    pub broken: Option<String>,
    /// Its course for people, when it was asked for.
    pub lines: Vec<String>,
    /// Steps that began, by way and number, each with whether it ended.
    ran: BTreeMap<(bool, usize), bool>,
    plans: [Option<Plan>; 2],
}

impl Prepared {
    /// Runs a shape up to its deployment, and that once without a mishap.
    ///
    /// # Errors
    /// What does not hold even then.
    pub fn new(shape: Shape) -> Result<Self, String> {
        let scenario = Arc::new(shape.scenario());
        let before = prepare(&shape, &scenario)?;
        let mut prepared =
            Self { shape, nodes: Vec::new(), end: Phase::Queued, scenario, before, cancelled_after: None };
        if shape.course.is_cancelled() {
            prepared.cancelled_after = prepared.run(None, false).last_before_cancel();
        }
        let made = prepared.run(None, false);
        if let Some(broken) = made.broken {
            return Err(format!("{shape}: {broken}"));
        }
        prepared.end = made.end.unwrap_or(Phase::Queued);
        if !shape.course.may_end(prepared.end) {
            return Err(format!("{shape}: it ended {}", prepared.end));
        }
        for (back, plan) in [false, true].into_iter().zip(&made.plans) {
            for (number, planned) in plan.iter().flat_map(|plan| &plan.steps).enumerate() {
                // What runs beside a cancel may or may not come to its end.
                let beside = prepared.cancelled_after.is_some_and(|last| !back && number > last);
                if beside {
                    continue;
                }
                if let Some(ended) = made.ran.get(&(back, number)).copied() {
                    prepared.nodes.push(Node { back, number, planned: planned.clone(), ended });
                }
            }
        }
        Ok(prepared)
    }

    /// Runs it with a mishap at a node, and judges it.
    pub fn meet(&self, node: &Node, mishap: Mishap, traced: bool) -> Made {
        let mut made = self.run(Some((node, mishap)), traced);
        if made.broken.is_none() {
            made.broken = self.judge(node, mishap, &made);
        }
        made
    }

    fn run(&self, what: Option<(&Node, Mishap)>, traced: bool) -> Made {
        let mut case = Case::new(self, what, traced);
        case.live();
        case.made()
    }

    /// What a mishap may lead to.
    fn judge(&self, node: &Node, mishap: Mishap, made: &Made) -> Option<String> {
        let Some(end) = made.end else { return Some("it has no end".to_owned()) };
        let exists = !mishap.is_of_undo() || made.undoes(&node.planned.step);
        // What took requests all the time is proven without a write.
        let proves = matches!(node.planned.step, Step::Prove { .. });
        // One that never gets healthy may be given up on before another is.
        let beside = self.shape.course == Course::NeverHealthy && !node.back;
        let perhaps = proves && (mishap == Mishap::EffectUnanswered || beside);
        if exists != (made.met > 0) && !perhaps {
            return Some(format!("it was met {} times, and ended {end}", made.met));
        }
        let hard = match mishap {
            Mishap::FailsForGood if node.back => {
                return (end != Phase::Stuck).then(|| format!("it ended {end}, and is not stuck"));
            }
            Mishap::FailsForGood => return (end == Phase::Completed).then(|| "it completed all the same".to_owned()),
            Mishap::UndoFailsForGood => {
                let is_stuck = end == Phase::Stuck;
                return (is_stuck != exists).then(|| format!("it ended {end}; there is something to undo: {exists}"));
            }
            Mishap::UndoFailsOnce => return (end == Phase::Stuck).then(|| "it is stuck".to_owned()),
            // What the release itself answers is not asked again.
            Mishap::FailsOnce => !node.back && !is_tried_again(&node.planned.step),
            // A step that the server could not ask again in time may be a failure.
            _ => false,
        };
        if hard {
            return matches!(end, Phase::Completed | Phase::Stuck).then(|| format!("it ended {end}"));
        }
        // Somebody who finds no server to tell may come too late.
        let late = self.shape.course.is_cancelled() && end == Phase::Completed;
        (end != self.end && !late).then(|| format!("it ended {end}, and without the mishap {}", self.end))
    }
}

/// Whether a failure of the step is one of the machinery, which may pass.
fn is_tried_again(step: &Step) -> bool {
    matches!(
        step,
        Step::Stage { .. }
            | Step::Start { .. }
            | Step::Stop { .. }
            | Step::Commit { .. }
            | Step::Reload { .. }
            | Step::Snapshot { .. }
            | Step::RestoreData { .. }
    )
}

impl Made {
    /// The step after which it is cancelled: the last that switches all, or the one that puts data back. After the
    /// switch that follows, nothing is left to do that could be cancelled.
    fn last_before_cancel(&self) -> Option<usize> {
        let steps = &self.plans[0].as_ref()?.steps;
        let restores = steps.iter().rposition(|planned| matches!(planned.step, Step::RestoreData { .. }));
        restores.or_else(|| steps.iter().rposition(|planned| matches!(planned.step, Step::Commit { .. })))
    }

    fn undoes(&self, done: &Step) -> bool {
        self.plans[1].iter().flat_map(|plan| &plan.steps).any(|planned| undoes(&planned.step, done))
    }
}

/// Runs a shape up to its deployment.
fn prepare(shape: &Shape, scenario: &Arc<Scenario>) -> Result<Before, String> {
    let mut simulation =
        Simulation::new(World::new(Random::new(1), 1, false), MemoryStore::new(), Random::new(2), Plot::default());
    simulation.start();
    let person = person(&simulation, scenario);
    let (behaviours, done) = (shape.before(), Arc::new(AtomicBool::new(false)));
    let told = done.clone();
    simulation.shared.spawn(Group::People, async move {
        person.register().await;
        if let Some(id) = person.deploy_as(Vec::new(), behaviours).await {
            person.see_end(&id).await;
        }
        told.store(true, Ordering::SeqCst);
    });
    simulation.until(END_MS_MAX, |_| done.load(Ordering::SeqCst));
    simulation.settle();
    let now_ms = simulation.shared.timers().now_ms;
    let mut world = simulation.shared.world();
    if let Some(broken) = world.watcher.broken.take() {
        return Err(format!("{shape}, before the deployment: {broken}\n{}", scenario.text));
    }
    if world.watcher.ends.get(&Phase::Completed) != Some(&1) {
        let deployment = world.watcher.deployments.keys().next_back().cloned();
        let failures = deployment.and_then(|id| stored(&simulation, &id)).map(|deployment| deployment.failures.clone());
        return Err(format!("{shape}: what comes before it ended as {:?}: {failures:?}", world.watcher.ends));
    }
    Ok(Before {
        store: simulation.store.copy(),
        watcher: world.watcher.clone(),
        machine: world.machine.clone(),
        router: world.router.clone(),
        behaviours: world.behaviours.clone(),
        now_ms,
        ids: world.ids,
    })
}

fn person(simulation: &Simulation, scenario: &Arc<Scenario>) -> Person {
    let (shared, servers) = (simulation.shared.clone(), simulation.servers.clone());
    Person { shared, servers, scenario: scenario.clone() }
}

/// A case under way.
struct Case<'a> {
    prepared: &'a Prepared,
    what: Option<(&'a Node, Mishap)>,
    simulation: Simulation,
    person: Person,
    deployment: DeploymentId,
    end: Option<Phase>,
    /// The way back that got stuck. What is tried again has another one: what it left may be gone by then.
    stuck: Option<Plan>,
}

impl<'a> Case<'a> {
    fn new(prepared: &'a Prepared, what: Option<(&'a Node, Mishap)>, traced: bool) -> Self {
        let before = &prepared.before;
        let mut world = World::new(Random::new(3), 1, traced);
        world.watcher = before.watcher.clone();
        world.machine = before.machine.clone();
        world.router = before.router.clone();
        world.behaviours = before.behaviours.clone();
        world.ids = before.ids;
        let store = MemoryStore::new();
        store.restore(before.store.clone());
        let simulation = Simulation::new(world, store, Random::new(4), Plot::default());
        simulation.shared.timers().now_ms = before.now_ms;
        let person = person(&simulation, &prepared.scenario);
        let deployment = DeploymentId::new(String::new());
        Self { prepared, what, simulation, person, deployment, end: None, stuck: None }
    }

    fn live(&mut self) {
        self.simulation.start();
        if !self.submit() {
            return self.simulation.violate("case", "the deployment was refused");
        }
        self.await_mishap();
        self.await_end();
        if self.simulation.shared.world().watcher.broken.is_some() {
            return;
        }
        if self.end == Some(Phase::Stuck) {
            self.look_at_stuck();
            self.try_again();
        }
        self.simulation.shared.world().calm();
        self.simulation.settle();
    }

    /// Asks for the deployment. Says whether there is one; it has not begun to move yet.
    fn submit(&mut self) -> bool {
        let (person, shape) = (self.person.clone(), self.prepared.shape);
        let id: Arc<std::sync::Mutex<Option<DeploymentId>>> = Arc::default();
        let told = id.clone();
        self.simulation.shared.spawn(Group::People, async move {
            let made = match shape.course.puts_data_back() {
                true => person.put_data_back().await,
                false if shape.course.reloads() => person.configure(shape.reloaded()).await,
                false => person.deploy_as(Vec::new(), shape.behaviours()).await,
            };
            *told.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = made;
        });
        let known = || id.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        // It is carried from its record on: whoever asked may hear of it after its first step has begun.
        let recorded = |world: &World| known().or_else(|| world.watcher.open.first().cloned());
        self.simulation.until_after_any_poll(END_MS_MAX, |world| recorded(world).is_some());
        let made = recorded(&self.simulation.shared.world());
        self.deployment = made.clone().unwrap_or_else(|| DeploymentId::new(String::new()));
        made.is_some()
    }

    /// Sets up what is to happen, and who cancels when.
    fn await_mishap(&mut self) {
        let mut world = self.simulation.shared.world();
        if let Some((node, mishap)) = self.what {
            let at = (self.deployment.clone(), node.back, node.number);
            world.mishap = Some(Awaited::new(at, node.planned.step.clone(), mishap));
        }
        let undone = self.what.filter(|(_, mishap)| mishap.is_of_undo()).map(|(node, _)| node.number);
        let Some(number) = undone.or(self.prepared.cancelled_after) else { return };
        let (tell, told) = futures_channel::oneshot::channel();
        world.bell = Some(Bell { at: (self.deployment.clone(), false, number), tell });
        drop(world);
        let (person, id) = (self.person.clone(), self.deployment.clone());
        self.simulation.shared.spawn(Group::People, async move {
            if told.await.is_ok() {
                person.cancel(id).await;
            }
        });
    }

    fn await_end(&mut self) {
        if !self.simulation.until(END_MS_MAX, |world| world.watcher.open.is_empty()) {
            let open = self.simulation.open_ones();
            self.simulation.violate("I5", &format!("it never ends: {open}"));
        }
        let world = self.simulation.shared.world();
        self.end = world.watcher.deployments.get(&self.deployment).and_then(|watched| watched.phase);
    }

    /// What is stuck stands at exactly the step that fails, and the other members are back.
    fn look_at_stuck(&mut self) {
        let Some((node, mishap)) = self.what else { return self.simulation.violate("case", "it is stuck") };
        let Some(deployment) = stored(&self.simulation, &self.deployment) else {
            return self.simulation.violate("case", "it is not stored");
        };
        self.stuck = deployment.course.unwind.clone();
        let failed = failed_back(&deployment);
        let meant = |step: &Step| match mishap {
            Mishap::FailsForGood if node.back => *step == node.planned.step,
            Mishap::UndoFailsForGood => undoes(step, &node.planned.step),
            _ => false,
        };
        if failed.is_empty() || !failed.iter().all(|planned| meant(&planned.step)) {
            let steps: Vec<_> = failed.iter().map(|planned| planned.step.to_string()).collect();
            return self.simulation.violate("case", &format!("it is stuck at {}", steps.join(", ")));
        }
        let lost: BTreeSet<_> = failed.iter().map(|planned| planned.service.clone()).collect();
        // What is for all holds up all.
        if lost.contains(&None) {
            return;
        }
        let lost: BTreeSet<_> = lost.into_iter().flatten().collect();
        if let Some(why) = self.is_not_back(&deployment, &lost) {
            self.simulation.violate("case", &why);
        }
    }

    /// Says which member that nothing failed of is not back.
    fn is_not_back(&self, deployment: &Deployment, lost: &BTreeSet<ServiceName>) -> Option<String> {
        let world = self.simulation.shared.world();
        for parent in deployment.course.parents.iter().filter(|parent| !lost.contains(&parent.key.service)) {
            let slot = world.watcher.slots.get(&parent.key)?;
            if slot.live != parent.live || slot.candidate != parent.candidate || slot.hold != parent.hold {
                return Some(format!("{} is not back: {slot:?}", parent.key));
            }
            let running = world.machine.all().filter(|(_, one)| one.slot == parent.key && one.runs(world.now_ms));
            if let Some((id, _)) = running.into_iter().find(|(_, one)| parent.wanted(&one.release) == 0) {
                return Some(format!("{} is back, and {id} runs", parent.key));
            }
        }
        None
    }

    /// The fault is gone, and somebody has the way back tried again.
    fn try_again(&mut self) {
        self.simulation.shared.world().mend();
        let (person, id) = (self.person.clone(), self.deployment.clone());
        let shared = self.simulation.shared.clone();
        let done = Arc::new(AtomicBool::new(false));
        let told = done.clone();
        self.simulation.shared.spawn(Group::People, async move {
            if let Some(why) = person.retry(id).await {
                shared.world().watcher.violate("case", || format!("it can't be tried again: {why}"));
            }
            told.store(true, Ordering::SeqCst);
        });
        self.simulation.until(END_MS_MAX, |world| done.load(Ordering::SeqCst) && world.watcher.open.is_empty());
        let watched = self.simulation.shared.world().watcher.deployments.get(&self.deployment).cloned();
        let phase = watched.and_then(|watched| watched.phase);
        if !matches!(phase, Some(Phase::Failed | Phase::RolledBack | Phase::Cancelled)) {
            self.simulation.violate("case", &format!("tried again without the fault, it is {phase:?}"));
        }
    }

    fn made(self) -> Made {
        let deployment = stored(&self.simulation, &self.deployment);
        let states = deployment.iter().flat_map(|deployment| &deployment.steps);
        let begun = states.filter(|state| state.status != StepStatus::Waiting);
        let ran = begun.map(|state| ((state.back, state.number), state.ended_at.is_some())).collect();
        let course = deployment.map(|deployment| deployment.course.clone());
        let stuck = self.stuck.clone();
        let plans = course.map(|course| [course.plan.clone(), stuck.or_else(|| course.unwind.clone())]);
        let plans = plans.unwrap_or_default();
        let mut world = self.simulation.shared.world();
        let met = world.mishap.as_ref().map_or(0, |awaited| awaited.met);
        Made { end: self.end, met, broken: world.watcher.broken.take(), lines: world.trace.take_lines(), ran, plans }
    }
}

fn stored(simulation: &Simulation, id: &DeploymentId) -> Option<Arc<Deployment>> {
    let store: &dyn Store = &*simulation.store;
    store.deployment(id.as_str()).now_or_never()?.ok()?
}

/// The steps of the way back that failed for good.
fn failed_back(deployment: &Deployment) -> Vec<&PlannedStep> {
    let Some(plan) = &deployment.course.unwind else { return Vec::new() };
    let failed = deployment.steps.iter().filter(|state| state.back && state.status == StepStatus::Failed);
    failed.filter_map(|state| plan.steps.get(state.number)).collect()
}
