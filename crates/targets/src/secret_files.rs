//! Secrets of instances: in files on a file system in memory, never on a disk. An instance's folder there holds its
//! variables, which its shim reads while it still has the server's rights, and the files that the application reads.
//! They stay as long as the instance, so that a start that comes later finds them.
//!
//! Not here: which secrets (`engine::secrets`). Memory that is swapped out reaches a disk all the same, where the
//! machine swaps.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown},
    path::{Path, PathBuf},
};

use rustix::{fs::statfs, process::geteuid};
use shipway_core::{
    id::InstanceId,
    ports::Fault,
    secret::{GivenSecrets, SecretText},
};

use crate::{fingerprint::fingerprint, users::User};

/// Where a file system in memory usually is.
pub const MEMORY_FOLDER: &str = "/dev/shm";

/// Types of file systems in memory, as Linux numbers them (statfs(2)): tmpfs and ramfs.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
const VARIABLES: &str = "variables";
const FILES: &str = "files";

/// The secrets of one data folder's instances.
pub(crate) struct SecretFiles {
    memory: PathBuf,
    room: PathBuf,
}

impl SecretFiles {
    /// Those below a folder that should be in memory.
    pub(crate) fn new(memory: &Path, data: &Path) -> Self {
        let name = format!("shipway-{}-{:016x}", geteuid().as_raw(), fingerprint(&data.to_string_lossy()));
        Self { memory: memory.to_owned(), room: memory.join(name) }
    }

    fn folder(&self, instance: &InstanceId) -> PathBuf {
        self.room.join(instance.as_str())
    }

    /// Where an instance finds its files.
    pub(crate) fn files(&self, instance: &InstanceId) -> PathBuf {
        self.folder(instance).join(FILES)
    }

    /// Writes an instance's secrets in the place of what it had, and says where; nowhere when it has none.
    pub(crate) fn write(
        &self,
        instance: &InstanceId,
        given: &GivenSecrets,
        user: Option<User>,
    ) -> Result<Option<PathBuf>, Fault> {
        self.remove(instance);
        if given.is_empty() {
            return Ok(None);
        }
        self.open_room()?;
        let folder = self.folder(instance);
        let written = write_all(&folder, given, user);
        written.map_err(|error| Fault::io(format_args!("writing secrets to {}", folder.display()), &error))?;
        Ok(Some(folder))
    }

    /// Removes an instance's secrets; none is fine.
    pub(crate) fn remove(&self, instance: &InstanceId) {
        remove(&self.folder(instance));
    }

    /// Whether there are any.
    pub(crate) fn has(&self, instance: &InstanceId) -> bool {
        self.folder(instance).exists()
    }

    /// Removes what is left of instances that are not among these.
    pub(crate) fn sweep(&self, stay: impl Fn(&InstanceId) -> bool) {
        if self.is_own().is_err() {
            return;
        }
        let entries = fs::read_dir(&self.room).into_iter().flatten().flatten();
        for entry in entries {
            let stays = entry.file_name().into_string().is_ok_and(|name| stay(&InstanceId::new(name)));
            if !stays {
                remove(&entry.path());
            }
        }
    }

    /// Makes the room when it isn't there. Never on a disk, and never in a folder that somebody else made.
    fn open_room(&self) -> Result<(), Fault> {
        let memory = self.memory.display();
        let found = statfs(&self.memory).map_err(|error| {
            Fault::unavailable(format!("{memory} can't be looked at: {error}")).with_hint(NO_MEMORY_HINT)
        })?;
        // The type's width differs between platforms.
        let kind = found.f_type as u64 & 0xffff_ffff;
        if !IN_MEMORY.contains(&kind) {
            return Err(Fault::unavailable(format!("{memory} is not in memory, and secrets are written to no disk"))
                .with_hint(NO_MEMORY_HINT));
        }
        // Others may pass through to their own files, and can't list what is there.
        match DirBuilder::new().mode(0o711).create(&self.room) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Fault::io(format_args!("making {}", self.room.display()), &error))
            }
            _ => self.is_own(),
        }
    }

    fn is_own(&self) -> Result<(), Fault> {
        let room = self.room.display();
        let found = fs::symlink_metadata(&self.room);
        let found = found.map_err(|error| Fault::io(format_args!("looking at {room}"), &error))?;
        match found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0 {
            true => Ok(()),
            false => Err(Fault::unavailable(format!("{room} is not the server's own folder: somebody else made it"))
                .with_hint("remove it, and see who did")),
        }
    }
}

const NO_MEMORY_HINT: &str = "mount a tmpfs, and name it in the server's variable SHIPWAY_MEMORY_FOLDER";

fn write_all(folder: &Path, given: &GivenSecrets, user: Option<User>) -> io::Result<()> {
    DirBuilder::new().mode(0o711).create(folder)?;
    let variables: BTreeMap<&str, &str> =
        given.variables.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
    write(&folder.join(VARIABLES), 0o600, &serde_json::to_vec(&variables).map_err(io::Error::other)?)?;
    let files = folder.join(FILES);
    DirBuilder::new().mode(0o700).create(&files)?;
    for (name, value) in &given.files {
        // The spec's check says so already; a file anywhere else would be worse than none.
        if name.contains('/') || name.starts_with('.') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is no plain file name")));
        }
        let path = files.join(name);
        write(&path, 0o400, value.reveal().as_bytes())?;
        give(&path, user)?;
    }
    give(&files, user)
}

fn write(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(bytes)
}

fn give(path: &Path, user: Option<User>) -> io::Result<()> {
    user.map_or(Ok(()), |user| chown(path, Some(user.uid), Some(user.gid)))
}

fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %error, "secrets of an ended instance stay in memory");
        }
        _ => {}
    }
}

/// The variables of an instance's folder, for the stage that becomes the application.
pub(crate) fn variables(folder: &Path) -> io::Result<BTreeMap<String, SecretText>> {
    let path = folder.join(VARIABLES);
    let bytes = fs::read(&path).map_err(|error| {
        io::Error::new(error.kind(), format!("the instance's secrets are gone from {}: {error}", path.display()))
    })?;
    // What can't be understood is not repeated: it may hold a part of a value.
    serde_json::from_slice(&bytes).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{} is not what was written there", path.display()))
    })
}
