//! Runs futures on one thread, in an order by chance, and drops those of a server at any point between two polls.
//!
//! Not here: time (`clock`), and what the futures do.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::future::BoxFuture;
use shipway_core::ports::Tasks;

use crate::random::Random;

/// Whose task it is. A crash of a server drops all of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The server of that number.
    Server(usize),
    /// People, who outlive servers.
    People,
    /// What goes on in the world by itself.
    World,
}

/// Tasks that may be polled, in the order of their numbers: who woke first must not matter.
#[derive(Default)]
struct Ready(Mutex<Vec<usize>>);

impl Ready {
    fn with(&self) -> MutexGuard<'_, Vec<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Alarm {
    task: usize,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            let mut ready = self.ready.with();
            let place = ready.partition_point(|other| *other < self.task);
            ready.insert(place, self.task);
        }
    }
}

struct Task {
    group: Group,
    future: BoxFuture<'static, ()>,
    alarm: Arc<Alarm>,
}

/// Where new tasks are handed in.
#[derive(Clone, Default)]
pub struct Spawner(Arc<Mutex<Vec<Spawned>>>);

type Spawned = (Group, BoxFuture<'static, ()>);

impl Spawner {
    /// Begins a task.
    pub fn spawn(&self, group: Group, task: impl Future<Output = ()> + Send + 'static) {
        self.with().push((group, Box::pin(task)));
    }

    fn with(&self) -> MutexGuard<'_, Vec<Spawned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tasks of one server, as the engine sees them.
pub struct ServerTasks {
    /// Where they are handed in.
    pub spawner: Spawner,
    /// Which server.
    pub server: usize,
}

impl Tasks for ServerTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.spawner.with().push((Group::Server(self.server), task));
    }

    fn halt(&self) -> BoxFuture<'_, ()> {
        // Servers of a simulation end by crashing; nobody asks one to halt.
        Box::pin(async {})
    }
}

/// The executor.
#[derive(Default)]
pub struct Executor {
    tasks: Vec<Option<Task>>,
    ready: Arc<Ready>,
    spawner: Spawner,
    /// Whose tasks stand still.
    still: Option<Group>,
}

impl Executor {
    /// Where new tasks are handed in.
    pub fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// Polls one task that is ready, chosen by chance. Gives its number; none when nothing is ready.
    pub fn step(&mut self, random: &mut Random) -> Option<usize> {
        self.take_in();
        let task = {
            let mut ready = self.ready.with();
            let of = |task: usize| self.tasks.get(task).and_then(Option::as_ref).map(|task| task.group);
            let moves = |task: usize| self.still.is_none() || of(task) != self.still;
            let count = ready.iter().filter(|task| moves(**task)).count();
            let chosen = usize::try_from(random.below(count as u64)).ok()?;
            let mut places = ready.iter().enumerate().filter(|(_, task)| moves(**task)).map(|(place, _)| place);
            let place = places.nth(chosen)?;
            drop(places);
            ready.remove(place)
        };
        self.poll(task);
        Some(task)
    }

    /// Has the tasks of a group stand still wherever they are, or all go on.
    pub fn hold(&mut self, still: Option<Group>) {
        self.still = still;
    }

    /// Whether a group stands still.
    pub fn holds(&self, group: Group) -> bool {
        self.still == Some(group)
    }

    fn poll(&mut self, number: usize) {
        let Some(task) = self.tasks.get_mut(number).and_then(Option::as_mut) else { return };
        task.alarm.queued.store(false, Ordering::SeqCst);
        let waker = Waker::from(task.alarm.clone());
        if let Poll::Ready(()) = task.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.tasks[number] = None;
        }
    }

    fn take_in(&mut self) {
        let spawned: Vec<_> = std::mem::take(&mut *self.spawner.with());
        for (group, future) in spawned {
            let task = self.tasks.len();
            let alarm = Arc::new(Alarm { task, queued: AtomicBool::new(true), ready: self.ready.clone() });
            self.tasks.push(Some(Task { group, future, alarm }));
            self.ready.with().push(task);
        }
    }

    /// Drops every task of a group wherever it stands.
    pub fn kill(&mut self, group: Group) {
        self.take_in();
        for place in &mut self.tasks {
            if place.as_ref().is_some_and(|task| task.group == group) {
                *place = None;
            }
        }
        let tasks = &self.tasks;
        self.ready.with().retain(|task| tasks.get(*task).is_some_and(Option::is_some));
        self.spawner.with().retain(|(other, _)| *other != group);
    }
}
