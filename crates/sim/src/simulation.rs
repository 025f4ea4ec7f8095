//! A simulation: servers on one store in one world. One task is polled at a time, and between two polls a server may
//! end wherever it stands. Not here: what a seed makes of it (`run`), what a case of the node tests does (`node`).

use std::sync::Arc;

use shipway_engine::{Engine, Folders, Settings};
use shipway_store::{MemoryState, MemoryStore};

use crate::{
    closing,
    executor::{Executor, Group},
    people::Servers,
    plot::{PLOT_POLLS, Plot},
    ports::of_server,
    random::Random,
    seen::{mark, mark_of},
    watcher::Watcher,
    world::{Shared, World},
};

/// Where the simulated server would keep its data.
const DATA: &str = "/simulated";
/// Where releases would lie below it.
pub const RELEASES: &str = "/simulated/releases";
/// How long the world may take to be as the slots want it.
const SETTLE_MS_MAX: u64 = 200_000;
/// How long probes remember trouble that is over.
const PASSES_MS: u64 = 4000;
/// How long nothing may change after that.
const IDLE_MS: u64 = 3000;
/// Polls of one seed: one that needs more goes in circles.
const POLLS_MAX: u64 = 100_000;

/// A simulation.
pub struct Simulation {
    /// Its world and its time.
    pub shared: Shared,
    /// Where all servers keep what they know.
    pub store: Arc<MemoryStore>,
    /// The servers that are up.
    pub servers: Servers,
    /// How often a task was polled.
    pub polls: u64,
    /// How many crashes there were.
    pub crashes: u64,
    executor: Executor,
    scheduler: Random,
    count: usize,
    plot: Plot,
    copy: Option<(MemoryState, Watcher)>,
}

impl Simulation {
    /// So many servers, none up, on a store in a world.
    pub fn new(world: World, store: Arc<MemoryStore>, scheduler: Random, plot: Plot) -> Self {
        let executor = Executor::default();
        let count = world.skew_ms.len();
        let shared = Shared::new(world, executor.spawner());
        let servers = Servers::new(count);
        Self { shared, store, servers, polls: 0, crashes: 0, executor, scheduler, count, plot, copy: None }
    }

    /// Starts every server.
    pub fn start(&self) {
        for server in 0..self.count {
            start(&self.shared, &self.servers, &self.store, server, self.count == 1);
        }
    }

    /// Nobody asks for anything any more.
    pub fn send_people_home(&mut self) {
        self.executor.kill(Group::People);
    }

    /// Lets the world come to rest: it must be as the slots want it, and stay so.
    pub fn settle(&mut self) {
        // What probes remember of the trouble passes first.
        self.until(PASSES_MS, |_| false);
        if !self.until(SETTLE_MS_MAX, |world| closing::unsettled(world).is_none()) {
            let why = closing::unsettled(&self.shared.world()).unwrap_or_default();
            self.violate("I9", &why);
        }
        let acts = self.shared.world().machine.acts;
        self.until(IDLE_MS, |_| false);
        let told = self.store.look(|state| state.events().map(|event| mark_of(&event.body)).fold(0, mark));
        let mut world = self.shared.world();
        if world.watcher.broken.is_none() {
            let (after, unsettled) = (world.machine.acts, closing::unsettled(&world));
            if after != acts || unsettled.is_some() {
                world.watcher.violate("I9", || format!("{} acts when all was settled: {unsettled:?}", after - acts));
            }
            let same = world.watcher.told == told;
            world.watcher.check("I7", same, || "other events are kept than were told, or in another order".into());
            world.watcher.checks += 1;
        }
    }

    /// The deployments that have not ended, and how far they are.
    pub fn open_ones(&self) -> String {
        let world = self.shared.world();
        let open = world.watcher.open.iter().map(|id| {
            let watched = world.watcher.deployments.get(id);
            format!("{id} in {:?}", watched.and_then(|watched| watched.phase))
        });
        open.collect::<Vec<_>>().join(", ")
    }

