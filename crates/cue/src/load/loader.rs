//! The loader: arguments to packages, packages to those that they import.
//!
//! Not here: where an import path leads (that is `resolve`), which files make a package (that is `folder`).

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::argument::{self, Arguments, Encoding, FileArgument};
use super::document::Document;
use super::files::{Files, Kind, clean};
use super::folder::{self, Found, Wanted};
use super::import_path::ImportPath;
use super::module::{self, LanguageVersion, Module};
use super::named;
use super::{
    Build, DataFile, Failed, Import, MAX_FILE_BYTES, MAX_IMPORT_LEVELS, Options, Package, PackageFile, Target,
    condition, document, embed, experiment, tag,
};
use crate::error::{Code, Error};
use crate::jsonschema;
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::{Expr, File};
use crate::syntax::parse_file;

/// Files, read once each, and the tags that conditions ask for.
pub(super) struct Sources<'a> {
    pub(super) files: &'a dyn Files,
    options: &'a Options,
    map: SourceMap,
    parsed: HashMap<PathBuf, (File, Vec<Error>)>,
    paths: HashMap<FileId, PathBuf>,
    used_tags: BTreeSet<String>,
}

impl Sources<'_> {
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

    pub(super) fn is_set(&mut self, tag: &str) -> bool {
        self.used_tags.insert(tag.to_owned());
        self.options.tags.iter().any(|given| given == tag)
    }

    /// The bytes of a file and its number in the map.
    pub(super) fn read(&mut self, path: &Path) -> Result<(FileId, Vec<u8>), Error> {
        let name = self.shown(path);
        let bytes = if path == Path::new("-") { self.files.standard_input() } else { self.files.read(path) };
        let bytes =
            bytes.map_err(|reason| Error::new(Code::Load, format!("`{name}` can't be read: {reason}"), None))?;
        if bytes.len() > MAX_FILE_BYTES {
            let message = format!("`{name}` is larger than {MAX_FILE_BYTES} bytes");
            return Err(Error::new(Code::Limit, message, None));
        }
        Ok((self.map.add(name, document::shown(&bytes)), bytes))
    }

    /// The tree of a CUE file, with what is wrong in it.
    pub(super) fn parse(&mut self, path: &Path) -> Result<Option<(File, Vec<Error>)>, Vec<Error>> {
        if let Some(known) = self.parsed.get(path) {
            return Ok(Some(known.clone()));
        }
        let (id, bytes) = self.read(path).map_err(|error| vec![error])?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let message = format!("the file is not UTF-8: {error}");
            vec![Error::new(Code::Load, message, Some(Span::new(id, 0, 0)))]
        })?;
        let parsed = parse_file(id, text);
        self.paths.insert(id, path.to_path_buf());
        self.parsed.insert(path.to_path_buf(), parsed.clone());
        Ok(Some(parsed))
    }
}

/// A package that is being looked for.
pub(super) struct Location {
    /// Where its files are; those of several folders are one package.
    pub(super) folders: Vec<PathBuf>,
    /// The topmost folder whose files may belong to it.
    pub(super) root: Option<PathBuf>,
    /// Its import path without the `:name`.
    pub(super) path: String,
    pub(super) language: Option<LanguageVersion>,
}

