//! Source folders, with specs in CUE read as a whole. Not here: copying (`store`), and how specs are read (`spec_text`).

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use shipway_config::read::is_cue;
use shipway_core::ports::{Fault, Sources};
use shipway_store::FolderSources;

use crate::spec_text::{self, Reach};

/// Source folders on this machine.
pub(super) struct SpecSources {
    folders: FolderSources,
    /// What lies in it came from elsewhere.
    uploads: PathBuf,
}

impl SpecSources {
    pub(super) fn new(folders: FolderSources, uploads: PathBuf) -> Self {
        Self { folders, uploads }
    }
}

impl Sources for SpecSources {
    fn copy<'a>(&'a self, from: &'a Path, into: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        self.folders.copy(from, into)
    }

    fn make_folder<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        self.folders.make_folder(folder)
    }

    fn remove<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        self.folders.remove(folder)
    }

    fn read_text<'a>(&'a self, file: &'a Path) -> BoxFuture<'a, Result<Option<String>, Fault>> {
        let name = file.file_name().and_then(|name| name.to_str()).filter(|name| is_cue(name));
        let (Some(folder), Some(name)) = (file.parent(), name) else { return self.folders.read_text(file) };
        let reach = if folder.starts_with(&self.uploads) { Reach::Folder } else { Reach::Module };
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || spec_text::read(&folder, &name, reach));
            read.await.unwrap_or_else(|error| Err(Fault::unavailable(format!("reading a spec: {error}"))))
        })
    }
}