    /// Something does not hold.
    pub fn violate(&self, which: &str, words: &str) {
        self.shared.world().watcher.violate(which, || words.to_owned());
    }

    /// Runs until something holds, or time is over. Says whether it came to hold. It is asked when nothing is ready.
    pub fn until(&mut self, span_ms: u64, holds: impl Fn(&World) -> bool) -> bool {
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

    /// The same, asked after every poll.
    pub fn until_after_any_poll(&mut self, span_ms: u64, holds: impl Fn(&World) -> bool) -> bool {
        let end_ms = self.shared.timers().now_ms + span_ms;
        while self.shared.timers().now_ms < end_ms {
            while let Some(task) = self.executor.step(&mut self.scheduler) {
                if !self.after_poll(task) || holds(&self.shared.world()) {
                    return true;
                }
            }
            let Some(next_ms) = self.shared.timers().next_ms() else { return false };
            let woken = self.shared.timers().pass_to(next_ms);
            woken.into_iter().for_each(std::task::Waker::wake);
        }
        false
    }

    /// What happens between two polls. Says whether to go on.
    fn after_poll(&mut self, task: usize) -> bool {
        self.polls += 1;
        let (crash, goes_on) = {
            let mut world = self.shared.world();
            world.polls = self.polls;
            world.trace.mix(task as u64);
            if self.polls >= POLLS_MAX {
                world.watcher.violate("I5", || "it goes in circles".into());
            }
            if world.watcher.broken.is_some() {
                return false;
            }
            (world.crash.take(), std::mem::take(&mut world.goes_on) || world.watcher.calm)
        };
        if goes_on {
            self.executor.hold(None);
        }
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
        if let Some((_, span_ms)) = self.plot.stands_still.filter(|(at, _)| *at == polls) {
            self.stand_still(server, span_ms);
        }
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

    /// A server stands still, as one whose machine is suspended does; it goes on as if nothing had been.
    fn stand_still(&mut self, server: usize, span_ms: u64) {
        let mut world = self.shared.world();
        world.tell(|| format!("server {server} stands still for {span_ms} ms"));
        world.watcher.stands_still();
        drop(world);
        self.executor.hold(Some(Group::Server(server)));
        let shared = self.shared.clone();
        self.shared.spawn(Group::World, async move {
            shared.sleep(span_ms).await;
            let mut world = shared.world();
            world.goes_on = true;
            world.tell(|| format!("server {server} goes on"));
        });
    }

    fn any_server(&self) -> usize {
        let number = if self.count > 1 { self.shared.world().random.below(self.count as u64) } else { 0 };
        usize::try_from(number).unwrap_or(0)
    }

    /// Ends a server between two polls, and has it started again a little later.
    pub fn crash(&mut self, server: usize) {
        self.crashes += 1;
        self.shared.world().tell(|| format!("server {server} crashes"));
        self.servers.set(server, None);
        self.executor.kill(Group::Server(server));
        if self.executor.holds(Group::Server(server)) {
            self.executor.hold(None);
        }
        if let Some((state, watcher)) = self.copy.take() {
            self.store.restore(state);
            let mut world = self.shared.world();
            world.tell(|| "the store is put back".into());
            world.watcher.forget_since(watcher);
        }
        let (shared, servers, store) = (self.shared.clone(), self.servers.clone(), self.store.clone());
        let sole = self.count == 1;
        self.shared.spawn(Group::World, async move {
            let (span_ms, crashes) = {
                let mut world = shared.world();
                world.crashes[server] += 1;
                let span_ms = if world.random.per_mille(500) { 0 } else { world.random.below(2500) };
                (span_ms, world.crashes[server])
            };
            shared.sleep(span_ms).await;
            if shared.world().crashes[server] != crashes {
                return;
            }
            start(&shared, &servers, &store, server, sole);
        });
    }
}

impl Drop for Simulation {
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
    store.reread();
    let ports = of_server(shared, server, store);
    let settings = Settings {
        folders: Folders { data: DATA.into() },
        is_root: false,
        disk_free_mb_min: 0,
        sole,
        flags: None,
        crash: None,
    };
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
