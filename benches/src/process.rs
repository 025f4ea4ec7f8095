//! What the kernel says of processes, and folders and ports of our own.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::time::timeout;

use crate::Fallible;

/// Linux counts processor time in hundredths of a second, on every platform that Rust supports.
const TICK_MS: u64 = 10;

/// How long a command may take.
const COMMAND_MS_MAX: u64 = 60_000;

/// Runs a command to its end.
///
/// # Errors
/// It can't be started, or doesn't end.
pub async fn ended(command: Command) -> Fallible<Output> {
    let what = format!("{command:?}");
    let mut command = tokio::process::Command::from(command);
    let output = command.kill_on_drop(true).output();
    let output = timeout(Duration::from_millis(COMMAND_MS_MAX), output).await;
    Ok(output.map_err(|_| format!("{what} did not end in {COMMAND_MS_MAX} ms"))??)
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Resident.
    pub rss: u64,
    /// Resident, shared pages divided among those who share them.
    pub pss: u64,
    /// Resident and of this process alone.
    pub private: u64,
}

/// Reads the memory of a process.
///
/// # Errors
/// It is gone, or not ours to see.
pub fn memory(pid: u32) -> Fallible<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let field = |name: &str| kib(&text, name);
    Ok(Memory { rss: field("Rss:"), pss: field("Pss:"), private: field("Private_Clean:") + field("Private_Dirty:") })
}

/// The most memory that a process ever had resident, in KiB.
///
/// # Errors
/// It is gone.
pub fn peak_rss(pid: u32) -> Fallible<u64> {
    Ok(kib(&fs::read_to_string(format!("/proc/{pid}/status"))?, "VmHWM:"))
}

fn kib(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// User and system time of a process and its children that ended, in milliseconds.
///
/// # Errors
/// It is gone.
pub fn cpu_ms(pid: u32) -> Fallible<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    Ok(ticks * TICK_MS)
}

/// The processes whose command line has all of these words, or arguments that begin with them.
pub fn with_arguments(beginnings: &[&str]) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let has = |beginning: &&str| line.split('\0').any(|word| word.starts_with(*beginning));
        if pid != std::process::id() && beginnings.iter().all(has) {
            found.push(pid);
        }
    }
    found
}

/// A port that was free a moment ago.
///
/// # Errors
/// There is none.
pub fn free_port() -> Fallible<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// A folder that is gone when this is dropped.
pub struct TempFolder(PathBuf);

impl TempFolder {
    /// Makes one.
    ///
    /// # Errors
    /// The disk is full, or temporary files are not allowed.
    pub fn new() -> Fallible<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("shipway-bench-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder.canonicalize()?))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        // What is left of it lies among temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
