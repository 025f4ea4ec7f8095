//! Files and folders by the names that arguments have for them.
//!
//! Not here: packages.

use std::path::{Path, PathBuf};

use super::files::{Files, Kind, clean};
use crate::error::{Code, Error};

/// A folder and those below it that `...` goes into, in the order of their names.
pub(super) fn folders_under(files: &dyn Files, top: &Path) -> Vec<PathBuf> {
    let (mut folders, mut waiting) = (Vec::new(), vec![top.to_path_buf()]);
    while let Some(folder) = waiting.pop() {
        let mut below: Vec<_> = files.list(&folder).unwrap_or_default();
        below.retain(|(name, kind)| *kind == Kind::Folder && !name.starts_with(['_', '.']) && name != "cue.mod");
        below.sort();
        let below = below.into_iter().rev().map(|(name, _)| folder.join(name));
        let is_own = |folder: &PathBuf| files.kind(&folder.join("cue.mod")).is_none() && !files.is_link(folder);
        waiting.extend(below.filter(is_own));
        folders.push(folder);
    }
    folders
}

/// The CUE files of a folder, in the order of their names.
pub(super) fn cue_files_in(files: &dyn Files, folder: &Path) -> Vec<PathBuf> {
    let mut names = files.list(folder).unwrap_or_default();
    names.retain(|(name, kind)| *kind == Kind::File && name.ends_with(".cue") && !name.starts_with(['_', '.']));
    names.sort();
    names.into_iter().map(|(name, _)| folder.join(name)).collect()
}

/// All CUE files below a folder, in the order of their names.
fn walk(files: &dyn Files, top: &Path, found: &mut Vec<PathBuf>) {
    let mut waiting = vec![(top.to_path_buf(), Kind::Folder)];
    while let Some((path, kind)) = waiting.pop() {
        if kind == Kind::File {
            found.push(path);
            continue;
        }
        let mut below = files.list(&path).unwrap_or_default();
        below.retain(|(name, kind)| match kind {
            Kind::File => name.ends_with(".cue"),
            Kind::Folder => !name.starts_with(['_', '.']) && name != "cue.mod" && !files.is_link(&path.join(name)),
        });
        below.sort();
        waiting.extend(below.into_iter().rev().map(|(name, kind)| (path.join(name), kind)));
    }
}

/// A file that an argument names, if its name says that it is one of CUE.
fn cue_file(path: PathBuf, argument: &str) -> Result<PathBuf, Error> {
    match path.extension() {
        Some(extension) if extension == "cue" => Ok(path),
        _ => Err(Error::new(Code::Load, format!("`{argument}` is not a file of CUE by its name"), None)),
    }
}

/// The CUE files that arguments name; of folders those that stand in them, or all below them if they are gone into.
pub(super) fn cue_files(
    files: &dyn Files,
    folder: &Path,
    arguments: &[String],
    into_folders: bool,
) -> Result<Vec<PathBuf>, Error> {
    let here = [".".to_owned()];
    let mut found = Vec::new();
    for argument in if arguments.is_empty() { &here } else { arguments } {
        if let Some(top) = argument.strip_suffix("...").filter(|_| !into_folders) {
            let folders = folders_under(files, &clean(&folder.join(top)));
            found.extend(folders.iter().flat_map(|folder| cue_files_in(files, folder)));
            continue;
        }
        let path = clean(&folder.join(argument));
        match files.kind(&path) {
            _ if argument == "-" => found.push(PathBuf::from("-")),
            Some(Kind::File) => found.push(cue_file(path, argument)?),
            Some(Kind::Folder) if into_folders => walk(files, &path, &mut found),
            Some(Kind::Folder) => found.extend(cue_files_in(files, &path)),
            None => return Err(Error::new(Code::Load, format!("there is no file or folder `{argument}`"), None)),
        }
    }
    Ok(found)
}
