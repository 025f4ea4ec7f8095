//! Which files of a folder, and of those above it, make a package.
//!
//! Source: CUE's `cue/load/import.go` and `loader_common.go`.
//!
//! Not here: imports.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::condition;
use super::named;
use super::sources::Sources;
use crate::error::{Code, Error};
use crate::syntax::ast::File;

/// Which package of a folder is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    /// The only one there.
    Only,
    /// The one of that name; `_` are the files without one.
    Named(String),
}

/// The names of the packages that a folder has files of, `_` for files without one, in the order of the files. Files that
/// their conditions leave out don't count; what is wrong with one is said where it is loaded.
pub(super) fn packages(sources: &mut Sources<'_>, folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for path in named::cue_files_in(sources.files, folder) {
        let Ok(parsed) = sources.parse(&path) else { continue };
        let file = &parsed.file;
        let counts = matches!(condition::check(file, &mut |tag| sources.is_set(tag)), Ok(None) | Err(_));
        let name = name_of(file);
        if counts && !is_for_tests_or_tools(&path) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The name of a file's package; `_` where it has none.
fn name_of(file: &File) -> String {
    file.package.as_ref().map_or("_", |name| &*name.name).to_owned()
}

/// The files that were found, those in folders further up first.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) files: Vec<Arc<File>>,
}

/// Collects a package from `folder` and, as long as there are files of it, from those above up to `root`.
pub(super) fn collect(
    sources: &mut Sources<'_>,
    folder: &Path,
    root: Option<&Path>,
    wanted: &Wanted,
) -> Result<Found, Vec<Error>> {
    let mut collector = Collector { sources, name: None, first: None, fixed: false, levels: Vec::new(), left_out: 0 };
    if let Wanted::Named(name) = wanted {
        collector.name = Some(name.clone());
        collector.fixed = true;
    }
    let mut at = folder.to_path_buf();
    loop {
        let added = collector.folder(&at)?;
        let first = at == folder;
        let below_root = root.is_some_and(|root| at != root && at.starts_with(root));
        if collector.name.is_none() || !below_root || first && !added || !at.pop() {
            break;
        }
        collector.fixed = true;
    }
    collector.finish(folder)
}

struct Collector<'a, 'b> {
    sources: &'a mut Sources<'b>,
    name: Option<String>,
    first: Option<PathBuf>,
    /// Files of other packages are passed over; else they are an error.
    fixed: bool,
    levels: Vec<Vec<Arc<File>>>,
    left_out: usize,
}

impl Collector<'_, '_> {
    /// Adds the files of one folder; says whether there were any.
    fn folder(&mut self, folder: &Path) -> Result<bool, Vec<Error>> {
        let mut level = Vec::new();
        for path in named::cue_files_in(self.sources.files, folder) {
            let parsed = self.sources.parse(&path)?;
            if !self.belongs(&name_of(&parsed.file), &path, &parsed.file)? {
                continue;
            }
            if !parsed.errors.is_empty() {
                return Err(parsed.errors.clone());
            }
            level.push(parsed.file.clone());
        }
        let added = !level.is_empty();
        self.levels.push(level);
        Ok(added)
    }

    fn belongs(&mut self, name: &str, path: &Path, file: &File) -> Result<bool, Vec<Error>> {
        let same = self.name.as_deref() == Some(name);
        if !same && (name == "_" || self.fixed) {
            return Ok(false);
        }
        let left = condition::check(file, &mut |tag| self.sources.is_set(tag)).map_err(|error| vec![error])?;
        if left.is_some() || is_for_tests_or_tools(path) {
            self.left_out += 1;
            return Ok(false);
        }
        if self.name.is_none() {
            self.name = Some(name.to_owned());
            self.first = Some(path.to_path_buf());
        } else if !same {
            return Err(vec![self.several(name, path, file)]);
        }
        Ok(true)
    }

    fn several(&self, name: &str, path: &Path, file: &File) -> Error {
        let known = self.name.as_deref().unwrap_or_default();
        let first = self.first.as_deref().unwrap_or(path).file_name().unwrap_or_default().display();
        let message = format!("the folder holds several packages: `{known}` ({first}) and `{name}`");
        let span = file.package.as_ref().map(|name| name.span);
        Error::new(Code::Load, message, span).help(format!("say which one is meant: `:{known}` or `:{name}`"))
    }

    fn finish(self, folder: &Path) -> Result<Found, Vec<Error>> {
        let files: Vec<_> = self.levels.into_iter().rev().flatten().collect();
        if files.is_empty() {
            let folder = self.sources.shown(folder);
            let of = self.name.as_ref().map(|name| format!(" of package `{name}`")).unwrap_or_default();
            let message = match self.left_out {
                0 => format!("there is no file{of} with a package clause in `{folder}`"),
                _ => format!("every file{of} in `{folder}` is left out by its conditions"),
            };
            return Err(vec![Error::new(Code::Load, message, None)]);
        }
        Ok(Found { name: self.name.unwrap_or_default(), files })
    }
}

/// Files for tests and for `cue cmd` don't belong to what is exported.
pub(super) fn is_for_tests_or_tools(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with("_test.cue") || name.ends_with("_tool.cue")
}
