//! The module that a folder is in: `cue.mod/module.cue`, and `cue.mod/local-module.cue` with its replacements.
//!
//! Source: CUE's `mod/modfile` and `cue help modules`.
//!
//! Not here: registries and versions of dependencies.

use std::fmt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::files::{Files, Kind, clean, read_text};
use super::import_path::is_major;
use crate::data::Data;
use crate::decode;
use crate::error::{Code, Error};
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::{Decl, File};
use crate::syntax::parse_file;

/// A version of the language, `v0.17.1`; a pre-release comes before its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LanguageVersion {
    numbers: (u32, u32, u32),
    /// Nothing before a release sorts before something.
    is_release: bool,
    pre_release: String,
}

impl LanguageVersion {
    /// A release.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { numbers: (major, minor, patch), is_release: true, pre_release: String::new() }
    }

    /// A version's text, `v0.9.0-alpha.1`; parts left out count as zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('v')?;
        let rest = rest.split_once('+').map_or(rest, |(version, _)| version);
        let (numbers, pre_release) = match rest.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (rest, None),
        };
        let numbers: Vec<u32> = numbers.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let at = |index: usize| numbers.get(index).copied().unwrap_or_default();
        (numbers.len() <= 3).then(|| Self {
            numbers: (at(0), at(1), at(2)),
            is_release: pre_release.is_none(),
            pre_release: pre_release.unwrap_or_default().to_owned(),
        })
    }
}

impl fmt::Display for LanguageVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.numbers;
        write!(f, "v{major}.{minor}.{patch}")?;
        if self.is_release { Ok(()) } else { write!(f, "-{}", self.pre_release) }
    }
}

/// The newest language that this crate knows.
const NEWEST: LanguageVersion = LanguageVersion::new(0, 17, 1);

/// The first language whose module files hold no unknown fields.
const STRICT_SINCE: LanguageVersion = LanguageVersion::new(0, 8, 0);

/// The fields that a module file may have.
const FIELDS: &[&str] = &["module", "language", "source", "description", "deps", "custom"];

/// A module.
#[derive(Clone, Debug)]
pub(super) struct Module {
    /// The folder that holds `cue.mod`.
    pub(super) root: PathBuf,
    /// `example.com/app`; empty where the module has no name.
    pub(super) path: String,
    /// `v0`
    pub(super) major: String,
    pub(super) language: LanguageVersion,
    /// What it needs of others.
    pub(super) dependencies: Vec<Dependency>,
}

/// A module that another one needs.
#[derive(Clone, Debug)]
pub(super) struct Dependency {
    pub(super) path: String,
    /// `v0` of `@v0`, if it is written.
    pub(super) major: String,
    pub(super) version: String,
    /// The folder that stands in its place.
    pub(super) replaced_by: Option<PathBuf>,
    pub(super) span: Span,
}

/// The folder nearest upwards that holds `cue.mod`.
pub(super) fn root_of(files: &dyn Files, folder: &Path) -> Option<PathBuf> {
    let folder = clean(folder);
    folder.ancestors().find(|folder| files.kind(&folder.join("cue.mod")).is_some()).map(Path::to_path_buf)
}

/// Reads the module of a folder that holds `cue.mod`; `None` where it holds no module file.
pub(super) fn read(files: &dyn Files, sources: &mut SourceMap, root: &Path) -> Result<Option<Module>, Vec<Error>> {
    let folder = root.join("cue.mod");
    if files.kind(&folder) == Some(Kind::File) {
        let message = format!("`{}` is a file, but the module file is `cue.mod/module.cue`", folder.display());
        return Err(vec![Error::new(Code::Load, message, None)]);
    }
    let Some(file) = parse(files, sources, &folder.join("module.cue"))? else { return Ok(None) };
    let mut module = Reader { file: &file, root }.module().map_err(|error| vec![error])?;
    if let Some(local) = parse(files, sources, &folder.join("local-module.cue"))? {
        Reader { file: &local, root }.replace(&mut module).map_err(|error| vec![error])?;
    }
    Ok(Some(module))
}

fn parse(files: &dyn Files, sources: &mut SourceMap, path: &Path) -> Result<Option<File>, Vec<Error>> {
    if files.kind(path) != Some(Kind::File) {
        return Ok(None);
    }
    let name = path.display().to_string();
    let text = read_text(files, path, &name).map_err(|error| vec![error])?;
    let id = sources.add(name, text.as_str());
    match parse_file(id, &text) {
        (file, errors) if errors.is_empty() => Ok(Some(file)),
        (_, errors) => Err(errors),
    }
}

struct Reader<'a> {
    file: &'a File,
    root: &'a Path,
}

