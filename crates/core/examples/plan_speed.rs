//! How long planning takes: `cargo run --release -p shipway-core --example plan_speed`.
//!
//! Services with up to six dependencies each and two instances that run, all of which get another release: the plan for
//! all of them, and the way back from its end. Numbers only; nothing is judged here.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Write, stdout},
    time::Instant,
};

use shipway_core::{
    id::{ArtifactDigest, DeploymentId, InstanceId, ReleaseId, ServiceName, SlotKey},
    instance::{Instance, InstanceState, instance_id},
    plan::{Goal, Observed, PlannedStep, Policy, Undo, plan, unwind},
    release::Release,
    slot::{Serving, Slot},
    spec::{Order, OrderName},
    strategy::{StrategyKind, StrategySpec},
    time::Timestamp,
};

const DEPENDENCIES: usize = 6;
const INSTANCES: u32 = 2;
const RUNS: usize = 21;

/// An environment, and another release for every service of it.
#[derive(Default)]
struct World {
    slots: BTreeMap<SlotKey, Slot>,
    instances: Vec<Instance>,
    alive: BTreeSet<InstanceId>,
    releases: BTreeMap<ReleaseId, Release>,
    goal: Goal,
}

impl World {
    fn of(services: usize) -> Self {
        let mut world = Self::default();
        for at in 0..services {
            let key = key(at);
            let (old, new) = (release(&key, "1", at), release(&key, "2", at));
            let serving = |release: &Release| Serving { release: release.id.clone(), instances: INSTANCES };
            for number in 1..=INSTANCES {
                world.run(&key, &old.id, number);
            }
            let slot = Slot { revision: 1, live: Some(serving(&old)), ..Slot::empty(key.clone()) };
            world.slots.insert(key.clone(), slot);
            world.goal.insert(key, Some(serving(&new)));
            world.releases.extend([old, new].map(|release| (release.id.clone(), release)));
        }
        world
    }

    fn run(&mut self, slot: &SlotKey, release: &ReleaseId, number: u32) {
        let id = instance_id(slot, release, 1, number);
        self.alive.insert(id.clone());
        self.instances.push(Instance {
            id,
            slot: slot.clone(),
            release: release.clone(),
            state: InstanceState::Ready,
            address: None,
            deployment: None,
            launched: None,
            reloading: None,
            substituted: Default::default(),
            created_at: Timestamp(i64::from(number)),
        });
    }

    fn observed(&self) -> Observed<'_> {
        let Self { slots, instances, alive, releases, .. } = self;
        Observed { slots, instances, alive, releases }
    }
}

fn key(at: usize) -> SlotKey {
    SlotKey { project: "shop".into(), environment: "prod".into(), service: name(at) }
}

fn name(at: usize) -> ServiceName {
    ServiceName::new(format!("service-{at}"))
}

/// A release that depends on services of lower numbers, near ones and far ones.
fn release(slot: &SlotKey, version: &str, at: usize) -> Release {
    let near_and_far = (1..=DEPENDENCIES).filter_map(|step| at.checked_sub(step * step * step));
    let depends_on: Vec<_> = near_and_far.map(name).collect();
    let serve = serde_json::json!({ "kind": "process", "depends_on": depends_on });
    Release {
        id: ReleaseId::new(format!("{at:05}{version}")),
        slot: slot.clone(),
        version: version.into(),
        artifact: ArtifactDigest::new("a"),
        serve: serde_json::from_value(serve).expect("a service of this form is valid"),
        secrets: Default::default(),
        git: None,
        made_by: DeploymentId::new("d0"),
        made_at: Timestamp(0),
    }
}

/// The median of several runs, in milliseconds.
fn median_ms(mut run: impl FnMut()) -> f64 {
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn measure(services: usize, strategy: StrategyKind, order: OrderName) -> std::io::Result<()> {
    let world = World::of(services);
    let deployment = DeploymentId::new("d1");
    let policy = Policy::new(deployment.clone(), StrategySpec::of_kind(strategy));
    let policy = Policy { order: Order::Named(order), ..policy };
    let planned = plan(world.observed(), &world.goal, &policy).expect("the world is sound");
    let forward_ms = median_ms(|| drop(plan(world.observed(), &world.goal, &policy)));
    // After the last step the slots are written once more, and nothing of the old runs.
    let ran: Vec<&PlannedStep> = planned.steps.iter().collect();
    let now = world.slots.iter().map(|(key, slot)| (key.clone(), Slot { revision: 4, ..slot.clone() })).collect();
    let after = Observed { slots: &now, instances: &[], ..world.observed() };
    let given_up = BTreeSet::new();
    let undo = Undo { parents: &world.slots, ran: &ran, strategy, deployment: &deployment, given_up: &given_up };
    let back_ms = median_ms(|| drop(unwind(after, &undo)));
    let dependencies: usize = world.releases.values().map(|release| release.serve.depends_on.len()).sum::<usize>() / 2;
    let steps = planned.steps.len();
    writeln!(
        stdout(),
        "{services:>5} services {dependencies:>5} dependencies  {strategy:<10} {order:<10}  {steps:>6} steps  \
         plan {forward_ms:>8.3} ms  way back {back_ms:>8.3} ms",
        order = format!("{order:?}").to_lowercase(),
    )
}

fn main() -> std::io::Result<()> {
    for services in [10, 100, 1000] {
        for strategy in StrategyKind::ALL {
            for order in [OrderName::Parallel, OrderName::Sequential] {
                measure(services, strategy, order)?;
            }
        }
    }
    Ok(())
}
