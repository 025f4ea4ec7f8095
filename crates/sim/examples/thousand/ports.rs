//! A world that does at once what it is asked and remembers it: what the engine waits for here is the engine and its
//! store. Not here: the store, which is the real one.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};
use shipway_core::{
    archive::Archived,
    artifact::Tree,
    drift::Difference,
    id::{ArtifactDigest, DeploymentId, InstanceId, ReleaseId, SlotKey},
    ports::{
        Answer, Archives, Artifacts, Capacity, Clock, CommandEnd, CommandEvent, CommandRun, DataSnapshot, Driver,
        Fault, HeldLimits, Ids, Launch, Life, LogPage, LogPosition, Logs, Observed, Prober, Question, RemoteAnswer,
        RemoteCall, Remotes, Runner, Sources, Tasks, Traffic, TrafficRouter,
    },
    release::Release,
    route::RouteTable,
    spec::StopSpec,
    store::Store,
    time::Timestamp,
    utilization::{IdleTime, Usage},
};
use shipway_engine::Ports;
use tokio::task::JoinSet;

/// The first port that an instance listens on; more than one address takes the rest.
const PORT_FIRST: u16 = 10_000;
const PORTS: u64 = 50_000;

/// The fake world.
#[derive(Default)]
pub struct Fake {
    instances: Mutex<BTreeMap<InstanceId, Life>>,
    made: AtomicU64,
    generation: AtomicU64,
    tables: AtomicU64,
    running: Mutex<JoinSet<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn done<T: Send + 'static>(value: T) -> BoxFuture<'static, Result<T, Fault>> {
    ready(Ok(value)).boxed()
}

impl Fake {
    /// All ports, with a real store.
    pub fn ports(self: &Arc<Self>, store: Arc<dyn Store>) -> Ports {
        Ports {
            store,
            artifacts: self.clone(),
            sources: self.clone(),
            logs: self.clone(),
            archives: self.clone(),
            driver: self.clone(),
            runner: self.clone(),
            prober: self.clone(),
            remotes: self.clone(),
            router: self.clone(),
            secrets: Arc::new(shipway_sim::PlainSecrets),
            clock: self.clone(),
            ids: self.clone(),
            tasks: self.clone(),
        }
    }

    /// Tables that were published.
    pub fn tables(&self) -> u64 {
        self.tables.load(Ordering::Relaxed)
    }

    fn next(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }
}

impl Clock for Fake {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_ms(&self, span_ms: u64) -> BoxFuture<'static, ()> {
        tokio::time::sleep(Duration::from_millis(span_ms)).boxed()
    }
}

impl Tasks for Fake {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let mut running = lock(&self.running);
        while running.try_join_next().is_some() {}
        running.spawn(task);
    }

    fn halt(&self) -> BoxFuture<'_, ()> {
        let mut running = std::mem::take(&mut *lock(&self.running));
        async move { running.shutdown().await }.boxed()
    }
}

impl Ids for Fake {
    fn deployment(&self) -> DeploymentId {
        DeploymentId::new(format!("d{:011x}", self.next()))
    }

    fn token(&self) -> String {
        format!("{:032x}", self.next())
    }
}

impl Driver for Fake {
    fn stage<'a>(&'a self, _: &'a Release) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }

