//! Putting a copy back into an empty data folder. Everything is written aside and checked in the same pass; only when
//! all of it is whole does it get its place, so a damaged backup changes nothing.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, lchown, symlink},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use shipway_core::ports::{Fault, FaultKind};

use super::{
    About, about, copies, list,
    list::{Entry, What},
    list_file, names, objects,
};

/// What a data folder holds while it is being filled; a server doesn't start on it.
pub const RESTORING: &str = "restoring";
/// Damaged files that are named; the others are counted.
const NAMED_MAX: usize = 20;

/// What was put back.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The copy.
    pub about: About,
    /// Its database, in place.
    pub database: PathBuf,
}

/// Puts a copy back, the newest when none is named.
///
/// # Errors
/// The folder is not empty, the copy is damaged (each file is named), or the disk is full; nothing has changed then.
pub fn restore(backup: &Path, copy: Option<&str>, data: &Path) -> Result<Restored, Fault> {
    let about = chosen(backup, copy)?;
    make_empty(data)?;
    let aside = data.join(RESTORING);
    let filled = fill(backup, &about, &aside);
    if let Err(fault) = filled {
        // What is left there is removed by the next try.
        let _ = fs::remove_dir_all(&aside);
        return Err(fault);
    }
    put_in_place(&aside, data).map_err(|error| Fault::io(format!("filling {}", data.display()), &error))?;
    Ok(Restored { about, database: data.join("shipway.db") })
}

fn chosen(backup: &Path, copy: Option<&str>) -> Result<About, Fault> {
    let names = names(backup)?;
    let name = match copy {
        Some(copy) => names.iter().find(|name| *name == copy),
        None => names.last(),
    };
    let Some(name) = name else {
        let there =
            if names.is_empty() { "it holds none".to_owned() } else { format!("it holds {}", names.join(", ")) };
        let wanted = copy.map_or_else(|| "a whole copy".to_owned(), |copy| format!("the copy `{copy}`"));
        return Err(Fault::not_found(format!("there is no such thing as {wanted} in {}: {there}", backup.display()))
            .with_hint("a backup that was cut off is no copy; name the folder that `shipway backup` wrote to"));
    };
    about(backup, name)
}

/// An empty data folder; one in which a restore was cut off is emptied.
fn make_empty(data: &Path) -> Result<(), Fault> {
    let doing = || format!("opening {}", data.display());
    let made = fs::DirBuilder::new().recursive(true).mode(0o711).create(data);
    made.map_err(|error| Fault::io(doing(), &error))?;
    let found: Vec<_> = fs::read_dir(data).and_then(Iterator::collect).map_err(|error| Fault::io(doing(), &error))?;
    let unfinished = found.iter().any(|entry: &fs::DirEntry| entry.file_name() == RESTORING);
    if !unfinished && let Some(entry) = found.first() {
        let what = entry.file_name();
        let message = format!("{} is not empty: it holds `{}`", data.display(), what.to_string_lossy());
        return Err(Fault::invalid(message)
            .with_hint("name an empty folder with --data; nothing is ever restored over what is there"));
    }
    // The mark goes last: until then it is known that all of it is an unfinished restore's.
    let (mark, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|entry| entry.file_name() == RESTORING);
    for entry in others.into_iter().chain(mark) {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        removed.map_err(|error| Fault::io(doing(), &error))?;
    }
    Ok(())
}

/// What was found damaged.
#[derive(Default)]
struct Damage {
    named: Vec<String>,
    count: usize,
}

impl Damage {
    fn add(&mut self, path: &str, why: &str) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(format!("{path}: {why}"));
        }
    }

    fn refuse(self, about: &About) -> Result<(), Fault> {
        if self.count == 0 {
            return Ok(());
        }
        let more = match self.count - self.named.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let message = format!(
            "the copy {} is damaged in {} of its files: {}{more}",
            about.name,
            self.count,
            self.named.join("; ")
        );
        Err(Fault::new(FaultKind::Corrupt, message)
            .with_hint("nothing was changed; restore another copy with --copy NAME"))
    }
}

