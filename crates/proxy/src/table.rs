//! The route table as the data plane uses it: compiled once per publication, read by all cores.
//!
//! Not here: choosing between backends (`pick`), what each core adds (`core_table`).

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use shipway_core::{
    id::{DeploymentId, ReleaseId},
    route::{Backend, BackendTarget, Pool, RouteTable},
};

use crate::{
    file_root::FileRoot,
    upstream::{UpstreamKey, UpstreamState},
};

/// The order of tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stamp {
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
}

impl Stamp {
    pub(crate) fn of(table: &RouteTable) -> Self {
        Self { epoch: table.epoch, generation: table.generation }
    }
}

/// A compiled table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) pools: Vec<PoolEntry>,
    hosts: HashMap<Box<str>, HostRoutes>,
    links: HashMap<Ipv4Addr, LinkEntry>,
}

#[derive(Debug, Default)]
struct HostRoutes {
    by_path: HashMap<Box<str>, RouteEntry>,
    segments_max: usize,
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteEntry {
    /// The pool's place in `Table::pools`.
    pub(crate) pool: usize,
    /// How many bytes of the path the service doesn't see.
    pub(crate) strip_bytes: usize,
}

/// Where a link leads.
#[derive(Clone, Debug)]
pub(crate) struct LinkEntry {
    pub(crate) pool: usize,
    pub(crate) release: Option<ReleaseId>,
}

/// One service.
#[derive(Debug)]
pub(crate) struct PoolEntry {
    pub(crate) name: Arc<str>,
    pub(crate) cohort: Option<DeploymentId>,
    pub(crate) hold: Option<Hold>,
    pub(crate) backends: Vec<BackendEntry>,
}

/// One release of a service.
#[derive(Debug)]
pub(crate) struct BackendEntry {
    pub(crate) release: ReleaseId,
    pub(crate) weight: u32,
    pub(crate) candidate: bool,
    pub(crate) target: TargetEntry,
}

/// What answers.
#[derive(Debug)]
pub(crate) enum TargetEntry {
    Instances(Vec<Arc<UpstreamState>>),
    /// None when the folder could not be opened.
    Files(Option<Arc<FileRoot>>),
}

impl BackendEntry {
    pub(crate) fn can_answer(&self) -> bool {
        match &self.target {
            TargetEntry::Instances(upstreams) => !upstreams.is_empty(),
            TargetEntry::Files(root) => root.is_some(),
        }
    }
}

/// The bounds of a hold, and how many requests of the pool wait on all cores.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) span_ms_max: u64,
    pub(crate) requests_max: u32,
    pub(crate) held: Arc<AtomicU32>,
}

impl Hold {
    /// Takes a place among the held requests; none when all are taken.
    pub(crate) fn enter(&self) -> Option<HeldPlace> {
        let take = |held: u32| (held < self.requests_max).then_some(held + 1);
        self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).ok()?;
        Some(HeldPlace(self.held.clone()))
    }
}

/// A place among the held requests of a pool; given back when dropped.
#[derive(Debug)]
pub(crate) struct HeldPlace(Arc<AtomicU32>);

impl Drop for HeldPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Table {
    pub(crate) fn route(&self, host: &str, path: &str) -> Option<RouteEntry> {
        self.hosts.get(host)?.find(path)
    }

    pub(crate) fn link(&self, address: Ipv4Addr) -> Option<&LinkEntry> {
        self.links.get(&address)
    }

    pub(crate) fn upstreams(&self) -> impl Iterator<Item = &Arc<UpstreamState>> {
        self.pools.iter().flat_map(|pool| &pool.backends).flat_map(|backend| match &backend.target {
            TargetEntry::Instances(upstreams) => upstreams.as_slice(),
            TargetEntry::Files(_) => &[],
        })
    }
}

