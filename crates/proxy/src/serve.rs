//! The proxy's process: it is given sockets, takes over the table of the last run, and serves until SIGTERM.
//!
//! Not here: who starts it and starts it again (`keeper`).

use std::{
    fs, io,
    net::TcpListener as StdTcpListener,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use futures_util::future::{join_all, select_all};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shipway_core::ports::Fault;
use tokio::{
    net::UnixListener,
    runtime,
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};

use crate::{
    client_connection::Door,
    control::{self, Control},
    control_call::{control_socket_of, other_processes, take_charge},
    core_thread::{self, CoreHandle, CoreStart},
    file_cache::FileCache,
    in_flight_file,
    listeners::{self, Listeners, PROXY_SOCKET},
    plane::{Plane, PlaneState, kept_table},
    socket_path,
    table::{Registry, Stamp, Table},
};

/// What a proxy's process needs.
#[derive(Debug)]
pub struct ProxyConfig {
    /// Its folder: the control socket, the last table, and what it writes down.
    pub folder: PathBuf,
    /// Its sockets.
    pub listeners: Listeners,
    /// How many cores it uses, at most one per public socket.
    pub workers: usize,
}

/// Runs a proxy until SIGTERM; then it takes no more connections, finishes what is in flight, and ends.
///
/// # Errors
///
/// When its folder can't be used, a thread can't be started, or a core ends by itself.
pub fn run(config: ProxyConfig) -> Result<(), Fault> {
    raise_descriptor_limit();
    make_folder(&config.folder)?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::io("starting the proxy", &error))?;
    LocalSet::new().block_on(&runtime, serve(config))
}

/// Makes a folder for this user only.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Fault> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Fault::io(format_args!("making the proxy's folder {}", folder.display()), &error))
}

async fn serve(config: ProxyConfig) -> Result<(), Fault> {
    let folder = config.folder;
    let fault = |doing: &'static str| move |error: io::Error| Fault::io(doing, &error);
    let mut stop = signal(SignalKind::terminate()).map_err(fault("listening for SIGTERM"))?;
    let boot = random_hex()?;
    let lost_in_flight = in_flight_file::collect_lost(&folder)?;
    let predecessors = other_processes(&folder, &boot);
    let control = take_control(&folder, &boot).map_err(fault("making the proxy's control socket"))?;
    // Only now: a table that an earlier process acknowledged after this would be missed.
    let kept = kept_table(&folder);
    let mut registry = Registry::default();
    let table = Arc::new(registry.compile(&kept));
    let cores = start_cores(&folder, &boot, &config.listeners, config.workers, &table)?;
    let offer = listeners::offer_at(&folder, PROXY_SOCKET, &config.listeners)?;
    std::thread::spawn(move || offer.run());
    let senders: Vec<_> = cores.iter().map(|core| core.orders.clone()).collect();
    let state = PlaneState { registry, stamp: Stamp::of(&kept) };
    let server = Rc::new(Control {
        plane: Plane::new(folder.clone(), boot.clone(), senders, lost_in_flight, predecessors, state),
        boot: boot.clone(),
        workers: cores.len(),
        address: config.listeners.address(),
        link_port: config.listeners.link_port(),
    });
    tokio::task::spawn_local(control::serve(server.clone(), control));
    tracing::info!(%boot, address = %server.address, generation = kept.generation, "the proxy serves");
    let ended = select_all(cores.iter().map(|core| Box::pin(core.orders.closed())));
    tokio::select! {
        _ = stop.recv() => {}
        _ = ended => return Err(Fault::unavailable("a core ended by itself; the keeper starts the proxy again")),
    }
    server.plane.drain().await;
    // The control socket goes on: a process that replaces this one counts what is left here.
    join_all(cores.iter().map(|core| core.orders.closed())).await;
    cores.into_iter().for_each(|core| drop(core.thread.join()));
    let _ = fs::remove_file(folder.join(control_socket_of(&boot)));
    Ok(())
}

/// Listens under a name of its own, then makes the known name lead there.
fn take_control(folder: &Path, boot: &str) -> io::Result<UnixListener> {
    let name = control_socket_of(boot);
    let listener = socket_path::listen(folder, &name)?;
    take_charge(folder, &name)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

fn start_cores(
    folder: &Path,
    boot: &str,
    listeners: &Listeners,
    workers: usize,
    table: &Arc<Table>,
) -> Result<Vec<CoreHandle>, Fault> {
    let sockets = listeners.try_clone().map_err(|error| Fault::io("copying the proxy's sockets", &error))?;
    let count = workers.clamp(1, sockets.public.len());
    let mut shares: Vec<Vec<(StdTcpListener, Door)>> = (0..count).map(|_| Vec::new()).collect();
    for (sockets, door) in [(sockets.public, Door::Public), (sockets.link, Door::Link)] {
        for (at, socket) in sockets.into_iter().enumerate() {
            socket.set_nonblocking(true).map_err(|error| Fault::io("preparing the proxy's sockets", &error))?;
            shares[at % count].push((socket, door));
        }
    }
    let files = Arc::new(FileCache::new());
    let start = |(index, listeners)| {
        let (table, files) = (table.clone(), files.clone());
        let in_flight_file = in_flight_file::path_of(folder, boot, index);
        core_thread::start(CoreStart { index, table, files, seed: random_seed()?, listeners, in_flight_file })
    };
    shares.into_iter().enumerate().map(start).collect()
}

fn random_seed() -> Result<u64, Fault> {
    getrandom::u64().map_err(|error| Fault::unavailable(format!("the system gives no random numbers: {error}")))
}

fn random_hex() -> Result<String, Fault> {
    Ok(format!("{:016x}", random_seed()?))
}

/// Two descriptors per request in flight need more than the usual 1,024.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, "the limit of open files can't be raised");
    }
}
