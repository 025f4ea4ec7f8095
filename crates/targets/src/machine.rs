//! What this machine has. Not here: what it is used for.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use shipway_core::ports::Fault;

/// Facts of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Processor cores that this process may use.
    pub cores: usize,
    /// Memory of the machine, in mebibytes.
    pub memory_mb: u64,
    /// Memory that a new process could use now, in mebibytes.
    pub memory_free_mb: u64,
    /// Room on the disk of the folder asked about, in mebibytes.
    pub disk_mb: u64,
    /// Of it, what is free for this user.
    pub disk_free_mb: u64,
}

/// Reads the facts; the disk is the one that holds `folder`.
pub fn facts(folder: &Path) -> Result<Facts, Fault> {
    let text = fs::read_to_string("/proc/meminfo").map_err(|error| Fault::io("reading /proc/meminfo", &error))?;
    let disk = rustix::fs::statvfs(folder)
        .map_err(|error| Fault::io(format_args!("asking for the room at {}", folder.display()), &error.into()))?;
    Ok(Facts {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        memory_mb: meminfo_mb(&text, "MemTotal:"),
        memory_free_mb: meminfo_mb(&text, "MemAvailable:"),
        disk_mb: disk.f_blocks.saturating_mul(disk.f_frsize) / (1024 * 1024),
        disk_free_mb: disk.f_bavail.saturating_mul(disk.f_frsize) / (1024 * 1024),
    })
}

fn meminfo_mb(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib: Option<u64> = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok());
    kib.unwrap_or(0) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_plausible() {
        let facts = facts(Path::new("/")).unwrap();
        assert!(facts.cores >= 1);
        assert!(facts.memory_mb >= facts.memory_free_mb && facts.memory_mb > 0);
        assert!(facts.disk_mb >= facts.disk_free_mb && facts.disk_mb > 0);
    }
}
