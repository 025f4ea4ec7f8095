//! Deciding on what is stored: one decision at a time about an environment, or about everything.
//!
//! Not here: what is decided (`commands`, `unstick`, `servers`, `breakers`); who may write slots (`leases`).

use std::hash::{DefaultHasher, Hash, Hasher};

use shipway_core::deployment::Request;
use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Environments with the same hash share a lock; more locks than environments that are busy at once bring nothing.
const LOCKS: usize = 64;

/// Numbers, conflicts and rollbacks are decided on what is stored, so nobody else may decide between reading and
/// writing. Environments decide side by side: a thousand deployments at once then share commits of the database.
pub(crate) struct Intake {
    all: RwLock<()>,
    environments: [Mutex<()>; LOCKS],
}

/// Nobody else decides about the environment while it lives.
pub(crate) struct OneEnvironment<'a> {
    _of_all: RwLockReadGuard<'a, ()>,
    _own: MutexGuard<'a, ()>,
}

impl Default for Intake {
    fn default() -> Self {
        Self { all: RwLock::default(), environments: [const { Mutex::const_new(()) }; LOCKS] }
    }
}

impl Intake {
    /// For a decision about the environment of a request.
    pub(crate) async fn one(&self, request: &Request) -> OneEnvironment<'_> {
        let of_all = self.all.read().await;
        let mut hasher = DefaultHasher::new();
        (request.project.as_str(), request.environment.as_str()).hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        OneEnvironment { _of_all: of_all, _own: self.environments[place].lock().await }
    }

    /// For a decision about anything.
    pub(crate) async fn all(&self) -> RwLockWriteGuard<'_, ()> {
        self.all.write().await
    }
}
