//! The simulated data plane: it follows tables in their order, and requests go through the one that it follows.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use shipway_core::{
    id::{InstanceId, ReleaseId, SlotKey},
    ports::{Fault, FaultKind, ReleaseTraffic, Traffic},
    route::{Backend, BackendTarget, Pool, RouteTable, link_address},
};

use crate::{machine::Machine, random::Random};

/// How often a service is asked for something, on average.
const REQUEST_EVERY_MS: u64 = 20;
/// How long a request takes at most.
const IN_FLIGHT_MS_MAX: u64 = 400;

/// The data plane.
#[derive(Clone, Default)]
pub struct Router {
    table: Option<Arc<RouteTable>>,
    boots: u64,
    counted_ms: u64,
    numbers: BTreeMap<(String, String), Numbers>,
    leaving: BTreeMap<InstanceId, Leaving>,
}

#[derive(Clone, Copy, Default)]
struct Numbers {
    requests: u64,
    failed: u64,
    server_errors: u64,
}

/// An instance that gets no new requests.
#[derive(Clone, Copy, Debug)]
pub struct Leaving {
    /// Since when.
    pub since_ms: u64,
    /// When its last request ends.
    pub idle_ms: u64,
}

impl Router {
    /// The table that it follows.
    pub fn table(&self) -> Option<&Arc<RouteTable>> {
        self.table.as_ref()
    }

    /// Follows a table, unless it is older than the one it has. Says whether it is another one.
    ///
    /// # Errors
    /// It is older.
    pub fn follow(
        &mut self,
        table: Arc<RouteTable>,
        machine: &Machine,
        random: &mut Random,
        now_ms: u64,
    ) -> Result<bool, Fault> {
        let place = |table: &RouteTable| (table.epoch, table.generation);
        if self.table.as_ref().is_some_and(|followed| place(followed) > place(&table)) {
            return Err(Fault::new(FaultKind::Conflict, "the table is older than the one that is followed"));
        }
        if self.table.as_ref() == Some(&table) {
            return Ok(false);
        }
        self.count(machine, now_ms);
        let (before, after) = (self.routed(), routed(&table));
        for gone in before.difference(&after) {
            let idle_ms = now_ms + random.below(IN_FLIGHT_MS_MAX);
            self.leaving.insert(gone.clone(), Leaving { since_ms: now_ms, idle_ms });
        }
        self.leaving.retain(|id, leaving| !after.contains(id) && leaving.idle_ms > now_ms);
        self.table = Some(table);
        Ok(true)
    }

    /// Every instance that gets new requests by the table that it follows.
    pub fn routed(&self) -> BTreeSet<InstanceId> {
        self.table.as_ref().map(|table| routed(table)).unwrap_or_default()
    }

    /// Whether an instance still has requests that began before it left the table.
    pub fn leaving(&self, id: &InstanceId, now_ms: u64) -> Option<Leaving> {
        self.leaving.get(id).copied().filter(|leaving| leaving.idle_ms > now_ms)
    }

    /// An instance with requests under way that may still call a release of a service: its link says so.
    pub fn caller_of(&self, slot: &SlotKey, release: &ReleaseId, machine: &Machine, now_ms: u64) -> Option<InstanceId> {
        let table = self.table.as_ref()?;
        let calls = |id: &InstanceId| {
            let process = machine.get(id)?;
            let link = table.links.get(&link_address(&process.launched, &slot.service))?;
            let calls = process.runs(now_ms) && process.slot != *slot;
            Some(calls && link.pool == slot.to_string() && link.release.as_ref() == Some(release))
        };
        let under_way = self.leaving.iter().filter(|(_, leaving)| leaving.idle_ms > now_ms);
        under_way.map(|(id, _)| id).find(|id| calls(id) == Some(true)).cloned()
    }

    /// It ends and starts again: the table stays, the counts don't.
    pub fn restart(&mut self) {
        self.boots += 1;
        self.numbers.clear();
        self.leaving.clear();
    }

    /// It is another one, that knows nothing.
    pub fn replace(&mut self) {
        self.restart();
        self.table = None;
    }

