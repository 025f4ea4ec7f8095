//! The number of requests in flight, written down so that a sudden death can be told in numbers.
//!
//! One file per core and process, locked as long as its process lives: a file without a lock belongs to a process that
//! died with these requests. The number is up to `IN_FLIGHT_WRITE_MS` old.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use shipway_core::ports::Fault;

use crate::file_write::replace;

const FOLDER: &str = "in-flight";
const LOST: &str = "lost-in-flight";

/// One core's file.
#[derive(Debug)]
pub(crate) struct InFlightFile {
    file: File,
    path: PathBuf,
    written: u64,
}

impl InFlightFile {
    pub(crate) fn create(path: &Path) -> Result<Self, Fault> {
        let fault = |error: io::Error| Fault::io(format_args!("creating {}", path.display()), &error);
        let file = File::create(path).map_err(fault)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| fault(error.into()))?;
        let mut created = Self { file, path: path.to_owned(), written: u64::MAX };
        created.write(0);
        Ok(created)
    }

    /// Writes the number down, when it is another.
    pub(crate) fn write(&mut self, in_flight: u64) {
        if in_flight == self.written {
            return;
        }
        // A full disk costs this number, nothing else.
        if self.file.write_all_at(&in_flight.to_le_bytes(), 0).is_ok() {
            self.written = in_flight;
        }
    }

    /// A clean end: nothing was lost.
    pub(crate) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The file of a core of this process.
pub(crate) fn path_of(folder: &Path, boot: &str, core: usize) -> PathBuf {
    folder.join(FOLDER).join(format!("{boot}-{core}"))
}

/// Adds what processes that died had in flight to what was lost so far, and says the sum.
pub(crate) fn collect_lost(folder: &Path) -> Result<u64, Fault> {
    let files = folder.join(FOLDER);
    let fault = |error: io::Error| Fault::io(format_args!("reading {}", files.display()), &error);
    fs::create_dir_all(&files).map_err(fault)?;
    let mut lost = 0;
    for entry in fs::read_dir(&files).map_err(fault)? {
        lost += take_lost(&entry.map_err(fault)?.path()).unwrap_or(0);
    }
    let path = folder.join(LOST);
    let before = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0u64);
    let sum = before.saturating_add(lost);
    if lost > 0
        && let Err(error) = replace(&path, sum.to_string().as_bytes())
    {
        tracing::warn!(%error, sum, "the number of lost requests can't be kept");
    }
    Ok(sum)
}

/// The number of a dead process' file, which is removed.
fn take_lost(path: &Path) -> Option<u64> {
    let file = File::open(path).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    let mut bytes = [0; 8];
    let read = file.read_exact_at(&mut bytes, 0);
    let _ = fs::remove_file(path);
    read.ok().map(|()| u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dead_lose_requests_and_only_once() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(collect_lost(folder.path()), Ok(0));
        let mut alive = InFlightFile::create(&path_of(folder.path(), "a", 0)).expect("a file");
        alive.write(3);
        let mut dead = InFlightFile::create(&path_of(folder.path(), "b", 0)).expect("a file");
        dead.write(4);
        drop(dead);
        assert_eq!(collect_lost(folder.path()), Ok(4));
        assert_eq!(collect_lost(folder.path()), Ok(4));
        alive.remove();
        assert_eq!(collect_lost(folder.path()), Ok(4));
    }
}
