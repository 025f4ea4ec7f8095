//! One seed, from its beginning to its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use shipway_core::phase::Phase;
use shipway_store::MemoryStore;

use crate::{
    aim::Aim,
    coverage::{Cell, Coverage, NODES, Trouble},
    executor::Group,
    people::Person,
    plot::Plot,
    random::Random,
    scenario::{GAP, Scenario},
    simulation::Simulation,
    world::{Chances, World},
};

/// How long people go on at most.
const PEOPLE_MS_MAX: u64 = 240_000;
/// How long deployments may take to end once nothing goes wrong any more.
const END_MS_MAX: u64 = 400_000;
/// Of so many seeds of a thousand, the environment stops after few automatic rollbacks.
const STOPS_PER_MILLE: u64 = 150;
/// These are so many.
const ROLLBACKS_MAX: usize = 1;

/// How a seed went.
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What did not hold.
    pub broken: Option<String>,
    /// How many checks were made.
    pub checks: u64,
    /// How many times a task was polled.
    pub polls: u64,
    /// How many deployments there were.
    pub deployments: u64,
    /// How they ended.
    pub ends: BTreeMap<Phase, u64>,
    /// How many crashes there were.
    pub crashes: u64,
    /// How long it was in the simulation, in milliseconds.
    pub span_ms: u64,
    /// What was met.
    pub coverage: Coverage,
    /// A hash of its course.
    pub hash: u64,
    /// Its course for people, when it was asked for.
    pub lines: Vec<String>,
}

/// Runs a seed.
pub fn run(seed: u64, traced: bool) -> Outcome {
    let mut run = Run::new(seed, traced);
    run.live();
    run.outcome(seed)
}

struct Run {
    simulation: Simulation,
    person: Person,
}

impl Run {
    fn new(seed: u64, traced: bool) -> Self {
        let mut random = Random::new(seed);
        let scheduler = Random::new(random.number());
        let aims = aims(seed, &mut random);
        let mut met: BTreeSet<_> = aims.iter().map(|aim| NODES[aim.cell.node]).collect();
        if aims.iter().any(|aim| aim.cell.back && matches!(NODES[aim.cell.node], "start" | "prove")) {
            met.insert(GAP);
        }
        let scenario = Scenario::draw(&mut random, &met);
        // By chance of its own, so that the course of all other seeds stays.
        let mut other = Random::new(!seed);
        let stops = other.per_mille(STOPS_PER_MILLE);
        let scenario = Arc::new(if stops { scenario.stops_after(ROLLBACKS_MAX) } else { scenario });
        let plot = Plot::draw(&mut random);
        let servers = if plot.copied_at.is_none() && random.per_mille(200) { 2 } else { 1 };
        let still = servers > 1 && other.per_mille(500);
        let plot = if still { plot.with_a_stand_still(&mut other) } else { plot };
        let mut world = World::new(random, servers, traced);
        world.chances = chances(&mut world.random);
        world.aims = aims;
        world.watcher.owed.rollbacks_max = scenario.rollbacks_max;
        world.tell(|| format!("seed {seed}\n{}", scenario.text));
        let simulation = Simulation::new(world, MemoryStore::new(), scheduler, plot);
        let (shared, servers) = (simulation.shared.clone(), simulation.servers.clone());
        Self { simulation, person: Person { shared, servers, scenario } }
    }

    fn live(&mut self) {
        self.simulation.start();
        let done = self.people();
        self.simulation.until(PEOPLE_MS_MAX, |_| done.load(Ordering::SeqCst));
        if self.simulation.crashes == 0 {
            self.simulation.crash(0);
        }
        self.simulation.shared.world().calm();
        self.simulation.send_people_home();
        let person = self.person.clone();
        self.person.shared.spawn(Group::People, async move { person.see_to_the_end().await });
        let (person, filled) = (self.person.clone(), Arc::new(AtomicBool::new(false)));
        let told = filled.clone();
        self.person.shared.spawn(Group::People, async move {
            person.fill().await;
            told.store(true, Ordering::SeqCst);
        });
        self.simulation.until(END_MS_MAX, |_| filled.load(Ordering::SeqCst));
        if !self.simulation.until(END_MS_MAX, |world| world.watcher.open.is_empty()) {
            let open = self.simulation.open_ones();
            self.simulation.violate("I5", &format!("these never end: {open}"));
        }
        self.simulation.send_people_home();
        self.simulation.settle();
    }

    /// Sends the people out; the flag says when they are done.
    fn people(&mut self) -> Arc<AtomicBool> {
        let done = Arc::new(AtomicBool::new(false));
        let (first, told) = (self.person.clone(), done.clone());
        self.person.shared.spawn(Group::People, async move {
            first.register().await;
            let begun = first.deploy(Vec::new(), false).await;
            if first.shared.world().random.per_mille(350) {
                let second = first.clone();
                first.shared.spawn(Group::People, async move { second.act().await });
            }
            if let Some(id) = begun {
                first.see_end(&id).await;
            }
            let acts = 1 + first.shared.world().random.below(2);
            for _ in 0..acts {
                first.act().await;
            }
            first.fill().await;
            told.store(true, Ordering::SeqCst);
        });
        done
    }

    fn outcome(self, seed: u64) -> Outcome {
        let Simulation { shared, polls, crashes, .. } = &self.simulation;
        let mut world = shared.world();
        Outcome {
            seed,
            broken: world.watcher.broken.take(),
            checks: world.watcher.checks,
            polls: *polls,
            deployments: world.watcher.deployments.len() as u64,
            ends: world.watcher.ends.clone(),
            crashes: *crashes,
            span_ms: world.now_ms,
            coverage: world.coverage.clone(),
            hash: world.trace.hash(),
            lines: world.trace.take_lines(),
        }
    }
}

/// How much goes wrong in a seed: nothing, a little, or much.
fn chances(random: &mut Random) -> Chances {
    let scale = match random.below(10) {
        0..=3 => return Chances::CALM,
        4..=7 => 1,
        _ => 4,
    };
    let mut draw = |most: u64| random.below(most * scale + 1);
    Chances {
        slow: draw(8),
        refuse: draw(5),
        lose_answer: draw(5),
        late: draw(40),
        lose_start: draw(10),
        start_again: draw(15),
        store_refuse: draw(5),
        store_lose_answer: draw(5),
        store_slow: draw(5),
        death: draw(20),
    }
}

/// What a seed sets out to meet: the cells of the coverage table, one after the other.
fn aims(seed: u64, random: &mut Random) -> Vec<Aim> {
    let cells: Vec<_> = Cell::all().into_iter().filter(|cell| cell.trouble != Trouble::Repeated).collect();
    let count = random.below(3);
    let first = usize::try_from(seed % cells.len() as u64).unwrap_or(0);
    let mut aims = Vec::new();
    for number in 0..count {
        let cell = if number == 0 { cells[first] } else { *random.pick(&cells) };
        let times = if random.per_mille(250) { 7 } else { 1 };
        aims.push(Aim { cell, times });
        if cell.back {
            // Nothing goes back unless something fails before.
            let node = usize::try_from(random.below(8)).unwrap_or(0);
            // What reads the old again was told to read the new; a failure that lasts takes it back.
            let is_reload = NODES[cell.node] == "reload";
            let (node, times) = if is_reload { (cell.node, 7) } else { (node, 1) };
            let fails = Cell { node, back: false, trouble: Trouble::Failed };
            aims.extend(fails.exists().then_some(Aim { cell: fails, times }));
        }
    }
    aims
}
