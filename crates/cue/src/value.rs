//! The library's face: configurations are built in a context, and their values asked.
//!
//! ```
//! use shipway_cue::{Context, Style};
//!
//! let context = Context::default();
//! let app = context.compile_text("replicas: *1 | >0\nname: string\nenv: [string]: string\n")?;
//! let stage = context.compile_text("name: \"shop\", replicas: 3, env: MODE: \"stage\"")?;
//!
//! let both = app.unify(&stage)?;
//! assert!(both.is_concrete());
//! assert_eq!(both.lookup("env.MODE")?.decode::<String>()?, "stage");
//! assert_eq!(app.to_cue(Style::RESULT)?, "replicas: 1\nname:     string\nenv: {}\n");
//! # Ok::<(), shipway_cue::Failed>(())
//! ```
//!
//! Not here: formats (`encode`), how values come to be (`eval`), reading files (`load`).

mod advice;
mod context;
mod instance;
mod loaded;
mod read;
mod recipe;

use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use context::Context;
pub use instance::Instance;

use crate::compile::PackageSource;
use crate::data::Data;
use crate::edit::{Step, parse_path};
use crate::error::{Code, Error};
use crate::eval::{Evaluator, Home, Style, Vid};
use crate::kind::Kind;
use crate::label::{Label, Sort};
use crate::load::Failed;
use crate::provenance::Provenance;
use crate::source::{SourceMap, Span};
use crate::syntax::ast::Presence;
use context::State;
use read::Read;
use recipe::{Question, Recipe};

/// A value of a configuration: a handle that is cheap to copy. It is evaluated when something is asked of it.
#[derive(Clone, Debug)]
pub struct Value {
    context: Context,
    recipe: Arc<Recipe>,
    /// The package whose names are its own, by its number in the context.
    home: usize,
}

/// What [`Value::validate`] asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validation {
    /// All regular fields and elements must be data, and required ones there.
    pub concrete: bool,
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name as written, without quotes: `a`, `#A`, `_a`.
    pub name: Arc<str>,
    /// Whether it is a regular field, a definition or hidden.
    pub sort: Sort,
    /// Whether it is there, may be, or must be.
    pub presence: Presence,
    /// What it is.
    pub value: Value,
}

impl Value {
    /// The files that the errors of this value's context point into.
    #[must_use]
    pub fn sources(&self) -> SourceMap {
        self.context.sources()
    }

    /// Where the value stands from the root of its package: `a.b`; empty for the root and for values without a name.
    #[must_use]
    pub fn path(&self) -> String {
        self.ask(&|evaluator, vid, _| Ok(evaluator.path(vid))).unwrap_or_default()
    }

    /// The value at a path such as `spec.containers[0]."my-image".tag`, `#A` or `_hidden`. Where a step leads through a
    /// disjunction, its default is taken.
    ///
    /// # Errors
    /// The path is not one, or leads nowhere.
    pub fn lookup(&self, path: &str) -> Result<Self, Failed> {
        let steps = parse_path(path).map_err(|error| self.failed(vec![error]))?;
        let labels = self.context.with(|state| steps.iter().map(|step| state.label(self.home, step)).collect());
        self.with(self.recipe.path(self.context.number(), labels)).found()
    }

    /// The value of an expression in the package that this value is of, such as `len(items)`.
    ///
    /// # Errors
    /// It is not an expression, or its names mean nothing.
    pub fn evaluate(&self, expression: &str) -> Result<Self, Failed> {
        let expr = self.context.parse(expression)?;
        self.with(Recipe::expression(self.context.number(), self.home, expr)).found()
    }