fn fill(backup: &Path, about: &About, aside: &Path) -> Result<(), Fault> {
    let doing = || format!("writing {}", aside.display());
    let list = list_file(&copies(backup).join(&about.name));
    // The list first, alone: what it says decides what is written where.
    if list::read(&list, |_| Ok(()))? != about.list {
        return Err(list::damaged(&list, "it is not the list that was written"));
    }
    fs::DirBuilder::new().mode(0o700).create(aside).map_err(|error| Fault::io(doing(), &error))?;
    let (mut damage, mut folders) = (Damage::default(), Vec::new());
    list::read(&list, |entry| {
        let path = aside.join(&entry.path);
        match &entry.what {
            What::Folder => {
                match fs::DirBuilder::new().mode(0o700).create(&path) {
                    // The folders above services are listed for each of them.
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(Fault::io(format!("making {}", path.display()), &error));
                    }
                    _ => folders.push(entry),
                }
            }
            What::Link { target } => {
                let made = symlink(target, &path).and_then(|()| own(&path, &entry));
                made.map_err(|error| Fault::io(format!("making {}", path.display()), &error))?;
            }
            What::File { hash, bytes } => {
                if let Err(why) = file(&objects::path(&backup.join("objects"), hash), &path, hash, *bytes, &entry) {
                    damage.add(&entry.path, &why?);
                }
            }
        }
        Ok(())
    })?;
    damage.refuse(about)?;
    for entry in folders.iter().rev() {
        let path = aside.join(&entry.path);
        keep(&path, entry).map_err(|error| Fault::io(format!("making {}", path.display()), &error))?;
    }
    File::open(aside).and_then(|folder| Ok(rustix::fs::syncfs(folder)?)).map_err(|error| Fault::io(doing(), &error))
}

/// Copies one file's content, and says why it is damaged, or what the machine could not.
fn file(object: &Path, path: &Path, hash: &str, bytes: u64, entry: &Entry) -> Result<(), Result<String, Fault>> {
    let mut input = File::open(object).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(format!("{} is missing", object.display())),
        _ => Ok(format!("{} can't be read: {error}", object.display())),
    })?;
    let wrote = |error: &io::Error| Err(Fault::io(format!("writing {}", path.display()), error));
    let mut output =
        OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(|error| wrote(&error))?;
    let content = objects::pour(&mut input, &mut output).map_err(|error| wrote(&error))?;
    if content.hash != hash || content.bytes != bytes {
        return Err(Ok(format!("{} holds something else", object.display())));
    }
    drop(output);
    keep(path, entry).map_err(|error| wrote(&error))
}

/// Owner, rights and time as they were. Only root can give a file away.
fn keep(path: &Path, entry: &Entry) -> io::Result<()> {
    own(path, entry)?;
    fs::set_permissions(path, fs::Permissions::from_mode(entry.mode))?;
    let since = Duration::from_nanos(u64::try_from(entry.modified_ns).unwrap_or(0));
    let modified: SystemTime = UNIX_EPOCH + since;
    // A file without the right to be opened keeps the time of now: nothing depends on it.
    if let Ok(file) = File::open(path) {
        file.set_modified(modified)?;
    }
    Ok(())
}

fn own(path: &Path, entry: &Entry) -> io::Result<()> {
    match rustix::process::geteuid().is_root() {
        true => lchown(path, Some(entry.uid), Some(entry.gid)),
        false => Ok(()),
    }
}

/// Gives everything its place, the database last.
fn put_in_place(aside: &Path, data: &Path) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(aside)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(|entry| entry.file_name() == "shipway.db");
    for entry in entries {
        fs::rename(entry.path(), data.join(entry.file_name()))?;
    }
    File::open(data)?.sync_all()?;
    fs::remove_dir(aside)?;
    File::open(data)?.sync_all()
}
