//! Taking a copy. The database comes first: what it names was there before it, so it is in the copy, too.

use std::{
    collections::HashMap,
    fs::{self, File, Metadata, OpenOptions},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use shipway_core::{ports::Fault, time::Timestamp};
use shipway_targets::copy_data;

use super::{
    About, FORMAT, about_file, copies,
    list::{self, Entry, What, Writing},
    list_file, names,
    objects::{Content, Objects},
};

/// What can't be made again, but for the database and data folders: these are copied first.
const FOLDERS: [&str; 3] = ["artifacts", "snapshots", "archive"];
const VOLUMES: &str = "volumes";
/// What never leaves the data folder, wherever it lies: half-written contents and locks.
const PASSING: [&str; 2] = ["incoming", ".lock"];
/// Before the names of folders that are not whole.
const UNFINISHED: &str = ".new";

/// What is copied.
pub struct Source<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// A copy of its database, which moves into the backup.
    pub database: &'a Path,
    /// When that copy was begun.
    pub at: Timestamp,
    /// The epoch of route tables then.
    pub epoch: u64,
}

/// The one that writes to a backup folder.
struct Turn(#[allow(dead_code, reason = "the lock is held as long as it is open")] File);

impl Turn {
    fn take(folder: &Path) -> Result<Self, Fault> {
        let doing = || format!("opening the backup {}", folder.display());
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| Fault::io(doing(), &error))?;
        let file = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(folder.join("lock"));
        let file = file.map_err(|error| Fault::io(doing(), &error))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Fault::unavailable(format!("another backup into {} is under way", folder.display()))
                .with_hint("wait for it: `shipway status` shows when it ended")
        })?;
        Ok(Self(file))
    }
}

/// Does something while nobody else writes to a backup folder.
pub(super) fn in_turn<T>(folder: &Path, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let _turn = Turn::take(folder)?;
    work()
}

/// Takes a copy into a backup folder. What is there already is not copied again.
///
/// # Errors
/// Another copy is being taken, something can't be read, or the disk is full; then there is no copy.
pub fn take(folder: &Path, source: &Source) -> Result<About, Fault> {
    in_turn(folder, || {
        let name = source.at.to_string().replace(':', "-");
        let unfinished = copies(folder).join(format!("{UNFINISHED}-{name}"));
        let taken = fill(folder, &unfinished, &name, source);
        if taken.is_err() {
            // The fault says why; what is left is removed by the next copy.
            let _ = fs::remove_dir_all(&unfinished);
        }
        taken
    })
}

fn fill(folder: &Path, unfinished: &Path, name: &str, source: &Source) -> Result<About, Fault> {
    let doing = || format!("writing the backup {}", folder.display());
    remove_unfinished(folder)?;
    let aside = unfinished.join("aside");
    fs::create_dir_all(&aside).map_err(|error| Fault::io(doing(), &error))?;
    let mut taking = Taking {
        root: source.data.to_owned(),
        objects: Objects::new(folder, &aside),
        known: known(folder)?,
        list: Writing::create(&list_file(unfinished))?,
        files: 0,
        bytes: 0,
    };
    taking.file(source.database, "shipway.db")?;
    for below in FOLDERS {
        taking.below(&source.data.join(below), below)?;
    }
    taking.volumes(&source.data.join(VOLUMES), &aside)?;
    let (files, bytes, new_bytes) = (taking.files, taking.bytes, taking.objects.new_bytes);
    let list = taking.list.end()?;
    fs::remove_dir_all(&aside).map_err(|error| Fault::io(doing(), &error))?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let (at, epoch) = (source.at, source.epoch);
    let about = About { format: FORMAT, name: name.to_owned(), at, version, epoch, files, bytes, new_bytes, list };
    let text = serde_json::to_vec_pretty(&about).expect("what a copy is holds nothing that JSON can't");
    fs::write(about_file(unfinished), text).map_err(|error| Fault::io(doing(), &error))?;
    settle(folder, unfinished, &copies(folder).join(name)).map_err(|error| Fault::io(doing(), &error))?;
    Ok(about)
}

/// Makes everything durable before the copy has its name.
fn settle(folder: &Path, unfinished: &Path, named: &Path) -> std::io::Result<()> {
    rustix::fs::syncfs(File::open(folder)?)?;
    fs::rename(unfinished, named)?;
    File::open(copies(folder))?.sync_all()
}

fn remove_unfinished(folder: &Path) -> Result<(), Fault> {
    for entry in fs::read_dir(copies(folder)).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let removed = fs::remove_dir_all(entry.path());
            removed.map_err(|error| Fault::io(format!("removing {}", entry.path().display()), &error))?;
        }
    }
    Ok(())
}

type Known = HashMap<String, (i64, Content)>;

/// The files of the newest copy: one that looks the same is not read again. A copy that can't be read knows none.
fn known(folder: &Path) -> Result<Known, Fault> {
    let mut known = Known::new();
    if let Some(newest) = names(folder)?.pop() {
        let read = list::read(&list_file(&copies(folder).join(newest)), |entry| {
            if let What::File { hash, bytes } = entry.what {
                known.insert(entry.path, (entry.modified_ns, Content { hash, bytes }));
            }
            Ok(())
        });
        if read.is_err() {
            known.clear();
        }
    }
    Ok(known)
}

