//! The world of one simulation: everything that servers share and that outlives them, behind one lock each for time
//! and for the rest. Not here: the ports by which servers reach it (`ports`), and what must hold of it (`watcher`).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use shipway_core::{id::ArtifactDigest, ports::Fault};

use crate::{
    aim::Aim,
    clock::{Sleep, Timers},
    coverage::Coverage,
    executor::{Group, Spawner},
    machine::{Behaviour, Machine},
    mishap::{Awaited, Bell},
    random::Random,
    router::Router,
    trace::Trace,
    watcher::Watcher,
};

/// A handle on the simulation.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

struct Inner {
    timers: Mutex<Timers>,
    world: Mutex<World>,
    spawner: Spawner,
}

/// Everything but time.
pub struct World {
    /// Chance for all that happens outside of the scheduler.
    pub random: Random,
    /// Milliseconds since the beginning, as of the last look.
    pub now_ms: u64,
    /// How far each server's clock is off, in milliseconds.
    pub skew_ms: Vec<i64>,
    /// When a clock was last moved forward by force.
    pub jumped_ms: Option<u64>,
    /// Until when each server can't reach the store.
    pub cut_off_until_ms: Vec<u64>,
    /// How often each server has crashed: of two starts that are due, only the later one starts it.
    pub crashes: Vec<u64>,
    /// How often things go wrong.
    pub chances: Chances,
    /// What goes wrong on purpose.
    pub aims: Vec<Aim>,
    /// The one fault that waits for its node.
    pub mishap: Option<Awaited>,
    /// Who waits for a step's end.
    pub bell: Option<Bell>,
    /// Processes.
    pub machine: Machine,
    /// What each artifact does when it runs.
    pub behaviours: BTreeMap<ArtifactDigest, Behaviour>,
    /// The data plane.
    pub router: Router,
    /// What is checked.
    pub watcher: Watcher,
    /// What was met.
    pub coverage: Coverage,
    /// The server that ends after this poll.
    pub crash: Option<usize>,
    /// Whether the server that stands still goes on after this poll.
    pub goes_on: bool,
    /// What happened.
    pub trace: Trace,
    /// How often a task was polled.
    pub polls: u64,
    /// What goes on by itself though who asked may be gone.
    pub under_way: u64,
    /// Deployment ids and tokens that were made.
    pub ids: u64,
}

/// How often things go wrong, of a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chances {
    /// A port takes long.
    pub slow: u64,
    /// A port refuses, and nothing was done.
    pub refuse: u64,
    /// A port does what it was asked, and answers that it could not.
    pub lose_answer: u64,
    /// A port goes on though who asked is gone.
    pub late: u64,
    /// A start answers well, and nothing runs.
    pub lose_start: u64,
    /// A start is done once more, later.
    pub start_again: u64,
    /// The store refuses.
    pub store_refuse: u64,
    /// The store writes, and answers that it could not.
    pub store_lose_answer: u64,
    /// The store takes long.
    pub store_slow: u64,
    /// A process ends by itself.
    pub death: u64,
}

impl Chances {
    /// Nothing goes wrong.
    pub const CALM: Self = Self {
        slow: 0,
        refuse: 0,
        lose_answer: 0,
        late: 0,
        lose_start: 0,
        start_again: 0,
        store_refuse: 0,
        store_lose_answer: 0,
        store_slow: 0,
        death: 0,
    };
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is done and answered.
    Done,
    /// It is not done.
    Refused,
    /// It is done, and the answer is lost.
    AnswerLost,
}

/// How long a slow port takes at most.
const SLOW_MS_MAX: u64 = 4000;
/// How long a usual one takes at most.
const USUAL_MS_MAX: u64 = 6;

impl World {
    /// A world in which nothing has happened, with so many servers.
    pub fn new(random: Random, servers: usize, traced: bool) -> Self {
        Self {
            random,
            now_ms: 0,
            skew_ms: vec![0; servers],
            jumped_ms: None,
            cut_off_until_ms: vec![0; servers],
            crashes: vec![0; servers],
            chances: Chances::CALM,
            aims: Vec::new(),
            mishap: None,
            bell: None,
            machine: Machine::default(),
            behaviours: BTreeMap::new(),
            router: Router::default(),
            watcher: Watcher::default(),
            coverage: Coverage::default(),
            crash: None,
            goes_on: false,
            trace: Trace::new(traced),
            polls: 0,
            under_way: 0,
            ids: 0,
        }
    }

