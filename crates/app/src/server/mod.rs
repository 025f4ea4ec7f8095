//! The server: wires the ports together, starts the engine, answers HTTP. What it does not hold: any decision.

mod answer;
mod audit;
mod auth;
mod backups;
mod comparing;
mod compatibility;
mod configuration;
mod crash_test;
mod deployments;
mod doctor;
mod environments;
mod events;
mod explaining;
mod flags;
mod folder;
mod gating;
mod history;
mod idempotency;
mod logs;
mod master_key;
mod metrics;
mod open_streams;
mod plan_view;
mod projects;
mod promoting;
mod quota;
mod remotes;
mod repairing;
mod retaining;
mod router;
mod schedules;
mod secrets;
mod sight;
mod spec_sources;
mod standing;
mod syncing;
mod system;
mod tasks;
mod time_and_ids;
mod tokens;
mod unsticking;
mod uploads;
mod utilization;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use shipway_core::{
    ports::{Clock, Driver, Fault, Ids, Runner},
    time::Timestamp,
};
use shipway_engine::{BUILDS_MAX, Engine, FlagAccess, Folders, Ports, Settings};
use shipway_proxy::{ProxyClient, keeper};
use shipway_store::{FolderArchives, FolderArtifacts, FolderLogs, FolderSources, Sealer, Share, SqlStore};
use shipway_targets::{INSTANCE_PORTS, LocalConfig, LocalDriver, LocalProber, LocalRunner, MEMORY_FOLDER};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tracing::info;

use self::{
    backups::Backups,
    folder::DataFolder,
    remotes::MachineRemotes,
    spec_sources::SpecSources,
    tasks::RuntimeTasks,
    time_and_ids::{RandomIds, SystemClock, fill_by_chance},
};
use crate::{
    place::{Found, ServerConfig},
    proxy_process,
};

/// Room that the data folder's disk should have before a build begins, in mebibytes.
const DISK_FREE_MB_MIN: u64 = 256;
/// How often the proxy and its keeper are looked after.
const KEEPER_LOOK_MS: u64 = 500;
/// How long open answers may take when the server stops.
const STOP_MS_MAX: u64 = 3000;

/// What every handler reaches.
struct Shared {
    engine: Arc<Engine>,
    store: Arc<SqlStore>,
    artifacts: Arc<FolderArtifacts>,
    backups: Arc<Backups>,
    token: String,
    data: PathBuf,
    started_at: Timestamp,
    /// Set when somebody asks for the end; the value says whether the applications stop too.
    stop: watch::Sender<Option<bool>>,
}

type State = axum::extract::State<Arc<Shared>>;

/// A running server.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    proxy: SocketAddr,
    http: JoinHandle<()>,
    keeper: JoinHandle<()>,
    end_http: watch::Sender<bool>,
    folder: DataFolder,
}

impl Server {
    /// Starts a server on a data folder.
    ///
    /// # Errors
    /// A port is taken, another server has the folder, the store can't be opened.
    pub async fn start(mut config: ServerConfig) -> Result<Self, Fault> {
        let folder = DataFolder::open(&config.data)?;
        config.data = folder.path().to_owned();
        let listener = listen(config.listen).await?;
        let address =
            listener.local_addr().map_err(|error| Fault::io("asking for the control plane's port", &error))?;
        let program = own_program()?;
        let keeper = start_proxy(&config, &program).await?;
        let store = SqlStore::open(&config.data.join("shipway.db")).await?;
        let artifacts = artifacts(&config);
        let kept = Kept { store: store.clone(), artifacts: artifacts.clone() };
        let ports = ports(&config, kept, &program, keeper.address, keeper.link_port).await?;
        let clock = ports.clock.clone();
        shipway_engine::stage_sites(&ports).await?;
        let flags = FlagAccess { address: reached_at(address), secret: folder.token()? };
        let engine = Engine::start(ports, settings(&config, flags)).await?;
        renew_proxy(&config, &program, keeper.address, keeper.link_port).await;
        let shared = Arc::new(Shared {
            engine,
            backups: Arc::new(Backups::new(store.clone(), config.data.clone(), config.backup.clone())),
            store,
            artifacts,
            token: folder.token()?,
            data: config.data.clone(),
            started_at: clock.now(),
            stop: watch::Sender::new(None),
        });
        let end_http = watch::Sender::new(false);
        (config.proxy_listen, config.link_port) = (keeper.address, keeper.link_port);
        let kept = tokio::spawn(keep_proxy(config.clone(), program, end_http.subscribe()));
        // It is cut off by the end of the process: what it had not finished is no backup.
        tokio::spawn(shared.backups.clone().run(end_http.subscribe()));
        let http = tokio::spawn(serve(listener, shared.clone(), end_http.subscribe()));
        folder.announce(&Found { address, pid: std::process::id(), version: env!("CARGO_PKG_VERSION").into() })?;
        info!(%address, proxy = %keeper.address, data = %config.data.display(), "the server is up");
        Ok(Self { shared, address, proxy: keeper.address, http, keeper: kept, end_http, folder })
    }

