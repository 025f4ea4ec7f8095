//! From arguments to trees: which files a configuration consists of, read and parsed, with every import bound to a
//! standard package or to another loaded one.
//!
//! Source of the rules: CUE's `cue help inputs`, `cue help modules` and its package `cue/load`.
//!
//! Not here: a registry. A dependency that isn't in the module itself, vendored under `cue.mod/pkg`, `cue.mod/gen` or
//! `cue.mod/usr`, or replaced by a folder in `cue.mod/local-module.cue`, is an error that says so. Nor is evaluation.

mod argument;
mod attribute;
mod condition;
mod document;
mod embed;
mod experiment;
mod files;
mod folder;
mod glob;
mod import_path;
mod loader;
mod module;
mod named;
mod resolve;
mod sources;
mod standard;
mod tag;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use argument::Encoding;
pub use experiment::Experiments;
pub use files::{Disk, Files, Kind, Memory};
pub(crate) use files::{clean, read_text};
pub use import_path::ImportPath;
pub use module::LanguageVersion;
pub use tag::Variables;
pub(crate) use tag::of_value as tag_of_value;

use crate::error::Error;
use crate::report;
use crate::source::{SourceMap, Span};
use crate::syntax::ast;

/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// How far imports may lead from one package into the next, in packages.
pub const MAX_IMPORT_LEVELS: usize = 200;

/// What to load, apart from the arguments.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The folder that arguments are relative to, and from which the module is looked for upwards.
    pub folder: PathBuf,
    /// The package to take where a folder holds several; `cue export -p`.
    pub package: Option<String>,
    /// `name=value` for `@tag(name)`, or a bare name for a shorthand and for `@if(name)`; `cue export -t`.
    pub tags: Vec<String>,
    /// What `@tag(…, var=name)` is filled from, if it is; `cue export -T`.
    pub variables: Option<Variables>,
    /// Files that are known already: those that are read are added to them, so that places in all of them can be told
    /// apart.
    pub sources: SourceMap,
}

/// Everything that was loaded.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The texts of all files.
    pub sources: SourceMap,
    /// Every package once, imported ones before those that import them.
    pub packages: Vec<Package>,
    /// Those of [`Self::packages`] that the arguments named: one for files, one for each package.
    pub instances: Vec<usize>,
    /// The data files among the arguments, in their order.
    pub data: Vec<DataFile>,
    /// The JSON Schemas among the arguments, as data; the instance holds them as CUE.
    pub schemas: Vec<DataFile>,
}

impl Build {
    /// The one instance, if it is one.
    #[must_use]
    pub fn main(&self) -> Option<&Package> {
        match self.instances.as_slice() {
            [only] => self.packages.get(*only),
            _ => None,
        }
    }
}

/// A package: files that are one configuration.
#[derive(Clone, Debug)]
pub struct Package {
    /// What it is imported by, with module and `:name`, such as `example.com/app/schema:schema`. Hidden fields belong
    /// to it: files of one path share them. Files given one by one outside of a module have only their `:name`.
    pub path: Arc<str>,
    /// The name of its package clauses; empty where there is none.
    pub name: Arc<str>,
    /// Its files; those in folders further up come first, else the names decide.
    pub files: Vec<PackageFile>,
}

/// A file of a package.
#[derive(Clone, Debug)]
pub struct PackageFile {
    /// The tree, with what tags and embedded files put in.
    pub tree: Arc<ast::File>,
    /// What each of the tree's imports is, in their order.
    pub imports: Vec<Import>,
    /// The language version of its module, if it is in one.
    pub language: Option<LanguageVersion>,
    /// What `@experiment` and the language version turn on.
    pub experiments: Experiments,
}

/// An import of a file.
#[derive(Clone, Debug)]
pub struct Import {
    /// The name that the file uses it by.
    pub name: Arc<str>,
    /// What it is.
    pub target: Target,
    /// The import's place.
    pub span: Span,
}

/// What an import leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A standard package, by its path.
    Standard(&'static str),
    /// The number of one of [`Build::packages`].
    Package(usize),
}

/// A file of data, read.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// Its name as messages show it.
    pub name: Arc<str>,
    /// What it was read as.
    pub encoding: Encoding,
    /// Its values: several for documents of YAML and lines of JSON.
    pub values: Vec<ast::Expr>,
}

/// Why nothing was loaded.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The texts that the errors point into.
    pub sources: SourceMap,
    /// At least one.
    pub errors: Vec<Error>,
}

impl std::fmt::Display for Failed {
    /// The errors with their lines.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(report::all(&self.errors, &self.sources, report::Colours::None).trim_end())
    }
}

impl std::error::Error for Failed {}

/// The CUE files that arguments name: files, folders with all their files, `folder/...` with those below; whatever
/// conditions and packages they have. No argument is the folder itself.
///
/// # Errors
/// There is no such file or folder, or a file's name doesn't end with `.cue`.
pub fn cue_files(files: &dyn Files, folder: &Path, arguments: &[String]) -> Result<Vec<PathBuf>, Error> {
    named::cue_files(files, folder, arguments, false)
}

/// The CUE files that arguments name: files, and folders with all that is below them. Left out are folders called
/// `cue.mod` and those whose names start with `.` or `_`, unless an argument names them; links to folders are not
/// followed. No argument is the folder itself.
///
/// # Errors
/// As [`cue_files`].
pub fn cue_files_below(files: &dyn Files, folder: &Path, arguments: &[String]) -> Result<Vec<PathBuf>, Error> {
    named::cue_files(files, folder, arguments, true)
}

/// The root of the module that a folder is in: the folder nearest upwards that holds `cue.mod`.
#[must_use]
pub fn module_root(files: &dyn Files, folder: &Path) -> Option<PathBuf> {
    module::root_of(files, folder)
}

/// Loads what the arguments name, as `cue export` takes them: packages first (`.`, `./folder`, `./folder:name`,
/// `./...`, import paths), then files, each with the encoding of its extension or of the qualifier before it
/// (`yaml: file`); `-` is the standard input. No argument is the package of the folder.
///
/// # Errors
/// Everything that was wrong with arguments, files, packages and imports.
pub fn load(files: &dyn Files, options: &Options, arguments: &[String]) -> Result<Build, Failed> {
    loader::Loader::new(files, options).load(arguments)
}
