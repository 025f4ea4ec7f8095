//! Finding and killing every process that belongs to an instance or a command, daemons included: by the family tree,
//! by the markers in their environment, and by their control group. Not here: asking politely.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// Names the data folder of the Shipway that started a process.
pub(crate) const FOLDER_MARKER: &str = "SHIPWAY_FOLDER";
/// Names the run of a one-off command.
pub(crate) const RUN_MARKER: &str = "SHIPWAY_RUN";

/// The most of a process's environment that is searched, in bytes; the kernel allows less by default.
const ENVIRON_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How often the living are looked for and killed before they count as unkillable.
const KILL_ROUNDS_MAX: u32 = 500;
/// The pause between two rounds, in milliseconds.
const KILL_ROUND_MS: u64 = 5;

/// A process for certain: its number alone may name another one later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// When it was started, in clock ticks since the machine was.
    pub(crate) start: u64,
}

impl Process {
    /// The process that has this number now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Entry::read(pid).map(|entry| entry.process)
    }

    /// Whether it still runs; a dead one that nobody has waited for does not.
    pub(crate) fn lives(self) -> bool {
        Entry::read(self.pid).is_some_and(|entry| entry.process == self && !entry.dead)
    }

    /// Kills it, and never a later process with the same number.
    pub(crate) fn kill(self) {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return;
        };
        // The descriptor is opened before the start time is compared, so it can't come to mean another process.
        if let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty())
            && self.lives()
        {
            // It may have ended by itself meanwhile, which is what is wanted.
            let _ = pidfd_send_signal(&descriptor, Signal::KILL);
        }
    }
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug)]
struct Entry {
    process: Process,
    parent: u32,
    session: u32,
    dead: bool,
}

impl Entry {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(pid: u32, text: &str) -> Option<Self> {
        // The name stands in brackets and may hold anything, brackets included.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        Some(Self {
            process: Process { pid, start: fields.get(19)?.parse().ok()? },
            parent: fields.get(1)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            dead: matches!(*fields.first()?, "Z" | "X" | "x"),
        })
    }
}

fn living() -> Vec<Entry> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(Entry::read).filter(|entry| !entry.dead).collect()
}

/// Everybody who lives, read once for many families.
pub(crate) struct Census {
    all: Vec<Entry>,
    /// By the instance that their environment names.
    marked: BTreeMap<String, Vec<Process>>,
}

impl Census {
    /// Reads it, with the processes of instances of that data folder.
    pub(crate) fn take(data: &Path) -> Self {
        let folder = format!("{FOLDER_MARKER}={}", data.display());
        let instance = format!("{}=", shipway_core::release::variable::INSTANCE);
        let (all, mut marked) = (living(), BTreeMap::<String, Vec<Process>>::new());
        for entry in &all {
            let environment = environment(entry.process.pid);
            let mut entries = environment.split(|byte| *byte == 0);
            if !entries.clone().any(|entry| entry == folder.as_bytes()) {
                continue;
            }
            if let Some(id) = entries.find_map(|entry| entry.strip_prefix(instance.as_bytes())) {
                marked.entry(String::from_utf8_lossy(id).into_owned()).or_default().push(entry.process);
            }
        }
        Self { all, marked }
    }

    /// The processes of an instance.
    pub(crate) fn of(&self, instance: &str, app: Process) -> BTreeSet<Process> {
        let family = Family { members: vec![app], ..Family::default() };
        let mut found = family.relatives(&self.all);
        found.extend(self.marked.get(instance).into_iter().flatten());
        found
    }
}

/// Which processes belong together, and are to end together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    /// These processes belong to it with all that descends from them.
    pub(crate) members: Vec<Process>,
    /// What descends from these belongs to it, they themselves don't.
    pub(crate) parents: Vec<Process>,
    /// Every process of the sessions that these lead or led. Only for leaders that ended just now: a session's number
    /// is given away again some time after it is empty.
    pub(crate) leaders: Vec<Process>,
    /// Every process whose environment holds all of these entries (`NAME=value`), if there are any.
    pub(crate) markers: Vec<String>,
    /// And an entry that begins so.
    pub(crate) marker_beginning: Option<String>,
    /// But none that begins so.
    pub(crate) spared_beginning: Option<String>,
    /// The control group that holds exactly the family.
    pub(crate) group: Option<PathBuf>,
}

