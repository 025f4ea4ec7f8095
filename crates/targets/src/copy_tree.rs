//! Copies of folders as they are: modes, times, owners (as root), links as links, holes as holes. Blocks are shared
//! where the file system can.
//!
//! An application may write to the folder meanwhile, and need not be a friend: every step goes from a folder that is
//! open to a name within it, and no link is followed. What is gone before it is reached is not missed.
//!
//! Left out: sockets, FIFOs and devices, which belong to processes and machines, not to data. Not here, and lost in the
//! copy: hard links (each becomes a file of its own) and extended attributes.

use std::{
    ffi::{CString, OsStr},
    fs::{self, File},
    io::{self, Read, Seek},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::DirBuilderExt},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid},
    io::Errno,
};

/// How deep folders may lie in each other: each level holds two open folders.
const LEVELS_MAX: usize = 128;
/// How many files, folders and links a copy may have.
const ENTRIES_MAX: u64 = 2_000_000;
/// How much is copied between two looks at the bound and at whether it is still wanted.
const CHUNK_BYTES: u64 = 8 * 1024 * 1024;
/// Room that stays free on the disk: what runs goes on writing.
const ROOM_LEFT_BYTES: u64 = 64 * 1024 * 1024;
/// The unit of `st_blocks`, whatever the file system's own.
const BLOCK_BYTES: u64 = 512;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Opening a FIFO that took the place of a file must not wait for its other end.
const SOURCE_FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::CLOEXEC);
/// Nobody else looks at what is half there.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Why a copy ended early.
#[derive(Debug)]
pub(crate) enum CopyFault {
    /// It would be larger than it may.
    TooLarge,
    /// It would have more than `ENTRIES_MAX` entries.
    TooMany,
    /// Folders lie in each other more than `LEVELS_MAX` deep.
    TooDeep(PathBuf),
    /// The disk has not the room for it.
    NoRoom { wanted_bytes: u64, free_bytes: u64 },
    /// Nobody wants it any more.
    GivenUp,
    /// The machine could not.
    Io { doing: &'static str, path: PathBuf, error: io::Error },
}

/// Copies a folder to where nothing is yet, and says how many bytes of data the copy holds. What it made before a fault
/// stays, for the caller to remove.
pub(crate) fn copy(from: &Path, to: &Path, bytes_max: u64, given_up: &AtomicBool) -> Result<u64, CopyFault> {
    let source = open_folder(CWD, from).map_err(|errno| fault("opening", from, errno))?;
    let mut copying =
        Copying { bytes_max, given_up, bytes: 0, entries: 0, to_come: 0, shares: true, is_root: is_root() };
    let measured = copying.measure(&source, from, 0)?;
    fs::DirBuilder::new().mode(FOLDER_MODE).create(to).map_err(|error| io_fault("making", to, error))?;
    let target = open_folder(CWD, to).map_err(|errno| fault("opening", to, errno))?;
    copying.to_come = measured;
    copying.entries = 0;
    copying.folder(&source, &target, from, 0)?;
    Ok(copying.bytes)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

struct Copying<'a> {
    bytes_max: u64,
    given_up: &'a AtomicBool,
    /// What was copied.
    bytes: u64,
    entries: u64,
    /// What the whole will be, as it was measured.
    to_come: u64,
    /// Whether the file system can share blocks, as far as is known.
    shares: bool,
    /// Only root may give files away.
    is_root: bool,
}

impl Copying<'_> {
    /// How much data there is, so that what is too large fails before the first byte.
    fn measure(&mut self, source: &OwnedFd, path: &Path, level: usize) -> Result<u64, CopyFault> {
        let mut bytes = 0;
        for name in names(source, path)? {
            let path = within(path, &name);
            self.is_allowed(&path, level)?;
            let Some(stat) = stat(source, &name, &path)? else { continue };
            bytes += match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => data_bytes(&stat),
                FileType::Directory => match still_there("opening", &path, open_folder(source, &name))? {
                    Some(folder) => self.measure(&folder, &path, level + 1)?,
                    None => 0,
                },
                _ => 0,
            };
            if bytes > self.bytes_max {
                return Err(CopyFault::TooLarge);
            }
        }
        Ok(bytes)
    }

    fn is_allowed(&mut self, path: &Path, level: usize) -> Result<(), CopyFault> {
        self.entries += 1;
        if self.given_up.load(Ordering::Relaxed) {
            Err(CopyFault::GivenUp)
        } else if self.entries > ENTRIES_MAX {
            Err(CopyFault::TooMany)
        } else if level >= LEVELS_MAX {
            Err(CopyFault::TooDeep(path.to_path_buf()))
        } else {
            Ok(())
        }
    }

    fn folder(&mut self, source: &OwnedFd, target: &OwnedFd, path: &Path, level: usize) -> Result<(), CopyFault> {
        let stat = rustix::fs::fstat(source).map_err(|errno| fault("looking at", path, errno))?;
        for name in names(source, path)? {
            let path = within(path, &name);
            self.is_allowed(&path, level)?;
            self.entry(source, target, &name, &path, level)?;
        }
        self.keep(target, &stat, path)
    }

    fn entry(
        &mut self,
        source: &OwnedFd,
        target: &OwnedFd,
        name: &CString,
        path: &Path,
        level: usize,
    ) -> Result<(), CopyFault> {
        let Some(stat) = stat(source, name, path)? else { return Ok(()) };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let Some(folder) = still_there("opening", path, open_folder(source, name))? else { return Ok(()) };
                let made = rustix::fs::mkdirat(target, name, Mode::from_raw_mode(FOLDER_MODE))
                    .and_then(|()| open_folder(target, name));
                let made = made.map_err(|errno| fault("copying", path, errno))?;
                self.folder(&folder, &made, path, level + 1)
            }
            FileType::RegularFile => self.file(source, target, name, path),
            FileType::Symlink => self.link(source, target, name, &stat, path),
            kind => {
                tracing::debug!(path = %path.display(), ?kind, "left out of a copy: it belongs to a process");
                Ok(())
            }
        }
    }

    fn file(&mut self, source: &OwnedFd, target: &OwnedFd, name: &CString, path: &Path) -> Result<(), CopyFault> {
        let opened = rustix::fs::openat(source, name, SOURCE_FILE, Mode::empty());
        let Some(input) = still_there("reading", path, opened)? else { return Ok(()) };
        let stat = rustix::fs::fstat(&input).map_err(|errno| fault("looking at", path, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(());
        }
        let output = rustix::fs::openat(target, name, NEW_FILE, Mode::from_raw_mode(FILE_MODE))
            .map_err(|errno| fault("copying", path, errno))?;
        let (input, output) = (File::from(input), File::from(output));
        if self.share(&input, &output, path)? {
            self.count(data_bytes(&stat))?;
        } else {
            self.pour(&input, &output, size(&stat), path)?;
        }
        self.keep(&output, &stat, path)
    }

    /// Shares the blocks of a file with its copy, where the file system can.
    fn share(&mut self, input: &File, output: &File, path: &Path) -> Result<bool, CopyFault> {
        if !self.shares {
            return Ok(false);
        }
        match rustix::fs::ioctl_ficlone(output, input) {
            Ok(()) => Ok(true),
            Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::NOTTY | Errno::NOSYS | Errno::INVAL | Errno::PERM) => {
                self.shares = false;
                self.has_room(output, path)?;
                Ok(false)
            }
            Err(errno) => Err(fault("copying", path, errno)),
        }
    }

    /// Asked once it is known that every byte will need room of its own.
    fn has_room(&self, output: &File, path: &Path) -> Result<(), CopyFault> {
        let disk = rustix::fs::fstatvfs(output).map_err(|errno| fault("asking for the room for", path, errno))?;
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        let wanted_bytes = self.to_come.saturating_sub(self.bytes);
        match wanted_bytes.saturating_add(ROOM_LEFT_BYTES) > free_bytes {
            true => Err(CopyFault::NoRoom { wanted_bytes, free_bytes }),
            false => Ok(()),
        }
    }

    /// Copies the data of a file as long as it was when it was opened, and leaves its holes.
    fn pour(&mut self, input: &File, output: &File, size: u64, path: &Path) -> Result<(), CopyFault> {
        let mut at = 0;
        while let Some((from, to)) = data_from(input, at, size).map_err(|errno| fault("reading", path, errno))? {
            self.pour_extent(input, output, (from, to), path)?;
            at = to;
        }
        let cut = || -> io::Result<()> { output.set_len(size.min(input.metadata()?.len())) };
        cut().map_err(|error| io_fault("copying", path, error))
    }

    fn pour_extent(
        &mut self,
        mut input: &File,
        mut output: &File,
        (from, to): (u64, u64),
        path: &Path,
    ) -> Result<(), CopyFault> {
        let mut at = from;
        while at < to {
            let copied = input
                .seek(io::SeekFrom::Start(at))
                .and_then(|_| output.seek(io::SeekFrom::Start(at)))
                .and_then(|_| io::copy(&mut input.take(CHUNK_BYTES.min(to - at)), &mut output))
                .map_err(|error| io_fault("copying", path, error))?;
            if copied == 0 {
                // It was cut shorter meanwhile.
                return Ok(());
            }
            self.count(copied)?;
            at += copied;
        }
        Ok(())
    }

    fn count(&mut self, bytes: u64) -> Result<(), CopyFault> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.given_up.load(Ordering::Relaxed) {
            Err(CopyFault::GivenUp)
        } else if self.bytes > self.bytes_max {
            Err(CopyFault::TooLarge)
        } else {
            Ok(())
        }
    }

    fn link(
        &self,
        source: &OwnedFd,
        target: &OwnedFd,
        name: &CString,
        stat: &Stat,
        path: &Path,
    ) -> Result<(), CopyFault> {
        let led = rustix::fs::readlinkat(source, name, Vec::new());
        let Some(leads_to) = still_there("reading", path, led)? else { return Ok(()) };
        let make = || -> rustix::io::Result<()> {
            rustix::fs::symlinkat(&leads_to, target, name)?;
            if self.is_root {
                let (uid, gid) = owner(stat);
                rustix::fs::chownat(target, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
            }
            rustix::fs::utimensat(target, name, &times(stat), AtFlags::SYMLINK_NOFOLLOW)
        };
        make().map_err(|errno| fault("copying", path, errno))
    }

    /// Gives a copy the owner, mode and times of its original. The owner first: changing it takes mode bits away.
    fn keep(&self, target: impl AsFd, stat: &Stat, path: &Path) -> Result<(), CopyFault> {
        let keep = || -> rustix::io::Result<()> {
            if self.is_root {
                let (uid, gid) = owner(stat);
                rustix::fs::fchown(&target, Some(uid), Some(gid))?;
            }
            rustix::fs::fchmod(&target, Mode::from_raw_mode(stat.st_mode))?;
            rustix::fs::futimens(&target, &times(stat))
        };
        keep().map_err(|errno| fault("copying", path, errno))
    }
}

