//! What the reconciler remembers between two looks. It is lost with the server, and nothing but haste is lost with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shipway_core::{
    id::{InstanceId, ReleaseId, SlotKey},
    instance::Instance,
    ports::Fault,
    time::Timestamp,
};
use tracing::warn;

use crate::Engine;

/// The wait before an instance that keeps dying is replaced: doubles from the first to the last.
const REPLACE_MS: u64 = 500;
const REPLACE_MS_MAX: u64 = 60_000;
/// A release whose instances live that long has its next death forgiven.
const FORGIVEN_AFTER_MS: u64 = 60_000;

/// How long an instance that nobody recorded may finish what it was asked.
const STRAY_DRAIN_MS_MAX: u64 = 10_000;

/// A release in its slot.
pub(super) type Of = (SlotKey, ReleaseId);

/// What is remembered.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pub(super) deaths: Deaths,
    pub(super) busy: Busy,
    pub(super) strays: Strays,
}

/// What is being replaced or retired right now, so that one that takes long holds up no other.
#[derive(Clone, Default)]
pub(super) struct Busy(Arc<Mutex<BTreeSet<Of>>>);

impl Busy {
    fn with(&self) -> MutexGuard<'_, BTreeSet<Of>> {
        // Every change is one insert or removal: a panic elsewhere leaves the set whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is(&self, slot: &SlotKey, release: &ReleaseId) -> bool {
        self.with().contains(&(slot.clone(), release.clone()))
    }

    /// Does work on a release of a slot in a task of its own.
    pub(super) fn run(&self, engine: &Engine, of: Of, work: impl Future<Output = Result<(), Fault>> + Send + 'static) {
        self.with().insert(of.clone());
        let busy = self.clone();
        engine.spawn(async move {
            if let Err(fault) = work.await {
                warn!(%fault, slot = %of.0, "the reconciler could not finish");
            }
            busy.with().remove(&of);
        });
    }
}

/// Since when instances run that nobody recorded.
#[derive(Clone, Default)]
pub(super) struct Strays(Arc<Mutex<BTreeMap<InstanceId, Timestamp>>>);

impl Strays {
    fn with(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Timestamp>> {
        // What is written is only ever more or less of the same: a panic elsewhere leaves nothing wrong.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes those that are there, and forgets the others.
    pub(super) fn keep(&self, strays: &[InstanceId], now: Timestamp) {
        let mut all = self.with();
        all.retain(|id, _| strays.contains(id));
        for id in strays {
            all.entry(id.clone()).or_insert(now);
        }
    }

    /// Whether one had its time to finish what it was asked.
    pub(super) fn is_late(&self, id: &InstanceId, now: Timestamp) -> bool {
        self.with().get(id).is_some_and(|since| now.since_ms(*since) >= STRAY_DRAIN_MS_MAX)
    }
}

/// How often instances of a release died lately, so that one that keeps dying is replaced later and later.
#[derive(Clone, Default)]
pub(super) struct Deaths(Arc<Mutex<BTreeMap<Of, Lately>>>);

struct Lately {
    count: u32,
    last: Timestamp,
}

impl Deaths {
    fn with(&self) -> MutexGuard<'_, BTreeMap<Of, Lately>> {
        // Every change is one insert: a panic elsewhere leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, instance: &Instance, now: Timestamp) {
        let mut all = self.with();
        let before = all.get(&(instance.slot.clone(), instance.release.clone())).map_or(0, |lately| lately.count);
        // By its life, not by the time since the last death: that one holds the wait before it was started.
        let before = if now.since_ms(instance.created_at) > FORGIVEN_AFTER_MS { 0 } else { before };
        all.insert((instance.slot.clone(), instance.release.clone()), Lately { count: before + 1, last: now });
    }

    /// Whether it is time to replace: at once after the first death, then later and later.
    pub(super) fn may_replace(&self, slot: &SlotKey, release: &ReleaseId, now: Timestamp) -> bool {
        let all = self.with();
        let Some(lately) = all.get(&(slot.clone(), release.clone())).filter(|lately| lately.count > 1) else {
            return true;
        };
        let wait_ms = REPLACE_MS.saturating_mul(1 << (lately.count - 1).min(20)).min(REPLACE_MS_MAX);
        now.since_ms(lately.last) >= wait_ms
    }
}