impl Family {
    /// Who of it lives. This process never counts.
    pub(crate) fn living(&self) -> Vec<Process> {
        let all = living();
        let mut found = self.relatives(&all);
        found.extend(self.leaders.iter().flat_map(|leader| session_of(*leader, &all)));
        if !self.markers.is_empty() {
            let strangers = all.iter().map(|entry| entry.process).filter(|process| !found.contains(process));
            let marked: Vec<Process> = strangers.filter(|process| self.is_marked(process.pid)).collect();
            found.extend(marked);
        }
        found.extend(self.group.iter().flat_map(|group| crate::cgroup::members(group)).filter_map(Process::of));
        found.retain(|process| process.pid != std::process::id() && process.pid != 1 && process.lives());
        found.into_iter().collect()
    }

    fn is_marked(&self, pid: u32) -> bool {
        let environment = environment(pid);
        let entries = || environment.split(|byte| *byte == 0);
        let begins = |beginning: &String| entries().any(|entry| entry.starts_with(beginning.as_bytes()));
        self.markers.iter().all(|marker| entries().any(|entry| entry == marker.as_bytes()))
            && self.marker_beginning.as_ref().is_none_or(begins)
            && !self.spared_beginning.as_ref().is_some_and(begins)
    }

    fn relatives(&self, all: &[Entry]) -> BTreeSet<Process> {
        let mut children: BTreeMap<u32, Vec<Process>> = BTreeMap::new();
        for entry in all {
            children.entry(entry.parent).or_default().push(entry.process);
        }
        let mut found: BTreeSet<Process> = BTreeSet::new();
        // One that is gone has no children any more, but whoever has its number now may have.
        let here = |process: &&Process| all.iter().any(|entry| entry.process == **process);
        let mut ask: Vec<Process> = self.members.iter().chain(&self.parents).filter(here).copied().collect();
        while let Some(parent) = ask.pop() {
            for child in children.get(&parent.pid).into_iter().flatten() {
                // A child is younger than its parent; else the parent's number was given away again.
                if child.start >= parent.start && found.insert(*child) {
                    ask.push(*child);
                }
            }
        }
        found.extend(&self.members);
        found
    }

    /// Kills all of it, again and again until nobody is left, and says how many it killed; none when some would not
    /// die. `between` is called in every round.
    pub(crate) fn kill(&self, mut between: impl FnMut()) -> Option<u32> {
        let mut killed = BTreeSet::new();
        for _ in 0..KILL_ROUNDS_MAX {
            let living = self.living();
            between();
            if living.is_empty() {
                return u32::try_from(killed.len()).ok();
            }
            if let Some(group) = &self.group {
                crate::cgroup::kill(group);
            }
            for process in living {
                process.kill();
                killed.insert(process);
            }
            std::thread::sleep(Duration::from_millis(KILL_ROUND_MS));
            between();
        }
        None
    }
}

/// Who is in the session that this process leads or led.
fn session_of(leader: Process, all: &[Entry]) -> impl Iterator<Item = Process> {
    let replaced = all.iter().any(|entry| entry.process.pid == leader.pid && entry.process != leader);
    let fits = move |entry: &&Entry| !replaced && entry.session == leader.pid && entry.process.start >= leader.start;
    all.iter().filter(fits).map(|entry| entry.process)
}

/// The environment that a process was started with; empty when it belongs to another user or is gone.
fn environment(pid: u32) -> Vec<u8> {
    let mut environment = Vec::new();
    if let Ok(file) = File::open(format!("/proc/{pid}/environ"))
        && file.take(ENVIRON_BYTES_MAX).read_to_end(&mut environment).is_err()
    {
        environment.clear();
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_confuse() {
        let fields: Vec<String> = (4..=52).map(|n| n.to_string()).collect();
        let entry = Entry::parse(7, &format!("7 (a) b) S {}", fields.join(" "))).unwrap();
        assert_eq!((entry.parent, entry.session, entry.process.start), (4, 6, 22));
    }

    #[test]
    fn this_process_lives_and_an_older_namesake_does_not() {
        let me = Process::of(std::process::id()).unwrap();
        assert!(me.lives());
        assert!(!Process { start: me.start + 1, ..me }.lives());
    }
}
