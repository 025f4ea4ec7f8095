//! One configuration by itself, from packages that were parsed already.
//!
//! Not here: files (`load`).

use super::{Context, Value};
use crate::compile::PackageSource;
use crate::data::Data;
use crate::error::Error;
use crate::eval::Limits;
use crate::provenance::Provenance;
use crate::source::SourceMap;
use crate::syntax::ast;

/// A built configuration: its packages are bound, its values are computed when asked for.
#[derive(Debug)]
pub struct Instance {
    context: Context,
    main: usize,
}

impl Instance {
    /// Binds packages; `main` is the one that is asked.
    ///
    /// # Errors
    /// Names that mean nothing, and whatever else is wrong before anything is evaluated.
    pub fn build(sources: Vec<PackageSource>, main: usize, limits: Limits) -> Result<Self, Vec<Error>> {
        let context = Context::new(limits);
        let base = context.add(sources)?;
        Ok(Self { context, main: base + main })
    }

    /// The same, where fields of several files are ordered by these files' names, as CUE orders them; without it,
    /// by the order in which the files were read.
    #[must_use]
    pub fn ordered_by_name(self, sources: &SourceMap) -> Self {
        self.context.with(|state| state.evaluator.set_file_order(sources.ranks()));
        self
    }

    /// The value of an expression in the main package, or of the package itself. Its [`Value::sources`] are empty: the
    /// files are the caller's.
    #[must_use]
    pub fn value(&self, expr: Option<&ast::Expr>) -> Value {
        match expr {
            None => self.context.root(self.main),
            Some(expr) => self.context.expression(self.main, expr),
        }
    }

    /// The concrete value of an expression in the main package, or of the package itself.
    ///
    /// # Errors
    /// All that is wrong with it or missing in it.
    pub fn data(&self, expr: Option<&ast::Expr>) -> Result<Data, Vec<Error>> {
        self.value(expr).to_data().map_err(|failed| failed.errors)
    }

    /// Where the values of an expression in the main package come from, or those of the package itself: one
    /// provenance for each leaf. `name` is what their paths begin with.
    ///
    /// # Errors
    /// There is nothing at the expression, or the evaluation met something that isn't supported.
    pub fn why(&self, expr: Option<&ast::Expr>, name: &str) -> Result<Vec<Provenance>, Vec<Error>> {
        self.value(expr).why(name).map_err(|failed| failed.errors)
    }
}
