//! What this machine has. Not here: what it is used for.

use std::{fs, path::Path};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use shipway_core::{ports::Fault, utilization::IdleTime};

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

/// Clock ticks of a second in `/proc`: a part of the kernel's promises to programs, whatever it counts in itself.
pub(crate) const TICKS_PER_S: u64 = 100;
/// Where the idle fields of the processors' line begin: after its name, and the time for programs, for those that stand
/// back, and for the kernel.
const IDLE_FIELD: usize = 4;

/// Processor time that nobody used since the machine was started.
pub(crate) fn idle_time() -> Result<IdleTime, Fault> {
    let text = fs::read_to_string("/proc/stat").map_err(|error| Fault::io("reading /proc/stat", &error))?;
    let all = text.lines().next().unwrap_or_default();
    // Waiting for a disk is idle, too.
    let ticks: u64 =
        all.split_whitespace().skip(IDLE_FIELD).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(IdleTime { at_us: monotonic_us(), idle_us: ticks * (1_000_000 / TICKS_PER_S) })
}

/// Microseconds of a clock that never goes back.
pub(crate) fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000 + now.tv_nsec.unsigned_abs() / 1000
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

    #[test]
    fn idle_time_goes_on_and_never_back() {
        let (first, second) = (idle_time().unwrap(), idle_time().unwrap());
        assert!(second.at_us >= first.at_us && second.idle_us >= first.idle_us && second.idle_us > 0);
    }
}
