//! Copies of a service's data folders, and putting them back.
//!
//! A copy is the folder `snapshots/PROJECT/ENVIRONMENT/SERVICE/NAME`: the data in `data`, what it is in `about.json`. It
//! is there whole or not at all. Copies of one service, and putting them back, take turns by a lock on a file, so that
//! one whose caller is gone and one that repeats it don't meet. What the data is put in the place of is exchanged in one
//! step where the file system can, else by two renames, whose gap the next start closes.
//!
//! Not here: how a folder is copied (`copy_tree`), when (the planner), for how long copies are kept (a person).

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{CWD, FlockOperation, RenameFlags},
    io::Errno,
};
use shipway_core::{
    id::SlotKey,
    ports::{DataSnapshot, Fault, FaultKind},
    time::Timestamp,
};

use crate::{
    atomic,
    copy_tree::{self, CopyFault},
    staging,
};

const SNAPSHOTS: &str = "snapshots";
const DATA: &str = "data";
const ABOUT: &str = "about.json";
/// No name of a copy or of a service begins with a dot.
const LOCK: &str = ".lock";
const UNFINISHED: &str = ".new";
/// Before a service's name, beside its data: what is to take its place, and what it took the place of.
const COMING: &str = ".new-";
const LEAVING: &str = ".old-";
/// How long somebody else's turn is waited for: ten minutes.
const TURN_LOOKS_MAX: u32 = 30_000;
const TURN_PAUSE_MS: u64 = 20;
const NAME_CHARS_MAX: usize = 200;
const MIB_BYTES: u64 = 1024 * 1024;
/// The data of services is nobody else's.
const FOLDER_MODE: u32 = 0o700;
const LOCK_MODE: u32 = 0o600;

/// Copies the data folders of a service; a copy of that name is returned as it is.
pub(crate) async fn take(data: &Path, slot: &SlotKey, name: &str, bytes_max: u64) -> Result<DataSnapshot, Fault> {
    let place = Place::new(data, slot);
    let name = checked(name)?.to_owned();
    in_background(move |given_up| place.take(&name, bytes_max, given_up)).await
}

/// Puts a copy in the place of the data folders of a service. The copy stays.
pub(crate) async fn restore(data: &Path, slot: &SlotKey, name: &str) -> Result<(), Fault> {
    let place = Place::new(data, slot);
    let name = checked(name)?.to_owned();
    in_background(move |given_up| place.restore(&name, given_up)).await
}

/// The copies of a service's data folders, newest first.
pub(crate) async fn list(data: &Path, slot: &SlotKey) -> Result<Vec<DataSnapshot>, Fault> {
    let place = Place::new(data, slot);
    in_background(move |_| place.list()).await
}

/// Removes what an earlier server left half done, and ends an exchange that it began.
pub(crate) fn sweep(data: &Path) {
    for slot in folders_below(&data.join(SNAPSHOTS), 3) {
        let unfinished = slot.join(UNFINISHED);
        if unfinished.exists() {
            tell("an unfinished copy stays", remove(&unfinished));
        }
    }
    for environment in folders_below(&staging::all_volumes(data), 2) {
        for entry in fs::read_dir(&environment).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(COMING) {
                tell("unfinished data folders stay", remove(&entry.path()));
            } else if let Some(service) = name.strip_prefix(LEAVING) {
                tell("replaced data folders stay", end_exchange(&entry.path(), &environment.join(service)));
            }
        }
    }
}

fn tell(what: &str, done: Result<(), Fault>) {
    if let Err(fault) = done {
        tracing::warn!(%fault, "{what}");
    }
}

/// Folders so many levels below a folder.
fn folders_below(folder: &Path, levels: usize) -> Vec<PathBuf> {
    let mut found = vec![folder.to_path_buf()];
    for _ in 0..levels {
        let below = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
        let entries = found.into_iter().flat_map(below);
        found = entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path()).collect();
    }
    found
}

/// What runs on when its caller is gone learns of it, and ends before it changes anything.
struct CallerGone(Arc<AtomicBool>);

impl Drop for CallerGone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce(&AtomicBool) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let caller = CallerGone(Arc::default());
    let given_up = caller.0.clone();
    let done = tokio::task::spawn_blocking(move || work(&given_up)).await;
    done.map_err(|error| Fault::unavailable(format!("work on data folders was cut off: {error}")))?
}

/// A name that is one plain file name.
fn checked(name: &str) -> Result<&str, Fault> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let begins_plain = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    match begins_plain && name.len() <= NAME_CHARS_MAX && name.chars().all(is_plain) {
        true => Ok(name),
        false => Err(Fault::invalid(format!("`{}` can't be the name of a snapshot", name.escape_debug())).with_hint(
            format!("use up to {NAME_CHARS_MAX} of a-z, A-Z, 0-9, `-`, `_` and `.`, beginning with a letter or digit"),
        )),
    }
}

/// Where a service's data and its copies are.
struct Place {
    slot: SlotKey,
    /// The data folders.
    volumes: PathBuf,
    /// Where the copies are.
    copies: PathBuf,
}

