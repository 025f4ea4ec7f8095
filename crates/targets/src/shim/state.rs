//! What became of an instance: `instances/ID/state.json`, and the lock that says whether its shim lives. Only the shim
//! writes the state.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use shipway_core::time::Timestamp;

use crate::{atomic, launch::PROTOCOL, strays::Process};

const FILE: &str = "state.json";
const LOCK: &str = "lock";
/// How often the lock is tried: whoever asks for it in passing holds it for an instant.
const LOCK_TRIES_MAX: u32 = 100;
const LOCK_TRY_MS: u64 = 10;

/// The state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    pub(crate) version: u32,
    /// The boot of the machine that the process numbers belong to.
    pub(crate) boot: String,
    pub(crate) shim: Process,
    pub(crate) app: Option<Process>,
    pub(crate) port: u16,
    pub(crate) since: Timestamp,
    pub(crate) status: Status,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub(crate) enum Status {
    /// The application was perhaps started.
    Starting,
    /// It runs.
    Running,
    /// It has ended, and so have all its processes.
    Exited { status: Option<i32>, signal: Option<i32>, at: Timestamp },
}

impl State {
    /// Reads the state of an instance's folder; none when it was never started.
    pub(crate) fn read(folder: &Path) -> io::Result<Option<Self>> {
        let state: Option<Self> = atomic::read_json(&folder.join(FILE))?;
        match state {
            Some(state) if state.version != PROTOCOL => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{FILE} has version {}, and this Shipway knows version {PROTOCOL}", state.version),
            )),
            other => Ok(other),
        }
    }

    /// Writes it.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        atomic::write_json(&folder.join(FILE), self)
    }

    /// The application, if it is of this boot and lives.
    pub(crate) fn living_app(&self) -> Option<Process> {
        let app = self.app?;
        (boot_id().is_ok_and(|boot| boot == self.boot) && app.lives()).then_some(app)
    }
}

/// The kernel's name for this boot.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// The time now, for records that people read.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Whether a shim holds the lock.
pub(crate) fn is_held(folder: &Path) -> io::Result<bool> {
    let file = match File::open(folder.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Takes the lock for as long as the file is open.
pub(super) fn hold(folder: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join(LOCK))?;
    for _ in 0..LOCK_TRIES_MAX {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => thread::sleep(Duration::from_millis(LOCK_TRY_MS)),
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another shim has this instance"))
}