    fn drift<'a>(&'a self, _: &'a Release, _: &'a [Launch]) -> BoxFuture<'a, Result<Vec<Difference>, Fault>> {
        done(Vec::new())
    }

    fn mend<'a>(&'a self, _: &'a Release) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }

    fn unstage<'a>(&'a self, _: &'a ReleaseId) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }

    fn reload(&self, _: Launch) -> BoxFuture<'_, Result<(), Fault>> {
        done(())
    }

    fn start(&self, launch: Launch) -> BoxFuture<'_, Result<SocketAddr, Fault>> {
        let number = self.next();
        let port = PORT_FIRST + u16::try_from(number % PORTS).unwrap_or(0);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let life = Life::Running { pid: u32::try_from(number).unwrap_or(u32::MAX), address, since: self.now() };
        lock(&self.instances).entry(launch.instance).or_insert(life);
        done(address)
    }

    fn observe<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<Life, Fault>> {
        done(lock(&self.instances).get(instance).cloned().unwrap_or(Life::Absent))
    }

    fn instances(&self) -> BoxFuture<'_, Result<Vec<Observed>, Fault>> {
        let instances = lock(&self.instances);
        done(instances.iter().map(|(id, life)| Observed { instance: id.clone(), life: life.clone() }).collect())
    }

    fn stop<'a>(&'a self, instance: &'a InstanceId, _: &'a StopSpec) -> BoxFuture<'a, Result<(), Fault>> {
        let exited = Life::Exited { status: Some(0), signal: None, at: self.now() };
        lock(&self.instances).insert(instance.clone(), exited);
        done(())
    }

    fn forget<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<(), Fault>> {
        lock(&self.instances).remove(instance);
        done(())
    }

    fn snapshot_data<'a>(
        &'a self,
        _: &'a SlotKey,
        name: &'a str,
        bytes: u64,
    ) -> BoxFuture<'a, Result<DataSnapshot, Fault>> {
        done(DataSnapshot { name: name.to_owned(), bytes, at: self.now() })
    }

    fn restore_data<'a>(&'a self, _: &'a SlotKey, _: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }

    fn data_snapshots<'a>(&'a self, _: &'a SlotKey) -> BoxFuture<'a, Result<Vec<DataSnapshot>, Fault>> {
        done(Vec::new())
    }

    fn data_use<'a>(&'a self, _: &'a SlotKey) -> BoxFuture<'a, Result<u64, Fault>> {
        done(0)
    }

    fn log<'a>(&'a self, _: &'a InstanceId, next: LogPosition, _: usize) -> BoxFuture<'a, Result<LogPage, Fault>> {
        done(LogPage { lines: Vec::new(), next })
    }

    fn log_tail<'a>(&'a self, _: &'a InstanceId, _: usize) -> BoxFuture<'a, Result<Vec<String>, Fault>> {
        done(Vec::new())
    }

    fn usage<'a>(&'a self, _: &'a [InstanceId]) -> BoxFuture<'a, Result<BTreeMap<InstanceId, Usage>, Fault>> {
        done(BTreeMap::new())
    }

    fn held_limits(&self) -> HeldLimits {
        HeldLimits { memory: true, cpu: true, processes: true, reason: "nothing really runs".into() }
    }

    fn idle_time(&self) -> Result<IdleTime, Fault> {
        let at_us = self.now().0.unsigned_abs() * 1000;
        Ok(IdleTime { at_us, idle_us: at_us })
    }

    fn capacity(&self) -> Result<Capacity, Fault> {
        Ok(Capacity { cores: 1024, memory_mb: 4_000_000, memory_free_mb: 4_000_000, disk_free_mb: 4_000_000 })
    }
}

impl Prober for Fake {
    fn ask(&self, _: Question) -> BoxFuture<'_, Answer> {
        ready(Answer { passed: true, expected: "200".into(), got: "200".into(), took_ms: 0 }).boxed()
    }
}

impl Runner for Fake {
    fn run(&self, _: CommandRun) -> BoxStream<'static, Result<CommandEvent, Fault>> {
        stream::once(ready(Ok(CommandEvent::Ended(CommandEnd::Exited(0))))).boxed()
    }

    fn hand_over<'a>(&'a self, _: &'a Path, _: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }

    fn sweep(&self) -> BoxFuture<'_, Result<u32, Fault>> {
        done(0)
    }
}

impl TrafficRouter for Fake {
    fn publish(&self, table: Arc<RouteTable>) -> BoxFuture<'_, Result<(), Fault>> {
        self.generation.fetch_max(table.generation, Ordering::Relaxed);
        self.tables.fetch_add(1, Ordering::Relaxed);
        done(())
    }

    fn traffic(&self) -> BoxFuture<'_, Result<Traffic, Fault>> {
        let generation = self.generation.load(Ordering::Relaxed);
        done(Traffic { boot: "1".into(), epoch: 1, generation, ..Traffic::default() })
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 8080))
    }

    fn link_port(&self) -> u16 {
        7081
    }
}

impl Artifacts for Fake {
    fn read_tree<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>> {
        done(Tree::new(Vec::new()))
    }

    fn put<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>> {
        done(Tree::new(Vec::new()))
    }

    fn tree<'a>(&'a self, _: &'a ArtifactDigest) -> BoxFuture<'a, Result<Tree, Fault>> {
        done(Tree::new(Vec::new()))
    }

    fn hash<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<String, Fault>> {
        done(String::new())
    }

    fn unpack<'a>(&'a self, _: &'a ArtifactDigest, _: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }
}

impl Remotes for Fake {
    fn ask(&self, _: RemoteCall, _: usize) -> BoxFuture<'_, Result<RemoteAnswer, Fault>> {
        done(RemoteAnswer::Whole { body: b"{}".to_vec(), etag: None })
    }
}

impl Sources for Fake {
    fn copy<'a>(&'a self, _: &'a Path, _: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }

    fn make_folder<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }

    fn remove<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }

    fn read_text<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<Option<String>, Fault>> {
        done(None)
    }
}

impl Archives for Fake {
    fn keep<'a>(&'a self, _: &'a Archived) -> BoxFuture<'a, Result<(), Fault>> {
        done(())
    }
}

impl Logs for Fake {
    fn append(&self, _: &str, _: &[String]) -> Result<(), Fault> {
        Ok(())
    }

    fn read(&self, _: &str, next: LogPosition, _: usize) -> Result<LogPage, Fault> {
        Ok(LogPage { lines: Vec::new(), next })
    }

    fn tail(&self, _: &str, _: usize) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    fn holds(&self, _: &str) -> Result<bool, Fault> {
        Ok(false)
    }

    fn remove(&self, _: &str) -> Result<bool, Fault> {
        Ok(false)
    }
}
