//! Release folders: `releases/ID` is there whole or not at all, read-only, with links to the data folders, which live
//! in `volumes/PROJECT/ENVIRONMENT/SERVICE/NAME` and outlive every release. Not here: what an artifact is (`store`).

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink},
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use shipway_core::{
    id::{ReleaseId, SlotKey},
    ports::{Artifacts, Fault, FaultKind},
    release::Release,
};

use crate::users::{self, User};

const RELEASES: &str = "releases";
const VOLUMES: &str = "volumes";
/// What marks a folder as unfinished, or as being removed.
const UNFINISHED: &str = ".tmp-";

/// Where a release is staged.
pub(crate) fn folder(data: &Path, release: &ReleaseId) -> PathBuf {
    data.join(RELEASES).join(release.as_str())
}

/// Where the data folders of all slots are.
pub(crate) fn all_volumes(data: &Path) -> PathBuf {
    data.join(VOLUMES)
}

/// Where the data folders of a slot are.
pub(crate) fn volumes(data: &Path, slot: &SlotKey) -> PathBuf {
    all_volumes(data).join(slot.project.as_str()).join(slot.environment.as_str()).join(slot.service.as_str())
}

/// Stages a release; one that is there is whole.
pub(crate) async fn stage(data: &Path, artifacts: &dyn Artifacts, release: &Release) -> Result<(), Fault> {
    let user = users::resolve(release.serve.run_as.as_deref())?;
    let volumes = volumes(data, &release.slot);
    let folder = folder(data, &release.id);
    prepare_volumes(data, &volumes, &release.serve.data, user)?;
    if !folder.is_dir() {
        let aside = aside(&folder);
        let staged = fill(artifacts, release, &aside, &volumes).await.and_then(|()| publish(&aside, &folder));
        if let Err(fault) = staged {
            let _ = remove(&aside);
            return Err(fault);
        }
    }
    user.map_or(Ok(()), |user| check_way(user, &folder))
}

/// A name beside a folder for what is unfinished, or leaves.
pub(crate) fn aside(folder: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!("{name}{UNFINISHED}{}-{count}", std::process::id()))
}

async fn fill(artifacts: &dyn Artifacts, release: &Release, aside: &Path, volumes: &Path) -> Result<(), Fault> {
    let parent = aside.parent().unwrap_or(aside);
    make_open_folder(parent)?;
    artifacts.unpack(&release.artifact, aside).await?;
    let found = artifacts.read_tree(aside).await?.digest();
    if found != release.artifact {
        let message = format!(
            "release {} was staged as {} instead of {}",
            release.id.short(),
            found.short(),
            release.artifact.short()
        );
        return Err(Fault::new(FaultKind::Corrupt, message).with_hint("stage it again; if it stays so, check the disk"));
    }
    let (aside, volumes, names) = (aside.to_path_buf(), volumes.to_path_buf(), release.serve.data.clone());
    let finish = tokio::task::spawn_blocking(move || {
        names.iter().try_for_each(|name| link(&aside, &volumes, name))?;
        seal(&aside).map_err(|error| Fault::io(format_args!("making {} read-only", aside.display()), &error))
    });
    finish.await.map_err(|error| Fault::unavailable(format!("staging was cut off: {error}")))?
}

fn publish(aside: &Path, folder: &Path) -> Result<(), Fault> {
    match fs::rename(aside, folder) {
        // Somebody else was first with the very same tree.
        Err(_) if folder.is_dir() => remove(aside),
        Err(error) => Err(Fault::io(format_args!("moving the release to {}", folder.display()), &error)),
        Ok(()) => Ok(()),
    }
}

/// Creates the data folders, which belong to whom the instances run as.
fn prepare_volumes(data: &Path, volumes: &Path, names: &[String], user: Option<User>) -> Result<(), Fault> {
    for name in names {
        let volume = volumes.join(inner_path(name)?);
        let mut made: Vec<&Path> = volume.ancestors().take_while(|folder| *folder != data).collect();
        made.reverse();
        for folder in made {
            refuse_link(folder)?;
            make_open_folder(folder)?;
            let owned = folder.starts_with(volumes);
            if let Some(user) = user.filter(|_| owned) {
                own(folder, user)
                    .map_err(|error| Fault::io(format_args!("changing the owner of {}", folder.display()), &error))?;
            }
        }
    }
    Ok(())
}

