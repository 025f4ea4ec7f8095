//! The engine: the ports it was given, what it knows of running deployments, and its start.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use futures_util::future::try_join_all;
use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::{DeploymentId, ReleaseId, SlotKey},
    instance::Instance,
    ports::{
        Archives, Artifacts, Clock, Driver, Fault, Ids, Life, Logs, Prober, Remotes, Runner, Secrets, Sources, Tasks,
        TrafficRouter,
    },
    release::Release,
    spec::StopSpec,
    store::{Commit, Store},
};
use tracing::info;

use crate::{
    audit::{AuditPlaces, AuditedStore},
    breakers::GuardedDriver,
    deploy::Active,
    disk_use::Measured,
    intake::Intake,
    keep,
    leases::Returned,
    notify,
    retention::Progress,
    secrets::{self, Known, MaskedLogs, MaskedProber, MaskedStore},
    servers::{self, Itself},
    spec::Understood,
    traffic::Publisher,
};

/// Everything that the engine reaches the world by.
#[derive(Clone)]
pub struct Ports {
    /// Durable state.
    pub store: Arc<dyn Store>,
    /// Artifacts.
    pub artifacts: Arc<dyn Artifacts>,
    /// Source folders.
    pub sources: Arc<dyn Sources>,
    /// Logs of deployments.
    pub logs: Arc<dyn Logs>,
    /// Deployments that leave the store.
    pub archives: Arc<dyn Archives>,
    /// Instances.
    pub driver: Arc<dyn Driver>,
    /// One-off commands.
    pub runner: Arc<dyn Runner>,
    /// Probes and checks.
    pub prober: Arc<dyn Prober>,
    /// Places outside Shipway that configuration comes from.
    pub remotes: Arc<dyn Remotes>,
    /// The data plane.
    pub router: Arc<dyn TrafficRouter>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What seals secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Identifiers.
    pub ids: Arc<dyn Ids>,
    /// What runs beside everything else.
    pub tasks: Arc<dyn Tasks>,
}

/// Where things lie below the data folder.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The data folder.
    pub data: PathBuf,
}

impl Folders {
    /// Working folders of builds.
    pub fn builds(&self) -> PathBuf {
        self.data.join("builds")
    }

    /// Uploaded project folders.
    pub fn uploads(&self) -> PathBuf {
        self.data.join("uploads")
    }

    /// Unpacked releases.
    pub fn releases(&self) -> PathBuf {
        self.data.join("releases")
    }

    /// The data folders of a service, as its driver makes them.
    pub fn volumes(&self, slot: &SlotKey) -> PathBuf {
        let (project, environment, service) = (&slot.project, &slot.environment, &slot.service);
        self.data.join("volumes").join(project.as_str()).join(environment.as_str()).join(service.as_str())
    }
}

/// What the server was told about itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folders.
    pub folders: Folders,
    /// Whether no other server can be at work on the same store: then what an earlier one carried is taken up at once.
    pub sole: bool,
    /// Whether the server runs as root.
    pub is_root: bool,
    /// Room that the data folder's disk should have, in mebibytes.
    pub disk_free_mb_min: u64,
    /// Where applications read feature flags; nowhere when absent.
    pub flags: Option<FlagAccess>,
    /// Where the server dies, for the crash test.
    pub crash: Option<CrashPoint>,
}

/// Where applications read feature flags.
#[derive(Clone)]
pub struct FlagAccess {
    /// The control plane's address.
    pub address: SocketAddr,
    /// What reading keys are made of.
    pub secret: String,
}

impl fmt::Debug for FlagAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagAccess").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A place in a deployment at which the server ends as by `kill -9`.
#[derive(Clone, Copy, Debug)]
pub struct CrashPoint {
    /// In the way back, or forward.
    pub back: bool,
    /// The step's number in its plan.
    pub step: usize,
    /// After the step has acted and before that is recorded, or else after the intent and before it acts.
    pub acted: bool,
    /// What ends the process.
    pub die: fn(),
}

/// The control plane.
pub struct Engine {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) breaker: Arc<GuardedDriver>,
    pub(crate) itself: Itself,
    pub(crate) returned: Returned,
    pub(crate) known: Arc<Known>,
    pub(crate) understood: Understood,
    pub(crate) publisher: Publisher,
    pub(crate) audit_places: AuditPlaces,
    pub(crate) active: Mutex<BTreeMap<DeploymentId, Arc<Active>>>,
    pub(crate) intake: Intake,
    pub(crate) retained: Progress,
    pub(crate) measured: Measured,
    releases: Mutex<BTreeMap<ReleaseId, Arc<Release>>>,
}

