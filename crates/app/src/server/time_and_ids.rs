//! The real clock, and real randomness.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    id::DeploymentId,
    ports::{Clock, Ids},
    time::Timestamp,
};

/// The machine's clock.
pub(super) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_ms(&self, span_ms: u64) -> BoxFuture<'static, ()> {
        tokio::time::sleep(Duration::from_millis(span_ms)).boxed()
    }
}

/// Ids of time and randomness.
pub(super) struct RandomIds {
    clock: Arc<dyn Clock>,
    last_ms: Mutex<i64>,
}

impl RandomIds {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, last_ms: Mutex::new(0) }
    }
}

impl Ids for RandomIds {
    /// Milliseconds in hex, then randomness. A clock that stands or goes back does not spoil the order.
    fn deployment(&self) -> DeploymentId {
        let mut last_ms = self.last_ms.lock().unwrap_or_else(PoisonError::into_inner);
        *last_ms = self.clock.now().0.max(*last_ms + 1);
        DeploymentId::new(format!("d{:011x}{}", *last_ms, random_hex::<3>()))
    }

    fn token(&self) -> String {
        random_hex::<16>()
    }
}

/// Fills bytes that nobody can guess.
pub(super) fn fill_by_chance(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("Linux gives randomness to every process");
}

/// `BYTES` random bytes in hex.
pub(super) fn random_hex<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    fill_by_chance(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
