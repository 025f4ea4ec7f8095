//! The one place where the loader reaches a file system.
//!
//! Not here: what files mean.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::MAX_FILE_BYTES;
use crate::error::{Code, Error};

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something to read.
    File,
    /// Something that holds others.
    Folder,
}

/// A tree of files, and the standard input.
pub trait Files {
    /// The whole content of a file.
    ///
    /// # Errors
    /// It can't be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What stands at a path; links are followed.
    fn kind(&self, path: &Path) -> Option<Kind>;

    /// Whether what stands at a path is a link: `...` doesn't follow those to folders, which could lead in a circle.
    fn is_link(&self, _path: &Path) -> bool {
        false
    }

    /// What stands in a folder, in no particular order.
    ///
    /// # Errors
    /// It can't be read.
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Kind)>>;

    /// The whole standard input.
    ///
    /// # Errors
    /// There is none, or it can't be read.
    fn standard_input(&self) -> io::Result<Vec<u8>>;
}

/// The file system of the machine. Names that are not UTF-8 are left out of lists: no argument or import can say them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let found = std::fs::metadata(path).ok()?;
        Some(if found.is_dir() { Kind::Folder } else { Kind::File })
    }

    fn is_link(&self, path: &Path) -> bool {
        std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Kind)>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Some(kind) = self.kind(&entry.path()) else { continue };
            if let Ok(name) = entry.file_name().into_string() {
                entries.push((name, kind));
            }
        }
        Ok(entries)
    }

    fn standard_input(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::stdin(), &mut bytes)?;
        Ok(bytes)
    }
}

/// Files in memory: what an editor or an upload holds, and what tests write down.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: BTreeMap<PathBuf, Vec<u8>>,
    input: Option<Vec<u8>>,
}

impl Memory {
    /// The same with one more file.
    #[must_use]
    pub fn with(mut self, path: impl AsRef<Path>, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(clean(path.as_ref()), content.into());
        self
    }

    /// The same with a standard input.
    #[must_use]
    pub fn with_input(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.input = Some(content.into());
        self
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(&clean(path)).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let path = clean(path);
        if self.files.contains_key(&path) {
            return Some(Kind::File);
        }
        self.files.keys().any(|file| file.starts_with(&path)).then_some(Kind::Folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Kind)>> {
        let folder = clean(folder);
        let mut entries = BTreeMap::new();
        for file in self.files.keys() {
            let Ok(inside) = file.strip_prefix(&folder) else { continue };
            let mut parts = inside.components();
            if let Some(Component::Normal(name)) = parts.next() {
                let kind = if parts.next().is_some() { Kind::Folder } else { Kind::File };
                entries.insert(name.to_string_lossy().into_owned(), kind);
            }
        }
        if entries.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(entries.into_iter().collect()) }
    }

    fn standard_input(&self) -> io::Result<Vec<u8>> {
        self.input.clone().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// The bytes of a file, `-` being the standard input; `name` is the file's name as messages show it.
///
/// # Errors
/// It can't be read, or is larger than [`MAX_FILE_BYTES`].
pub(crate) fn read_bytes(files: &dyn Files, path: &Path, name: &str) -> Result<Vec<u8>, Error> {
    let bytes = if path == Path::new("-") { files.standard_input() } else { files.read(path) };
    let bytes = bytes.map_err(|reason| Error::new(Code::Load, format!("`{name}` can't be read: {reason}"), None))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Error::new(Code::Limit, format!("`{name}` is larger than {MAX_FILE_BYTES} bytes"), None));
    }
    Ok(bytes)
}

/// The text of a file, `-` being the standard input.
///
/// # Errors
/// As [`read_bytes`]; it is not UTF-8.
pub(crate) fn read_text(files: &dyn Files, path: &Path, name: &str) -> Result<String, Error> {
    let bytes = read_bytes(files, path, name)?;
    String::from_utf8(bytes).map_err(|reason| Error::new(Code::Load, format!("`{name}` is not UTF-8: {reason}"), None))
}

/// A path without `.` and, as far as its own words go, without `..`.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => {
                    clean.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => clean.push(".."),
            },
            other => clean.push(other),
        }
    }
    clean
}
