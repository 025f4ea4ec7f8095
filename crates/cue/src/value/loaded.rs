//! From what was loaded to what is evaluated.
//!
//! Not here: loading (`load`), evaluation (`eval`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Instance;
use crate::builtin;
use crate::compile::{PackageSource, Target};
use crate::error::{Code, Error};
use crate::eval::Limits;
use crate::load::{Build, Package, Target as Found};
use crate::source::Span;
use crate::syntax::ast::{Decl, Expr, ExprKind, File};

impl Build {
    /// A package of this build, ready to be evaluated, with values put at its root; each is unified with it as a file
    /// of the package is.
    ///
    /// # Errors
    /// A standard package that is not supported, and what [`Instance::build`] finds.
    pub fn instance(&self, main: usize, values: &[Expr], limits: Limits) -> Result<Instance, Vec<Error>> {
        let packages = self.package_sources(&[main], values)?;
        Ok(Instance::build(packages, main, limits)?.ordered_by_name(&self.sources))
    }

    /// All packages, with values put at the roots of some.
    pub(crate) fn package_sources(&self, mains: &[usize], values: &[Expr]) -> Result<Vec<PackageSource>, Vec<Error>> {
        let packages = self.packages.iter().map(package).collect::<Result<Vec<_>, _>>();
        let mut packages = packages.map_err(|error| vec![error])?;
        for main in mains {
            if let Some(package) = packages.get_mut(*main) {
                let files: Vec<_> = values.iter().map(|value| Arc::new(data_file(value, package))).collect();
                package.files.extend(files);
            }
        }
        Ok(packages)
    }
}

impl Instance {
    /// A value by itself, to evaluate expressions in.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn of_value(value: &Expr, limits: Limits) -> Result<Self, Vec<Error>> {
        let mut package =
            PackageSource { name: String::new(), path: String::new(), files: Vec::new(), imports: BTreeMap::new() };
        package.files.push(Arc::new(data_file(value, &package)));
        Self::build(vec![package], 0, limits)
    }
}

fn package(package: &Package) -> Result<PackageSource, Error> {
    let mut imports = BTreeMap::new();
    for file in &package.files {
        for (written, import) in file.tree.imports.iter().zip(&file.imports) {
            imports.insert(written.path.to_string(), target(&import.target, import.span)?);
        }
    }
    let files = package.files.iter().map(|file| file.tree.clone()).collect();
    Ok(PackageSource { name: package.name.to_string(), path: package.path.to_string(), files, imports })
}

fn target(target: &Found, span: Span) -> Result<Target, Error> {
    match target {
        Found::Package(index) => Ok(Target::Ours(*index)),
        Found::Standard(path) => match builtin::package(path) {
            Some(package) => Ok(Target::Standard(package)),
            None => Err(Error::new(Code::Unsupported, format!("the package `{path}` is not supported"), Some(span))),
        },
    }
}

/// A value as a file of the package.
fn data_file(value: &Expr, package: &PackageSource) -> File {
    let decls = match &value.kind {
        ExprKind::Struct(of) => of.decls.clone(),
        _ => vec![Decl::Embed(Box::new(value.clone()))],
    };
    File {
        id: value.span.file,
        package: package.files.first().and_then(|file| file.package.clone()),
        imports: Vec::new(),
        attributes: Vec::new(),
        decls,
        comments: Vec::new(),
        compares_all: true,
        span: value.span,
    }
}
