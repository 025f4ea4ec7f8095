//! The driver of this machine: the verbs of `ports::Driver` on folders and shims. Not here: how a shim works
//! (`shim`), what a release folder is (`staging`).

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    net::SocketAddr,
    ops::RangeInclusive,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use shipway_core::{
    drift::Difference,
    id::{InstanceId, ReleaseId, SlotKey},
    ports::{
        Artifacts, Capacity, DataSnapshot, Driver, Fault, FaultKind, HeldLimits, Launch, Life, LogPage, LogPosition,
        Observed,
    },
    release::Release,
    spec::StopSpec,
    utilization::{IdleTime, Usage},
};
use tokio::sync::OwnedMutexGuard;

use crate::{
    cgroup::Cgroups,
    config_file::ConfigFiles,
    data_use,
    drift::Proven,
    launch::Intent,
    log_pages, machine,
    secret_files::SecretFiles,
    shim::state::{State, Status},
    shim_client::{self, LOOKS_MAX, Sight},
    snapshots, staging, usage,
};

pub(crate) const INSTANCES: &str = "instances";
/// What marks an instance's folder as being removed.
pub(crate) const GONE: &str = ".gone-";
/// How often a shim is started for an instance that lost its own.
const ADOPTIONS_MAX: u32 = 3;

/// What the driver needs to know.
pub struct LocalConfig {
    /// Shipway's data folder. Instances, releases and volumes live below it.
    pub data: PathBuf,
    /// Where artifacts come from.
    pub artifacts: Arc<dyn Artifacts>,
    /// The program that becomes a shim when it is started as `PROGRAM shim …`: Shipway's own.
    pub shim: PathBuf,
    /// The ports of instances; `INSTANCE_PORTS` unless there is a reason.
    pub ports: RangeInclusive<u16>,
    /// Whether control groups are used, as far as they are there. Without them nothing is limited, and processes are
    /// found by their family and their environment alone.
    pub cgroups: bool,
    /// A folder on a file system in memory, for secrets of instances; `MEMORY_FOLDER` unless there is a reason.
    pub memory: PathBuf,
}

/// Runs releases as processes of this machine.
pub struct LocalDriver {
    pub(crate) data: PathBuf,
    pub(crate) artifacts: Arc<dyn Artifacts>,
    /// Files of releases that were read and found right.
    pub(crate) proven: Proven,
    pub(crate) shim: PathBuf,
    pub(crate) ports: RangeInclusive<u16>,
    pub(crate) cgroups: Cgroups,
    pub(crate) secrets: SecretFiles,
    pub(crate) configured: ConfigFiles,
    /// One start or adoption at a time per instance.
    turns: Mutex<HashMap<InstanceId, Arc<tokio::sync::Mutex<()>>>>,
    /// Held from the choice of a port until the intent names it.
    pub(crate) choosing: Mutex<()>,
}

impl LocalDriver {
    /// Opens the data folder, and removes what an earlier server left half done. Fails when the folder can't be
    /// written or a configuration can't work.
    pub fn new(config: LocalConfig) -> Result<Arc<Self>, Fault> {
        let data = open_data(&config.data)?;
        if config.ports.is_empty() || *config.ports.start() == 0 {
            return Err(
                Fault::invalid("the range of instance ports is empty").with_hint("the usual one is 20000-29999")
            );
        }
        let shim = std::path::absolute(&config.shim).map_err(|error| Fault::io("finding the shim", &error))?;
        staging::sweep(&data);
        snapshots::sweep(&data);
        sweep_forgotten(&data);
        let secrets = SecretFiles::new(&config.memory, &data);
        secrets.sweep(|instance| is_begun(&data.join(INSTANCES).join(instance.as_str())));
        let configured = ConfigFiles::new(&data);
        configured.sweep(|instance| data.join(INSTANCES).join(instance.as_str()).is_dir());
        Ok(Arc::new(Self {
            secrets,
            configured,
            cgroups: if config.cgroups { Cgroups::detect(&data) } else { Cgroups::default() },
            data,
            artifacts: config.artifacts,
            proven: Proven::default(),
            shim,
            ports: config.ports,
            turns: Mutex::default(),
            choosing: Mutex::default(),
        }))
    }

    pub(crate) fn folder(&self, instance: &InstanceId) -> PathBuf {
        self.data.join(INSTANCES).join(instance.as_str())
    }

