//! The list of what a copy holds: one line of JSON for each entry, so that it is never in memory as a whole text.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Component, Path},
};

use serde::{Deserialize, Serialize};
use shipway_core::ports::{Fault, FaultKind};

/// Bytes that a line of a list may have.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// A file, a folder or a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// Where, below the data folder.
    pub(super) path: String,
    /// What.
    #[serde(flatten)]
    pub(super) what: What,
    /// Permissions.
    pub(super) mode: u32,
    /// Whose.
    pub(super) uid: u32,
    /// Whose group's.
    pub(super) gid: u32,
    /// When it was changed last, in nanoseconds since 1970.
    pub(super) modified_ns: i64,
}

/// What is in an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub(super) enum What {
    File { hash: String, bytes: u64 },
    Folder,
    Link { target: String },
}

/// A list that is being written.
pub(super) struct Writing {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    doing: String,
}

impl Writing {
    pub(super) fn create(path: &Path) -> Result<Self, Fault> {
        let doing = format!("writing {}", path.display());
        let file = File::create(path).map_err(|error| Fault::io(&doing, &error))?;
        Ok(Self { file: BufWriter::new(file), hasher: blake3::Hasher::new(), doing })
    }

    pub(super) fn add(&mut self, entry: &Entry) -> Result<(), Fault> {
        let mut line = serde_json::to_vec(entry).expect("an entry holds nothing that JSON can't");
        line.push(b'\n');
        self.hasher.update(&line);
        self.file.write_all(&line).map_err(|error| Fault::io(&self.doing, &error))
    }

    /// The hash of the whole.
    pub(super) fn end(self) -> Result<String, Fault> {
        let file = self.file.into_inner().map_err(|error| Fault::io(&self.doing, error.error()))?;
        file.sync_all().map_err(|error| Fault::io(&self.doing, &error))?;
        Ok(self.hasher.finalize().to_hex().to_string())
    }
}

/// Reads a list from its beginning, and says the hash of what was read.
///
/// # Errors
/// A line can't be read, or leads out of the data folder.
pub(super) fn read(path: &Path, mut each: impl FnMut(Entry) -> Result<(), Fault>) -> Result<String, Fault> {
    let doing = || format!("reading {}", path.display());
    let file = File::open(path).map_err(|error| Fault::io(doing(), &error))?;
    let (mut reader, mut hasher, mut line) = (BufReader::new(file), blake3::Hasher::new(), Vec::new());
    loop {
        line.clear();
        let bounded = &mut std::io::Read::take(&mut reader, LINE_BYTES_MAX as u64);
        if bounded.read_until(b'\n', &mut line).map_err(|error| Fault::io(doing(), &error))? == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        hasher.update(&line);
        let entry: Entry = serde_json::from_slice(&line).map_err(|error| damaged(path, &error.to_string()))?;
        if !is_inside(&entry.path) {
            return Err(damaged(path, &format!("`{}` leads out of the data folder", entry.path)));
        }
        each(entry)?;
    }
}

/// That a list is not as it was written.
pub(super) fn damaged(path: &Path, why: &str) -> Fault {
    Fault::new(FaultKind::Corrupt, format!("{} is damaged: {why}", path.display()))
        .with_hint("restore another copy: `shipway restore FOLDER --copy NAME`")
}

fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}
