//! Time that stands still until somebody waits for it. Timers run by one true time; what a server reads may be off it
//! by its skew.

use std::{
    collections::BTreeMap,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_util::future::BoxFuture;
use shipway_core::{ports::Clock, time::Timestamp};

use crate::world::Shared;

/// When every simulation begins, in milliseconds since 1970.
pub const BEGIN_MS: i64 = 1_750_000_000_000;

/// The timers of everybody.
#[derive(Default)]
pub struct Timers {
    /// Milliseconds since the beginning.
    pub now_ms: u64,
    waiting: BTreeMap<(u64, u64), Waker>,
    made: u64,
}

impl Timers {
    /// When the next timer is due.
    pub fn next_ms(&self) -> Option<u64> {
        self.waiting.keys().next().map(|(at, _)| *at)
    }

    /// Lets time pass, and gives those whose time has come.
    pub fn pass_to(&mut self, at_ms: u64) -> Vec<Waker> {
        self.now_ms = self.now_ms.max(at_ms);
        let later = self.waiting.split_off(&(self.now_ms + 1, 0));
        std::mem::replace(&mut self.waiting, later).into_values().collect()
    }
}

/// Ends when its time has come.
pub struct Sleep {
    shared: Shared,
    at_ms: u64,
    timer: Option<(u64, u64)>,
}

impl Sleep {
    /// Ends after that long.
    pub fn new(shared: &Shared, span_ms: u64) -> Self {
        let at_ms = shared.timers().now_ms.saturating_add(span_ms);
        Self { shared: shared.clone(), at_ms, timer: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = self.shared.clone();
        let mut timers = shared.timers();
        if timers.now_ms >= self.at_ms {
            return Poll::Ready(());
        }
        let key = self.timer.unwrap_or_else(|| {
            timers.made += 1;
            (self.at_ms, timers.made)
        });
        timers.waiting.insert(key, context.waker().clone());
        self.timer = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.timer {
            self.shared.timers().waiting.remove(&key);
        }
    }
}

/// The clock of one server.
pub struct ServerClock {
    /// The simulation.
    pub shared: Shared,
    /// Which server.
    pub server: usize,
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        let now_ms = self.shared.timers().now_ms;
        let skew_ms = self.shared.world().skew_ms[self.server];
        Timestamp(BEGIN_MS + i64::try_from(now_ms).unwrap_or(i64::MAX) + skew_ms)
    }

    fn sleep_ms(&self, span_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(Sleep::new(&self.shared, span_ms))
    }
}
