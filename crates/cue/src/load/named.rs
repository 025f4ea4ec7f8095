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
        waiting.extend(below.filter(|folder| files.kind(&folder.join("cue.mod")).is_none()));
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
                None => return Err(Error::new(Code::Load, format!("there is no file or folder `{argument}`"), None)),
            }
        }
    }
    Ok(found)
}