fn open_folder<P: rustix::path::Arg>(parent: impl AsFd, name: P) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(parent, name, FOLDER, Mode::empty())
}

fn names(folder: &OwnedFd, path: &Path) -> Result<Vec<CString>, CopyFault> {
    let read = || -> rustix::io::Result<Vec<CString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                names.push(entry.file_name().to_owned());
            }
        }
        Ok(names)
    };
    read().map_err(|errno| fault("reading", path, errno))
}

fn within(path: &Path, name: &CString) -> PathBuf {
    path.join(OsStr::from_bytes(name.to_bytes()))
}

fn stat(parent: &OwnedFd, name: &CString, path: &Path) -> Result<Option<Stat>, CopyFault> {
    still_there("looking at", path, rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW))
}

/// What an application removed before it was reached is not missed.
fn still_there<T>(doing: &'static str, path: &Path, got: rustix::io::Result<T>) -> Result<Option<T>, CopyFault> {
    match got {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(fault(doing, path, errno)),
    }
}

/// The next data of a file at or after a place, and where it ends. A file system that doesn't know holes has none.
fn data_from(input: &File, at: u64, size: u64) -> rustix::io::Result<Option<(u64, u64)>> {
    if at >= size {
        return Ok(None);
    }
    let from = match rustix::fs::seek(input, rustix::fs::SeekFrom::Data(at)) {
        Ok(from) => from,
        Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some((at, size))),
        Err(errno) => return Err(errno),
    };
    if from >= size {
        return Ok(None);
    }
    let to = match rustix::fs::seek(input, rustix::fs::SeekFrom::Hole(from)) {
        Ok(to) => to.min(size),
        // It was cut shorter meanwhile.
        Err(Errno::NXIO) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    Ok(Some((from, to)))
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// What a file really takes: holes take nothing.
fn data_bytes(stat: &Stat) -> u64 {
    u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK_BYTES).min(size(stat))
}

