//! What all verbs take: files, packages, tags; and what becomes of them.
//!
//! Not here: flags of one verb only.

use clap::Args;

use super::{Failure, Streams};
use crate::load::{self, Build, Options};
use crate::source::SourceMap;
use crate::syntax;
use crate::syntax::ast::Expr;

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
            sources: SourceMap::default(),
        };
        Ok(load::load(streams.files, &options, &self.inputs)?)
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