    fn fate(&mut self) -> (u64, Fate) {
        let chances = self.chances;
        let span_ms = match self.random.below(1000) {
            n if n < chances.slow => self.random.between(1000, SLOW_MS_MAX),
            n if n < 250 => self.random.between(0, USUAL_MS_MAX),
            _ => 0,
        };
        let fate = match self.random.below(1000) {
            n if n < chances.refuse => Fate::Refused,
            n if n < chances.refuse + chances.lose_answer => Fate::AnswerLost,
            _ => Fate::Done,
        };
        (span_ms, fate)
    }

    /// Writes a line of the trace, made only when somebody reads it.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        self.trace.tell(self.now_ms, line);
    }

    /// Ends all trouble: from now on nothing goes wrong any more.
    pub fn calm(&mut self) {
        self.chances = Chances::CALM;
        self.aims.clear();
        self.machine.calm(self.now_ms);
        self.cut_off_until_ms.fill(0);
        self.watcher.calm = true;
    }
}

impl Shared {
    /// A simulation around a world.
    pub fn new(world: World, spawner: Spawner) -> Self {
        Self(Arc::new(Inner { timers: Mutex::default(), world: Mutex::new(world), spawner }))
    }

    /// Time.
    pub fn timers(&self) -> MutexGuard<'_, Timers> {
        self.0.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything else, at this time.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let now_ms = self.timers().now_ms;
        let mut world = self.0.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.now_ms = now_ms;
        world
    }

    /// Begins a task.
    pub fn spawn(&self, group: Group, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawner.spawn(group, task);
    }

    /// Where tasks are handed in.
    pub fn spawner(&self) -> Spawner {
        self.0.spawner.clone()
    }

    /// Ends after that long.
    pub fn sleep(&self, span_ms: u64) -> Sleep {
        Sleep::new(self, span_ms)
    }

    /// Lets a call take its time, and says what becomes of it.
    pub async fn fate(&self) -> Fate {
        let (span_ms, fate) = self.world().fate();
        self.take_time(span_ms).await;
        fate
    }

    async fn take_time(&self, span_ms: u64) {
        match span_ms {
            0 => {}
            1 => give_way().await,
            _ => self.sleep(span_ms).await,
        }
    }

    /// Does something in the world after its time; sometimes it is done even when who asked is gone by then.
    pub async fn act<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut World) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (span_ms, fate, late) = {
            let mut world = self.world();
            let late = world.chances.late;
            let ((span_ms, fate), late) = (world.fate(), world.random.per_mille(late));
            (span_ms, fate, late)
        };
        if fate == Fate::Refused {
            self.take_time(span_ms).await;
            return Err(Fault::unavailable("refused by the simulation"));
        }
        let done = match late {
            true => self.act_apart(span_ms, what).await?,
            false => {
                self.take_time(span_ms).await;
                what(&mut self.world())
            }
        };
        match fate {
            Fate::AnswerLost => Err(Fault::unavailable("the answer was lost by the simulation")),
            Fate::Done | Fate::Refused => Ok(done),
        }
    }

    async fn act_apart<T: Send + 'static>(
        &self,
        span_ms: u64,
        what: impl FnOnce(&mut World) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (told, answer) = futures_channel::oneshot::channel();
        let shared = self.clone();
        self.world().under_way += 1;
        self.spawn(Group::World, async move {
            shared.sleep(span_ms.max(1)).await;
            let done = {
                let mut world = shared.world();
                world.under_way -= 1;
                what(&mut world)
            };
            // Who asked may be gone.
            let _ = told.send(done);
        });
        answer.await.map_err(|_| Fault::unavailable("the world ended"))
    }
}

/// Lets others go first, once.
pub async fn give_way() {
    let mut gave = false;
    std::future::poll_fn(|context: &mut Context<'_>| {
        if std::mem::replace(&mut gave, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
