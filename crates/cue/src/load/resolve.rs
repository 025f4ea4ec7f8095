//! Where an import path leads: a standard package, a package of the module or of one that replaces a dependency, or one
//! that is vendored under `cue.mod`.
//!
//! Not here: registries.

use std::path::{Path, PathBuf};

use super::Target;
use super::files::{Kind, clean};
use super::folder::Wanted;
use super::import_path::ImportPath;
use super::loader::{Loader, Location};
use super::module::{self, Module};
use super::named;
use super::standard;
use crate::error::{Code, Error};
use crate::nearest::nearest;
use crate::source::Span;

/// The folders of vendored packages, in the order in which their files are put together.
const VENDORED: &[&str] = &["gen", "pkg", "usr"];

impl Loader<'_> {
    fn fail(&mut self, message: impl Into<String>, from: Option<Span>, help: Option<String>) {
        let error = Error::new(Code::Load, message, from);
        self.errors.push(match help {
            Some(help) => error.help(help),
            None => error,
        });
    }

    /// What an import of a file leads to.
    pub(super) fn target(&mut self, path: &ImportPath, from: Span) -> Option<Target> {
        let from = Some(from);
        if path.is_relative() || path.path.starts_with('/') {
            let help = "import by the module's path, such as `example.com/app/schema`".to_owned();
            self.fail(format!("an import by a path in the file system is not allowed: `{path}`"), from, Some(help));
            return None;
        }
        if path.is_standard() {
            return self.standard(path, from);
        }
        let Some(name) = path.package_name().map(str::to_owned) else {
            let help = format!("write `{}:name`", path.path);
            self.fail(format!("the name of the package can't be told from `{path}`"), from, Some(help));
            return None;
        };
        let location = self.imported_location(path, from)?;
        self.package(&location, &Wanted::Named(name), from).map(Target::Package)
    }

    fn standard(&mut self, path: &ImportPath, from: Option<Span>) -> Option<Target> {
        if let Some(known) = standard::find(&path.path).filter(|_| path.version.is_empty()) {
            let named_otherwise = path.qualifier.as_ref().is_some_and(|name| !known.ends_with(name.as_str()));
            if !named_otherwise {
                return Some(Target::Standard(known));
            }
        }
        if standard::is_tool(&path.path) {
            let message = format!("the package `{path}` is for `cue cmd`, which is not supported");
            self.errors.push(Error::new(Code::Unsupported, message, from));
            return None;
        }
        let help = standard::nearest(&path.path).map(|known| format!("there is `{known}`"));
        self.fail(format!("there is no standard package `{path}`"), from, help);
        None
    }

    /// The place of a folder among the arguments.
    pub(super) fn folder_location(&mut self, folder: &Path, argument: &str) -> Option<Location> {
        if self.sources.files.kind(folder) != Some(Kind::Folder) {
            self.fail(format!("there is no folder `{}`", self.sources.shown(folder)), None, None);
            return None;
        }
        let main_root = self.modules.first().map(|module| module.root.clone());
        let own_root = module::root_of(self.sources.files, folder);
        if main_root.is_some() && own_root != main_root {
            let help = Some("run it from within that module".to_owned());
            self.fail(format!("`{argument}` is in another module than the current folder"), None, help);
            return None;
        }
        let module = self.modules.first();
        let below = module.and_then(|module| folder.strip_prefix(&module.root).ok());
        let path = match (module, below) {
            (Some(module), Some(below)) => joined(module, below),
            _ => String::new(),
        };
        let language = module.map(|module| module.language.clone());
        Some(Location { folders: vec![folder.to_path_buf()], root: main_root, path, language })
    }

    /// The place of a package by its import path.
    pub(super) fn imported_location(&mut self, path: &ImportPath, from: Option<Span>) -> Option<Location> {
        if path.qualifier.as_deref() == Some("_") {
            self.fail(format!("`_` in `{path}` is not the name of a package"), from, None);
            return None;
        }
        if !path.has_plain_version() {
            let help = Some("an import names a major version at most, such as `@v0`".to_owned());
            self.fail(format!("the version in `{path}` is not a major one"), from, help);
            return None;
        }
        let Some(main) = self.modules.first().cloned() else {
            let help = "make the folder a module: write `cue.mod/module.cue`".to_owned();
            self.fail(format!("`{path}` can't be imported outside of a module"), from, Some(help));
            return None;
        };
        let mut found = self.in_modules(path);
        found.extend(self.vendored(path, &main));
        self.only_place(path, found, &main, from)
    }

    /// The one place that was found, where a registry has no other.
    fn only_place(
        &mut self,
        path: &ImportPath,
        mut found: Vec<Location>,
        main: &Module,
        from: Option<Span>,
    ) -> Option<Location> {
        let needed = main.dependencies.iter().find(|needed| needed.holds(&path.path, &path.version));
        let elsewhere = needed.filter(|needed| needed.replaced_by.is_none());
        match (found.len(), elsewhere) {
            (1, None) => found.pop(),
            (0, Some(module)) => {
                let module = format!("{} {}", module.path, module.version);
                let help = format!("put the package into `cue.mod/pkg/{}`", path.path);
                let message = format!("`{path}` is of the module {module}, which is not here: registries are not read");
                self.fail(message, from, Some(help));
                None
            }
            (0, None) => {
                let message = format!("there is no package `{path}` in the module, and no dependency holds it");
                let help = self.meant(path, main, from);
                self.fail(message, from, help);
                None
            }
            _ => {
                let mut places: Vec<_> =
                    found.iter().flat_map(|location| &location.folders).map(|at| self.sources.shown(at)).collect();
                places.extend(elsewhere.map(|module| format!("the module {} {}", module.path, module.version)));
                self.fail(format!("the import of `{path}` is ambiguous: {}", places.join(", ")), from, None);
                None
            }
        }
    }

    /// What was probably meant by a path that leads nowhere: a folder, or a package with a name that looks like it.
    fn meant(&self, path: &ImportPath, main: &Module, from: Option<Span>) -> Option<String> {
        let folder = self.sources.folder().join(&path.path);
        if from.is_none() && self.sources.files.kind(&clean(&folder)) == Some(Kind::Folder) {
            return Some(format!("a folder is written with a dot: ./{}", path.path));
        }
        let rest = main.rest(&path.path, &path.version)?.trim_start_matches('/');
        let mut at = main.root.clone();
        let mut names = vec![main.path.clone()];
        for part in rest.split('/') {
            let name = match self.sources.files.kind(&at.join(part)) {
                Some(Kind::Folder) => part.to_owned(),
                _ => nearest(part, &self.folders_in(&at)).cloned()?,
            };
            at.push(&name);
            names.push(name);
        }
        self.holds_cue(&at).then(|| format!("did you mean {}?", names.join("/")))
    }

    fn folders_in(&self, folder: &Path) -> Vec<String> {
        let entries = self.sources.files.list(folder).unwrap_or_default();
        entries.into_iter().filter(|(_, kind)| *kind == Kind::Folder).map(|(name, _)| name).collect()
    }

    /// Where modules at hand hold the package.
    fn in_modules(&self, path: &ImportPath) -> Vec<Location> {
        let in_module = |module: &Module| {
            let rest = module.rest(&path.path, &path.version)?.trim_start_matches('/');
            let folder = clean(&module.root.join(rest));
            let own = module::root_of(self.sources.files, &folder).as_deref() == Some(module.root.as_path());
            let path = joined(module, Path::new(rest));
            let (root, language) = (Some(module.root.clone()), Some(module.language.clone()));
            (own && self.holds_cue(&folder)).then(|| Location { folders: vec![folder], root, path, language })
        };
        self.modules.iter().filter_map(in_module).collect()
    }

    /// Where the package is vendored: all of `gen`, `pkg` and `usr` that have it, as one.
    fn vendored(&self, path: &ImportPath, main: &Module) -> Option<Location> {
        let at = |folder: &&str| clean(&main.root.join("cue.mod").join(folder).join(&path.path));
        let folders: Vec<PathBuf> = VENDORED.iter().map(at).filter(|at| self.holds_cue(at)).collect();
        let (language, path) = (Some(main.language.clone()), path.path.clone());
        // A vendored package has no packages above it: each folder is for itself.
        (!folders.is_empty()).then_some(Location { folders, root: None, path, language })
    }

    fn holds_cue(&self, folder: &Path) -> bool {
        !named::cue_files_in(self.sources.files, folder).is_empty()
    }
}

/// The import path of a folder below a module's root.
fn joined(module: &Module, below: &Path) -> String {
    let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<_> = std::iter::once(module.path.clone()).chain(parts).collect();
    format!("{}@{}", parts.join("/"), module.major)
}
