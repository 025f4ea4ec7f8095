//! Backups in a folder, and putting one back.
//!
//! ```text
//! FOLDER/objects/ab/cdef…        contents by their blake3 hash, each there once, for all copies together
//! FOLDER/copies/NAME/files.jsonl what one copy holds: a line for each file, folder and link
//! FOLDER/copies/NAME/about.json  what the copy is, and the hash of its list
//! ```
//!
//! An object is written aside and renamed, and a copy gets its name last: what was cut off is no copy, and its objects
//! are not written again. Keys are no part of it: neither `admin.token` nor a master key.
//!
//! Not here: how the database makes a copy of itself (`store`), data folders are copied (`targets`), when (`schedule` of
//! the server).

mod kept;
mod list;
mod objects;
mod restore;
mod take;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shipway_core::{
    ports::{Fault, FaultKind},
    time::Timestamp,
};

pub use self::{
    kept::prune,
    restore::{RESTORING, Restored, restore},
    take::{Source, take},
};

/// The form of a copy; another one is not guessed at.
pub const FORMAT: u32 = 1;

/// What a copy is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The form of the copy.
    pub format: u32,
    /// Its name: the time at which it was begun.
    pub name: String,
    /// What it holds is as of then.
    pub at: Timestamp,
    /// The version that made it.
    pub version: String,
    /// The epoch of route tables then.
    pub epoch: u64,
    /// How many files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes that were not there from copies before.
    pub new_bytes: u64,
    /// The blake3 hash of `files.jsonl`.
    pub list: String,
}

fn copies(folder: &Path) -> PathBuf {
    folder.join("copies")
}

fn about_file(copy: &Path) -> PathBuf {
    copy.join("about.json")
}

fn list_file(copy: &Path) -> PathBuf {
    copy.join("files.jsonl")
}

/// The names of whole copies, oldest first.
///
/// # Errors
/// The folder can't be read.
pub fn names(folder: &Path) -> Result<Vec<String>, Fault> {
    let entries = match std::fs::read_dir(copies(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Fault::io(format!("reading the backup {}", folder.display()), &error)),
    };
    let whole = |name: &String| !name.starts_with('.');
    let mut names: Vec<_> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(whole).collect();
    names.sort();
    Ok(names)
}

/// What a copy is.
///
/// # Errors
/// It is damaged, or of another form.
pub fn about(folder: &Path, name: &str) -> Result<About, Fault> {
    let file = about_file(&copies(folder).join(name));
    let damaged = |why: String| {
        Fault::new(FaultKind::Corrupt, format!("{} is damaged: {why}", file.display()))
            .with_hint("restore another copy: `shipway restore FOLDER --copy NAME`")
    };
    let text = std::fs::read(&file).map_err(|error| damaged(error.to_string()))?;
    let about: About = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    match about.format {
        FORMAT => Ok(about),
        other => Err(Fault::invalid(format!("{} has form {other}; this version knows {FORMAT}", file.display()))
            .with_hint("use the version of Shipway that made it")),
    }
}
