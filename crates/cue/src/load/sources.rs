//! The files of a load: each read and parsed once, and the tags that their conditions ask for.
//!
//! Not here: which files.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::files::{Files, clean, read_bytes};
use super::{Options, document};
use crate::error::{Code, Error};
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::File;
use crate::syntax::parse_file;

/// Files, read once each, and the tags that conditions ask for.
pub(super) struct Sources<'a> {
    pub(super) files: &'a dyn Files,
    options: &'a Options,
    pub(super) map: SourceMap,
    parsed: HashMap<PathBuf, Rc<Parsed>>,
    paths: HashMap<FileId, PathBuf>,
    /// Tags that a condition has asked for.
    pub(super) used_tags: BTreeSet<String>,
}

/// A CUE file, and what is wrong in it.
pub(super) struct Parsed {
    pub(super) file: Arc<File>,
    pub(super) errors: Vec<Error>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(files: &'a dyn Files, options: &'a Options) -> Self {
        let (map, parsed, paths) = (options.sources.clone(), HashMap::new(), HashMap::new());
        Self { files, options, map, parsed, paths, used_tags: BTreeSet::new() }
    }

    /// The folder that arguments are relative to.
    pub(super) fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// A path as messages show it: relative to the folder of the arguments where it lies in it.
    pub(super) fn shown(&self, path: &Path) -> String {
        let folder = clean(&self.options.folder);
        match path.strip_prefix(&folder) {
            Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
            Ok(inside) => inside.display().to_string(),
            Err(_) => path.display().to_string(),
        }
    }

    /// Where a CUE file was read; empty for what was read elsewhere.
    pub(super) fn path(&self, file: FileId) -> PathBuf {
        self.paths.get(&file).cloned().unwrap_or_default()
    }

    /// Whether a tag is given.
    pub(super) fn is_set(&mut self, tag: &str) -> bool {
        self.used_tags.insert(tag.to_owned());
        self.options.tags.iter().any(|given| given == tag)
    }

    /// The bytes of a file and its number in the map.
    pub(super) fn read(&mut self, path: &Path) -> Result<(FileId, Vec<u8>), Error> {
        let name = self.shown(path);
        let bytes = read_bytes(self.files, path, &name)?;
        Ok((self.map.add(name, document::shown(&bytes)), bytes))
    }

    /// The tree of a CUE file, with what is wrong in it.
    ///
    /// # Errors
    /// It can't be read.
    pub(super) fn parse(&mut self, path: &Path) -> Result<Rc<Parsed>, Vec<Error>> {
        if let Some(known) = self.parsed.get(path) {
            return Ok(Rc::clone(known));
        }
        let (id, bytes) = self.read(path).map_err(|error| vec![error])?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let message = format!("the file is not UTF-8: {error}");
            vec![Error::new(Code::Load, message, Some(Span::of_file(id)))]
        })?;
        let (file, errors) = parse_file(id, text);
        let parsed = Rc::new(Parsed { file: Arc::new(file), errors });
        self.paths.insert(id, path.to_path_buf());
        self.parsed.insert(path.to_path_buf(), Rc::clone(&parsed));
        Ok(parsed)
    }
}
