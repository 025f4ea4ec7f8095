//! The files by which running instances can read their configuration anew: `configured/ID/config.json`, beside the
//! folders of instances, which nobody but the server may enter. Each is there whole, and belongs to whom its instance
//! runs as.
//!
//! Not here: what a configuration is (`core::release`), telling the instance (`reload`). Secrets are never in it.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown},
    path::{Path, PathBuf},
};

use serde_json::Value;
use shipway_core::{
    id::InstanceId,
    ports::{Fault, Launch},
    release::Release,
};

use crate::users::User;

const FOLDER: &str = "configured";
const FILE: &str = "config.json";
const UNFINISHED: &str = "config.json.new";
/// Only who runs the instance reads it.
const MODE: u32 = 0o400;
/// Others may pass through to their own file, and can't list what is there.
const FOLDER_MODE: u32 = 0o711;

/// The configuration files of one data folder's instances.
pub(crate) struct ConfigFiles {
    room: PathBuf,
}

impl ConfigFiles {
    /// Those of a data folder.
    pub(crate) fn new(data: &Path) -> Self {
        Self { room: data.join(FOLDER) }
    }

    fn folder(&self, instance: &InstanceId) -> PathBuf {
        self.room.join(instance.as_str())
    }

    /// Where an instance finds its file.
    pub(crate) fn file(&self, instance: &InstanceId) -> PathBuf {
        self.folder(instance).join(FILE)
    }

    /// Writes what an instance should read in the place of what it had; nothing where its release asks for no reloads.
    pub(crate) fn write(&self, launch: &Launch, user: Option<User>) -> Result<(), Fault> {
        if launch.release.serve.reload.is_none() {
            return Ok(());
        }
        let folder = self.folder(&launch.instance);
        write_in(&self.room, &folder, &launch.release, user)
            .map_err(|error| Fault::io(format_args!("writing the configuration to {}", folder.display()), &error))
    }

    /// Whether an instance's file is what a release says; also where it needs none.
    pub(crate) fn is_right(&self, instance: &InstanceId, release: &Release) -> bool {
        let found = || serde_json::from_slice::<Value>(&fs::read(self.file(instance)).ok()?).ok();
        release.serve.reload.is_none() || found() == Some(release.configuration())
    }

    /// Removes an instance's file; none is fine.
    pub(crate) fn remove(&self, instance: &InstanceId) {
        remove(&self.folder(instance));
    }

    /// Removes what is left of instances that are not among these.
    pub(crate) fn sweep(&self, stay: impl Fn(&InstanceId) -> bool) {
        for entry in fs::read_dir(&self.room).into_iter().flatten().flatten() {
            let stays = entry.file_name().into_string().is_ok_and(|name| stay(&InstanceId::new(name)));
            if !stays {
                remove(&entry.path());
            }
        }
    }
}

fn write_in(room: &Path, folder: &Path, release: &Release, user: Option<User>) -> io::Result<()> {
    for folder in [room, folder] {
        match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let aside = folder.join(UNFINISHED);
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&aside)?;
    file.write_all(&serde_json::to_vec(&release.configuration()).map_err(io::Error::other)?)?;
    if let Some(user) = user {
        chown(&aside, Some(user.uid), Some(user.gid))?;
    }
    fs::rename(&aside, folder.join(FILE))
}

fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %error, "the configuration of an ended instance stays");
        }
        _ => {}
    }
}
