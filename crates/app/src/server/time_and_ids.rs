//! The real clock, and real randomness.

use std::{
    io::{ErrorKind, Read},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    id::DeploymentId,
    ports::{Clock, Fault, Ids},
    time::Timestamp,
};

/// Where the machine keeps the rules of time zones.
const ZONES: &str = "/usr/share/zoneinfo";
/// Bytes of one zone's file.
const ZONE_BYTES_MAX: u64 = 64 * 1024;

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

    fn zone(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let file = Path::new(ZONES).join(name);
        let read = || -> std::io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            std::fs::File::open(&file)?.take(ZONE_BYTES_MAX).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => Ok(None),
            Err(error) => Err(Fault::io(format!("reading {}", file.display()), &error)),
        }
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