pub(super) struct Loader<'a> {
    pub(super) sources: Sources<'a>,
    options: &'a Options,
    /// The main module first, then those that replace dependencies.
    pub(super) modules: Vec<Module>,
    packages: Vec<Package>,
    known: HashMap<(PathBuf, String), usize>,
    stack: Vec<(PathBuf, String)>,
    pub(super) errors: Vec<Error>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(files: &'a dyn Files, options: &'a Options) -> Self {
        let map = options.sources.clone();
        let (parsed, paths, used_tags) = (HashMap::new(), HashMap::new(), BTreeSet::new());
        let sources = Sources { files, options, map, parsed, paths, used_tags };
        let (packages, known, stack) = (Vec::new(), HashMap::new(), Vec::new());
        Self { sources, options, modules: Vec::new(), packages, known, stack, errors: Vec::new() }
    }

    pub(super) fn load(mut self, arguments: &[String]) -> Result<Build, Failed> {
        let mut build = Build::default();
        match argument::parse(arguments) {
            Ok(arguments) => self.all(&arguments, &mut build),
            Err(error) => self.errors.push(error),
        }
        if self.errors.is_empty() {
            let mut instances: Vec<_> = build.instances.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
            instances.retain(|index| *index < self.packages.len());
            let used = &self.sources.used_tags;
            self.errors = tag::inject(&mut self.packages, &instances, self.options, used);
        }
        let sources = self.sources.map;
        match self.errors.is_empty() {
            true => Ok(Build { sources, packages: self.packages, ..build }),
            false => Err(Failed { sources, errors: self.errors }),
        }
    }

    fn all(&mut self, arguments: &Arguments, build: &mut Build) {
        if !self.module() {
            return;
        }
        let (code, data): (Vec<_>, Vec<_>) =
            arguments.files.iter().partition(|argument| argument.encoding == Encoding::Cue);
        let no_arguments = arguments.packages.is_empty() && arguments.files.is_empty();
        let here = [".".to_owned()];
        let packages = if no_arguments { &here[..] } else { &arguments.packages };
        if let (Some(file), false) = (code.first(), packages.is_empty()) {
            let message = format!("the CUE file `{}` can't be combined with a package", file.name);
            self.errors.push(Error::new(Code::Load, message, None).help("name either packages or files"));
            return;
        }
        for package in packages {
            build.instances.extend(self.named(package));
        }
        for argument in data {
            match self.data(argument) {
                Some(file) if file.encoding == Encoding::JsonSchema => build.schemas.push(file),
                file => build.data.extend(file),
            }
        }
        if packages.is_empty() {
            build.instances.extend(self.of_files(&code, &build.schemas));
        } else if let Some(schema) = build.schemas.first() {
            let message = format!("the JSON Schema `{}` can't be combined with a package", schema.name);
            self.errors.push(Error::new(Code::Load, message, None));
        }
    }

    /// Reads the module of the folder, and those that replace its dependencies.
    fn module(&mut self) -> bool {
        let folder = clean(&self.options.folder);
        let Some(root) = module::root_of(self.sources.files, &folder) else { return true };
        match module::read(self.sources.files, &mut self.sources.map, &root) {
            Ok(Some(module)) => {
                let replaced = module.dependencies.clone();
                self.modules.push(module);
                replaced.iter().for_each(|dependency| self.replacement(dependency));
            }
            Ok(None) => {}
            Err(errors) => self.errors.extend(errors),
        }
        self.errors.is_empty()
    }

    fn replacement(&mut self, dependency: &module::Dependency) {
        let Some(root) = &dependency.replaced_by else { return };
        let wrong = |message: String| vec![Error::new(Code::Load, message, Some(dependency.span))];
        let module = match module::read(self.sources.files, &mut self.sources.map, root) {
            Ok(Some(module)) if module.path == dependency.path => Ok(module),
            Ok(Some(module)) => {
                Err(wrong(format!("the folder that replaces `{}` holds the module `{}`", dependency.path, module.path)))
            }
            Ok(None) => Err(wrong(format!("the folder that replaces `{}` holds no module", dependency.path))),
            Err(errors) => Err(errors),
        };
        match module {
            Ok(module) if dependency.major.is_empty() || module.major == dependency.major => self.modules.push(module),
            Ok(module) => self.errors.extend(wrong(format!(
                "the folder that replaces `{}@{}` holds version {}",
                dependency.path, dependency.major, module.major
            ))),
            Err(errors) => self.errors.extend(errors),
        }
    }

    /// The packages that an argument names.
    fn named(&mut self, argument: &str) -> Vec<usize> {
        let path = ImportPath::parse(argument);
        if path.path.split('/').any(|part| part == "...") {
            return self.pattern(&path);
        }
        let wanted = match path.qualifier.clone().or_else(|| self.options.package.clone()) {
            Some(name) => Wanted::Named(name),
            None => Wanted::Only,
        };
        let location = if path.is_relative() || path.path.is_empty() {
            self.folder_location(&clean(&self.options.folder.join(&path.path)), argument)
        } else {
            self.imported_location(&path, None)
        };
        location.and_then(|location| self.package(&location, &wanted, None)).into_iter().collect()
    }

    /// The packages of all folders under one, for `./...`; folders without any are passed over.
    fn pattern(&mut self, path: &ImportPath) -> Vec<usize> {
        let (before, after) = path.path.split_once("...").unwrap_or((&path.path, ""));
        if !after.is_empty() || !(path.is_relative() || before.is_empty()) {
            let message = format!("the pattern `{path}` is not supported");
            let error = Error::new(Code::Unsupported, message, None);
            self.errors.push(error.help("`...` stands at the end of a path that starts with `./`"));
            return Vec::new();
        }
        let mut found = Vec::new();
        let top = clean(&self.options.folder.join(before));
        for folder in named::folders_under(self.sources.files, &top) {
            let location = self.folder_location(&folder, &path.path);
            let wanted = path.qualifier.clone().map_or(Wanted::Only, Wanted::Named);
            let has_package = self.has_package(&folder, &wanted);
            found.extend(location.filter(|_| has_package).and_then(|at| self.package(&at, &wanted, None)));
        }
        if found.is_empty() && self.errors.is_empty() {
            self.errors.push(Error::new(Code::Load, format!("the pattern `{path}` matches no package"), None));
        }
        found
    }

    fn has_package(&mut self, folder: &Path, wanted: &Wanted) -> bool {
        let paths = named::cue_files_in(self.sources.files, folder);
        paths.iter().any(|path| match self.sources.parse(path) {
            Ok(Some((file, _))) => match (wanted, file.package) {
                (_, None) => false,
                (Wanted::Only, Some(_)) => true,
                (Wanted::Named(name), Some(package)) => *package.name == **name,
            },
            _ => false,
        })
    }

    /// A package and all that it imports; its number, unless something was wrong. `from` is where it is imported.
    pub(super) fn package(&mut self, location: &Location, wanted: &Wanted, from: Option<Span>) -> Option<usize> {
        let found = match self.collect(location, wanted) {
            Ok(found) => found,
            Err(errors) => {
                let here = |error: Error| match from {
                    Some(span) if error.labels.is_empty() => Error { labels: Vec::new(), ..error }.at(span, ""),
                    _ => error,
                };
                self.errors.extend(errors.into_iter().map(here));
                return None;
            }
        };
        let key = (location.folders.first().cloned().unwrap_or_default(), found.name.clone());
        if let Some(known) = self.known.get(&key) {
            return Some(*known);
        }
        let path = format!("{}:{}", location.path, found.name);
        if let Some(start) = self.stack.iter().position(|open| *open == key) {
            let names: Vec<_> = self.stack[start..].iter().map(|(folder, _)| self.sources.shown(folder)).collect();
            let message = format!("the packages import each other in a circle: {}", names.join(" → "));
            self.errors.push(Error::new(Code::Load, message, from));
            return None;
        }
        if self.stack.len() >= MAX_IMPORT_LEVELS {
            let message = format!("imports lead through more than {MAX_IMPORT_LEVELS} packages");
            self.errors.push(Error::new(Code::Limit, message, from));
            return None;
        }
        self.stack.push(key.clone());
        let package = self.finish(found, &path, location.language.as_ref());
        self.stack.pop();
        self.packages.push(package);
        self.known.insert(key, self.packages.len() - 1);
        Some(self.packages.len() - 1)
    }

    fn collect(&mut self, location: &Location, wanted: &Wanted) -> Result<Found, Vec<Error>> {
        let mut all: Option<Found> = None;
        for folder in &location.folders {
            let found = folder::collect(&mut self.sources, folder, location.root.as_deref(), wanted)?;
            match &mut all {
                Some(all) => all.files.extend(found.files),
                None => all = Some(found),
            }
        }
        all.ok_or_else(|| vec![Error::new(Code::Load, format!("there is no package `{}`", location.path), None)])
    }

    /// The package of the CUE files among the arguments; an empty one where there are none.
    fn of_files(&mut self, arguments: &[&FileArgument], schemas: &[DataFile]) -> Option<usize> {
        let folder = clean(&self.options.folder);
        let mut paths: Vec<PathBuf> = arguments.iter().map(|argument| path_of(&folder, &argument.name)).collect();
        paths.sort_by_key(|path| (path.components().count(), path.clone()));
        let mut found = Found { name: String::new(), files: Vec::new() };
        for path in &paths {
            match self.given(path, &mut found) {
                Ok(()) => {}
                Err(errors) => self.errors.extend(errors),
            }
        }
        if !paths.is_empty() && found.files.is_empty() && self.errors.is_empty() {
            let message = "every file among the arguments is left out by its conditions";
            self.errors.push(Error::new(Code::Load, message, None));
        }
        for schema in schemas.iter().flat_map(|file| file.values.iter().map(|value| (&file.name, value))) {
            match self.schema(schema.0, schema.1) {
                Ok(file) => found.files.push(file),
                Err(error) => self.errors.push(error),
            }
        }
        if !self.errors.is_empty() {
            return None;
        }
        let (path, language) = (format!(":{}", found.name), self.modules.first().map(|module| module.language.clone()));
        let package = self.finish(found, &path, language.as_ref());
        self.packages.push(package);
        Some(self.packages.len() - 1)
    }

    /// A JSON Schema as a file of CUE.
    fn schema(&mut self, name: &str, schema: &Expr) -> Result<File, Error> {
        let text = jsonschema::to_cue(schema, None)?;
        let id = self.sources.map.add(format!("{name} as CUE"), text.as_str());
        match parse_file(id, &text) {
            (file, errors) if errors.is_empty() => Ok(file),
            (_, mut errors) => Err(errors.remove(0)),
        }
    }

    /// Adds a file that is among the arguments.
    fn given(&mut self, path: &Path, found: &mut Found) -> Result<(), Vec<Error>> {
        if self.sources.files.kind(path) == Some(Kind::Folder) {
            let message = format!("`{}` is a folder", self.sources.shown(path));
            return Err(vec![Error::new(Code::Load, message, None)]);
        }
        let Some((file, errors)) = self.sources.parse(path)? else { return Ok(()) };
        if !errors.is_empty() {
            return Err(errors);
        }
        let left = condition::check(&file, &mut |tag| self.sources.is_set(tag)).map_err(|error| vec![error])?;
        if left.is_some() || folder::is_for_tests_or_tools(path) {
            return Ok(());
        }
        match &file.package {
            Some(name) if found.name.is_empty() => found.name = name.name.to_string(),
            Some(name) if *name.name != *found.name && &*name.name != "_" => {
                let message = format!("the files are of several packages: `{}` and `{}`", found.name, name.name);
                return Err(vec![Error::new(Code::Load, message, Some(name.span))]);
            }
            _ => {}
        }
        found.files.push(file);
        Ok(())
    }

    /// Binds the imports of a package's files.
    fn finish(&mut self, found: Found, path: &str, language: Option<&LanguageVersion>) -> Package {
        let files = found.files.into_iter().map(|mut tree| {
            let imports = self.imports(&tree);
            self.embed(&mut tree);
            let experiments = experiment::of(&tree, language).unwrap_or_else(|error| {
                self.errors.push(error);
                experiment::Experiments::default()
            });
            tree.compares_all = experiments.has("structcmp");
            PackageFile { tree, imports, language: language.cloned(), experiments }
        });
        let files = files.collect();
        Package { path: path.into(), name: found.name.into(), files }
    }

    fn embed(&mut self, tree: &mut File) {
        let path = self.sources.paths.get(&tree.id).cloned().unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new(""));
        let in_module = self.modules.first().is_some_and(|module| !module.path.is_empty());
        self.errors.extend(embed::embed(&mut self.sources, tree, folder, in_module));
    }

    fn imports(&mut self, tree: &File) -> Vec<Import> {
        let mut imports = Vec::new();
        for import in &tree.imports {
            let path = ImportPath::parse(&import.path);
            let Some(target) = self.target(&path, import.span) else { continue };
            let last = match target {
                Target::Standard(path) => path.rsplit('/').next(),
                Target::Package(_) => path.package_name(),
            };
            let name = import.name.as_ref().map_or_else(|| last.unwrap_or_default().into(), |name| name.name.clone());
            imports.push(Import { name, target, span: import.span });
        }
        imports
    }

    fn data(&mut self, argument: &FileArgument) -> Option<DataFile> {
        let path = path_of(&clean(&self.options.folder), &argument.name);
        let read = self.sources.read(&path).and_then(|(id, bytes)| {
            let (encoding, values) = match document::read(id, &bytes, argument)? {
                Document::Values(values) => (argument.encoding, values),
                Document::JsonSchema(schema) => (Encoding::JsonSchema, vec![schema]),
            };
            Ok(DataFile { name: self.sources.shown(&path).into(), encoding, values })
        });
        read.map_err(|error| self.errors.push(error)).ok()
    }
}

fn path_of(folder: &Path, name: &str) -> PathBuf {
    if name == "-" { PathBuf::from("-") } else { clean(&folder.join(name)) }
}
