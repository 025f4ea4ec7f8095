//! Where configurations are built: packages, their files, and the graph that their values share.
//!
//! Not here: what is asked of values.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Value;
use super::read::Answer;
use super::recipe::{Known, Recipe};
use crate::compile::{Binder, PackageSource, Target};
use crate::error::{Code, Error};
use crate::eval::{Evaluator, Limits};
use crate::load::{self, Build, Failed, Files, Memory, Options};
use crate::source::SourceMap;
use crate::syntax::ast::Expr;
use crate::syntax::parse_expr;

/// The stack that one evaluation gets, in bytes.
const STACK_BYTES: usize = 1 << 30;

/// The folder of files that are given as text.
const FOLDER: &str = "/";

/// What configurations are built and evaluated in. Values of one context can be unified; its limits count for all of
/// them together, and it keeps everything that was built in it. Copies share it.
#[derive(Clone, Debug)]
pub struct Context {
    state: Arc<Mutex<State>>,
    /// The number of the next recipe.
    numbers: Arc<AtomicU64>,
}

/// What is behind a context.
#[derive(Debug)]
pub(super) struct State {
    pub evaluator: Evaluator,
    pub packages: Vec<PackageSource>,
    pub names: Vec<String>,
    /// What was found in the graph already.
    pub known: Known,
    sources: SourceMap,
}

impl Default for Context {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Context {
    /// A context with its own limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let evaluator = Evaluator::new(Vec::new(), Binder::default(), limits);
        let (packages, names, known, sources) = (Vec::new(), Vec::new(), Known::new(), SourceMap::default());
        let state = State { evaluator, packages, names, known, sources };
        Self { state: Arc::new(Mutex::new(state)), numbers: Arc::default() }
    }

    /// Loads what arguments name, as `cue export` takes them (see [`load::load`]): a value for each package, with the
    /// data files among the arguments put at its root.
    ///
    /// # Errors
    /// Everything that was wrong with arguments, files, packages and names.
    pub fn load(&self, files: &dyn Files, options: &Options, arguments: &[String]) -> Result<Vec<Value>, Failed> {
        let build = self.with(|state| {
            let options = Options { sources: state.sources.clone(), ..options.clone() };
            let build = load::load(files, &options, arguments)?;
            state.sources = build.sources.clone();
            state.evaluator.set_file_order(state.sources.ranks());
            Ok::<Build, Failed>(build)
        })?;
        let data: Vec<Expr> = build.data.iter().flat_map(|file| file.values.clone()).collect();
        let packages = build.package_sources(&build.instances, &data);
        let base = packages.and_then(|packages| self.add(packages));
        let base = base.map_err(|errors| Failed { sources: build.sources.clone(), errors })?;
        Ok(build.instances.iter().map(|main| self.root(base + main)).collect())
    }

    /// Builds files of one package, by name and text; they may import standard packages.
    ///
    /// # Errors
    /// Everything that was wrong with the files and the names in them.
    pub fn build_files(&self, files: &[(&str, &str)]) -> Result<Value, Failed> {
        let put = |memory: Memory, (name, text): &(&str, &str)| memory.with(format!("{FOLDER}{name}"), *text);
        let memory = files.iter().fold(Memory::default(), put);
        let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        let options = Options { folder: FOLDER.into(), ..Options::default() };
        let values = self.load(&memory, &options, &names)?;
        let none = || Error::new(Code::Load, "no file was given", None);
        values.into_iter().next().ok_or_else(|| Failed { sources: self.sources(), errors: vec![none()] })
    }

    /// Builds the text of one file.
    ///
    /// # Errors
    /// Everything that was wrong with it.
    pub fn compile_text(&self, text: &str) -> Result<Value, Failed> {
        self.build_files(&[("input.cue", text)])
    }

    /// All files that were read into it; errors point into them.
    #[must_use]
    pub fn sources(&self) -> SourceMap {
        self.with(|state| state.sources.clone())
    }

    /// Binds packages that import each other by their places among them; gives the number of the first.
    pub(super) fn add(&self, packages: Vec<PackageSource>) -> Result<usize, Vec<Error>> {
        self.with(|state| {
            let base = state.packages.len();
            let moved = |target: Target| match target {
                Target::Ours(index) => Target::Ours(index + base),
                standard @ Target::Standard(_) => standard,
            };
            let imports = |imports: BTreeMap<String, Target>| {
                imports.into_iter().map(|(path, target)| (path, moved(target))).collect()
            };
            let packages: Vec<PackageSource> = packages
                .into_iter()
                .map(|package| PackageSource { imports: imports(package.imports), ..package })
                .collect();
            state.bind(packages)?;
            Ok(base)
        })
    }

    /// The value of a package.
    pub(super) fn root(&self, package: usize) -> Value {
        Value { context: self.clone(), recipe: Recipe::package(self.number(), package), home: package }
    }

    /// The value of an expression in a package.
    pub(super) fn expression(&self, package: usize, expr: &Expr) -> Value {
        let recipe = Recipe::expression(self.number(), package, expr.clone());
        Value { context: self.clone(), recipe, home: package }
    }

    /// A number that no recipe of this context has yet.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn parse(&self, text: &str) -> Result<Expr, Failed> {
        let id = self.with(|state| state.sources.add(text, text));
        let (expr, errors) = parse_expr(id, text);
        if errors.is_empty() { Ok(expr) } else { Err(Failed { sources: self.sources(), errors }) }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Evaluates on a stack that is deep enough for what the limits allow.
    pub(super) fn on_stack<T: Send>(&self, work: impl FnOnce(&mut State) -> Answer<T> + Send) -> Answer<T> {
        self.with(|state| {
            std::thread::scope(|scope| {
                let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
                match thread.spawn_scoped(scope, || work(state)).map(|thread| thread.join()) {
                    Ok(Ok(answer)) => answer,
                    _ => Err(vec![Error::new(Code::Limit, "the evaluation could not be run", None)]),
                }
            })
        })
    }
}

impl State {
    fn bind(&mut self, packages: Vec<PackageSource>) -> Result<(), Vec<Error>> {
        let mut names = self.names.clone();
        names.extend(packages.iter().map(|package| package.name.clone()));
        let (mut bound, mut errors) = (Vec::new(), Vec::new());
        for package in &packages {
            match self.evaluator.binder.package(package, &names) {
                Ok(package) => bound.push(package),
                Err(more) => errors.extend(more),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        self.names = names;
        self.packages.extend(packages);
        self.evaluator.add_packages(bound);
        Ok(())
    }
}