impl HostRoutes {
    fn add(&mut self, path: &str, pool: usize, strip_prefix: bool) {
        let path = path.trim_end_matches('/');
        let strip_bytes = if strip_prefix { path.len() } else { 0 };
        self.segments_max = self.segments_max.max(path.matches('/').count());
        self.by_path.entry(path.into()).or_insert(RouteEntry { pool, strip_bytes });
    }

    /// The longest beginning in whole segments. Only as many segments are tried as the longest route has, so that a
    /// path of ten thousand slashes costs nothing.
    fn find(&self, path: &str) -> Option<RouteEntry> {
        let mut end = nth_segment_end(path, self.segments_max);
        loop {
            if let Some(entry) = self.by_path.get(&path[..end]) {
                return Some(*entry);
            }
            end = path[..end].rfind('/')?;
        }
    }
}

fn nth_segment_end(path: &str, segments: usize) -> usize {
    // The first slash begins the first segment.
    path.match_indices('/').nth(segments).map_or(path.len(), |(at, _)| at)
}

/// A host as the table knows it: lower case, without port and without a final dot.
pub(crate) fn host_name(text: &str) -> Cow<'_, str> {
    let name = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, _)) => inner,
        None => text.split_once(':').map_or(text, |(name, _)| name),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(name.to_ascii_lowercase());
    }
    Cow::Borrowed(name)
}

/// What lives longer than a table: states of upstreams, opened folders, counts of held requests.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    upstreams: HashMap<UpstreamKey, Arc<UpstreamState>>,
    roots: HashMap<(ReleaseId, PathBuf), Arc<FileRoot>>,
    held: BTreeMap<String, Arc<AtomicU32>>,
}

impl Registry {
    /// Compiles a table. What can't be opened can't answer, and is tried again by the next publication.
    pub(crate) fn compile(&mut self, table: &RouteTable) -> Table {
        let mut compiled = Compiled::default();
        for (name, pool) in &table.pools {
            let entry = self.pool(name, pool);
            compiled.add_pool(entry);
        }
        let mut hosts: HashMap<Box<str>, HostRoutes> = HashMap::new();
        for route in &table.routes {
            let pool = compiled.pool_named(&route.pool);
            let host = host_name(&route.host).into();
            hosts.entry(host).or_default().add(&route.path, pool, route.strip_prefix);
        }
        let mut links = HashMap::with_capacity(table.links.len());
        for (address, link) in &table.links {
            let pool = compiled.pool_named(&link.pool);
            links.insert(*address, LinkEntry { pool, release: link.release.clone() });
        }
        Table { pools: compiled.pools, hosts, links }
    }

    fn pool(&mut self, name: &str, pool: &Pool) -> PoolEntry {
        let hold = pool.hold.as_ref().map(|bounds| Hold {
            span_ms_max: bounds.hold_ms_max,
            requests_max: bounds.held_requests_max,
            held: self.held.entry(name.to_owned()).or_default().clone(),
        });
        let backends = pool.backends.iter().map(|backend| self.backend(backend)).collect();
        PoolEntry { name: name.into(), cohort: pool.cohort.clone(), hold, backends }
    }

    fn backend(&mut self, backend: &Backend) -> BackendEntry {
        let target = match &backend.target {
            BackendTarget::Instances(upstreams) => TargetEntry::Instances(
                upstreams.iter().map(|upstream| self.upstream((upstream.instance.clone(), upstream.address))).collect(),
            ),
            BackendTarget::Files(folder) => TargetEntry::Files(self.root(&backend.release, folder)),
        };
        BackendEntry { release: backend.release.clone(), weight: backend.weight, candidate: backend.candidate, target }
    }

    fn upstream(&mut self, key: UpstreamKey) -> Arc<UpstreamState> {
        self.upstreams.entry(key.clone()).or_insert_with(|| Arc::new(UpstreamState::new(key))).clone()
    }