    /// The numbers now.
    pub fn traffic(&mut self, machine: &Machine, now_ms: u64) -> Traffic {
        self.count(machine, now_ms);
        let (epoch, generation) = self.table.as_ref().map_or((0, 0), |table| (table.epoch, table.generation));
        let release = |((pool, release), numbers): (&(String, String), &Numbers)| ReleaseTraffic {
            pool: pool.clone(),
            release: release.clone(),
            requests: numbers.requests,
            failed: numbers.failed,
            server_errors: numbers.server_errors,
            bytes_sent: 0,
            latency: Vec::new(),
        };
        Traffic {
            boot: self.boots.to_string(),
            epoch,
            generation,
            lost_in_flight: 0,
            releases: self.numbers.iter().map(release).collect(),
            in_flight: self.leaving.iter().filter(|(_, l)| l.idle_ms > now_ms).map(|(id, _)| (id.clone(), 1)).collect(),
            ejected: BTreeSet::new(),
        }
    }

    /// Sends the requests that came since the last look through the table, in the proportions of its weights.
    fn count(&mut self, machine: &Machine, now_ms: u64) {
        let requests = now_ms / REQUEST_EVERY_MS - self.counted_ms / REQUEST_EVERY_MS;
        self.counted_ms = now_ms;
        let Some(table) = self.table.clone().filter(|_| requests > 0) else { return };
        for (name, pool) in &table.pools {
            let total: u64 = pool.backends.iter().map(|backend| u64::from(backend.weight)).sum();
            for backend in pool.backends.iter().filter(|backend| backend.weight > 0 && total > 0) {
                let share = (requests * u64::from(backend.weight)).div_ceil(total);
                let numbers = self.numbers.entry((name.clone(), backend.release.to_string())).or_default();
                numbers.requests += share;
                match answer(backend, machine, now_ms) {
                    Served::Well => {}
                    Served::Error => numbers.server_errors += share,
                    Served::Nobody => numbers.failed += share,
                }
            }
        }
    }

    /// Who answers a request: by host, or by the address of a link. The candidate's share of a canary is asked as the
    /// old one's: a check that goes through the route must pass from either.
    pub fn pick(&self, host: Option<&str>, address: SocketAddr) -> Option<(&Pool, &Backend)> {
        let table = self.table.as_ref()?;
        let (pool, release) = match host {
            Some(host) => (&table.routes.iter().find(|route| route.host == host)?.pool, None),
            None => {
                let std::net::IpAddr::V4(ip) = address.ip() else { return None };
                let link = table.links.get(&ip)?;
                (&link.pool, link.release.clone())
            }
        };
        let pool = table.pools.get(pool)?;
        let wanted = |backend: &&Backend| match &release {
            Some(release) => backend.release == *release,
            None => backend.weight > 0,
        };
        Some((pool, pool.backends.iter().rfind(wanted)?))
    }
}

fn routed(table: &RouteTable) -> BTreeSet<InstanceId> {
    let backends = table.pools.values().flat_map(|pool| &pool.backends);
    backends.filter(|backend| takes_requests(backend)).flat_map(upstreams).cloned().collect()
}

/// Whether a backend gets new requests: by its weight, or in the lane of what is coming. What a swap left behind gets
/// none but those that callers which were left with it had begun.
pub fn takes_requests(backend: &Backend) -> bool {
    backend.weight > 0 || backend.candidate
}

/// The instances of a backend.
pub fn upstreams(backend: &Backend) -> impl Iterator<Item = &InstanceId> {
    let all = match &backend.target {
        BackendTarget::Instances(all) => all.as_slice(),
        BackendTarget::Files(_) => &[],
    };
    all.iter().map(|upstream| &upstream.instance)
}

enum Served {
    Well,
    Error,
    Nobody,
}

fn answer(backend: &Backend, machine: &Machine, now_ms: u64) -> Served {
    if let BackendTarget::Files(_) = backend.target {
        return Served::Well;
    }
    let mut running = upstreams(backend).filter_map(|id| machine.get(id)).filter(|process| process.listens(now_ms));
    match running.next() {
        Some(process) if process.behaviour.fails_requests => Served::Error,
        Some(_) => Served::Well,
        None => Served::Nobody,
    }
}
