//! The data folder: one server at a time, its token, and the file by which it is found.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use shipway_core::ports::Fault;

use super::time_and_ids::random_hex;
use crate::{
    backup::RESTORING,
    place::{Found, find_server, found_file, read_token, token_file},
};

/// A data folder that this process owns.
pub(super) struct DataFolder {
    path: PathBuf,
    /// The lock is held as long as this file is open.
    _lock: File,
}

impl DataFolder {
    /// Makes the folder when it isn't there, and takes it.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let doing = || format!("opening the data folder {}", path.display());
        let made = fs::DirBuilder::new().recursive(true).mode(0o711).create(path);
        made.map_err(|error| Fault::io(doing(), &error))?;
        let path = fs::canonicalize(path).map_err(|error| Fault::io(doing(), &error))?;
        if path.join(RESTORING).exists() {
            let message = format!("a restore into {} was cut off", path.display());
            return Err(Fault::invalid(message)
                .with_hint("run it again: `shipway restore FOLDER --data` with the same folder begins anew"));
        }
        let lock =
            OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(path.join("server.lock"));
        let lock = lock.map_err(|error| Fault::io(doing(), &error))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let where_ = find_server(&path).map(|found| format!(" at http://{} (pid {})", found.address, found.pid));
            let message =
                format!("another server has the data folder {}: it runs{}", path.display(), where_.unwrap_or_default());
            return Err(
                Fault::unavailable(message).with_hint("use it, stop it with `shipway down`, or name another --data")
            );
        }
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The owner's token; made at the first start.
    pub(super) fn token(&self) -> Result<String, Fault> {
        if let Some(token) = read_token(&self.path).filter(|token| !token.is_empty()) {
            return Ok(token);
        }
        let token = random_hex::<24>();
        write_private(&token_file(&self.path), token.as_bytes())?;
        Ok(token)
    }

    /// Lets the command line find the server.
    pub(super) fn announce(&self, found: &Found) -> Result<(), Fault> {
        let body = serde_json::to_vec(found).expect("an address and a number are JSON");
        write_private(&found_file(&self.path), &body)
    }

    /// Takes the announcement back.
    pub(super) fn withdraw(&self) {
        // A file that stays says only where a server was; nobody answers there.
        let _ = fs::remove_file(found_file(&self.path));
    }
}

/// Writes a file that only its owner reads, whole or not at all.
pub(super) fn write_private(path: &Path, body: &[u8]) -> Result<(), Fault> {
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        // A file that a death left behind may have other rights.
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
        file.write_all(body)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| Fault::io(format!("writing {}", path.display()), &error))
}