    /// The kind of a concrete value; no kind ([`Kind::BOTTOM`]) where it is not concrete or in error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.ask(&|evaluator, vid, _| evaluator.kind(vid)).unwrap_or(Kind::BOTTOM)
    }

    /// The kinds that it may still be; no kind where it is in error.
    #[must_use]
    pub fn incomplete_kind(&self) -> Kind {
        self.ask(&|evaluator, vid, _| evaluator.incomplete_kind(vid)).unwrap_or(Kind::BOTTOM)
    }

    /// Whether it is data through and through, defaults taken.
    #[must_use]
    pub fn is_concrete(&self) -> bool {
        self.validate(Validation { concrete: true }).is_ok()
    }

    /// The one default, where a disjunction has one.
    #[must_use]
    pub fn default(&self) -> Option<Self> {
        let has_one = self.ask(&|evaluator, vid, _| evaluator.has_default(vid)).unwrap_or(false);
        has_one.then(|| self.with(self.recipe.default(self.context.number())))
    }

    /// What satisfies both values, as `&` does. Contradictions are errors of the new value.
    ///
    /// # Errors
    /// The two are not of one [`Context`].
    pub fn unify(&self, other: &Self) -> Result<Self, Failed> {
        self.same_context(other, "unified")?;
        let both = self.with(self.recipe.both(self.context.number(), &other.recipe));
        match both.recipe.too_long() {
            Some(error) => Err(self.failed(vec![error])),
            None => Ok(both),
        }
    }

    /// Whether the value accepts all that another one is, or may still become: whether the other is an instance of it.
    /// A contradiction is an instance of everything. Defaults are not taken: `*1 | int` may be any `int`.
    ///
    /// # Errors
    /// The two are not of one [`Context`], or it can't be told: what is neither proven nor disproved by an example is
    /// [`Code::Unsupported`].
    pub fn subsumes(&self, other: &Self) -> Result<bool, Failed> {
        self.same_context(other, "compared")?;
        let found = self.context.on_stack(|state| state.accepts(&self.recipe, &other.recipe));
        found.map_err(|errors| self.failed(errors))
    }

    /// Checks the value and all below it.
    ///
    /// # Errors
    /// All that is wrong with it; what is only open as far as it is asked for.
    pub fn validate(&self, validation: Validation) -> Result<(), Failed> {
        self.ask_or_fail(&|evaluator, vid, _| evaluator.validate(vid, validation.concrete), |(), ()| true)
    }

    /// The first error of the value itself or below it; incomplete values have none.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.validate(Validation::default()).err().and_then(|failed| failed.errors.into_iter().next())
    }

    /// The concrete value, defaults taken.
    ///
    /// # Errors
    /// All that is wrong with it or missing in it.
    pub fn to_data(&self) -> Result<Data, Failed> {
        self.ask_or_fail(&|evaluator, vid, _| evaluator.export(vid), Data::eq)
    }

    /// The concrete value as a type.
    ///
    /// # Errors
    /// It is not concrete, or doesn't fit the type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Failed> {
        let mismatch = |message: String| {
            let place = self.ask(&|evaluator, vid, _| Ok(evaluator.place_of(vid))).unwrap_or_default();
            let mut error = Error::new(Code::Conflict, message, place);
            error.path = self.path();
            self.failed(vec![error])
        };
        self.to_data()?.to_type().map_err(|error| mismatch(error.message))
    }

    /// The value as the text of a file of CUE.
    ///
    /// # Errors
    /// All that is wrong with it, or something that can't be written down.
    pub fn to_cue(&self, style: Style) -> Result<String, Failed> {
        let read = |evaluator: &mut Evaluator, vid: Vid, packages: &[PackageSource]| {
            evaluator.as_cue(vid, style, Home { packages, own: self.home })
        };
        self.ask_or_fail(&read, |one, other| same_words(one, other))
    }

    /// The package that the value is of as the text of one file of CUE: nothing is evaluated, but what is said of one
    /// field in several places stands together.
    ///
    /// # Errors
    /// All that is wrong with the package, or something that can't be written down.
    pub fn package_to_cue(&self) -> Result<String, Failed> {
        let root = self.with(Recipe::package(self.context.number(), self.home));
        root.validate(Validation::default())?;
        let read = |evaluator: &mut Evaluator, _: Vid, packages: &[PackageSource]| {
            evaluator.package_as_cue(Home { packages, own: self.home })
        };
        root.ask_or_fail(&read, String::eq)
    }

    /// Where the value comes from: one provenance for each leaf. `name` is what their paths begin with.
    ///
    /// # Errors
    /// There is no such value, or the evaluation met something that isn't supported.
    pub fn why(&self, name: &str) -> Result<Vec<Provenance>, Failed> {
        if let Err(failed) = self.to_data()
            && failed.errors.iter().any(recipe::is_refusal)
        {
            return Err(failed);
        }
        let read = |evaluator: &mut Evaluator, vid: Vid, _: &[PackageSource]| evaluator.sources_of(vid, name);
        let found = self.context.on_stack(|state| state.look(&self.recipe, &read));
        found.map_err(|errors| self.failed(errors))
    }

    /// All fields in their order, optional and hidden ones too; what is no struct has none but definitions and hidden
    /// ones.
    ///
    /// # Errors
    /// Everything that is wrong with the value.
    pub fn fields(&self) -> Result<Vec<Field>, Failed> {
        let found = self.ask_or_fail(&|evaluator, vid, _| evaluator.fields_of(vid), |a, b| a.len() == b.len())?;
        let field = |(name, label, presence): (Arc<str>, Label, Presence)| Field {
            name,
            sort: label.sort(),
            presence,
            value: self.with(self.recipe.field(self.context.number(), label)),
        };
        Ok(found.into_iter().map(field).collect())
    }

    /// The elements of a list; what is no list has none.
    ///
    /// # Errors
    /// Everything that is wrong with the value.
    pub fn elements(&self) -> Result<Vec<Self>, Failed> {
        let found = self.ask_or_fail(&|evaluator, vid, _| evaluator.elements_of_value(vid), Vec::eq)?;
        Ok(found.into_iter().map(|label| self.with(self.recipe.field(self.context.number(), label))).collect())
    }

    /// How many elements a list has, regular fields a struct, or bytes a text; none for anything else, and for lists
    /// that may get longer.
    #[must_use]
    pub fn len(&self) -> Option<usize> {
        self.ask(&|evaluator, vid, _| evaluator.size_of(vid)).ok().flatten()
    }

    /// Whether [`Self::len`] is 0.
    #[must_use]
    pub fn is_empty(&self) -> Option<bool> {
        self.len().map(|length| length == 0)
    }

    fn same_context(&self, other: &Self, what: &str) -> Result<(), Failed> {
        if self.context.is(&other.context) {
            return Ok(());
        }
        let error = Error::new(Code::Reference, format!("values of two contexts can't be {what}"), None);
        Err(self.failed(vec![error.help("build both in one `Context`")]))
    }

    fn with(&self, recipe: Arc<Recipe>) -> Self {
        Self { context: self.context.clone(), recipe, home: self.home }
    }

    /// The value itself, if there is such a one.
    fn found(self) -> Result<Self, Failed> {
        if let Some(error) = self.recipe.too_long() {
            return Err(self.failed(vec![error]));
        }
        self.ask_or_fail(&|_, _, _| Ok(()), |(), ()| true)?;
        Ok(self)
    }

    fn ask<T: PartialEq + Send>(&self, read: &Read<'_, T>) -> Result<T, Vec<Error>> {
        self.context.on_stack(|state| state.ask(&self.recipe, &Question { read, same: T::eq }))
    }

    fn ask_or_fail<T: Send>(&self, read: &Read<'_, T>, same: fn(&T, &T) -> bool) -> Result<T, Failed> {
        let found = self.context.on_stack(|state| state.ask(&self.recipe, &Question { read, same }));
        found.map_err(|errors| self.failed(errors))
    }

    fn failed(&self, errors: Vec<Error>) -> Failed {
        let advised = |state: &mut State| match state.packages.get(self.home) {
            Some(package) => errors.into_iter().map(|error| advice::advised(error, package)).collect(),
            None => errors,
        };
        Failed { errors: self.context.with(advised), sources: self.sources() }
    }
}

impl State {
    fn label(&mut self, home: usize, step: &Step) -> Label {
        let labels = &mut self.evaluator.binder.labels;
        match step {
            Step::Field(name) => labels.regular(name),
            Step::Special(name) => {
                let package = self.packages.get(home).map_or("", |package| &package.path);
                labels.identifier(name, package)
            }
            Step::Index(index) => Label::index(u32::try_from(*index).unwrap_or(u32::MAX)),
        }
    }
}

/// Whether two texts have the same words: the order of fields doesn't count.
fn same_words(one: &str, other: &str) -> bool {
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    sorted(one) == sorted(other)
}

/// The place of what stands in no file.
const NOWHERE: Span = Span::new(crate::source::FileId(u32::MAX), 0, 0);
