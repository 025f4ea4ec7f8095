//! What instances use: read from their control groups where they have some, else from their processes. Not here: what
//! follows from two readings (`core::utilization`).

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use shipway_core::{
    id::InstanceId,
    ports::Fault,
    utilization::{MemoryOf, Usage},
};

use crate::{
    cgroup::{self, Groups},
    driver::INSTANCES,
    launch::Intent,
    machine::{TICKS_PER_S, monotonic_us},
    shim::state::State,
    strays::{Census, Process},
};

const US_PER_TICK: u64 = 1_000_000 / TICKS_PER_S;
const BYTES_PER_KIB: u64 = 1024;

/// Reads what instances of a data folder use. One that can't be understood is left out, as one that does not run.
pub(crate) async fn read(data: &Path, instances: &[InstanceId]) -> Result<BTreeMap<InstanceId, Usage>, Fault> {
    let (data, instances) = (data.to_path_buf(), instances.to_vec());
    let reading = tokio::task::spawn_blocking(move || {
        let reader = Reader { data, census: OnceCell::new() };
        instances.into_iter().filter_map(|id| Some((id.clone(), reader.usage(&id)?))).collect()
    });
    reading.await.map_err(|error| Fault::unavailable(format!("reading what instances use was cut off: {error}")))
}

struct Reader {
    data: PathBuf,
    /// Everybody's environment is read only when an instance has no group that says who belongs to it.
    census: OnceCell<Census>,
}

impl Reader {
    fn usage(&self, id: &InstanceId) -> Option<Usage> {
        let folder = self.data.join(INSTANCES).join(id.as_str());
        let intent = Intent::read(&folder).ok()??;
        let app = State::read(&folder).ok()??.living_app()?;
        // Joining a group that limits nothing may fail, and then nobody is in it.
        let Groups { kill, limits } = &intent.execution.groups;
        let is_in = |group: &&PathBuf| cgroup::members(group).contains(&app.pid);
        let groups: Vec<&PathBuf> = kill.iter().chain(limits).filter(is_in).collect();
        let own = kill.as_ref().filter(|kill| groups.contains(kill));
        let processes = self.processes(id, app, own);
        let charged = groups.iter().find_map(|group| charged_bytes(group));
        let at_us = monotonic_us();
        let cpu_us = groups.iter().find_map(|group| group_cpu_us(group));
        Some(Usage {
            at_us,
            cpu_us: cpu_us.unwrap_or_else(|| sum(&processes, process_cpu_us)),
            memory_bytes: charged.unwrap_or_else(|| sum(&processes, resident_bytes)),
            memory_of: if charged.is_some() { MemoryOf::ControlGroup } else { MemoryOf::Processes },
            processes: processes.len() as u64,
        })
    }

    fn processes(&self, id: &InstanceId, app: Process, group: Option<&PathBuf>) -> BTreeSet<Process> {
        match group {
            Some(group) => cgroup::members(group).into_iter().filter_map(Process::of).collect(),
            None => self.census.get_or_init(|| Census::take(&self.data)).of(id.as_str(), app),
        }
    }
}

fn sum(processes: &BTreeSet<Process>, of: fn(u32) -> Option<u64>) -> u64 {
    processes.iter().filter_map(|process| of(process.pid)).sum()
}

/// Processor time of a group of version 2 with all that ended in it; the kernel counts it without any controller.
fn group_cpu_us(group: &Path) -> Option<u64> {
    field(&fs::read_to_string(group.join("cpu.stat")).ok()?, "usage_usec")
}

/// What the kernel charges a group, less the pages of files that it could drop at once.
fn charged_bytes(group: &Path) -> Option<u64> {
    let stat = || fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let number = |file: &str| fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok();
    let (charged, droppable) = match number("memory.current") {
        Some(bytes) => (bytes, field(&stat(), "inactive_file")),
        None => (number("memory.usage_in_bytes")?, field(&stat(), "total_inactive_file")),
    };
    Some(charged.saturating_sub(droppable.unwrap_or(0)))
}

/// A number of a file whose lines are a name and a number.
fn field(text: &str, name: &str) -> Option<u64> {
    let words = text.lines().filter_map(|line| line.split_once(' '));
    words.into_iter().find(|(key, _)| *key == name)?.1.trim().parse().ok()
}

/// Processor time of a process and of the children that it waited for.
fn process_cpu_us(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything; user and system time are the fields 14 to 17 of all.
    let (_, rest) = text.rsplit_once(')')?;
    let ticks: u64 = rest.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(ticks * US_PER_TICK)
}

fn resident_bytes(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(rest.split_whitespace().next()?.parse::<u64>().ok()? * BYTES_PER_KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "inactive_file_x 9\nusage_usec 123\ninactive_file 7\n";
        assert_eq!(
            (field(text, "usage_usec"), field(text, "inactive_file"), field(text, "usage")),
            (Some(123), Some(7), None)
        );
    }

    #[test]
    fn this_process_takes_memory_and_time() {
        let me = std::process::id();
        assert!(resident_bytes(me).is_some_and(|bytes| bytes > BYTES_PER_KIB));
        let first = process_cpu_us(me).expect("this process runs");
        let mut turns: u64 = 0;
        while process_cpu_us(me).expect("this process runs") == first {
            turns = std::hint::black_box(turns + 1);
        }
        assert!(turns > 0);
    }

    #[test]
    fn groups_of_both_versions_are_read() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        assert_eq!((group_cpu_us(folder.path()), charged_bytes(folder.path())), (None, None));
        write("memory.usage_in_bytes", "5000\n");
        write("memory.stat", "inactive_file 1\ntotal_inactive_file 1000\n");
        assert_eq!(charged_bytes(folder.path()), Some(4000));
        write("memory.current", "6000\n");
        write("cpu.stat", "usage_usec 42\nuser_usec 40\n");
        assert_eq!((group_cpu_us(folder.path()), charged_bytes(folder.path())), (Some(42), Some(5999)));
    }
}