    /// Where the control plane listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the proxy takes requests.
    pub fn proxy_address(&self) -> SocketAddr {
        self.proxy
    }

    /// The owner's token.
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    /// Ends when somebody asked for the server's end over the API, and says whether the applications should stop too.
    pub async fn asked_to_stop(&self) -> bool {
        let mut stop = self.shared.stop.subscribe();
        let asked = stop.wait_for(Option::is_some).await;
        asked.is_ok_and(|asked| asked.unwrap_or(false))
    }

    /// Stops the server; with `applications` also everything that it runs, the proxy included.
    ///
    /// # Errors
    /// Something could not be stopped; what it is stands in the message.
    pub async fn stop(self, applications: bool) -> Result<(), Fault> {
        self.end_http.send_replace(true);
        // Live streams end when they see this.
        self.shared.stop.send_replace(Some(applications));
        let _ = tokio::time::timeout(Duration::from_millis(STOP_MS_MAX), self.http).await;
        // Whoever stops the proxy must be sure that it isn't started again.
        let _ = self.keeper.await;
        self.shared.engine.halt().await;
        let stopped = match applications {
            true => stop_applications(&self.shared.engine, self.folder.path()).await,
            false => Ok(()),
        };
        self.folder.withdraw();
        stopped
    }
}

async fn stop_applications(engine: &Engine, data: &Path) -> Result<(), Fault> {
    let instances = engine.stop_instances().await;
    let folder = proxy_process::folder(data);
    let proxy = tokio::task::spawn_blocking(move || keeper::stop(&folder)).await;
    let count = instances?;
    info!(instances = count, "stopped");
    proxy.unwrap_or_else(|error| Err(Fault::unavailable(format!("stopping the proxy was cut off: {error}"))))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Fault::unavailable(format!("the control plane can't listen on {address}: the port is taken"))
                .with_hint("stop what has it, or choose another with --listen or SHIPWAY_LISTEN")
        }
        _ => Fault::io(format!("listening on {address}"), &error),
    })
}

/// The path of this program. It may have been replaced on disk since it was started: then what lies there now is what
/// shims and the proxy are started from.
fn own_program() -> Result<PathBuf, Fault> {
    let program = std::env::current_exe().map_err(|error| Fault::io("finding Shipway's own program", &error))?;
    let text = program.to_string_lossy().into_owned();
    Ok(text.strip_suffix(" (deleted)").map_or(program, PathBuf::from))
}

async fn start_proxy(config: &ServerConfig, program: &Path) -> Result<keeper::KeeperStatus, Fault> {
    let (wanted, program) = (config.clone(), program.to_owned());
    let ensured = tokio::task::spawn_blocking(move || proxy_process::ensure(&wanted, &program)).await;
    let keeper = ensured.unwrap_or_else(|error| Err(Fault::unavailable(format!("starting the proxy: {error}"))))?;
    let other = config.proxy_listen.port() != 0 && keeper.address != config.proxy_listen;
    if other {
        let message = format!("the proxy of this data folder runs already, and listens on {}", keeper.address);
        return Err(Fault::invalid(message).with_hint("use that address, or stop it with `shipway down` first"));
    }
    Ok(keeper)
}

/// A proxy of another version is replaced by this one. When that fails, the old one goes on: both speak the protocol.
async fn renew_proxy(config: &ServerConfig, program: &Path, address: SocketAddr, link_port: u16) {
    let client = ProxyClient::new(proxy_process::folder(&config.data), address, link_port);
    let version = match client.status().await {
        Ok(status) => status.version,
        Err(_) => return,
    };
    if version == env!("CARGO_PKG_VERSION") {
        return;
    }
    let (data, program) = (config.data.clone(), program.to_owned());
    let renewed = tokio::task::spawn_blocking(move || proxy_process::upgrade(&data, &program)).await;
    match renewed {
        Ok(Ok(())) => info!(from = version, "the proxy was renewed"),
        Ok(Err(fault)) => tracing::warn!(%fault, "the proxy of an earlier version goes on"),
        Err(error) => tracing::warn!(%error, "the proxy of an earlier version goes on"),
    }
}

