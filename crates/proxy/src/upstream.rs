//! What all cores share about one upstream: requests in flight and passive ejection. Not here: connections, which
//! stay on their core (`connections`).

use std::{
    net::SocketAddr,
    sync::{
        OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

use shipway_core::id::InstanceId;

use crate::limits::{EJECT_FAILURES, EJECT_MS_MAX, EJECT_MS_MIN};

/// What identifies an upstream: an instance that listens elsewhere is another one.
pub(crate) type UpstreamKey = (InstanceId, SocketAddr);

/// One upstream. On a cache line of its own, as every core writes to it.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct UpstreamState {
    in_flight: AtomicU64,
    failures_in_a_row: AtomicU32,
    ejections: AtomicU32,
    ejected_until_ms: AtomicU64,
    /// The instance.
    pub(crate) instance: InstanceId,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl UpstreamState {
    pub(crate) fn new((instance, address): UpstreamKey) -> Self {
        Self {
            in_flight: AtomicU64::new(0),
            failures_in_a_row: AtomicU32::new(0),
            ejections: AtomicU32::new(0),
            ejected_until_ms: AtomicU64::new(0),
            instance,
            address,
        }
    }

    pub(crate) fn key(&self) -> UpstreamKey {
        (self.instance.clone(), self.address)
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Acquire)
    }

    pub(crate) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn is_ejected(&self, now_ms: u64) -> bool {
        self.ejected_until_ms.load(Ordering::Relaxed) > now_ms
    }

    pub(crate) fn connected(&self) {
        // Reading first keeps the line shared while all is well.
        if self.failures_in_a_row.load(Ordering::Relaxed) != 0 {
            self.failures_in_a_row.store(0, Ordering::Relaxed);
            self.ejections.store(0, Ordering::Relaxed);
            self.ejected_until_ms.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn connect_failed(&self, now_ms: u64) {
        let failures = self.failures_in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < EJECT_FAILURES || self.is_ejected(now_ms) {
            return;
        }
        let before = self.ejections.fetch_add(1, Ordering::Relaxed).min(10);
        let span_ms = (EJECT_MS_MIN << before).min(EJECT_MS_MAX);
        self.ejected_until_ms.store(now_ms + span_ms, Ordering::Relaxed);
        let (instance, address) = (&self.instance, self.address);
        tracing::warn!(%instance, %address, span_ms, "upstream ejected: it refuses connections");
    }
}

/// Milliseconds since the process first asked.
pub(crate) fn now_ms() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    // One more, so that 0 always lies in the past.
    START.get_or_init(Instant::now).elapsed().as_millis() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream() -> UpstreamState {
        UpstreamState::new((InstanceId::new("a"), SocketAddr::from(([127, 0, 0, 1], 1))))
    }

    #[test]
    fn three_failures_in_a_row_eject_for_a_growing_time() {
        let upstream = upstream();
        upstream.connect_failed(10);
        upstream.connect_failed(10);
        assert!(!upstream.is_ejected(11));
        upstream.connect_failed(10);
        assert!(upstream.is_ejected(11) && !upstream.is_ejected(10 + EJECT_MS_MIN));
        upstream.connect_failed(2_000);
        assert!(upstream.is_ejected(2_000 + EJECT_MS_MIN) && !upstream.is_ejected(2_000 + 2 * EJECT_MS_MIN));
        upstream.connected();
        assert!(!upstream.is_ejected(2_001));
    }

    #[test]
    fn a_success_between_failures_starts_the_count_again() {
        let upstream = upstream();
        for _ in 0..5 {
            upstream.connect_failed(10);
            upstream.connect_failed(10);
            upstream.connected();
        }
        assert!(!upstream.is_ejected(11));
    }
}
