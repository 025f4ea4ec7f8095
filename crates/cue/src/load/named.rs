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

/// The CUE files that arguments name, and of folders all that are below them.
pub(super) fn cue_files_below(files: &dyn Files, folder: &Path, arguments: &[String]) -> Result<Vec<PathBuf>, Error> {
    let here = [".".to_owned()];
    let mut found = Vec::new();
    for argument in if arguments.is_empty() { &here } else { arguments } {
        let path = clean(&folder.join(argument));
        match files.kind(&path) {
            _ if argument == "-" => found.push(PathBuf::from("-")),
            Some(Kind::File) => found.push(path),
            Some(Kind::Folder) => walk(files, &path, &mut found),
            None => return Err(nothing_there(argument)),
        }
    }
    Ok(found)
}

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

fn nothing_there(argument: &str) -> Error {
    Error::new(Code::Load, format!("there is no file or folder `{argument}`"), None)
}

/// The CUE files that arguments name.
pub(super) fn cue_files(files: &dyn Files, folder: &Path, arguments: &[String]) -> Result<Vec<PathBuf>, Error> {
    let here = [".".to_owned()];
    let mut found = Vec::new();
    for argument in if arguments.is_empty() { &here } else { arguments } {
        if argument == "-" {
            found.push(PathBuf::from("-"));
        } else if let Some(top) = argument.strip_suffix("...") {
            let folders = folders_under(files, &clean(&folder.join(top)));
            found.extend(folders.iter().flat_map(|folder| cue_files_in(files, folder)));
        } else {
            let path = clean(&folder.join(argument));
            match files.kind(&path) {
                Some(Kind::File) => found.push(path),
                Some(Kind::Folder) => found.extend(cue_files_in(files, &path)),
                None => return Err(nothing_there(argument)),
            }
        }
    }
    Ok(found)
}