struct Taking {
    root: PathBuf,
    objects: Objects,
    known: Known,
    list: Writing,
    files: u64,
    bytes: u64,
}

impl Taking {
    /// A folder of the server's own, with all below it.
    fn below(&mut self, folder: &Path, path: &str) -> Result<(), Fault> {
        let doing = || format!("reading {}", folder.display());
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Fault::io(doing(), &error)),
        };
        let own = fs::symlink_metadata(folder).map_err(|error| Fault::io(doing(), &error))?;
        self.entry(path, What::Folder, &own)?;
        for entry in entries {
            let entry = entry.map_err(|error| Fault::io(doing(), &error))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let message = format!("{} has a name that is not UTF-8", entry.path().display());
                return Err(Fault::invalid(message).with_hint("rename it: a backup can't hold it"));
            };
            if PASSING.contains(&name) || name.starts_with(UNFINISHED) || name.starts_with(".old-") {
                continue;
            }
            let below = format!("{path}/{name}");
            match entry.file_type().map_err(|error| Fault::io(doing(), &error))? {
                kind if kind.is_dir() => self.below(&entry.path(), &below)?,
                kind if kind.is_file() => self.file(&entry.path(), &below)?,
                kind if kind.is_symlink() => self.link(&entry.path(), &below)?,
                // Sockets and devices belong to processes and machines.
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &Path, path: &str) -> Result<(), Fault> {
        let about = match fs::symlink_metadata(file) {
            Ok(about) => about,
            // Removed since the folder was read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Fault::io(format!("reading {}", file.display()), &error)),
        };
        let content = match self.same_as_before(path, &about) {
            Some(content) => content,
            None => self.objects.add(file)?,
        };
        self.files += 1;
        self.bytes += content.bytes;
        self.entry(path, What::File { hash: content.hash, bytes: content.bytes }, &about)
    }

    /// The content of a file that needs not be read. The objects of artifacts are named by it.
    fn same_as_before(&self, path: &str, about: &Metadata) -> Option<Content> {
        let named = path.strip_prefix("artifacts/objects/").map(|name| name.replace('/', ""));
        if let Some(hash) = named {
            return self.objects.has(&hash).then_some(Content { hash, bytes: about.len() });
        }
        if path.starts_with(VOLUMES) {
            return None;
        }
        let (modified_ns, content) = self.known.get(path)?;
        let same = *modified_ns == modified(about) && content.bytes == about.len() && self.objects.has(&content.hash);
        same.then(|| Content { hash: content.hash.clone(), bytes: content.bytes })
    }

    fn link(&mut self, link: &Path, path: &str) -> Result<(), Fault> {
        let doing = || format!("reading {}", link.display());
        let about = fs::symlink_metadata(link).map_err(|error| Fault::io(doing(), &error))?;
        let target = fs::read_link(link).map_err(|error| Fault::io(doing(), &error))?;
        self.entry(path, What::Link { target: target.to_string_lossy().into_owned() }, &about)
    }

    fn entry(&mut self, path: &str, what: What, about: &Metadata) -> Result<(), Fault> {
        let mode = about.mode() & 0o7777;
        let (uid, gid, modified_ns) = (about.uid(), about.gid(), modified(about));
        self.list.add(&Entry { path: path.to_owned(), what, mode, uid, gid, modified_ns })
    }

    /// The data folders of services, one service at a time. They are copied before they are read: applications write to
    /// them meanwhile, and need not be friends.
    fn volumes(&mut self, volumes: &Path, aside: &Path) -> Result<(), Fault> {
        for service in services(volumes)? {
            let path = service.strip_prefix(&self.root).unwrap_or(&service).to_string_lossy().into_owned();
            for (above, name) in ancestors(&self.root, &path) {
                let about = fs::symlink_metadata(&above)
                    .map_err(|error| Fault::io(format!("reading {}", above.display()), &error))?;
                self.entry(&name, What::Folder, &about)?;
            }
            let copied = aside.join("data");
            copy_data(&service, &copied)?;
            self.below(&copied, &path)?;
            fs::remove_dir_all(&copied).map_err(|error| Fault::io(format!("removing {}", copied.display()), &error))?;
        }
        Ok(())
    }
}

fn modified(about: &Metadata) -> i64 {
    about.mtime().saturating_mul(1_000_000_000).saturating_add(about.mtime_nsec())
}

/// Folders above a path, the outermost first, without the path itself.
fn ancestors(root: &Path, path: &str) -> Vec<(PathBuf, String)> {
    let mut above: Vec<_> = Path::new(path).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()).collect();
    above.reverse();
    above.into_iter().map(|above| (root.join(above), above.to_string_lossy().into_owned())).collect()
}

/// The data folders of all services: `volumes/PROJECT/ENVIRONMENT/SERVICE`.
fn services(volumes: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut folders = vec![volumes.to_owned()];
    for _ in 0..3 {
        let mut below = Vec::new();
        for folder in folders {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder && !entry.file_name().to_string_lossy().starts_with('.') {
                    below.push(entry.path());
                }
            }
        }
        below.sort();
        folders = below;
    }
    Ok(folders)
}