    pub(crate) async fn turn(&self, instance: &InstanceId) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(instance.clone()).or_default().clone()
        };
        turn.lock_owned().await
    }

    /// How the instance is once nothing about it is open: a lost one is adopted, a starting one is waited for.
    pub(crate) async fn settle(&self, instance: &InstanceId) -> Result<Sight, Fault> {
        let folder = self.folder(instance);
        let mut adoptions = 0;
        for _ in 0..LOOKS_MAX {
            match look(&folder)? {
                Sight::Changing(..) => shim_client::pause().await,
                Sight::Lost(..) if adoptions < ADOPTIONS_MAX => {
                    adoptions += 1;
                    self.adopt(instance).await?;
                }
                Sight::Lost(..) => break,
                settled => return Ok(settled),
            }
        }
        Err(Fault::unavailable(format!("the shim of instance {instance} doesn't stay"))
            .with_hint(format!("see {}", folder.join("shim.log").display())))
    }

    async fn adopt(&self, instance: &InstanceId) -> Result<(), Fault> {
        let _turn = self.turn(instance).await;
        let folder = self.folder(instance);
        match look(&folder)? {
            Sight::Lost(..) => {
                tracing::info!(%instance, "the shim is gone; another one takes over");
                shim_client::start(&self.shim, &folder, true).await
            }
            _ => Ok(()),
        }
    }

    /// Every instance with an intent.
    pub(crate) fn recorded(&self) -> Result<Vec<InstanceId>, Fault> {
        let place = self.data.join(INSTANCES);
        let entries =
            fs::read_dir(&place).map_err(|error| Fault::io(format_args!("reading {}", place.display()), &error))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut all: Vec<InstanceId> = names.filter(|name| !name.starts_with('.')).map(InstanceId::new).collect();
        all.sort();
        Ok(all)
    }

    async fn life(&self, instance: &InstanceId) -> Result<Life, Fault> {
        Ok(match self.settle(instance).await? {
            Sight::Running(intent, state) => {
                Life::Running { pid: state.app.map_or(0, |app| app.pid), address: intent.address(), since: state.since }
            }
            Sight::Ended(_, State { status: Status::Exited { status, signal, at }, .. }) => {
                self.drop_secrets(instance).await?;
                Life::Exited { status, signal, at }
            }
            _ => Life::Absent,
        })
    }

    /// Removes the secrets of an instance that has ended, unless another start of it has begun meanwhile.
    pub(crate) async fn drop_secrets(&self, instance: &InstanceId) -> Result<(), Fault> {
        if !self.secrets.has(instance) {
            return Ok(());
        }
        let _turn = self.turn(instance).await;
        if let Sight::Ended(..) | Sight::Absent = look(&self.folder(instance))? {
            self.secrets.remove(instance);
        }
        Ok(())
    }

    async fn all_lives(&self) -> Result<Vec<Observed>, Fault> {
        let mut all = Vec::new();
        for instance in self.recorded()? {
            match self.life(&instance).await {
                Ok(Life::Absent) => {}
                Ok(life) => all.push(Observed { instance, life }),
                // One that can't be understood must not hide the others.
                Err(fault) if fault.kind == FaultKind::Corrupt => tracing::warn!(%instance, %fault, "passed over"),
                Err(fault) => return Err(fault),
            }
        }
        Ok(all)
    }

    async fn unstage_release(&self, release: &ReleaseId) -> Result<(), Fault> {
        for instance in self.recorded()? {
            let folder = self.folder(&instance);
            let of = |intent: &Intent| intent.release == *release || intent.reloaded.as_ref() == Some(release);
            let runs = matches!(Intent::read(&folder), Ok(Some(intent)) if of(&intent));
            if runs && !has_ended(&folder) {
                let message = format!("release {} can't be removed: instance {instance} runs it", release.short());
                return Err(Fault::new(FaultKind::Conflict, message).with_hint("stop the instance first"));
            }
        }
        let (data, release) = (self.data.clone(), release.clone());
        let removed = tokio::task::spawn_blocking(move || staging::unstage(&data, &release)).await;
        removed.map_err(|error| Fault::unavailable(format!("removing a release was cut off: {error}")))?
    }

    /// Reads an instance's log away from the threads that serve others.
    async fn read_log<T: Send + 'static>(
        &self,
        instance: &InstanceId,
        read: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        let folder = self.folder(instance);
        if !folder.is_dir() {
            return Err(Fault::not_found(format!("there is no instance {instance}")));
        }
        let text = format!("reading the log of instance {instance}");
        match tokio::task::spawn_blocking(move || read(&folder)).await {
            Ok(read) => read.map_err(|error| Fault::io(text, &error)),
            Err(error) => Err(Fault::unavailable(format!("{text}: {error}"))),
        }
    }
}

