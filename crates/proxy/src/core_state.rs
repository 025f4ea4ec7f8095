//! What one core holds, and the choice that it makes for a request.
//!
//! The choice and the count in flight happen in one go, without an await between them. So once a core has been told of
//! a table, no request of it is between an older table and its count: that is what an acknowledgement means.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
};

use shipway_core::id::ReleaseId;
use tokio::sync::Notify;

use crate::{
    arrival::Arrival,
    connections::{CoreUpstream, Flight},
    file_cache::FileCache,
    file_root::FileRoot,
    numbers::{Numbers, NumbersBook},
    pick::{self, Lot, Standing, cohort_place, mix},
    table::{BackendEntry, Hold, PoolEntry, Table, TargetEntry},
    upstream::{UpstreamKey, now_ms},
};

/// One core.
pub(crate) struct Core {
    table: RefCell<CoreTable>,
    upstreams: RefCell<HashMap<UpstreamKey, Rc<CoreUpstream>>>,
    chance: Cell<u64>,
    pub(crate) numbers: NumbersBook,
    pub(crate) files: Arc<FileCache>,
    /// Wakes held requests: another table is followed.
    pub(crate) changed: Notify,
    /// Requests from their arrival to their answer's last byte.
    pub(crate) in_flight: Cell<u64>,
    /// Client connections, and upgraded ones, that are open.
    pub(crate) connections: Cell<usize>,
    pub(crate) connection_closed: Notify,
    pub(crate) draining: Cell<bool>,
    pub(crate) drain: Notify,
}

/// A table with what this core adds to it.
struct CoreTable {
    table: Arc<Table>,
    pools: Vec<CorePool>,
}

struct CorePool {
    /// For requests that reached no release.
    unreached: Rc<Numbers>,
    backends: Vec<CoreBackend>,
}

struct CoreBackend {
    numbers: Rc<Numbers>,
    upstreams: Vec<Rc<CoreUpstream>>,
}

/// Where a request goes.
pub(crate) enum Choice {
    /// No route leads anywhere.
    NoRoute,
    /// The service has nothing that answers.
    Nobody { pool: Arc<str>, numbers: Rc<Numbers> },
    /// The service's requests wait.
    Held { hold: Hold, numbers: Rc<Numbers> },
    /// A folder of files answers.
    Files { root: Arc<FileRoot>, numbers: Rc<Numbers>, strip_bytes: usize },
    /// An instance answers; the request counts as in flight there.
    Upstream { flight: Flight, numbers: Rc<Numbers>, strip_bytes: usize },
}

impl Core {
    pub(crate) fn new(table: Arc<Table>, files: Arc<FileCache>, seed: u64) -> Self {
        let core = Self {
            table: RefCell::new(CoreTable { table: table.clone(), pools: Vec::new() }),
            upstreams: RefCell::default(),
            // The generator stands still at 0.
            chance: Cell::new(seed | 1),
            numbers: NumbersBook::default(),
            files,
            changed: Notify::new(),
            in_flight: Cell::new(0),
            connections: Cell::new(0),
            connection_closed: Notify::new(),
            draining: Cell::new(false),
            drain: Notify::new(),
        };
        core.follow(table);
        core
    }

    /// Follows a table from here on.
    pub(crate) fn follow(&self, table: Arc<Table>) {
        self.retain_upstreams(&table);
        self.numbers.begin_table();
        let pools = table.pools.iter().map(|pool| self.core_pool(pool)).collect();
        self.numbers.end_table();
        *self.table.borrow_mut() = CoreTable { table, pools };
        self.changed.notify_waiters();
    }

    fn retain_upstreams(&self, table: &Table) {
        let mut before = self.upstreams.take();
        let mut after = HashMap::new();
        for state in table.upstreams() {
            let key = state.key();
            let upstream = before.remove(&key);
            after.entry(key).or_insert_with(|| upstream.unwrap_or_else(|| Rc::new(CoreUpstream::new(state.clone()))));
        }
        before.values().for_each(|upstream| upstream.retire());
        *self.upstreams.borrow_mut() = after;
    }

    fn core_pool(&self, pool: &PoolEntry) -> CorePool {
        let unreached = self.numbers.of(&pool.name, &ReleaseId::new(""));
        let backends = pool.backends.iter().map(|backend| self.core_backend(pool, backend)).collect();
        CorePool { unreached, backends }
    }

