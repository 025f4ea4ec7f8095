//! The route table: what the proxy does, derived whole from all slots. Pure.
//!
//! Not here: publishing it (`engine`), following it (`proxy`).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{DeploymentId, InstanceId, ReleaseId, ServiceName, SlotKey},
    instance::{Instance, InstanceState},
    release::Release,
    slot::{Share, Slot},
    spec::{RouteSpec, ServiceKind},
    strategy::Recreate,
};

/// The first part of a route table's place in order. It rises when a store came back older than what the data plane
/// follows: its generations were given out once before, so they no longer tell which table is the newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// The epoch, from 1.
    pub number: u64,
    /// Raised by every write.
    pub revision: u64,
}

impl Default for Epoch {
    fn default() -> Self {
        Self { number: 1, revision: 0 }
    }
}

impl Epoch {
    /// Its key in the store.
    pub const KEY: &str = "epoch";
}

/// Everything that the proxy needs. Tables are ordered by (epoch, generation); an older one is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTable {
    /// Rises by one explicit step after a restore or a failover.
    pub epoch: u64,
    /// The commit that the table was derived at.
    pub generation: u64,
    /// Where requests from outside go, the most specific first: longest path within a host.
    pub routes: Vec<Route>,
    /// Where requests from instances go, by the address that they dial.
    pub links: BTreeMap<Ipv4Addr, Link>,
    /// The services behind routes and links.
    pub pools: BTreeMap<String, Pool>,
}

/// Requests of one host and path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// The host, in lower case and without a port.
    pub host: String,
    /// The path's beginning, in whole segments.
    pub path: String,
    /// Whether the service sees the path without this beginning.
    pub strip_prefix: bool,
    /// The pool: the slot's key as text.
    pub pool: String,
}

/// What an address on the loopback network means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The pool of the service that is called.
    pub pool: String,
    /// The one release that takes the requests; the pool's live backends when it is absent.
    pub release: Option<ReleaseId>,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// The slot.
    pub slot: SlotKey,
    /// Its releases.
    pub backends: Vec<Backend>,
    /// The deployment whose cohort decides between the backends; none when they are weighed per request.
    pub cohort: Option<DeploymentId>,
    /// Whether requests are held instead of passed on, and within which bounds.
    pub hold: Option<Recreate>,
}

/// One release of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// The release.
    pub release: ReleaseId,
    /// Its share of the requests or clients among the pool's backends; 0 is reached by links only.
    pub weight: u32,
    /// Whether this is the deployment's new release: the cohort's share goes here.
    pub candidate: bool,
    /// What answers.
    pub target: BackendTarget,
}

/// What answers requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BackendTarget {
    /// Instances that take requests.
    Instances(Vec<Upstream>),
    /// A folder of files.
    Files(PathBuf),
}

/// An instance that takes requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upstream {
    /// The instance.
    pub instance: InstanceId,
    /// Where it listens.
    pub address: SocketAddr,
}

/// What a table is derived from: everything at one commit.
pub struct World<'a> {
    /// The epoch.
    pub epoch: u64,
    /// The newest commit.
    pub generation: u64,
    /// All slots.
    pub slots: &'a [Arc<Slot>],
    /// All recorded instances.
    pub instances: &'a [Arc<Instance>],
    /// Every release that a slot names, or an instance runs.
    pub releases: &'a BTreeMap<ReleaseId, Arc<Release>>,
    /// The folder that holds the files of releases, one folder each.
    pub releases_dir: &'a Path,
}

impl RouteTable {
    /// A table without a route.
    pub fn empty() -> Self {
        Self { epoch: 0, generation: 0, routes: Vec::new(), links: BTreeMap::new(), pools: BTreeMap::new() }
    }
}

/// The same by slot, so that a thousand of them are not looked through for each.
struct Sorted<'a> {
    slots: BTreeMap<&'a SlotKey, &'a Slot>,
    instances: BTreeMap<&'a SlotKey, Vec<&'a Instance>>,
    releases: &'a BTreeMap<ReleaseId, Arc<Release>>,
    releases_dir: &'a Path,
}

impl<'a> Sorted<'a> {
    fn new(world: &World<'a>) -> Self {
        let mut instances: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for instance in world.instances {
            instances.entry(&instance.slot).or_default().push(&**instance);
        }
        let slots = world.slots.iter().map(|slot| (&slot.key, &**slot)).collect();
        Self { slots, instances, releases: world.releases, releases_dir: world.releases_dir }
    }

    fn instances_of(&self, slot: &Slot) -> impl Iterator<Item = &'a Instance> {
        self.instances.get(&slot.key).into_iter().flatten().copied()
    }
}

