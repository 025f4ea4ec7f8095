//! One seed, from its beginning to its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use shipway_core::phase::Phase;
use shipway_engine::{Engine, Folders, Settings};
use shipway_store::{MemoryState, MemoryStore};

use crate::{
    aim::Aim,
    closing,
    coverage::{Cell, Coverage, NODES, Trouble},
    executor::{Executor, Group},
    people::{Person, Servers},
    ports::of_server,
    random::Random,
    scenario::{GAP, Scenario},
    watcher::Watcher,
    world::{Chances, Shared, World},
};

/// Where the simulated server would keep its data.
const DATA: &str = "/simulated";
/// Where releases would lie below it.
pub const RELEASES: &str = "/simulated/releases";
/// How long people go on at most.
const PEOPLE_MS_MAX: u64 = 240_000;
/// How long deployments may take to end once nothing goes wrong any more.
const END_MS_MAX: u64 = 400_000;
/// How long the world may take to be as the slots want it.
const SETTLE_MS_MAX: u64 = 200_000;
/// How long probes remember trouble that is over.
const PASSES_MS: u64 = 4000;
/// How long nothing may change after that.
const IDLE_MS: u64 = 3000;
/// Polls of one seed: one that needs more goes in circles.
const POLLS_MAX: u64 = 100_000;

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

/// What a seed has in store, beside its scenario.
struct Plot {
    /// At which polls the server crashes.
    crashes: Vec<u64>,
    /// At which poll the store is copied, when it is put back at a crash.
    copied_at: Option<u64>,
    /// At which polls a clock jumps.
    jumps: Vec<u64>,
    /// At which polls the store is out of reach for a while.
    cuts: Vec<u64>,
    /// At which polls the data plane starts again.
    reboots: Vec<u64>,
}

/// The polls within which things happen on their own.
const PLOT_POLLS: u64 = 1500;

impl Plot {
    fn draw(random: &mut Random) -> Self {
        let mut at = |share: u64, count: u64| -> Vec<u64> {
            if !random.per_mille(share) {
                return Vec::new();
            }
            let count = random.between(1, count);
            let mut polls: Vec<_> = (0..count).map(|_| random.between(40, PLOT_POLLS)).collect();
            polls.sort_unstable();
            polls
        };
        Self {
            crashes: at(800, 3),
            jumps: at(120, 2),
            cuts: at(200, 2),
            reboots: at(200, 2),
            copied_at: at(60, 1).first().copied(),
        }
    }
}