/// Replaces a keeper that died. The new one takes over the proxy and its sockets as they are.
async fn keep_proxy(config: ServerConfig, program: PathBuf, mut end: watch::Receiver<bool>) {
    let mut told = false;
    loop {
        let look = Duration::from_millis(KEEPER_LOOK_MS);
        if tokio::time::timeout(look, end.wait_for(|end| *end)).await.is_ok() {
            return;
        }
        match start_proxy(&config, &program).await {
            Ok(_) => told = false,
            Err(fault) if !told => {
                tracing::error!(%fault, "the proxy is not kept");
                told = true;
            }
            Err(_) => {}
        }
    }
}

fn artifacts(config: &ServerConfig) -> Arc<FolderArtifacts> {
    Arc::new(FolderArtifacts::new(config.data.join("artifacts")).with_share(transfer_share(config)))
}

/// What is durable.
struct Kept {
    store: Arc<SqlStore>,
    artifacts: Arc<FolderArtifacts>,
}

async fn ports(
    config: &ServerConfig,
    Kept { store, artifacts }: Kept,
    program: &Path,
    proxy: SocketAddr,
    link_port: u16,
) -> Result<Ports, Fault> {
    let data = &config.data;
    let share = transfer_share(config);
    let runner: Arc<dyn Runner> = match config.cpu_share {
        Some(share) => LocalRunner::with_cpu_share(data.clone(), program.to_owned(), &memory_folder(), share),
        None => LocalRunner::new(data.clone(), program.to_owned(), &memory_folder()),
    };
    let driver: Arc<dyn Driver> = LocalDriver::new(LocalConfig {
        data: data.clone(),
        artifacts: artifacts.clone(),
        shim: program.to_owned(),
        ports: INSTANCE_PORTS,
        cgroups: true,
        memory: memory_folder(),
    })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn Ids> = Arc::new(RandomIds::new(clock.clone()));
    Ok(Ports {
        store,
        artifacts,
        sources: Arc::new(SpecSources::new(FolderSources::with_share(share), data.join("uploads"))),
        logs: Arc::new(FolderLogs::new(data.join("logs"))),
        archives: Arc::new(FolderArchives::new(data.join("archive"))),
        driver,
        prober: LocalProber::new(runner.clone()),
        remotes: Arc::new(MachineRemotes::new()),
        runner,
        router: Arc::new(ProxyClient::new(proxy_process::folder(data), proxy, link_port)),
        secrets: Sealer::open(master_key::source(data)?, fill_by_chance).await,
        clock,
        ids,
        tasks: Arc::new(RuntimeTasks::default()),
    })
}

/// Where secrets of instances lie while they run.
fn memory_folder() -> PathBuf {
    let said = std::env::var_os("SHIPWAY_MEMORY_FOLDER").filter(|folder| !folder.is_empty());
    said.map_or_else(|| MEMORY_FOLDER.into(), PathBuf::from)
}

/// What each transfer may use: as many run at a time as builds do.
fn transfer_share(config: &ServerConfig) -> Share {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    config.cpu_share.map_or_else(Share::default, |share| Share::of_core(share * cores / BUILDS_MAX as f64))
}

/// Where programs of this machine reach what listens at an address.
fn reached_at(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => SocketAddr::from(([127, 0, 0, 1], address.port())),
        false => address,
    }
}

fn settings(config: &ServerConfig, flags: FlagAccess) -> Settings {
    Settings {
        folders: Folders { data: config.data.clone() },
        // The folder's lock says so.
        sole: true,
        is_root: rustix::process::geteuid().is_root(),
        disk_free_mb_min: DISK_FREE_MB_MIN,
        flags: Some(flags),
        crash: std::env::var(crash_test::VARIABLE).ok().and_then(|text| crash_test::read(&text)),
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut end: watch::Receiver<bool>) {
    let ended = async move {
        // The sender is the server itself: when it is gone, this is the end too.
        let _ = end.wait_for(|end| *end).await;
    };
    let served = axum::serve(listener, router::router(shared)).with_graceful_shutdown(ended).await;
    if let Err(error) = served {
        tracing::error!(%error, "the control plane stopped answering");
    }
}
