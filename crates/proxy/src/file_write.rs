//! Replacing a file whole: its readers see the old content or the new, never a part.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

/// Writes beside the file, then renames. Not synced: what is kept so is worthless after the machine went down.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    fs::write(&beside, content).and_then(|()| fs::rename(&beside, path)).inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// A name next to a path that no other process uses.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}
