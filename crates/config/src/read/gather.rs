//! Which files a spec in CUE consists of: itself, the other files of its package, the packages that it imports, the
//! module, and what these embed. They are found by loading it and noting what was read.
//!
//! Not here: a file system (whoever calls has one), and whether anything in the files is right: that is told when the
//! text is read.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use shipway_core::finding::Finding;
use shipway_cue::load::{Files, Kind, load};

use super::{
    TEXT_BYTES_MAX,
    cue::{options, refused, with_deep_stack},
    gathered::{Part, is_joined, joined},
};

/// The text of the spec `name` in `folder`, with all that it draws in; of one file alone, its own text.
///
/// # Errors
/// Something that it draws in is no text, or all of it is more than [`TEXT_BYTES_MAX`].
pub fn gather(files: &(dyn Files + Sync), folder: &Path, name: &str, text: String) -> Result<String, Vec<Finding>> {
    if is_joined(&text) || !super::is_cue(name) {
        return Ok(text);
    }
    with_deep_stack(name, || found(files, folder, name, text))
}

fn found(files: &dyn Files, folder: &Path, name: &str, text: String) -> Result<String, Vec<Finding>> {
    let main = folder.join(name);
    let noting = Noting { files, read: RefCell::default() };
    let (options, argument) = options(folder, name, &text);
    // What is wrong is told when the gathered text is read: it holds all that was looked at.
    let _ = load(&noting, &options, &[argument]);
    let mut read = noting.read.into_inner();
    if let Some(fault) = read.fault {
        return Err(refused(name, &fault, "keep only what the spec needs, as text"));
    }
    read.texts.remove(&main);
    if read.texts.is_empty() {
        return Ok(text);
    }
    let root = read.texts.keys().filter_map(|path| path.parent()).fold(folder, common);
    let relative = |path: &Path| path.strip_prefix(root).ok()?.to_str().map(str::to_owned);
    let first = (&main, text);
    let others = read.texts.iter().map(|(path, text)| (path, text.clone()));
    let parts: Option<Vec<Part>> =
        std::iter::once(first).chain(others).map(|(path, text)| Some(Part { path: relative(path)?, text })).collect();
    parts.and_then(|parts| joined(&parts)).ok_or_else(|| {
        refused(name, "one of the files that it draws in has a name that can't be written down", "give it a plain name")
    })
}

/// The longest folder that holds both.
fn common<'a>(a: &'a Path, b: &Path) -> &'a Path {
    a.ancestors().find(|folder| b.starts_with(folder)).unwrap_or(a)
}

#[derive(Default)]
struct Read {
    texts: BTreeMap<PathBuf, String>,
    bytes: usize,
    /// Why the spec can't be gathered.
    fault: Option<String>,
}

/// Files, with a note of each that was read.
struct Noting<'a> {
    files: &'a dyn Files,
    read: RefCell<Read>,
}

impl Noting<'_> {
    fn note(&self, path: &Path, bytes: &[u8]) -> Result<(), String> {
        let mut read = self.read.borrow_mut();
        if read.texts.contains_key(path) {
            return Ok(());
        }
        read.bytes += bytes.len();
        if read.bytes > TEXT_BYTES_MAX {
            return Err(format!("the files that it draws in are larger than {TEXT_BYTES_MAX} bytes together"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| format!("{} is not text", path.display()))?;
        read.texts.insert(path.to_owned(), text.to_owned());
        Ok(())
    }
}

impl Files for Noting<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = self.files.read(path)?;
        self.note(path, &bytes).map_err(|fault| {
            let error = io::Error::other(fault.clone());
            self.read.borrow_mut().fault.get_or_insert(fault);
            error
        })?;
        Ok(bytes)
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        self.files.kind(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Kind)>> {
        self.files.list(folder)
    }

    fn standard_input(&self) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