struct Run {
    shared: Shared,
    executor: Executor,
    scheduler: Random,
    store: Arc<MemoryStore>,
    servers: Servers,
    count: usize,
    person: Person,
    plot: Plot,
    copy: Option<(MemoryState, Watcher)>,
    polls: u64,
    crashes: u64,
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
        let scenario = Arc::new(Scenario::draw(&mut random, &met));
        let plot = Plot::draw(&mut random);
        let executor = Executor::default();
        let servers = if plot.copied_at.is_none() && random.per_mille(200) { 2 } else { 1 };
        let mut world = World::new(random, servers, traced);
        world.chances = chances(&mut world.random);
        world.aims = aims;
        world.tell(|| format!("seed {seed}\n{}", scenario.text));
        let shared = Shared::new(world, executor.spawner());
        let count = servers;
        let servers = Servers::new(count);
        let person = Person { shared: shared.clone(), servers: servers.clone(), scenario };
        let store = MemoryStore::new();
        Self { shared, executor, scheduler, store, servers, person, plot, count, copy: None, polls: 0, crashes: 0 }
    }

    fn live(&mut self) {
        for server in 0..self.count {
            start(&self.shared, &self.servers, &self.store, server, self.count == 1);
        }
        let done = self.people();
        self.until(PEOPLE_MS_MAX, |_| done.load(Ordering::SeqCst));
        if self.crashes == 0 {
            self.crash(0);
        }
        self.shared.world().calm();
        self.executor.kill(Group::People);
        let person = self.person.clone();
        self.shared.spawn(Group::People, async move { person.see_to_the_end().await });
        let (person, filled) = (self.person.clone(), Arc::new(AtomicBool::new(false)));
        let told = filled.clone();
        self.shared.spawn(Group::People, async move {
            person.fill().await;
            told.store(true, Ordering::SeqCst);
        });
        self.until(END_MS_MAX, |_| filled.load(Ordering::SeqCst));
        if !self.until(END_MS_MAX, |world| world.watcher.open.is_empty()) {
            let open = self.open_ones();
            self.violate("I5", &format!("these never end: {open}"));
        }
        self.executor.kill(Group::People);
        // What probes remember of the trouble passes first.
        self.until(PASSES_MS, |_| false);
        if !self.until(SETTLE_MS_MAX, |world| closing::unsettled(world).is_none()) {
            let why = closing::unsettled(&self.shared.world()).unwrap_or_default();
            self.violate("I9", &why);
        }
        let acts = self.shared.world().machine.acts;
        self.until(IDLE_MS, |_| false);
        let mut world = self.shared.world();
        if world.watcher.broken.is_none() {
            let (after, unsettled) = (world.machine.acts, closing::unsettled(&world));
            if after != acts || unsettled.is_some() {
                world.watcher.violate("I9", || format!("{} acts when all was settled: {unsettled:?}", after - acts));
            }
            world.watcher.checks += 1;
        }
    }

    fn open_ones(&self) -> String {
        let world = self.shared.world();
        let open = world.watcher.open.iter().map(|id| {
            let watched = world.watcher.deployments.get(id);
            format!("{id} in {:?}", watched.and_then(|watched| watched.phase))
        });
        open.collect::<Vec<_>>().join(", ")
    }

    fn violate(&self, which: &str, words: &str) {
        self.shared.world().watcher.violate(which, || words.to_owned());
    }

    /// Sends the people out; the flag says when they are done.
    fn people(&mut self) -> Arc<AtomicBool> {
        let done = Arc::new(AtomicBool::new(false));
        let (first, told) = (self.person.clone(), done.clone());
        self.shared.spawn(Group::People, async move {
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

    /// Runs until something holds, or time is over. Says whether it came to hold. It is asked when nothing is ready.
    fn until(&mut self, span_ms: u64, holds: impl Fn(&World) -> bool) -> bool {
        let end_ms = self.shared.timers().now_ms + span_ms;
        loop {
            while let Some(task) = self.executor.step(&mut self.scheduler) {
                if !self.after_poll(task) {
                    return true;
                }
            }
            if holds(&self.shared.world()) {
                return true;
            }
            let woken = {
                let mut timers = self.shared.timers();
                match timers.next_ms() {
                    Some(next_ms) if next_ms <= end_ms => timers.pass_to(next_ms),
                    _ => {
                        timers.pass_to(end_ms);
                        return false;
                    }
                }
            };
            woken.into_iter().for_each(std::task::Waker::wake);
        }
    }

    /// What happens between two polls. Says whether to go on.
    fn after_poll(&mut self, task: usize) -> bool {
        self.polls += 1;
        let crash = {
            let mut world = self.shared.world();
            world.polls = self.polls;
            world.trace.mix(task as u64);
            if self.polls >= POLLS_MAX {
                world.watcher.violate("I5", || "it goes in circles".into());
            }
            if world.watcher.broken.is_some() {
                return false;
            }
            world.crash.take()
        };
        if let Some(server) = crash {
            self.crash(server);
        }
        self.follow_plot();
        true
    }

    fn follow_plot(&mut self) {
        let polls = self.polls;
        if polls > PLOT_POLLS || self.shared.world().watcher.calm {
            return;
        }
        if self.plot.copied_at == Some(polls) {
            self.copy = Some((self.store.copy(), self.shared.world().watcher.clone()));
        }
        if self.plot.crashes.contains(&polls) {
            let server = self.any_server();
            self.crash(server);
        }
        let server = self.any_server();
        let mut world = self.shared.world();
        let world = &mut *world;
        if self.plot.jumps.contains(&polls) {
            let back = world.random.per_mille(500);
            let span_ms = i64::try_from(world.random.between(100, 15_000)).unwrap_or(0);
            world.skew_ms[server] += if back { -span_ms } else { span_ms };
            world.jumped_ms = Some(world.now_ms);
            world.tell(|| format!("the clock jumps by {span_ms} ms, back: {back}"));
        }
        if self.plot.cuts.contains(&polls) {
            world.cut_off_until_ms[server] = world.now_ms + world.random.between(100, 8000);
            world.tell(|| "the store is out of reach".into());
        }
        if self.plot.reboots.contains(&polls) {
            world.router.restart();
            world.tell(|| "the proxy starts again".into());
        }
    }

    fn any_server(&self) -> usize {
        let number = if self.count > 1 { self.shared.world().random.below(self.count as u64) } else { 0 };
        usize::try_from(number).unwrap_or(0)
    }

    /// Ends a server between two polls, and has it started again a little later.
    fn crash(&mut self, server: usize) {
        self.crashes += 1;
        self.shared.world().tell(|| format!("server {server} crashes"));
        self.servers.set(server, None);
        self.executor.kill(Group::Server(server));
        if let Some((state, watcher)) = self.copy.take() {
            self.store.restore(state);
            let mut world = self.shared.world();
            world.tell(|| "the store is put back".into());
            world.watcher.forget_since(watcher);
            world.router.replace();
        }
        let (shared, servers, store) = (self.shared.clone(), self.servers.clone(), self.store.clone());
        let sole = self.count == 1;
        self.shared.spawn(Group::World, async move {
            let span_ms = {
                let mut world = shared.world();
                if world.random.per_mille(500) { 0 } else { world.random.below(2500) }
            };
            shared.sleep(span_ms).await;
            start(&shared, &servers, &store, server, sole);
        });
    }

    fn outcome(self, seed: u64) -> Outcome {
        let mut world = self.shared.world();
        Outcome {
            seed,
            broken: world.watcher.broken.take(),
            checks: world.watcher.checks,
            polls: self.polls,
            deployments: world.watcher.deployments.len() as u64,
            ends: world.watcher.ends.clone(),
            crashes: self.crashes,
            span_ms: world.now_ms,
            coverage: world.coverage.clone(),
            hash: world.trace.hash(),
            lines: world.trace.take_lines(),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Tasks hold the simulation, and the simulation's timers hold tasks.
        self.servers.clear();
        for server in 0..self.count {
            self.executor.kill(Group::Server(server));
        }
        self.executor.kill(Group::People);
        self.executor.kill(Group::World);
    }
}

/// Starts a server on what is stored.
fn start(shared: &Shared, servers: &Servers, store: &Arc<MemoryStore>, server: usize, sole: bool) {
    let ports = of_server(shared, server, store);
    let settings =
        Settings { folders: Folders { data: DATA.into() }, is_root: false, disk_free_mb_min: 0, sole, crash: None };
    let (shared, servers) = (shared.clone(), servers.clone());
    let spawner = shared.spawner();
    spawner.spawn(Group::Server(server), async move {
        match Engine::start(ports, settings).await {
            Ok(engine) => servers.set(server, Some(engine)),
            // The process ends, and whoever keeps it starts another.
            Err(_) => shared.world().crash = Some(server),
        }
    });
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
            let fails = Cell { node, back: false, trouble: Trouble::Failed };
            aims.extend(fails.exists().then_some(Aim { cell: fails, times: 1 }));
        }
    }
    aims
}
