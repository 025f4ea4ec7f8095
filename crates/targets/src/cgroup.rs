//! Control groups: which controllers this machine really lets us use, limits, and killing a group as a whole.
//! Version 2, version 1, and both at once. Not here: imitating a limit that no controller holds.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};
use serde::{Deserialize, Serialize};
use shipway_core::{
    ports::{Fault, HeldLimits},
    spec::Limits,
};

use crate::fingerprint::fingerprint;

/// The span over which processor time is shared out, in microseconds.
const CPU_PERIOD_US: u64 = 100_000;
/// The least processor time that the kernel lets a group have in a span, in microseconds.
const CPU_QUOTA_US_MIN: u64 = 1_000;

/// The groups of one instance or command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Groups {
    /// The group that can be killed as a whole.
    pub(crate) kill: Option<PathBuf>,
    /// The groups that hold limits.
    pub(crate) limits: Vec<PathBuf>,
}

impl Groups {
    /// Moves this process into the groups. Joining is what holds a limit, so there it may not fail; killing has
    /// other ways.
    pub(crate) fn join(&self) -> io::Result<()> {
        for group in &self.limits {
            fs::write(group.join("cgroup.procs"), "0").map_err(|error| {
                io::Error::new(error.kind(), format!("can't join the control group {}: {error}", group.display()))
            })?;
        }
        if let Some(group) = self.kill.as_ref().filter(|group| !self.limits.contains(group)) {
            let _ = fs::write(group.join("cgroup.procs"), "0");
        }
        Ok(())
    }

    /// Removes the groups; one that still holds a process stays.
    pub(crate) fn remove(&self) {
        for group in self.kill.iter().chain(&self.limits) {
            let _ = fs::remove_dir(group);
        }
    }
}

/// Who is in a group.
pub(crate) fn members(group: &Path) -> Vec<u32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Kills everything in a group at once, also what forks meanwhile.
pub(crate) fn kill(group: &Path) {
    // Without it the members are killed one by one.
    let _ = fs::write(group.join("cgroup.kill"), "1");
}

/// A controller that is there and may be used.
#[derive(Clone, Debug)]
struct Controller {
    base: PathBuf,
    unified: bool,
}

/// What this machine lets us use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cgroups {
    prefix: String,
    kill: Option<PathBuf>,
    memory: Option<Controller>,
    cpu: Option<Controller>,
    processes: Option<Controller>,
}

impl Cgroups {
    /// Tries what is there. Groups carry the data folder's mark, so that two servers don't meet.
    pub(crate) fn detect(data: &Path) -> Self {
        let prefix = format!("shipway-{:08x}", fingerprint(&data.to_string_lossy()) >> 32);
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let unified = unified_base(&mounts, &own).filter(|base| trial(base, &prefix, "cgroup.kill"));
        let controller = |name: &str, file_1: &str, file_2: &str| {
            let two = unified.as_ref().filter(|base| enable(base, name) && trial(base, &prefix, file_2));
            let two = two.map(|base| Controller { base: base.clone(), unified: true });
            two.or_else(|| {
                let base = legacy_base(&mounts, &own, name).filter(|base| trial(base, &prefix, file_1))?;
                Some(Controller { base, unified: false })
            })
        };
        Self {
            memory: controller("memory", "memory.limit_in_bytes", "memory.max"),
            cpu: controller("cpu", "cpu.cfs_quota_us", "cpu.max"),
            processes: controller("pids", "pids.max", "pids.max"),
            kill: unified,
            prefix,
        }
    }

    /// What is held, in words.
    pub(crate) fn held(&self) -> HeldLimits {
        let parts = [("memory", &self.memory), ("cpu", &self.cpu), ("processes", &self.processes)];
        let mut held: Vec<String> = Vec::new();
        let mut open: Vec<&str> = Vec::new();
        for (name, controller) in parts {
            match controller {
                Some(controller) => held.push(format!("{name} at {}", controller.base.display())),
                None => open.push(name),
            }
        }
        let mut reason = match held.is_empty() {
            true => "no control group controller can be used here".to_owned(),
            false => format!("control groups hold {}", held.join(", ")),
        };
        if !open.is_empty() {
            reason.push_str(&format!("; not limited: {}", open.join(", ")));
        }
        HeldLimits {
            memory: self.memory.is_some(),
            cpu: self.cpu.is_some(),
            processes: self.processes.is_some(),
            reason,
        }
    }

    /// Whether processor time can be held.
    pub(crate) fn holds_cpu(&self) -> bool {
        self.cpu.is_some()
    }

