//! The folder of a static release, opened once. Nothing outside of it can be reached through it.

use std::{
    ffi::OsStr,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use shipway_core::id::ReleaseId;

/// An opened folder.
#[derive(Debug)]
pub(crate) struct FileRoot {
    folder: OwnedFd,
    /// Differs between any two roots of a process, so that a cached file is never mistaken for another's.
    pub(crate) number: u64,
    pub(crate) release: ReleaseId,
    stamp: Stamp,
}

/// Which folder it is, and when it was changed last: a release that was put right has the same files by name, and
/// others by content.
type Stamp = (u64, i64, i64);

/// What a path names.
#[derive(Debug)]
pub(crate) enum Entry {
    File {
        file: OwnedFd,
        bytes: u64,
    },
    Folder,
    /// Nothing that may be served.
    Nothing,
}

impl FileRoot {
    pub(crate) fn open(release: &ReleaseId, folder: &Path) -> io::Result<Self> {
        static ROOTS: AtomicU64 = AtomicU64::new(0);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(folder, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&folder)?;
        let stamp = (stat.st_ino, stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or(0));
        Ok(Self { folder, number: ROOTS.fetch_add(1, Ordering::Relaxed), release: release.clone(), stamp })
    }

    /// Whether it is still the folder at that path, as it was when it was opened. One that is gone is served on.
    pub(crate) fn is_current(&self, folder: &Path) -> bool {
        let Ok(stat) = rustix::fs::stat(folder) else { return true };
        self.stamp == (stat.st_ino, stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or(0))
    }

    /// Looks a path up. The kernel refuses whatever leads out of the folder: `..`, absolute links, links to outside.
    pub(crate) fn entry(&self, path: &[u8]) -> io::Result<Entry> {
        let path = if path.is_empty() { b"." } else { path };
        // A pipe in the folder must not block its reader.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let file = match rustix::fs::openat2(&self.folder, OsStr::from_bytes(path), flags, Mode::empty(), resolve) {
            Ok(file) => file,
            Err(error) if is_absence(error) => return Ok(Entry::Nothing),
            Err(error) => return Err(error.into()),
        };
        let stat = rustix::fs::fstat(&file)?;
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Entry::File { file, bytes: u64::try_from(stat.st_size).unwrap_or(0) },
            FileType::Directory => Entry::Folder,
            _ => Entry::Nothing,
        })
    }
}

fn is_absence(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::XDEV,
        Errno::LOOP,
        Errno::ACCESS,
        Errno::NAMETOOLONG,
        Errno::INVAL,
        Errno::NXIO,
    ]
    .contains(&error)
}