impl Driver for LocalDriver {
    fn stage<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(staging::stage(&self.data, &*self.artifacts, release))
    }

    fn drift<'a>(
        &'a self,
        release: &'a Release,
        launches: &'a [Launch],
    ) -> BoxFuture<'a, Result<Vec<Difference>, Fault>> {
        Box::pin(self.differences(release, launches))
    }

    fn mend<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.mend_release(release))
    }

    fn unstage<'a>(&'a self, release: &'a ReleaseId) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.unstage_release(release))
    }

    fn start(&self, launch: Launch) -> BoxFuture<'_, Result<SocketAddr, Fault>> {
        Box::pin(self.start_instance(launch))
    }

    fn reload(&self, launch: Launch) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.reload_instance(launch))
    }

    fn observe<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<Life, Fault>> {
        Box::pin(self.life(instance))
    }

    fn instances(&self) -> BoxFuture<'_, Result<Vec<Observed>, Fault>> {
        Box::pin(self.all_lives())
    }

    fn stop<'a>(&'a self, instance: &'a InstanceId, how: &'a StopSpec) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.stop_instance(instance, how))
    }

    fn forget<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.forget_instance(instance))
    }

    fn log<'a>(
        &'a self,
        instance: &'a InstanceId,
        from: LogPosition,
        lines_max: usize,
    ) -> BoxFuture<'a, Result<LogPage, Fault>> {
        Box::pin(self.read_log(instance, move |folder| log_pages::page(folder, from, lines_max)))
    }

    fn log_tail<'a>(&'a self, instance: &'a InstanceId, lines_max: usize) -> BoxFuture<'a, Result<Vec<String>, Fault>> {
        Box::pin(self.read_log(instance, move |folder| log_pages::tail(folder, lines_max)))
    }

    fn snapshot_data<'a>(
        &'a self,
        slot: &'a SlotKey,
        name: &'a str,
        bytes_max: u64,
    ) -> BoxFuture<'a, Result<DataSnapshot, Fault>> {
        Box::pin(snapshots::take(&self.data, slot, name, bytes_max))
    }

    fn restore_data<'a>(&'a self, slot: &'a SlotKey, name: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(snapshots::restore(&self.data, slot, name))
    }

    fn data_snapshots<'a>(&'a self, slot: &'a SlotKey) -> BoxFuture<'a, Result<Vec<DataSnapshot>, Fault>> {
        Box::pin(snapshots::list(&self.data, slot))
    }

    fn usage<'a>(&'a self, instances: &'a [InstanceId]) -> BoxFuture<'a, Result<BTreeMap<InstanceId, Usage>, Fault>> {
        Box::pin(usage::read(&self.data, instances))
    }

    fn data_use<'a>(&'a self, slot: &'a SlotKey) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(data_use::bytes(staging::volumes(&self.data, slot)))
    }

    fn held_limits(&self) -> HeldLimits {
        self.cgroups.held()
    }

    fn idle_time(&self) -> Result<IdleTime, Fault> {
        machine::idle_time()
    }

    fn capacity(&self) -> Result<Capacity, Fault> {
        let facts = machine::facts(&self.data)?;
        Ok(Capacity {
            cores: facts.cores,
            memory_mb: facts.memory_mb,
            memory_free_mb: facts.memory_free_mb,
            disk_free_mb: facts.disk_free_mb,
        })
    }
}

pub(crate) fn look(folder: &Path) -> Result<Sight, Fault> {
    shim_client::sight(folder).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Fault::new(FaultKind::Corrupt, format!("{}: {error}", folder.display())),
        _ => Fault::io(format_args!("looking at {}", folder.display()), &error),
    })
}

/// Whether an instance was begun and has not ended.
fn is_begun(folder: &Path) -> bool {
    matches!(Intent::read(folder), Ok(Some(_))) && !has_ended(folder)
}

pub(crate) fn has_ended(folder: &Path) -> bool {
    matches!(State::read(folder), Ok(Some(state)) if matches!(state.status, Status::Exited { .. }))
}

fn open_data(data: &Path) -> Result<PathBuf, Fault> {
    let fault = |error: io::Error| Fault::io(format_args!("opening the data folder {}", data.display()), &error);
    fs::create_dir_all(data).map_err(fault)?;
    let data = fs::canonicalize(data).map_err(fault)?;
    make_private(&data.join(INSTANCES))?;
    Ok(data)
}

/// A folder for nobody else: it will hold variables.
pub(crate) fn make_private(folder: &Path) -> Result<(), Fault> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Fault::io(format_args!("making {}", folder.display()), &error))
}

pub(crate) fn remove_folder(folder: &Path) -> Result<(), Fault> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::io(format_args!("removing {}", folder.display()), &error))
        }
        _ => Ok(()),
    }
}

fn sweep_forgotten(data: &Path) {
    let entries = fs::read_dir(data.join(INSTANCES)).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(GONE)) {
        if let Err(fault) = remove_folder(&entry.path()) {
            tracing::warn!(%fault, "a forgotten instance's folder stays");
        }
    }
}