impl Place {
    fn new(data: &Path, slot: &SlotKey) -> Self {
        let copies = data
            .join(SNAPSHOTS)
            .join(slot.project.as_str())
            .join(slot.environment.as_str())
            .join(slot.service.as_str());
        Self { slot: slot.clone(), volumes: staging::volumes(data, slot), copies }
    }

    fn take(&self, name: &str, bytes_max: u64, given_up: &AtomicBool) -> Result<DataSnapshot, Fault> {
        make_folder(&self.copies)?;
        let _turn = self.turn(given_up)?;
        if let Some(taken) = self.about(name)? {
            return Ok(taken);
        }
        let aside = self.copies.join(UNFINISHED);
        remove(&aside)?;
        let taken = self.fill(&aside, name, bytes_max, given_up).and_then(|taken| {
            settle(&aside)?;
            rename(&aside, &self.copies.join(name))?;
            settle_folder(&self.copies)?;
            Ok(taken)
        });
        if taken.is_err() {
            tell("an unfinished copy stays", remove(&aside));
        }
        taken
    }

    fn fill(&self, aside: &Path, name: &str, bytes_max: u64, given_up: &AtomicBool) -> Result<DataSnapshot, Fault> {
        make_folder(aside)?;
        let copy = aside.join(DATA);
        // A service that never had data folders has an empty copy.
        let bytes = match self.volumes.is_dir() {
            true => copy_tree::copy(&self.volumes, &copy, bytes_max, given_up)
                .map_err(|fault| self.told(fault, bytes_max))?,
            false => make_folder(&copy).map(|()| 0)?,
        };
        let taken = DataSnapshot { name: name.to_owned(), bytes, at: now() };
        atomic::write_json(&aside.join(ABOUT), &taken)
            .map_err(|error| Fault::io(format_args!("writing what {} is", aside.display()), &error))?;
        Ok(taken)
    }

    fn restore(&self, name: &str, given_up: &AtomicBool) -> Result<(), Fault> {
        if !self.copies.is_dir() {
            return Err(self.unknown(name)?);
        }
        let _turn = self.turn(given_up)?;
        if self.about(name)?.is_none() {
            return Err(self.unknown(name)?);
        }
        let (coming, leaving) = (self.beside(COMING), self.beside(LEAVING));
        remove(&coming)?;
        end_exchange(&leaving, &self.volumes)?;
        staging::make_open_folder(self.volumes.parent().unwrap_or(&self.volumes))?;
        let copied = copy_tree::copy(&self.copies.join(name).join(DATA), &coming, u64::MAX, given_up)
            .map_err(|fault| self.told(fault, u64::MAX))
            .and_then(|_| settle(&coming))
            .and_then(|()| self.exchange(&coming, &leaving, given_up));
        if copied.is_err() {
            tell("unfinished data folders stay", remove(&coming));
        }
        copied
    }

    /// Puts what is coming in the place of the data, and removes what was there.
    fn exchange(&self, coming: &Path, leaving: &Path, given_up: &AtomicBool) -> Result<(), Fault> {
        if given_up.load(Ordering::Relaxed) {
            return Err(self.told(CopyFault::GivenUp, u64::MAX));
        }
        let gone = match rustix::fs::renameat_with(CWD, coming, CWD, &self.volumes, RenameFlags::EXCHANGE) {
            Ok(()) => coming,
            Err(_) => {
                // There is nothing to exchange it with, or the file system can't.
                if self.volumes.exists() {
                    rename(&self.volumes, leaving)?;
                }
                rename(coming, &self.volumes)?;
                leaving
            }
        };
        settle_folder(self.volumes.parent().unwrap_or(&self.volumes))?;
        // The data is back; what it took the place of goes at the next start at the latest.
        tell("replaced data folders stay", remove(gone));
        Ok(())
    }

