//! New contents on their way into the artifact store. They are written aside, made durable all together, and only then
//! given the names under which they are found: one sync of the file system instead of one for each file.
//!
//! Not here: which contents make an artifact (`artifacts`).

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use shipway_core::ports::Fault;

use crate::artifacts::{Copied, changed, copy_hashing, make_folder, open};

/// Contents that have no name yet. Dropped, it leaves nothing.
pub(crate) struct Batch {
    aside: PathBuf,
    /// Where each content goes, by its hash.
    named: BTreeMap<String, PathBuf>,
}

impl Batch {
    /// A batch that is written below a folder, on the file system where its contents will be.
    pub(crate) fn new(folder: &Path) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self { aside: folder.join(name), named: BTreeMap::new() }
    }

    /// Adds a file's content, which must be what was read of it before, unless it is there already.
    pub(crate) fn add(&mut self, file: &Path, read: &Copied, named: PathBuf) -> Result<(), Fault> {
        if self.named.contains_key(&read.hash) || named.exists() {
            return Ok(());
        }
        if self.named.is_empty() {
            make_folder(&self.aside)?;
        }
        let aside = self.aside.join(&read.hash);
        let mut written =
            File::create(&aside).map_err(|error| Fault::io(format!("writing {}", aside.display()), &error))?;
        if copy_hashing(&mut open(file)?.take(read.bytes + 1), &mut written, file)? != *read {
            return Err(changed(file));
        }
        self.named.insert(read.hash.clone(), named);
        Ok(())
    }

    /// Makes all contents durable, then names them, then makes the names durable.
    pub(crate) fn settle(self) -> Result<(), Fault> {
        if self.named.is_empty() {
            return Ok(());
        }
        sync_all(&self.aside)?;
        for (hash, named) in &self.named {
            if let Some(parent) = named.parent() {
                make_folder(parent)?;
            }
            fs::rename(self.aside.join(hash), named)
                .map_err(|error| Fault::io(format!("writing {}", named.display()), &error))?;
        }
        sync_all(&self.aside)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // The name is ours alone; when it can't be removed, it is only untidy.
        let _ = fs::remove_dir_all(&self.aside);
    }
}

fn sync_all(folder: &Path) -> Result<(), Fault> {
    rustix::fs::syncfs(open(folder)?)
        .map_err(|error| Fault::io(format!("syncing the disk of {}", folder.display()), &error.into()))
}
