//! Source folders: copied to where they are built, without what version control ignores.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use futures_util::future::BoxFuture;
use ignore::WalkBuilder;
use shipway_core::ports::{Fault, Sources};

use crate::{
    artifacts::{blocking, link, make_folder},
    share::{Share, rest},
};

/// Folders of version control systems.
const LEFT_BEHIND: [&str; 4] = [".git", ".hg", ".jj", ".svn"];
/// Bytes of a text file that is read whole.
const TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Source folders on this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct FolderSources {
    share: Share,
}

impl FolderSources {
    /// Source folders whose copying uses no more of the processor than that.
    pub fn with_share(share: Share) -> Self {
        Self { share }
    }
}

impl Sources for FolderSources {
    fn copy<'a>(&'a self, from: &'a Path, into: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        let (from, into) = (from.to_owned(), into.to_owned());
        blocking(self.share, move || copy(&from, &into))
    }

    fn make_folder<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        let folder = folder.to_owned();
        blocking(self.share, move || make_folder(&folder))
    }

    fn remove<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        let folder = folder.to_owned();
        blocking(self.share, move || match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Fault::io(format!("removing {}", folder.display()), &error))
            }
            _ => Ok(()),
        })
    }

    fn read_text<'a>(&'a self, file: &'a Path) -> BoxFuture<'a, Result<Option<String>, Fault>> {
        let file: PathBuf = file.to_owned();
        blocking(self.share, move || {
            let doing = || format!("reading {}", file.display());
            match fs::metadata(&file) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(Fault::io(doing(), &error)),
                Ok(metadata) if metadata.len() > TEXT_BYTES_MAX => {
                    return Err(Fault::invalid(format!("{} is larger than {TEXT_BYTES_MAX} bytes", file.display())));
                }
                Ok(_) => {}
            }
            fs::read_to_string(&file).map(Some).map_err(|error| Fault::io(doing(), &error))
        })
    }
}

fn copy(from: &Path, into: &Path) -> Result<(), Fault> {
    if !from.is_dir() {
        return Err(Fault::not_found(format!("the source folder {} isn't there", from.display()))
            .with_hint("see `source` in the spec: it is relative to the spec file"));
    }
    make_folder(into)?;
    let target = into.canonicalize().map_err(|error| Fault::io(format!("reading {}", into.display()), &error))?;
    let is_target = move |path: &Path| path.canonicalize().is_ok_and(|path| path == target);
    let walk = WalkBuilder::new(from)
        .hidden(false)
        .ignore(false)
        .require_git(false)
        .parents(false)
        .git_global(false)
        .filter_entry(move |entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            // A copy into a folder of the source would go on for ever.
            let copies_itself = is_folder && entry.depth() > 0 && is_target(entry.path());
            !copies_itself && !LEFT_BEHIND.iter().any(|name| entry.file_name() == *name)
        })
        .build();
    for entry in walk {
        let entry = entry.map_err(|error| Fault::unavailable(format!("reading {}: {error}", from.display())))?;
        rest();
        if entry.depth() > 0 {
            let below = entry.path().strip_prefix(from).unwrap_or(entry.path());
            copy_one(from, entry.path(), &into.join(below))?;
        }
    }
    Ok(())
}

fn copy_one(root: &Path, from: &Path, into: &Path) -> Result<(), Fault> {
    let doing = || format!("copying {}", from.display());
    let metadata = fs::symlink_metadata(from).map_err(|error| Fault::io(doing(), &error))?;
    if metadata.is_dir() {
        return make_folder(into);
    }
    if metadata.is_symlink() {
        link(root, from)?;
        let target = fs::read_link(from).map_err(|error| Fault::io(doing(), &error))?;
        return symlink(target, into).map_err(|error| Fault::io(doing(), &error));
    }
    if !metadata.is_file() {
        return Err(Fault::invalid(format!("{} is neither a file, a folder nor a link", from.display()))
            .with_hint("remove it, or name it in .gitignore"));
    }
    fs::copy(from, into).map(|_| ()).map_err(|error| Fault::io(doing(), &error))
}
