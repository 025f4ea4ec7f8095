//! What all verbs take: files, packages, tags; and what becomes of them.
//!
//! Not here: flags of one verb only.

use std::collections::BTreeMap;

use clap::Args;

use super::{Failure, Streams};
use crate::error::{Code, Error};
use crate::load::{self, Build, Options};
use crate::source::Span;
use crate::syntax::ast::{Decl, Expr, ExprKind, File};
use crate::{Instance, Limits, PackageSource, Target, builtin, syntax};

/// What to load.
#[derive(Args, Clone, Debug, Default)]
pub struct Input {
    /// Packages (`.`, `./folder:name`, `./...`, import paths), then files; `-` is the standard input
    pub inputs: Vec<String>,
    /// Fill a tag (`name=value`), or set one for shorthands and `@if` (`name`)
    #[arg(short = 't', long = "inject", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Fill tags from variables: now, os, arch, cwd, username, hostname, rand
    #[arg(short = 'T', long)]
    pub inject_vars: bool,
    /// The package to take where a folder holds several
    #[arg(short, long, value_name = "NAME")]
    pub package: Option<String>,
}

impl Input {
    pub(crate) fn load(&self, streams: &Streams<'_>) -> Result<Build, Failure> {
        let options = Options {
            folder: streams.folder.clone(),
            package: self.package.clone(),
            tags: self.tags.clone(),
            variables: self.inject_vars.then(|| streams.variables.clone()),
        };
        Ok(load::load(streams.files, &options, &self.inputs)?)
    }
}

/// One instance of a build, with data put into it, to be evaluated.
pub(crate) fn instance(build: &Build, main: usize, data: &[Expr]) -> Result<Instance, Vec<Error>> {
    let mut packages =
        build.packages.iter().map(package).collect::<Result<Vec<_>, _>>().map_err(|error| vec![error])?;
    if let Some(package) = packages.get_mut(main) {
        let files: Vec<File> = data.iter().map(|value| data_file(value, package)).collect();
        package.files.extend(files);
    }
    Instance::build(packages, main, Limits::default())
}

/// A value by itself, to evaluate expressions in.
pub(crate) fn instance_of_data(value: &Expr) -> Result<Instance, Vec<Error>> {
    let mut package =
        PackageSource { name: String::new(), path: String::new(), files: Vec::new(), imports: BTreeMap::new() };
    package.files.push(data_file(value, &package));
    Instance::build(vec![package], 0, Limits::default())
}

fn package(package: &load::Package) -> Result<PackageSource, Error> {
    let mut imports = BTreeMap::new();
    for file in &package.files {
        for (written, import) in file.tree.imports.iter().zip(&file.imports) {
            imports.insert(written.path.to_string(), target(&import.target, import.span)?);
        }
    }
    let files = package.files.iter().map(|file| file.tree.clone()).collect();
    Ok(PackageSource { name: package.name.to_string(), path: package.path.to_string(), files, imports })
}

fn target(target: &load::Target, span: Span) -> Result<Target, Error> {
    match target {
        load::Target::Package(index) => Ok(Target::Ours(*index)),
        load::Target::Standard(path) => match builtin::package(path) {
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
        span: value.span,
    }
}

/// Expressions among the arguments, such as those of `-e`.
pub(crate) fn expressions(build: &mut Build, texts: &[String], flag: &str) -> Result<Vec<Expr>, Failure> {
    let mut parsed = Vec::new();
    for text in texts {
        let id = build.sources.add(format!("{flag} {text}"), text.as_str());
        match syntax::parse_expr(id, text) {
            (expr, errors) if errors.is_empty() => parsed.push(expr),
            (_, errors) => return Err(Failure::new(errors, &build.sources)),
        }
    }
    Ok(parsed)
}
