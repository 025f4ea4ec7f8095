//! Where the server lies: its data folder, its settings, and the file by which the command line finds it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use shipway_core::ports::Fault;

/// Where the control plane listens unless it is told.
pub const LISTEN: &str = "127.0.0.1:7070";
/// Where the proxy listens unless it is told.
pub const PROXY_LISTEN: &str = "127.0.0.1:8080";
/// The port of links unless it is told.
pub const LINK_PORT: u16 = 7081;

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The data folder.
    pub data: PathBuf,
    /// Where the control plane listens.
    pub listen: SocketAddr,
    /// Where the proxy listens.
    pub proxy_listen: SocketAddr,
    /// The port of links, on every address of 127.0.0.0/8.
    pub link_port: u16,
    /// The share of all cores together that a build may use (`0.5` is half of them); not bounded when absent.
    pub cpu_share: Option<f64>,
    /// Where backups go, and how often; none are taken when absent.
    pub backup: Option<BackupPlan>,
}

/// When backups are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupPlan {
    /// The folder.
    pub to: PathBuf,
    /// How often, in milliseconds.
    pub every_ms: u64,
    /// How many copies stay.
    pub keep: usize,
}

/// What a running server writes into its data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Where its control plane listens.
    pub address: SocketAddr,
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
}

/// The data folder when nothing is said: `$XDG_DATA_HOME/shipway`, else `~/.local/share/shipway`.
///
/// # Errors
/// Neither variable is set.
pub fn default_data() -> Result<PathBuf, Fault> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = set("XDG_DATA_HOME") {
        return Ok(folder.join("shipway"));
    }
    match set("HOME") {
        Some(home) => Ok(home.join(".local/share/shipway")),
        None => Err(Fault::invalid("there is no data folder: neither XDG_DATA_HOME nor HOME is set")
            .with_hint("name one with --data or SHIPWAY_DATA")),
    }
}

/// The file by which a running server is found.
pub fn found_file(data: &Path) -> PathBuf {
    data.join("server.json")
}

/// The file that holds the owner's token.
pub fn token_file(data: &Path) -> PathBuf {
    data.join("admin.token")
}

/// Reads where the server of a data folder listens; none when no server wrote it.
pub fn find_server(data: &Path) -> Option<Found> {
    serde_json::from_slice(&std::fs::read(found_file(data)).ok()?).ok()
}

/// Reads the owner's token; none when there is none, or it isn't ours to read.
pub fn read_token(data: &Path) -> Option<String> {
    Some(std::fs::read_to_string(token_file(data)).ok()?.trim().to_owned())
}