/// Has text pass where values of secrets are masked.
fn mask(ports: &mut Ports, known: &Arc<Known>) {
    let known = || known.clone();
    ports.store = Arc::new(MaskedStore { inner: ports.store.clone(), known: known() });
    ports.logs = Arc::new(MaskedLogs { inner: ports.logs.clone(), known: known() });
    ports.prober = Arc::new(MaskedProber { inner: ports.prober.clone(), known: known() });
}

/// Releases that are kept in memory; they are immutable, so any may be dropped at any time.
const RELEASES_CACHED_MAX: usize = 4096;

impl Engine {
    /// Starts the engine on what is stored: publishes the routes, takes up what was running, keeps it true.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn start(mut ports: Ports, settings: Settings) -> Result<Arc<Self>, Fault> {
        ports.store = Arc::new(AuditedStore(ports.store));
        let known = Arc::new(Known::default());
        mask(&mut ports, &known);
        let breaker = GuardedDriver::new(&ports, known.clone()).await?;
        ports.driver = breaker.clone();
        let swept = ports.runner.sweep().await?;
        if swept > 0 {
            info!(processes = swept, "ended commands of an earlier server");
        }
        // A build that was cut off begins anew, in a folder of its own.
        ports.sources.remove(&settings.folders.builds()).await?;
        let publisher = Publisher::new(ports.router.clone());
        let itself = Itself::new(ports.ids.token(), ports.clock.now());
        let engine = Arc::new(Self {
            ports,
            settings,
            breaker,
            itself,
            returned: Returned::default(),
            known,
            understood: Understood::default(),
            publisher,
            audit_places: AuditPlaces::default(),
            active: Mutex::default(),
            intake: Intake::default(),
            retained: Progress::default(),
            measured: Measured::default(),
            releases: Mutex::default(),
        });
        secrets::learn(&engine).await?;
        let message = "the server started";
        let started = EventBody::new(EventKind::ServerStarted, EventStatus::Ok, "server", message);
        engine.ports.store.commit(Commit::at(engine.ports.clock.now()).event(started)).await?;
        engine.spawn(crate::traffic::publish_newest(engine.clone()));
        engine.publisher.kick();
        servers::announce(&engine).await?;
        engine.spawn(servers::run(engine.clone()));
        keep::start(&engine);
        notify::start(&engine);
        engine.spawn(crate::schedules::run(engine.clone()));
        Ok(engine)
    }

    /// Runs a part of the engine until it ends or the engine halts.
    pub(crate) fn spawn(&self, part: impl Future<Output = ()> + Send + 'static) {
        self.ports.tasks.spawn(Box::pin(part));
    }

    /// Stops everything that the engine does by itself. What was begun is taken up by the next start, as after a crash.
    pub async fn halt(&self) {
        self.ports.tasks.halt().await;
    }

    /// Stops every instance, in parallel. The slots stay as they are, so the next start brings them back.
    ///
    /// # Errors
    /// The first that could not be stopped.
    pub async fn stop_instances(&self) -> Result<usize, Fault> {
        let instances = self.ports.driver.instances().await?;
        let running = instances.into_iter().filter(|one| matches!(one.life, Life::Running { .. }));
        let mut stops = Vec::new();
        for one in running {
            let recorded: Option<Instance> = self.ports.store.find(one.instance.as_str()).await?;
            let how = match recorded {
                Some(recorded) => self.release(&recorded.release).await?.serve.stop.clone(),
                None => StopSpec::default(),
            };
            stops.push(async move { self.ports.driver.stop(&one.instance, &how).await });
        }
        let count = stops.len();
        try_join_all(stops).await?;
        Ok(count)
    }

    /// A release, from memory or the store.
    pub(crate) async fn release(&self, id: &ReleaseId) -> Result<Arc<Release>, Fault> {
        if let Some(release) = self.cached_releases().get(id) {
            return Ok(release.clone());
        }
        let found: Option<Release> = self.ports.store.find(id.as_str()).await?;
        let release = Arc::new(found.ok_or_else(|| Fault::not_found(format!("release {id} is not recorded")))?);
        let mut cached = self.cached_releases();
        if cached.len() >= RELEASES_CACHED_MAX {
            cached.clear();
        }
        cached.insert(id.clone(), release.clone());
        Ok(release)
    }

    fn cached_releases(&self) -> std::sync::MutexGuard<'_, BTreeMap<ReleaseId, Arc<Release>>> {
        // The map is replaced whole or not at all, so a panic elsewhere can't leave it half written.
        self.releases.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn active(&self) -> std::sync::MutexGuard<'_, BTreeMap<DeploymentId, Arc<Active>>> {
        self.active.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
