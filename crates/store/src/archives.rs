//! Archived deployments in folders: `PROJECT/ENVIRONMENT/ID.jsonl`, each written aside and renamed, so what is there is
//! whole. Not here: what they hold (`core::archive`).

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use futures_util::future::BoxFuture;
use shipway_core::{
    archive::Archived,
    ports::{Archives, Fault},
};

use crate::{artifacts::blocking, share::Share};

/// Archived deployments below a folder.
pub struct FolderArchives {
    folder: PathBuf,
}

impl FolderArchives {
    /// Below that folder, which is made when the first comes.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl Archives for FolderArchives {
    fn keep<'a>(&'a self, archived: &'a Archived) -> BoxFuture<'a, Result<(), Fault>> {
        let request = &archived.deployment.request;
        let folder = self.folder.join(request.project.as_str()).join(request.environment.as_str());
        let (id, text) = (archived.deployment.id.to_string(), archived.to_text());
        blocking(Share::default(), move || {
            let named = folder.join(format!("{id}.jsonl"));
            let write = || -> std::io::Result<()> {
                DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
                let aside = folder.join(format!(".new-{id}"));
                let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&aside)?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                fs::rename(&aside, &named)?;
                File::open(&folder)?.sync_all()
            };
            write().map_err(|error| Fault::io(format!("archiving in {}", named.display()), &error))
        })
    }
}