    fn root(&mut self, release: &ReleaseId, folder: &Path) -> Option<Arc<FileRoot>> {
        let key = (release.clone(), folder.to_owned());
        if let Some(root) = self.roots.get(&key).filter(|root| root.is_current(folder)) {
            return Some(root.clone());
        }
        match FileRoot::open(release, folder) {
            Ok(root) => {
                let root = Arc::new(root);
                self.roots.insert(key, root.clone());
                Some(root)
            }
            Err(error) => {
                tracing::warn!(%release, folder = %folder.display(), %error, "the folder of a release can't be opened");
                None
            }
        }
    }

    /// Forgets what neither the table nor a request uses. Only between publications: a core that is still on an older
    /// table may count a request at any upstream of it.
    pub(crate) fn forget_unused(&mut self) {
        self.upstreams.retain(|_, state| Arc::strong_count(state) > 1 || state.in_flight() > 0);
        self.roots.retain(|_, root| Arc::strong_count(root) > 1);
        self.held.retain(|_, held| Arc::strong_count(held) > 1);
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = &Arc<UpstreamState>> {
        self.upstreams.values()
    }
}

#[derive(Default)]
struct Compiled {
    pools: Vec<PoolEntry>,
    by_name: HashMap<String, usize>,
}

impl Compiled {
    fn add_pool(&mut self, entry: PoolEntry) -> usize {
        let at = self.pools.len();
        self.by_name.insert(entry.name.to_string(), at);
        self.pools.push(entry);
        at
    }

    /// A service that isn't deployed may be linked to: it is a pool in which nothing answers.
    fn pool_named(&mut self, name: &str) -> usize {
        match self.by_name.get(name) {
            Some(at) => *at,
            None => self.add_pool(PoolEntry { name: name.into(), cohort: None, hold: None, backends: Vec::new() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use shipway_core::route::Route;

    use super::*;

    fn table(routes: &[(&str, &str, bool)]) -> Table {
        let routes = routes.iter().map(|(host, path, strip_prefix)| Route {
            host: (*host).into(),
            path: (*path).into(),
            strip_prefix: *strip_prefix,
            pool: format!("{host}{path}"),
        });
        Registry::default().compile(&RouteTable { routes: routes.collect(), ..RouteTable::empty() })
    }

    fn pool_of<'a>(table: &'a Table, host: &str, path: &str) -> Option<&'a str> {
        table.route(host, path).map(|entry| &*table.pools[entry.pool].name)
    }

    #[test]
    fn the_longest_beginning_in_whole_segments_wins() {
        let table = table(&[("a", "/", false), ("a", "/api", true), ("a", "/api/v2/", false), ("b", "/only", false)]);
        for (path, pool) in [
            ("/", "a/"),
            ("/x/y", "a/"),
            ("/apix", "a/"),
            ("/api", "a/api"),
            ("/api/", "a/api"),
            ("/api/v1", "a/api"),
            ("/api/v2", "a/api/v2/"),
            ("/api/v2/x", "a/api/v2/"),
            ("/api/v22", "a/api"),
            ("//api", "a/"),
        ] {
            assert_eq!(pool_of(&table, "a", path), Some(pool), "{path}");
        }
        assert_eq!(pool_of(&table, "b", "/"), None);
        assert_eq!(pool_of(&table, "c", "/"), None);
        assert_eq!(table.route("a", "/api/v1").map(|entry| entry.strip_bytes), Some(4));
    }

    #[test]
    fn hosts_lose_case_port_and_final_dot() {
        for (text, name) in [("A.Example:80", "a.example"), ("a.", "a"), ("[::1]:8080", "::1"), ("", "")] {
            assert_eq!(host_name(text), name);
        }
    }

    #[test]
    fn held_places_are_bounded_and_given_back() {
        let hold = Hold { span_ms_max: 1, requests_max: 2, held: Arc::default() };
        let first = hold.enter();
        let second = hold.enter();
        assert!(first.is_some() && second.is_some() && hold.enter().is_none());
        drop(first);
        assert!(hold.enter().is_some());
    }
}
