//! The library's face: a configuration is built once and asked for values.
//!
//! Not here: files (`load`), formats (`encode`).

use std::sync::{Arc, Mutex, PoisonError};

use crate::compile::{Binder, PackageSource};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::eval::{Evaluator, Limits, Order, Vid};
use crate::provenance::Provenance;
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast;

/// The stack that one evaluation gets, in bytes.
const STACK_BYTES: usize = 1 << 30;

/// A built configuration: its packages are bound, its values are computed when asked for.
#[derive(Debug)]
pub struct Instance {
    evaluator: Mutex<Evaluator>,
    sources: Vec<PackageSource>,
    names: Vec<String>,
    main: usize,
}

impl Instance {
    /// Binds packages; `main` is the one that is asked.
    ///
    /// # Errors
    /// Names that mean nothing, and whatever else is wrong before anything is evaluated.
    pub fn build(sources: Vec<PackageSource>, main: usize, limits: Limits) -> Result<Self, Vec<Error>> {
        let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
        let mut binder = Binder::default();
        let mut packages = Vec::new();
        let mut errors = Vec::new();
        for source in &sources {
            match binder.package(source, &names) {
                Ok(package) => packages.push(package),
                Err(more) => errors.extend(more),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let evaluator = Mutex::new(Evaluator::new(packages, binder, limits));
        Ok(Self { evaluator, sources, names, main })
    }

    /// The same, where fields of several files are ordered by these files' names, as CUE orders them; without it,
    /// by the order in which the files were read.
    #[must_use]
    pub fn ordered_by_name(self, sources: &SourceMap) -> Self {
        let mut evaluator = self.evaluator.into_inner().unwrap_or_else(PoisonError::into_inner);
        evaluator.set_file_order(sources.ranks());
        Self { evaluator: Mutex::new(evaluator), ..self }
    }

    /// The concrete value of an expression in the main package, or of the package itself.
    ///
    /// # Errors
    /// All that is wrong with it or missing in it.
    pub fn data(&self, expr: Option<&ast::Expr>) -> Result<Data, Vec<Error>> {
        self.on_stack(|evaluator| self.checked(evaluator, expr))
    }
}

impl Instance {
    /// Where the values of an expression in the main package come from, or those of the package itself: one
    /// provenance for each leaf. `name` is what their paths begin with.
    ///
    /// # Errors
    /// There is nothing at the expression, or the evaluation met something that isn't supported.
    pub fn why(&self, expr: Option<&ast::Expr>, name: &str) -> Result<Vec<Provenance>, Vec<Error>> {
        self.on_stack(|evaluator| match self.checked(evaluator, expr) {
            Err(errors) if errors.iter().any(is_refusal) => Err(errors),
            _ => evaluator.explain(self.main, expr, &self.sources[self.main], &self.names, name),
        })
    }

    /// Evaluates in a thread with a stack of its own.
    fn on_stack<T: Send>(
        &self,
        work: impl FnOnce(&mut Evaluator) -> Result<T, Vec<Error>> + Send,
    ) -> Result<T, Vec<Error>> {
        let mut evaluator = self.evaluator.lock().unwrap_or_else(PoisonError::into_inner);
        let evaluator = &mut *evaluator;
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            match thread.spawn_scoped(scope, || work(evaluator)).map(|thread| thread.join()) {
                Ok(Ok(result)) => result,
                _ => Err(vec![Error::new(Code::Limit, "the evaluation could not be run", None)]),
            }
        })
    }
}

impl Instance {
    /// The value of an expression. The whole is worked out first, so that no order of questions matters; if that is
    /// refused, only what the expression needs is.
    fn checked(&self, evaluator: &mut Evaluator, expr: Option<&ast::Expr>) -> Result<Data, Vec<Error>> {
        let found = self.both_ways(evaluator, expr);
        let refused = |errors: &Vec<Error>| errors.iter().any(is_refusal);
        if expr.is_some() && evaluator.whole_first && found.as_ref().is_err_and(refused) {
            *evaluator = evaluator.anew(Order::Forwards, false);
            return self.both_ways(evaluator, expr);
        }
        found
    }

    /// The value of an expression; where something had to be decided early, or something around it is wrong, only if the
    /// opposite order gives it, too.
    fn both_ways(&self, evaluator: &mut Evaluator, expr: Option<&ast::Expr>) -> Result<Data, Vec<Error>> {
        let source = &self.sources[self.main];
        let found = evaluator.export(self.main, expr, source, &self.names);
        let sure = evaluator.is_sound(self.main) && !evaluator.decided_early();
        if sure || evaluator.refused().is_some() {
            return found;
        }
        let mut opposite = evaluator.anew(Order::Backwards, evaluator.whole_first);
        let again = opposite.export(self.main, expr, source, &self.names);
        match (&found, &again) {
            (Ok(one), Ok(other)) if one == other => found,
            (Err(_), Err(errors)) if !errors.iter().any(is_refusal) => found,
            (_, Err(errors)) if errors.iter().any(is_refusal) => again,
            _ => {
                let text = "a value that depends on the order in which it is worked out is not supported";
                Err(vec![Error::new(Code::Unsupported, text, None)])
            }
        }
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.code, Code::Unsupported | Code::Limit)
}

impl Evaluator {
    fn explain(
        &mut self,
        main: usize,
        expr: Option<&ast::Expr>,
        source: &PackageSource,
        names: &[String],
        name: &str,
    ) -> Result<Vec<Provenance>, Vec<Error>> {
        let vid = self.asked(main, expr, source, names)?;
        let found = self.why(vid, name);
        match self.refused() {
            Some(error) => Err(vec![(**error).clone()]),
            None => Ok(found),
        }
    }

    /// The vertex of what is asked for.
    fn asked(
        &mut self,
        main: usize,
        expr: Option<&ast::Expr>,
        source: &PackageSource,
        names: &[String],
    ) -> Result<Vid, Vec<Error>> {
        let (root, frame) = self.root(main);
        let Some(expr) = expr else { return Ok(root) };
        let bound = self.binder.expression(source, names, expr)?;
        let found = self.value_vertex(&bound, frame);
        let refused = self.refused().cloned();
        found.map_err(|error| vec![(*refused.unwrap_or(error)).clone()])
    }

    fn export(
        &mut self,
        main: usize,
        expr: Option<&ast::Expr>,
        source: &PackageSource,
        names: &[String],
    ) -> Result<Data, Vec<Error>> {
        if self.whole_first {
            let (root, _) = self.root(main);
            self.settle(root);
        }
        let vid = self.asked(main, expr, source, names)?;
        let found = self.export_vertex(vid);
        let cyclic = match &found {
            Ok(_) => self.doubtful,
            Err(errors) => errors.iter().find(|error| error.code == Code::Undecided).map(|error| place(error)),
        };
        if let Some(span) = cyclic {
            self.refuse_cycle(Some(span));
        }
        match self.refused() {
            Some(error) => Err(vec![(**error).clone()]),
            None => found.map_err(|errors| errors.iter().map(|error| Arc::unwrap_or_clone(error.clone())).collect()),
        }
    }
}

fn place(error: &Error) -> Span {
    error.labels.first().map_or(Span::new(FileId(u32::MAX), 0, 0), |label| label.span)
}