    fn list(&self) -> Result<Vec<DataSnapshot>, Fault> {
        let entries = match fs::read_dir(&self.copies) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| Fault::io(format_args!("reading {}", self.copies.display()), &error))?,
        };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| checked(name).is_ok()) else { continue };
            match self.about(name) {
                Ok(about) => found.extend(about),
                Err(fault) => tracing::warn!(%fault, "a snapshot is not listed"),
            }
        }
        found.sort_by(|one: &DataSnapshot, other| other.at.cmp(&one.at).then_with(|| one.name.cmp(&other.name)));
        Ok(found)
    }

    /// What a copy is; none when there is none of that name.
    fn about(&self, name: &str) -> Result<Option<DataSnapshot>, Fault> {
        let folder = self.copies.join(name);
        if !folder.is_dir() {
            return Ok(None);
        }
        let corrupt = |why: &str| {
            Fault::new(FaultKind::Corrupt, format!("the snapshot {} can't be used: {why}", folder.display()))
                .with_hint("its data may still be whole: look into it, then move it away")
        };
        match atomic::read_json(&folder.join(ABOUT)) {
            Ok(Some(about)) if folder.join(DATA).is_dir() => Ok(Some(about)),
            Ok(Some(_)) => Err(corrupt("it has no data")),
            Ok(None) => Err(corrupt("nothing says what it is")),
            Err(error) => Err(corrupt(&error.to_string())),
        }
    }

    fn unknown(&self, name: &str) -> Result<Fault, Fault> {
        let known: Vec<String> = self.list()?.into_iter().map(|snapshot| snapshot.name).collect();
        let hint = match known.is_empty() {
            true => "there is none; `migrate.snapshot = true` has one taken before each migration".to_owned(),
            false => format!("there are {}", known.join(", ")),
        };
        Ok(Fault::not_found(format!("{} has no snapshot `{name}`", self.slot)).with_hint(hint))
    }

    fn beside(&self, prefix: &str) -> PathBuf {
        self.volumes.with_file_name(format!("{prefix}{}", self.slot.service))
    }

    /// One at a time, also across processes. The kernel gives it back with the file.
    fn turn(&self, given_up: &AtomicBool) -> Result<File, Fault> {
        let lock = self.copies.join(LOCK);
        let failed = |error: io::Error| Fault::io(format_args!("locking {}", lock.display()), &error);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(LOCK_MODE).open(&lock);
        let file = file.map_err(failed)?;
        for _ in 0..TURN_LOOKS_MAX {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(Errno::WOULDBLOCK | Errno::INTR) => thread::sleep(Duration::from_millis(TURN_PAUSE_MS)),
                Err(errno) => return Err(failed(errno.into())),
            }
            if given_up.load(Ordering::Relaxed) {
                return Err(self.told(CopyFault::GivenUp, u64::MAX));
            }
        }
        let message = format!("the data of {} is being copied or put back already", self.slot);
        Err(Fault::unavailable(message).with_hint("try again when that has ended"))
    }

    fn told(&self, fault: CopyFault, bytes_max: u64) -> Fault {
        let slot = &self.slot;
        match fault {
            CopyFault::TooLarge => {
                let mb_max = bytes_max / MIB_BYTES;
                Fault::invalid(format!(
                    "the data folders of {slot} hold more than the {mb_max} MiB that a copy may have"
                ))
                .with_hint("raise `migrate.snapshot_mb_max`, or remove from the folders what nobody needs")
            }
            CopyFault::TooMany => {
                Fault::invalid(format!("the data folders of {slot} hold too many files to be copied"))
                    .with_hint("copy them by other means, and leave `migrate.snapshot` out")
            }
            CopyFault::TooDeep(path) => {
                Fault::invalid(format!("folders of {slot} lie too deep in each other to be copied: {}", path.display()))
                    .with_hint("move what lies there nearer to the root")
            }
            CopyFault::NoRoom { wanted_bytes, free_bytes } => {
                let (wanted_mb, free_mb) = (wanted_bytes.div_ceil(MIB_BYTES), free_bytes / MIB_BYTES);
                let message = format!("a copy of the data of {slot} needs {wanted_mb} MiB, and {free_mb} MiB are free");
                Fault::unavailable(message).with_hint("free some space; what was running goes on")
            }
            CopyFault::GivenUp => Fault::unavailable(format!("work on the data of {slot} was given up")),
            CopyFault::Io { doing, path, error } => {
                let fault = Fault::io(format_args!("{doing} {}", path.display()), &error);
                match error.kind() {
                    io::ErrorKind::PermissionDenied => fault.with_hint("let the server's user read it"),
                    _ => fault,
                }
            }
        }
    }
}

/// Ends what a crash between two renames left: with the old data when nothing took its place yet.
fn end_exchange(leaving: &Path, volumes: &Path) -> Result<(), Fault> {
    match (leaving.exists(), volumes.exists()) {
        (true, false) => rename(leaving, volumes),
        (true, true) => remove(leaving),
        (false, _) => Ok(()),
    }
}

fn make_folder(folder: &Path) -> Result<(), Fault> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
        .map_err(|error| Fault::io(format_args!("making {}", folder.display()), &error))
}

fn rename(from: &Path, to: &Path) -> Result<(), Fault> {
    fs::rename(from, to)
        .map_err(|error| Fault::io(format_args!("moving {} to {}", from.display(), to.display()), &error))
}

/// Waits until everything that was written is on the disk: one call for the file system, not one for each file.
fn settle(folder: &Path) -> Result<(), Fault> {
    let sync = || -> io::Result<()> { Ok(rustix::fs::syncfs(File::open(folder)?)?) };
    sync().map_err(|error| Fault::io(format_args!("writing {} to the disk", folder.display()), &error))
}

/// Waits until the names in a folder are on the disk.
fn settle_folder(folder: &Path) -> Result<(), Fault> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(|error| Fault::io(format_args!("writing {} to the disk", folder.display()), &error))
}

/// Removes a folder with all that is in it, where there is one. Links in it are not followed.
fn remove(folder: &Path) -> Result<(), Fault> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Whoever isn't root has to open closed folders first.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => staging::remove(folder),
        done => done.map_err(|error| Fault::io(format_args!("removing {}", folder.display()), &error)),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