/// Derives the table.
pub fn derive(world: &World<'_>) -> RouteTable {
    let mut table = RouteTable { epoch: world.epoch, generation: world.generation, ..RouteTable::empty() };
    let sorted = Sorted::new(world);
    for slot in world.slots.iter().filter(|slot| !slot.is_empty()) {
        let name = slot.key.to_string();
        table.pools.insert(name.clone(), pool(&sorted, slot));
        table.routes.extend(routes(&sorted, slot, &name));
        table.links.extend(links(&sorted, slot));
    }
    table.routes.sort_by(|a, b| {
        let depth = |route: &Route| std::cmp::Reverse(route.path.len());
        (&a.host, depth(a), &a.path, &a.pool).cmp(&(&b.host, depth(b), &b.path, &b.pool))
    });
    table.routes.dedup_by(|a, b| (&a.host, &a.path) == (&b.host, &b.path));
    table
}

fn pool(world: &Sorted<'_>, slot: &Slot) -> Pool {
    let mut backends = Vec::new();
    let live_weight = match slot.candidate.as_ref().map(|candidate| candidate.share) {
        Some(Share::Percent(percent)) => 100 - u32::from(percent.min(100)),
        Some(Share::ByInstances) => slot.live.as_ref().map_or(0, |live| live.instances),
        Some(Share::Lane) | None => 1,
    };
    if let Some(live) = &slot.live {
        backends.extend(backend(world, slot, &live.release, live_weight, false));
    }
    backends.extend(left_behind(world, slot));
    if let Some(candidate) = &slot.candidate {
        let weight = match candidate.share {
            Share::Lane => 0,
            Share::Percent(percent) => u32::from(percent),
            Share::ByInstances => candidate.instances,
        };
        backends.extend(backend(world, slot, &candidate.release, weight, true));
    }
    let cohort = slot.candidate.as_ref().filter(|candidate| matches!(candidate.share, Share::Percent(_)));
    Pool {
        slot: slot.key.clone(),
        backends,
        cohort: cohort.map(|candidate| candidate.deployment.clone()),
        hold: slot.hold.clone(),
    }
}

fn backend(world: &Sorted<'_>, slot: &Slot, id: &ReleaseId, weight: u32, candidate: bool) -> Option<Backend> {
    let release = world.releases.get(id)?;
    let target = match release.serve.kind {
        ServiceKind::Static => BackendTarget::Files(world.releases_dir.join(id.as_str())),
        ServiceKind::Process => BackendTarget::Instances(upstreams(world, slot, id)),
    };
    Some(Backend { release: id.clone(), weight, candidate, target })
}

/// What a swap replaced, as long as it answers: only requests that were begun before reach it, by links.
fn left_behind(world: &Sorted<'_>, slot: &Slot) -> Option<Backend> {
    let old = slot.replaced.as_ref().filter(|old| !slot.names_as_serving(old))?;
    let backend = backend(world, slot, old, 0, false)?;
    let answers = match &backend.target {
        BackendTarget::Instances(upstreams) => !upstreams.is_empty(),
        // The folder of what nobody names may be gone.
        BackendTarget::Files(_) => slot.warm.iter().any(|warm| warm.release == *old),
    };
    answers.then_some(backend)
}

fn upstreams(world: &Sorted<'_>, slot: &Slot, release: &ReleaseId) -> Vec<Upstream> {
    let leaves = slot.replaced.as_ref() == Some(release) && !slot.names_as_serving(release);
    let takes = |instance: &&Instance| match instance.state {
        InstanceState::Ready => true,
        // What drains finishes what it began, and what it began may come by here again.
        InstanceState::Draining => leaves,
        InstanceState::Starting | InstanceState::Unready => false,
    };
    let mut upstreams: Vec<_> = world
        .instances_of(slot)
        .filter(|instance| instance.release == *release)
        .filter(takes)
        .filter_map(|instance| Some(Upstream { instance: instance.id.clone(), address: instance.address? }))
        .collect();
    upstreams.sort_by(|a, b| a.instance.cmp(&b.instance));
    upstreams
}

fn routes<'a>(world: &Sorted<'a>, slot: &Slot, pool: &str) -> Vec<Route> {
    let live = slot.live.iter().map(|live| &live.release);
    // While requests are held for a release that is coming, its routes must stand, or they would be refused.
    let shared = slot.candidate.iter().filter(|candidate| candidate.share != Share::Lane || slot.hold.is_some());
    live.chain(shared.map(|candidate| &candidate.release))
        .filter_map(|id| world.releases.get(id))
        .flat_map(|release| release.serve.routes.iter().map(|route| resolve(route, &release.slot, pool)))
        .collect()
}

