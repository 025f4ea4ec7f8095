//! The proxy and the keeper of its sockets as processes, and how the server has them started.
//!
//! `shipway keeper FOLDER ADDRESS LINK_PORT WORKERS`, `shipway proxy FOLDER WORKERS`: by Shipway itself only.

use std::{
    ffi::OsString,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    str::FromStr,
};

use shipway_core::ports::Fault;
use shipway_proxy::{
    keeper::{self, KeeperConfig, KeeperStatus},
    listeners,
    serve::{self, ProxyConfig},
};

use crate::place::ServerConfig;

/// Cores that the proxy uses at most.
const WORKERS_MAX: usize = 16;

/// The proxy's folder.
pub fn folder(data: &Path) -> PathBuf {
    data.join("proxy")
}

/// Sees to it that a keeper and its proxy run. Blocks.
///
/// # Errors
/// A port is taken, or a keeper of this folder listens elsewhere.
pub fn ensure(config: &ServerConfig, program: &Path) -> Result<KeeperStatus, Fault> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(WORKERS_MAX);
    let folder = folder(&config.data);
    std::fs::create_dir_all(&folder).map_err(|error| Fault::io("making the proxy's folder", &error))?;
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("proxy.log"));
    let log = log.map_err(|error| Fault::io("opening the proxy's log", &error))?;
    let mut command = Command::new(program);
    // It needs none, and stays longer than the server.
    command.env_remove("SHIPWAY_MASTER_KEY");
    command
        .arg("keeper")
        .arg(&folder)
        .arg(config.proxy_listen.to_string())
        .arg(config.link_port.to_string())
        .arg(workers.to_string())
        .stdout(Stdio::null())
        .stderr(log);
    keeper::ensure(&folder, &mut command)
}

/// Puts this program in the place of a proxy of another version, on the same sockets and with nothing lost. Blocks.
///
/// # Errors
/// The new one does not get ready; then the old one goes on.
pub fn upgrade(data: &Path, program: &Path) -> Result<(), Fault> {
    keeper::upgrade(&folder(data), program)
}

/// The entry point of `shipway keeper`.
pub fn keeper(args: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<_> = args.collect();
    write_log();
    ended(keep(&words))
}

/// The entry point of `shipway proxy`.
pub fn proxy(args: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<_> = args.collect();
    write_log();
    ended(serve(&words))
}

/// What both say goes to their standard error, which is the proxy's log.
fn write_log() {
    let lines = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::INFO);
    lines.with_writer(std::io::stderr).init();
}

fn keep(words: &[OsString]) -> Result<(), Fault> {
    let [folder, address, link_port, workers] = words else { return Err(misused()) };
    let program = std::env::current_exe().map_err(|error| Fault::io("finding Shipway's own program", &error))?;
    keeper::run(KeeperConfig {
        folder: folder.into(),
        address: read::<SocketAddr>(address)?,
        link_port: read(link_port)?,
        workers: read(workers)?,
        program,
        arguments: vec!["proxy".into(), folder.clone(), workers.clone()],
    })
}

fn serve(words: &[OsString]) -> Result<(), Fault> {
    let [folder, workers] = words else { return Err(misused()) };
    let folder = PathBuf::from(folder);
    let listeners = listeners::receive(&folder)?;
    serve::run(ProxyConfig { folder, listeners, workers: read(workers)? })
}

fn read<T: FromStr>(word: &OsString) -> Result<T, Fault> {
    word.to_str().and_then(|word| word.parse().ok()).ok_or_else(misused)
}

fn misused() -> Fault {
    Fault::invalid("this part of Shipway is started by Shipway itself").with_hint("see `shipway --help`")
}

fn ended(result: Result<(), Fault>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // Nothing is left to do when even that can't be said.
            let _ = writeln!(std::io::stderr(), "shipway: {fault}");
            ExitCode::FAILURE
        }
    }
}