    /// Makes the groups of `name` with its limits. Limits that nothing holds are left out.
    pub(crate) fn create(&self, name: &str, limits: &Limits) -> Result<Groups, Fault> {
        let mut groups =
            Groups { kill: self.kill.as_ref().map(|base| base.join(self.group(name))), limits: Vec::new() };
        if let Some(group) = &groups.kill {
            make(group)?;
        }
        if let (Some(controller), Some(mb)) = (&self.memory, limits.memory_mb) {
            let bytes = mb.saturating_mul(1024 * 1024).to_string();
            let (file, swap, swap_bytes) = match controller.unified {
                true => ("memory.max", "memory.swap.max", "0"),
                false => ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", bytes.as_str()),
            };
            let group = self.limit(&mut groups, controller, name, &[(file, bytes.clone())])?;
            // Beyond the limit it is not to swap instead; a kernel without swap accounting has no such file.
            let _ = fs::write(group.join(swap), swap_bytes);
        }
        if let (Some(controller), Some(cores)) = (&self.cpu, limits.cpu) {
            let quota = ((cores.max(0.0) * CPU_PERIOD_US as f64) as u64).max(CPU_QUOTA_US_MIN);
            let files = match controller.unified {
                true => vec![("cpu.max", format!("{quota} {CPU_PERIOD_US}"))],
                false => {
                    vec![("cpu.cfs_period_us", CPU_PERIOD_US.to_string()), ("cpu.cfs_quota_us", quota.to_string())]
                }
            };
            self.limit(&mut groups, controller, name, &files)?;
        }
        if let (Some(controller), Some(count)) = (&self.processes, limits.processes) {
            self.limit(&mut groups, controller, name, &[("pids.max", count.to_string())])?;
        }
        Ok(groups)
    }

    fn limit(
        &self,
        groups: &mut Groups,
        controller: &Controller,
        name: &str,
        files: &[(&str, String)],
    ) -> Result<PathBuf, Fault> {
        let group = controller.base.join(self.group(name));
        make(&group)?;
        for (file, value) in files {
            let path = group.join(file);
            fs::write(&path, value)
                .map_err(|error| Fault::io(format_args!("setting {} to {value}", path.display()), &error))?;
        }
        if !groups.limits.contains(&group) {
            groups.limits.push(group.clone());
        }
        Ok(group)
    }

    fn group(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// The groups whose name begins so, without those whose name begins as `spared`.
    pub(crate) fn left(&self, name_begins: &str, spared: &str) -> Vec<PathBuf> {
        let (begins, spared) = (self.group(name_begins), self.group(spared));
        let controllers = [&self.memory, &self.cpu, &self.processes];
        let bases = self.kill.iter().chain(controllers.into_iter().flatten().map(|controller| &controller.base));
        let entries = bases.filter_map(|base| fs::read_dir(base).ok()).flatten().flatten();
        let named = entries.filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&begins) && !name.starts_with(&spared)
        });
        named.map(|entry| entry.path()).collect()
    }
}

fn make(group: &Path) -> Result<(), Fault> {
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Fault::io(format_args!("making the control group {}", group.display()), &error))
        }
        _ => Ok(()),
    }
}

/// Whether a group can be made there, has that file, and processes of ours may move into it.
fn trial(base: &Path, prefix: &str, file: &str) -> bool {
    if access(base.join("cgroup.procs"), Access::WRITE_OK).is_err() {
        return false;
    }
    let group = base.join(format!("{prefix}-trial-{}-{:?}", std::process::id(), std::thread::current().id()));
    if make(&group).is_err() {
        return false;
    }
    let usable = access(group.join(file), Access::WRITE_OK).is_ok();
    let _ = fs::remove_dir(&group);
    usable
}

/// Hands a controller of version 2 on to the groups below; refused where the group has processes of its own.
fn enable(base: &Path, controller: &str) -> bool {
    let has = |file: &str| {
        let text = fs::read_to_string(base.join(file)).unwrap_or_default();
        text.split_whitespace().any(|word| word == controller)
    };
    has("cgroup.subtree_control")
        || (has("cgroup.controllers")
            && fs::write(base.join("cgroup.subtree_control"), format!("+{controller}")).is_ok())
}

fn unified_base(mounts: &str, own: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| place(line, "cgroup2", None, path))
}

fn legacy_base(mounts: &str, own: &str, controller: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let controllers = fields.nth(1)?;
        controllers.split(',').any(|name| name == controller).then(|| fields.next())?
    })?;
    mounts.lines().find_map(|line| place(line, "cgroup", Some(controller), path))
}

/// The folder of our own group at a mount, if the line is a mount of that sort.
fn place(line: &str, sort: &str, controller: Option<&str>, own: &str) -> Option<PathBuf> {
    let (left, right) = line.split_once(" - ")?;
    let mut of_right = right.split(' ');
    let (kind, options) = (of_right.next()?, of_right.nth(1).unwrap_or_default());
    if kind != sort || controller.is_some_and(|name| !options.split(',').any(|option| option == name)) {
        return None;
    }
    let mut of_left = left.split(' ').skip(3);
    let (root, mount) = (of_left.next()?, Path::new(of_left.next()?));
    let below = own.strip_prefix(root).unwrap_or(own).trim_start_matches('/');
    // In a container our own group may not be visible under its name; then the mount's root is ours.
    Some(mount.join(below)).filter(|base| base.is_dir()).or_else(|| Some(mount.to_path_buf()))
}