fn resolve(route: &RouteSpec, slot: &SlotKey, pool: &str) -> Route {
    Route {
        host: host_in(route, slot),
        path: route.path.clone(),
        strip_prefix: route.strip_prefix,
        pool: pool.to_owned(),
    }
}

/// The host of a route in an environment, in lower case.
pub fn host_in(route: &RouteSpec, slot: &SlotKey) -> String {
    route.host.replace("{environment}", slot.environment.as_str()).to_ascii_lowercase()
}

/// The links of every release of a slot, also of what leaves it: to each dependency, and to itself (for checks of what
/// has no route yet).
fn links(world: &Sorted<'_>, slot: &Slot) -> Vec<(Ipv4Addr, Link)> {
    let mut links = Vec::new();
    for (id, launched) in callers(world, slot) {
        let Some(release) = world.releases.get(id) else { continue };
        for dependency in &release.serve.depends_on {
            let key = SlotKey { service: dependency.clone(), ..slot.key.clone() };
            let other = world.slots.get(&key).copied();
            let link =
                Link { pool: key.to_string(), release: other.and_then(|other| same_side(world, slot, id, other)) };
            links.push((link_address(launched, dependency), link));
        }
        if launched != id {
            continue;
        }
        let own = Link { pool: slot.key.to_string(), release: Some(id.clone()) };
        links.push((link_address(id, &slot.key.service), own));
    }
    links
}

/// Every release of a slot, also of what leaves it, with each release that its instances were launched as: an instance
/// that was reloaded still dials the addresses of before. What takes requests comes last, and so wins, in case an earlier
/// release that others were launched as is there again.
fn callers<'a>(world: &Sorted<'a>, slot: &'a Slot) -> Vec<(&'a ReleaseId, &'a ReleaseId)> {
    let own = slot.releases().into_iter().map(|id| (id, id));
    let running =
        world.instances_of(slot).flat_map(|one| [(&one.release, &one.release), (&one.release, one.launched_as())]);
    let all: BTreeSet<_> = own.chain(running).collect();
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(id, _)| {
        let is_live = slot.live.as_ref().is_some_and(|live| live.release == **id);
        (is_live, slot.names_as_serving(id))
    });
    all
}

/// While two slots are moved by one deployment, the release of the dependency that stands on the caller's side: the
/// new meets the new, and the old the old. None when they are not, and the live route decides with its weights.
fn same_side(world: &Sorted<'_>, caller: &Slot, release: &ReleaseId, dependency: &Slot) -> Option<ReleaseId> {
    if caller.replaced.as_ref() == Some(release) && !caller.names_as_serving(release) {
        return left_together(world, caller, dependency);
    }
    let (mine, its) = (caller.candidate.as_ref()?, dependency.candidate.as_ref()?);
    if mine.deployment != its.deployment {
        return None;
    }
    if mine.release == *release {
        return Some(its.release.clone());
    }
    // Where the old has been stopped already, or leaves batch by batch, there may be nobody on its side.
    let is_live = caller.live.as_ref().is_some_and(|live| live.release == *release);
    let whole = matches!(its.share, Share::Lane | Share::Percent(_));
    dependency.live.as_ref().filter(|_| is_live && whole).map(|live| live.release.clone())
}

/// What a swap replaced in the dependency, when it was the same swap that replaced the caller: they go on together until
/// the last request has ended. None when nothing of it runs any more. While only one of them is in its gap, what the gap
/// replaced is not what the caller stood beside: a way back begins with the gaps, over swaps that were made forward.
fn left_together(world: &Sorted<'_>, caller: &Slot, dependency: &Slot) -> Option<ReleaseId> {
    let same_deployment = caller.written_by.is_some() && caller.written_by == dependency.written_by;
    if !same_deployment || caller.hold.is_some() != dependency.hold.is_some() {
        return None;
    }
    left_behind(world, dependency).map(|backend| backend.release)
}

/// The loopback address by which a release reaches a service: a hash of both, so that there is nothing to allocate
/// and nothing to lose. 127.0.0.0/16 is left out, as it holds the addresses that other programs use.
pub fn link_address(release: &ReleaseId, service: &ServiceName) -> Ipv4Addr {
    let hash = blake3::hash(format!("shipway link 1\n{release}\n{service}").as_bytes());
    let [a, b, c, ..] = *hash.as_bytes();
    Ipv4Addr::new(127, a.clamp(1, 254), b, c.clamp(1, 254))
}