fn owner(stat: &Stat) -> (Uid, Gid) {
    (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid))
}

fn times(stat: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: stat.st_atime as _, tv_nsec: stat.st_atime_nsec as _ },
        last_modification: Timespec { tv_sec: stat.st_mtime as _, tv_nsec: stat.st_mtime_nsec as _ },
    }
}

fn fault(doing: &'static str, path: &Path, errno: Errno) -> CopyFault {
    io_fault(doing, path, errno.into())
}

fn io_fault(doing: &'static str, path: &Path, error: io::Error) -> CopyFault {
    CopyFault::Io { doing, path: path.to_path_buf(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Copies two files of a kilobyte after they were measured otherwise: as if they had grown meanwhile.
    fn copied(bytes_max: u64, to_come: u64, given_up: bool) -> Result<u64, CopyFault> {
        let home = tempfile::TempDir::new().unwrap();
        let (from, to) = (home.path().join("from"), home.path().join("to"));
        for folder in [&from, &to] {
            fs::create_dir(folder).unwrap();
        }
        for name in ["a", "b"] {
            fs::write(from.join(name), [1; 1024]).unwrap();
        }
        let (source, target) = (open_folder(CWD, &from).unwrap(), open_folder(CWD, &to).unwrap());
        let given_up = AtomicBool::new(given_up);
        let is_root = is_root();
        let mut copying =
            Copying { bytes_max, given_up: &given_up, bytes: 0, entries: 0, to_come, shares: true, is_root };
        copying.folder(&source, &target, &from, 0)?;
        Ok(copying.bytes)
    }

    #[test]
    fn what_grows_while_it_is_copied_meets_its_bound() {
        assert!(matches!(copied(2048, 0, false), Ok(2048)));
        assert!(matches!(copied(2047, 0, false), Err(CopyFault::TooLarge)));
        assert!(matches!(copied(1023, 0, false), Err(CopyFault::TooLarge)));
    }

    #[test]
    fn what_nobody_wants_any_more_ends() {
        assert!(matches!(copied(2048, 0, true), Err(CopyFault::GivenUp)));
    }

    #[test]
    fn a_disk_without_the_room_is_told_before_it_is_full() {
        match copied(2048, u64::MAX / 2, false) {
            Err(CopyFault::NoRoom { wanted_bytes, free_bytes }) => assert!(wanted_bytes > free_bytes),
            // Shared blocks need no room.
            Ok(2048) => {}
            other => panic!("{other:?}"),
        }
    }
}