    fn core_backend(&self, pool: &PoolEntry, backend: &BackendEntry) -> CoreBackend {
        let upstreams = self.upstreams.borrow();
        let upstreams = match &backend.target {
            TargetEntry::Instances(states) => {
                states.iter().filter_map(|state| upstreams.get(&state.key()).cloned()).collect()
            }
            TargetEntry::Files(_) => Vec::new(),
        };
        CoreBackend { numbers: self.numbers.of(&pool.name, &backend.release), upstreams }
    }

    pub(crate) fn sweep_connections(&self) {
        self.upstreams.borrow().values().for_each(|upstream| upstream.sweep());
    }

    /// A random number: xorshift, as nothing here must be hard to guess.
    fn chance(&self) -> u64 {
        let mut state = self.chance.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.chance.set(state);
        mix(state)
    }

    /// Chooses who answers, by the newest table, and counts the request there.
    pub(crate) fn choose(&self, arrival: &Arrival, refused_by: &[UpstreamKey]) -> Choice {
        let current = self.table.borrow();
        let table = &current.table;
        let (at, strip_bytes, release) = match arrival.link {
            Some(address) => match table.link(address) {
                Some(link) => (link.pool, 0, link.release.as_ref()),
                None => return Choice::NoRoute,
            },
            None => match table.route(&arrival.host_name(), arrival.path()) {
                Some(route) => (route.pool, route.strip_bytes, None),
                None => return Choice::NoRoute,
            },
        };
        let (pool, core_pool) = (&table.pools[at], &current.pools[at]);
        // A hold keeps users out of the gap; what is asked for by name is the way to prove the new before it ends.
        let held = pool.hold.as_ref().filter(|_| release.is_none());
        let picked = if held.is_some() { None } else { pick::backend(pool, self.lot(pool, arrival, release)) };
        let Some(backend_at) = picked else {
            let numbers = core_pool.unreached.clone();
            return match &pool.hold {
                Some(hold) => Choice::Held { hold: hold.clone(), numbers },
                None => Choice::Nobody { pool: pool.name.clone(), numbers },
            };
        };
        self.at_backend(&pool.backends[backend_at], &core_pool.backends[backend_at], strip_bytes, refused_by)
            .unwrap_or_else(|| Choice::Nobody { pool: pool.name.clone(), numbers: core_pool.unreached.clone() })
    }

    fn lot<'a>(&self, pool: &PoolEntry, arrival: &Arrival, release: Option<&'a ReleaseId>) -> Lot<'a> {
        match (release, &pool.cohort) {
            (Some(release), _) => Lot::Release(release),
            (None, Some(deployment)) => Lot::Place(cohort_place(deployment, arrival.client().as_str())),
            (None, None) => Lot::Place(self.chance()),
        }
    }

    fn at_backend(
        &self,
        backend: &BackendEntry,
        core_backend: &CoreBackend,
        strip_bytes: usize,
        refused_by: &[UpstreamKey],
    ) -> Option<Choice> {
        let numbers = core_backend.numbers.clone();
        if let TargetEntry::Files(root) = &backend.target {
            return Some(Choice::Files { root: root.clone()?, numbers, strip_bytes });
        }
        let upstreams = &core_backend.upstreams;
        let now_ms = now_ms();
        let standing = |at: usize| {
            let state = &upstreams[at].state;
            let refused = refused_by.iter().any(|(id, address)| *address == state.address && *id == state.instance);
            Standing { in_flight: state.in_flight(), avoid: refused || state.is_ejected(now_ms) }
        };
        let at = pick::upstream(upstreams.len(), standing, self.chance())?;
        let flight = Flight::enter(upstreams[at].clone());
        Some(Choice::Upstream { flight, numbers, strip_bytes })
    }
}

/// An open connection, which draining waits for. Given back also when its task panics.
pub(crate) struct OpenConnection(Rc<Core>);

impl OpenConnection {
    pub(crate) fn open(core: Rc<Core>) -> Self {
        core.connections.update(|count| count + 1);
        Self(core)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.update(|count| count - 1);
        self.0.connection_closed.notify_waiters();
    }
}
