//! Puts the files of a release right where they lie, so that what runs there goes on: what differs is unpacked aside and
//! moved into its place. Not here: how it is found (`drift`), instances that have read what was wrong (`engine::keep`).

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use shipway_core::{
    drift::{Difference, DriftChange, Drifted},
    ports::Fault,
    release::Release,
};

use crate::{driver::LocalDriver, staging};

impl LocalDriver {
    /// Makes the files of a release what its artifact says.
    pub(crate) async fn mend_release(&self, release: &Release) -> Result<(), Fault> {
        staging::stage(&self.data, &*self.artifacts, release).await?;
        let differences = self.file_differences(release).await?;
        if differences.is_empty() {
            return Ok(());
        }
        let folder = staging::folder(&self.data, &release.id);
        let aside = staging::aside(&folder);
        let unpacked = self.artifacts.unpack(&release.artifact, &aside).await;
        let (to, from) = (folder.clone(), aside.clone());
        let mended = match unpacked {
            Err(fault) => Err(fault),
            Ok(()) => {
                let moving = tokio::task::spawn_blocking(move || put_right(&differences, &from, &to));
                let moved = moving.await.map_err(|error| Fault::unavailable(format!("mending was cut off: {error}")));
                moved.and_then(|moved| {
                    moved.map_err(|error| Fault::io(format_args!("mending {}", folder.display()), &error))
                })
            }
        };
        staging::remove(&aside)?;
        mended?;
        match self.file_differences(release).await?.first() {
            None => Ok(()),
            Some(first) => {
                Err(Fault::unavailable(format!("release {} is still not right: {first}", release.id.short()))
                    .with_hint("somebody may be changing it at this very moment"))
            }
        }
    }
}

/// Moves what differs from one folder into the other. Its folders are opened for that and shut again, so that also its
/// own times change: who has the folder open learns by them that contents did.
fn put_right(differences: &[Difference], from: &Path, to: &Path) -> io::Result<()> {
    let opened = open_folders(to)?;
    let mut outcome = Ok(());
    for difference in differences {
        let Drifted::File { path } = &difference.of else { continue };
        outcome = outcome.and_then(|()| put_one(difference.change, &from.join(path), &to.join(path)));
    }
    // Deepest first: a folder that is empty now was made by who added files to it.
    for folder in opened.iter().rev() {
        let is_known = folder.strip_prefix(to).is_ok_and(|below| from.join(below).is_dir());
        // One that still holds something, such as the link to a data folder, stays.
        if !is_known {
            let _ = fs::remove_dir(folder);
        }
        if folder.is_dir() {
            fs::set_permissions(folder, Permissions::from_mode(0o555))?;
        }
    }
    outcome
}

fn put_one(change: DriftChange, from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(to)?,
        // A file is replaced in one go; nobody meets half of it.
        Ok(there) if change == DriftChange::Added || !there.is_file() => fs::remove_file(to)?,
        _ => {}
    }
    if change == DriftChange::Added {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let metadata = fs::symlink_metadata(from)?;
    if metadata.is_file() {
        let mode = if metadata.permissions().mode() & 0o100 != 0 { 0o555 } else { 0o444 };
        fs::set_permissions(from, Permissions::from_mode(mode))?;
    }
    match metadata.is_dir() {
        true => fs::create_dir(to).and_then(|()| fs::set_permissions(to, Permissions::from_mode(0o555))),
        false => fs::rename(from, to),
    }
}

/// Opens every folder for writing, the outermost first.
fn open_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    let mut opened = vec![folder.to_path_buf()];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            opened.extend(open_folders(&entry.path())?);
        }
    }
    Ok(opened)
}