/// Instances may write to their data folders: a link that one put there must not lead the server elsewhere.
fn refuse_link(folder: &Path) -> Result<(), Fault> {
    match fs::symlink_metadata(folder).is_ok_and(|metadata| !metadata.is_dir()) {
        true => Err(Fault::invalid(format!("{} is in the way of a data folder and is no folder", folder.display()))
            .with_hint("move it away; it isn't Shipway's")),
        false => Ok(()),
    }
}

fn own(folder: &Path, user: User) -> io::Result<()> {
    let metadata = fs::symlink_metadata(folder)?;
    if (metadata.uid(), metadata.gid()) == (user.uid, user.gid) {
        return Ok(());
    }
    lchown(folder, Some(user.uid), Some(user.gid))
}

/// A folder that others may pass through: instances run as other users.
pub(crate) fn make_open_folder(folder: &Path) -> Result<(), Fault> {
    let make = || -> io::Result<()> {
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    };
    make().map_err(|error| Fault::io(format_args!("making {}", folder.display()), &error))
}

/// A path that stays inside its folder.
fn inner_path(name: &str) -> Result<PathBuf, Fault> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    match plain && !name.is_empty() {
        true => Ok(path.components().collect()),
        false => Err(Fault::invalid(format!("the data folder `{name}` isn't a path inside the release"))
            .with_hint("write it like `data` or `var/uploads`")),
    }
}

fn link(release: &Path, volumes: &Path, name: &str) -> Result<(), Fault> {
    let inner = inner_path(name)?;
    let place = release.join(&inner);
    if fs::symlink_metadata(&place).is_ok() {
        return Err(Fault::invalid(format!("the artifact has `{name}` itself, which is to be a data folder"))
            .with_hint("leave it out of the artifact, or give the data folder another name"));
    }
    let make = || -> io::Result<()> {
        // A link of the artifact's on the way would lead out of the release.
        let mut way = release.to_path_buf();
        for part in inner.parent().into_iter().flat_map(Path::components) {
            way.push(part);
            if fs::symlink_metadata(&way).is_ok_and(|metadata| !metadata.is_dir()) {
                return Err(io::Error::new(io::ErrorKind::NotADirectory, format!("{} is no folder", way.display())));
            }
        }
        fs::create_dir_all(place.parent().unwrap_or(release))?;
        symlink(volumes.join(&inner), &place)
    };
    make().map_err(|error| Fault::io(format_args!("linking the data folder `{name}`"), &error))
}

/// Takes every write permission away, deepest first.
fn seal(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(());
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            seal(&entry?.path())?;
        }
    }
    let executable = metadata.is_dir() || metadata.permissions().mode() & 0o100 != 0;
    fs::set_permissions(path, fs::Permissions::from_mode(if executable { 0o555 } else { 0o444 }))
}

fn check_way(user: User, folder: &Path) -> Result<(), Fault> {
    match users::barrier(user, folder) {
        Err(error) => Err(Fault::io(format_args!("looking at the way to {}", folder.display()), &error)),
        Ok(None) => Ok(()),
        Ok(Some(barrier)) => Err(Fault::invalid(format!(
            "the user with the id {} can't reach the release: {} doesn't let it through",
            user.uid,
            barrier.display()
        ))
        .with_hint(format!("chmod o+x {}", barrier.display()))),
    }
}

/// Removes a release's folder.
pub(crate) fn unstage(data: &Path, release: &ReleaseId) -> Result<(), Fault> {
    let folder = folder(data, release);
    let aside = aside(&folder);
    match fs::rename(&folder, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Fault::io(format_args!("removing {}", folder.display()), &error)),
        Ok(()) => remove(&aside),
    }
}

/// Removes what an earlier server left unfinished.
pub(crate) fn sweep(data: &Path) {
    let entries = fs::read_dir(data.join(RELEASES)).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().contains(UNFINISHED)) {
        if let Err(fault) = remove(&entry.path()) {
            tracing::warn!(%fault, "an unfinished release stays");
        }
    }
}

/// Removes a folder with read-only folders in it.
pub(crate) fn remove(folder: &Path) -> Result<(), Fault> {
    fn open(folder: &Path) -> io::Result<()> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open(&entry.path())?;
            }
        }
        Ok(())
    }
    match open(folder).and_then(|()| fs::remove_dir_all(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::io(format_args!("removing {}", folder.display()), &error))
        }
        _ => Ok(()),
    }
}
