//! From the tree to bound expressions: every name finds what it means, or an error says that it means nothing.
//!
//! Not here: values. A field that is missing at run time is found by `eval`; here only names are looked at.

mod attempt;
mod expr;
pub mod ir;
mod predeclared;
mod scope;
mod structs;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::builtin;
use crate::error::{Code, Error};
use crate::label::Labels;
use crate::source::Span;
use crate::syntax::ast;
use ir::{Ex, Expr, Kinds};
pub(crate) use predeclared::is_predeclared;
use scope::{Scope, Scopes};

/// What an import path means.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A standard package.
    Standard(&'static builtin::Package),
    /// A package of ours, by its index in the build.
    Ours(usize),
}

/// A package's files, parsed, with what their imports mean.
#[derive(Clone, Debug)]
pub struct PackageSource {
    /// The name in the package clause; empty if there is none.
    pub name: String,
    /// The import path; it keeps hidden fields apart.
    pub path: String,
    /// Its files.
    pub files: Vec<Arc<ast::File>>,
    /// Import paths as written, and their meaning.
    pub imports: BTreeMap<String, Target>,
}

/// A package, bound: one struct a file.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its files' contents.
    pub files: Vec<Ex>,
}

/// Binds names. Numbers of `let`s stay unique over everything that one binder binds.
#[derive(Clone, Debug, Default)]
pub struct Binder {
    /// The names of fields.
    pub labels: Labels,
    /// The names of all `let`s, by number from 1.
    lets: Vec<Arc<str>>,
    errors: Vec<Error>,
}

/// The place of what no file holds.
const NOWHERE: Span = Span::new(crate::source::FileId(u32::MAX), 0, 0);

/// What stays the same while one package is bound.
struct Unit<'a> {
    binder: &'a mut Binder,
    package: &'a PackageSource,
    /// The names of the packages of a build, by index.
    names: &'a [String],
    scopes: Scopes,
    experiments: HashSet<Arc<str>>,
    /// Names that mean nothing are taken for fields of the package: fields may come from embeddings.
    loose: bool,
    /// The `try` clause that is being bound.
    attempt: Option<attempt::Attempt>,
}

impl Binder {
    /// Binds a package. `names` are the packages' names by their index in the build.
    ///
    /// # Errors
    /// Names that mean nothing, imports and aliases that nobody uses, labels that can't be.
    pub fn package(&mut self, source: &PackageSource, names: &[String]) -> Result<Package, Vec<Error>> {
        let named = source.files.iter().filter(|file| has_name(file));
        let top: HashSet<Arc<str>> = named.flat_map(|file| scope::identifiers(&file.decls)).collect();
        let mut files = Vec::new();
        for file in &source.files {
            let mut unit = Unit {
                binder: self,
                package: source,
                names,
                scopes: Scopes::default(),
                experiments: experiments(file),
                loose: false,
                attempt: None,
            };
            files.push(unit.file(file, &top));
        }
        self.finish(Package { files })
    }

    /// Binds an expression that is evaluated inside a package's first file.
    ///
    /// # Errors
    /// Names that mean nothing.
    pub fn expression(&mut self, source: &PackageSource, names: &[String], expr: &ast::Expr) -> Result<Ex, Vec<Error>> {
        let top: HashSet<Arc<str>> = source.files.iter().flat_map(|file| scope::identifiers(&file.decls)).collect();
        let mut unit = Unit {
            binder: self,
            package: source,
            names,
            scopes: Scopes::default(),
            experiments: HashSet::from([Arc::from("structcmp")]),
            loose: true,
            attempt: None,
        };
        let mut scope = Scope::fields(&mut unit.binder.labels, &source.path, top.iter());
        for name in source.files.iter().flat_map(|file| scope::quoted(&file.decls)) {
            scope.bind_if_free(name.clone(), scope::Meaning::Field(unit.binder.labels.regular(&name)));
        }
        unit.scopes.push(scope);
        for import in source.files.iter().flat_map(|file| &file.imports) {
            unit.import(import, false);
        }
        unit.standard_names(&top);
        let bound = unit.expr(expr);
        self.finish(bound)
    }

    fn finish<T>(&mut self, bound: T) -> Result<T, Vec<Error>> {
        if self.errors.is_empty() { Ok(bound) } else { Err(std::mem::take(&mut self.errors)) }
    }

    fn next_let(&mut self, name: &Arc<str>) -> u32 {
        self.lets.push(name.clone());
        self.lets.len() as u32
    }

    /// The names of all `let`s, by number from 1.
    pub(crate) fn let_names(&self) -> &[Arc<str>] {
        &self.lets
    }
}

/// Whether a file has a package clause that names a package: its fields are in sight of the other files then.
fn has_name(file: &ast::File) -> bool {
    file.package.as_ref().is_some_and(|package| &*package.name != "_")
}

fn experiments(file: &ast::File) -> HashSet<Arc<str>> {
    let named = file.attributes.iter().filter(|attribute| &*attribute.name == "experiment");
    let named = named.flat_map(|attribute| attribute.body.split(',').map(|word| Arc::from(word.trim())));
    named.chain(file.compares_all.then(|| Arc::from("structcmp"))).collect()
}

impl Unit<'_> {
    fn file(&mut self, file: &ast::File, top: &HashSet<Arc<str>>) -> Ex {
        let (labels, path) = (&mut self.binder.labels, &self.package.path);
        let own = scope::identifiers(&file.decls);
        self.scopes.push(Scope::fields(labels, path, own.iter()).with_elsewhere(labels, path, top.iter()));
        for import in &file.imports {
            self.import(import, true);
        }
        let bound = self.declarations(&file.decls, true);
        self.close_scope();
        Arc::new(Expr { kind: Kinds::Struct(Arc::new(bound)), span: file.span })
    }

    fn import(&mut self, import: &ast::Import, must_be_used: bool) {
        let Some(target) = self.package.imports.get(&*import.path).copied() else {
            return self.fail(Code::Load, format!("package {:?} is not there", import.path), import.span);
        };
        let given = import.name.as_ref().map(|ident| ident.name.clone());
        let name = given.unwrap_or_else(|| match target {
            Target::Standard(package) => Arc::from(package.path.rsplit('/').next().unwrap_or(package.path)),
            Target::Ours(index) => Arc::from(self.names.get(index).map_or("", String::as_str)),
        });
        self.scopes.import(name, target, import.span, must_be_used);
    }

    /// Lets an expression from outside of the files use standard packages without importing them, as CUE does.
    fn standard_names(&mut self, taken: &HashSet<Arc<str>>) {
        let imported =
            self.package.imports.keys().map(|path| path.rsplit(['/', ':']).next().unwrap_or(path).to_owned());
        let imported: HashSet<String> = imported.collect();
        for package in builtin::packages() {
            let name = package.path.rsplit('/').next().unwrap_or(package.path);
            if !taken.contains(name) && !imported.contains(name) {
                self.scopes.import(Arc::from(name), Target::Standard(package), NOWHERE, false);
            }
        }
    }

    /// Leaves the innermost scope, and says which of its `let`s, aliases and imports nobody used.
    fn close_scope(&mut self) {
        for (message, span) in self.scopes.pop() {
            self.fail(Code::Reference, message, span);
        }
    }

    fn fail(&mut self, code: Code, message: impl Into<String>, span: Span) {
        self.binder.errors.push(Error::new(code, message, Some(span)));
    }

    fn bad(&mut self, code: Code, message: impl Into<String>, span: Span) -> Ex {
        let message = message.into();
        self.fail(code, message.clone(), span);
        Arc::new(Expr { kind: Kinds::Bottom(message.into()), span })
    }
}
