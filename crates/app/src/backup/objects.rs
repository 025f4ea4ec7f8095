//! Contents by their hash: each is there once, whole, and durable before a copy names it.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, Mode, OFlags};
use shipway_core::ports::Fault;

const COPY_BYTES: usize = 256 * 1024;

/// The objects of a backup.
pub(super) struct Objects {
    folder: PathBuf,
    aside: PathBuf,
    next: u64,
    /// Bytes that were written.
    pub(super) new_bytes: u64,
}

/// The content of a file.
pub(super) struct Content {
    pub(super) hash: String,
    pub(super) bytes: u64,
}

impl Objects {
    /// Those of a backup; what is not whole yet lies aside.
    pub(super) fn new(backup: &Path, aside: &Path) -> Self {
        Self { folder: backup.join("objects"), aside: aside.to_owned(), next: 0, new_bytes: 0 }
    }

    /// Whether a content is there.
    pub(super) fn has(&self, hash: &str) -> bool {
        path(&self.folder, hash).exists()
    }

    /// Takes in a file's content, in one pass.
    pub(super) fn add(&mut self, file: &Path) -> Result<Content, Fault> {
        let doing = || format!("copying {}", file.display());
        self.next += 1;
        let aside = self.aside.join(format!("object-{}", self.next));
        let mut output = File::create(&aside).map_err(|error| Fault::io(doing(), &error))?;
        let content = pour(&mut open(file)?, &mut output).map_err(|error| Fault::io(doing(), &error))?;
        let named = path(&self.folder, &content.hash);
        if named.exists() {
            fs::remove_file(&aside).map_err(|error| Fault::io(doing(), &error))?;
            return Ok(content);
        }
        if let Some(parent) = named.parent() {
            fs::create_dir_all(parent).map_err(|error| Fault::io(doing(), &error))?;
        }
        // Its bytes before its name: a content that a cut-off left is found again, and must be whole then.
        output.sync_data().map_err(|error| Fault::io(doing(), &error))?;
        fs::rename(&aside, &named).map_err(|error| Fault::io(doing(), &error))?;
        self.new_bytes += content.bytes;
        Ok(content)
    }
}

/// Where a content is.
pub(super) fn path(folder: &Path, hash: &str) -> PathBuf {
    let (first, rest) = hash.split_at(2.min(hash.len()));
    folder.join(first).join(rest)
}

/// A file, and nothing that it may have been replaced by.
fn open(file: &Path) -> Result<File, Fault> {
    let opened = rustix::fs::openat(CWD, file, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
    opened.map(File::from).map_err(|error| Fault::io(format!("opening {}", file.display()), &error.into()))
}

/// Copies all that is left to read, and says what it was.
pub(super) fn pour(input: &mut impl Read, output: &mut impl Write) -> std::io::Result<Content> {
    let (mut buffer, mut hasher, mut bytes) = (vec![0; COPY_BYTES], blake3::Hasher::new(), 0);
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            return Ok(Content { hash: hasher.finalize().to_hex().to_string(), bytes });
        }
        hasher.update(&buffer[..read]);
        output.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
}