impl Reader<'_> {
    fn error(&self, message: impl Into<String>, span: Span) -> Error {
        Error::new(Code::Load, message, Some(span))
    }

    fn start(&self) -> Span {
        Span::of_file(self.file.id)
    }

    /// The place of a field at the top of the file.
    fn place(&self, name: &str) -> Span {
        let named = |decl: &Decl| match decl {
            Decl::Field(field) => match &field.label {
                crate::syntax::ast::Label::Ident(ident) => (&*ident.name == name).then_some(field.span),
                crate::syntax::ast::Label::String(text, _) => (**text == *name).then_some(field.span),
                _ => None,
            },
            _ => None,
        };
        self.file.decls.iter().find_map(named).unwrap_or_else(|| self.start())
    }

    fn fields(&self) -> Result<IndexMap<std::sync::Arc<str>, Data>, Error> {
        match decode::struct_data(&self.file.decls) {
            Some(Data::Struct(fields)) if self.file.imports.is_empty() => Ok(*fields),
            _ => Err(self.error("a module file holds plain values only, each once", self.start())),
        }
    }

    fn module(&self) -> Result<Module, Error> {
        let fields = self.fields()?;
        let language = self.language(fields.get("language"))?;
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&&***name))
            && language >= STRICT_SINCE
        {
            let message = format!("a module file has no field `{unknown}`");
            return Err(self.error(message, self.place(unknown)).help(format!("it has {}", FIELDS.join(", "))));
        }
        let name = match fields.get("module") {
            None => "",
            Some(Data::String(name)) if name.is_empty() => {
                return Err(self.error("the module's path is empty", self.place("module")));
            }
            Some(Data::String(name)) => name,
            Some(_) => return Err(self.error("`module` is a string, such as `example.com/app`", self.place("module"))),
        };
        let (path, major) = name.split_once('@').unwrap_or((name, "v0"));
        if !is_major(major) {
            let message = format!("the module's version `{major}` is not a major one, such as `v0`");
            return Err(self.error(message, self.place("module")));
        }
        let dependencies = self.dependencies(fields.get("deps"), false)?;
        let (root, path, major) = (self.root.to_path_buf(), path.to_owned(), major.to_owned());
        Ok(Module { root, path, major, language, dependencies })
    }

    fn language(&self, field: Option<&Data>) -> Result<LanguageVersion, Error> {
        let version = match field {
            Some(Data::Struct(fields)) => fields.get("version"),
            _ => None,
        };
        let place = self.place("language");
        let Some(Data::String(text)) = version else {
            let error = self.error("the module file doesn't say which version of the language it is for", place);
            return Err(error.help(format!("add `language: version: \"{NEWEST}\"`")));
        };
        let version = LanguageVersion::parse(text)
            .ok_or_else(|| self.error(format!("`{text}` is not a version, such as `{NEWEST}`"), place))?;
        if version > NEWEST {
            let message = format!("the module is for language version {version}; the newest known here is {NEWEST}");
            return Err(Error::new(Code::Unsupported, message, Some(place)));
        }
        Ok(version)
    }

    fn dependencies(&self, field: Option<&Data>, local: bool) -> Result<Vec<Dependency>, Error> {
        let span = self.place("deps");
        let fields = match field {
            None => return Ok(Vec::new()),
            Some(Data::Struct(fields)) => fields,
            Some(_) => return Err(self.error("`deps` is a struct of modules", span)),
        };
        fields.iter().map(|(name, value)| self.dependency(name, value, local, span)).collect()
    }

    fn dependency(&self, name: &str, value: &Data, local: bool, span: Span) -> Result<Dependency, Error> {
        let Data::Struct(fields) = value else {
            return Err(self.error(format!("the dependency `{name}` is a struct with `v`"), span));
        };
        let replaced_by = match fields.get("replaceWith") {
            None => None,
            Some(_) if !local => {
                let message = format!("`replaceWith` of `{name}` belongs into `cue.mod/local-module.cue`");
                return Err(self.error(message, span));
            }
            Some(Data::String(folder)) if folder.starts_with("./") || folder.starts_with("../") => {
                Some(clean(&self.root.join(&**folder)))
            }
            Some(_) => {
                let message = format!("the replacement of `{name}` by anything but a folder is not supported");
                let error = Error::new(Code::Unsupported, message, Some(span));
                return Err(error.help("name a folder that starts with `./` or `../`"));
            }
        };
        let (path, major) = name.split_once('@').unwrap_or((name, ""));
        let version = match fields.get("v") {
            Some(Data::String(version)) => version.to_string(),
            _ => String::new(),
        };
        Ok(Dependency { path: path.to_owned(), major: major.to_owned(), version, replaced_by, span })
    }

    /// Takes the replacements of a `local-module.cue` over.
    fn replace(&self, module: &mut Module) -> Result<(), Error> {
        for local in self.dependencies(self.fields()?.get("deps"), true)? {
            let same = |known: &&mut Dependency| known.path == local.path && known.major == local.major;
            match module.dependencies.iter_mut().find(same) {
                Some(known) => *known = Dependency { version: known.version.clone(), ..local },
                None => module.dependencies.push(local),
            }
        }
        Ok(())
    }
}

impl Module {
    /// The rest of an import path behind this module's own, if it lies in it: `""`, `"/schema"`.
    pub(super) fn rest<'a>(&self, path: &'a str, version: &str) -> Option<&'a str> {
        let matches = version.is_empty() || version == self.major;
        within(path, &self.path).filter(|_| matches && !self.path.is_empty())
    }
}

impl Dependency {
    /// Whether an import path lies in this dependency.
    pub(super) fn holds(&self, path: &str, version: &str) -> bool {
        let matches = version.is_empty() || self.major.is_empty() || version == self.major;
        matches && within(path, &self.path).is_some()
    }
}

fn within<'a>(path: &'a str, module: &str) -> Option<&'a str> {
    path.strip_prefix(module).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The file that a span without a file of its own points into.
pub(super) const NO_FILE: FileId = FileId(u32::MAX);
