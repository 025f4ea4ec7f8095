//! How a value is found in a graph. A graph is made anew where an evaluation was refused, or to see whether the order
//! in which it was worked out matters; so values are not kept as vertices but as the way to them.
//!
//! Not here: what is read from the vertex at the end of the way (`read`).

use std::collections::HashMap;
use std::sync::Arc;

use super::NOWHERE;
use super::context::State;
use super::read::{Answer, Read};
use crate::compile::PackageSource;
use crate::error::{Code, Error};
use crate::eval::{Evaluator, Vid};
use crate::label::Label;
use crate::syntax::ast::Expr;

/// How many values may be made one of another, in steps.
const MAX_STEPS: u32 = 10_000;

/// The way to a value.
#[derive(Debug)]
pub(super) struct Recipe {
    /// No two of one context have the same.
    number: u64,
    /// How many others lead to it, one after another.
    steps: u32,
    /// The packages that it starts from.
    packages: Vec<usize>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Package(usize),
    Expression(usize, Box<Expr>),
    /// What a path leads to, as a reference finds it.
    Path(Arc<Recipe>, Vec<Label>),
    /// A field, whether or not it is there.
    Field(Arc<Recipe>, Label),
    Default(Arc<Recipe>),
    Both(Arc<Recipe>, Arc<Recipe>),
}

impl Recipe {
    fn new(number: u64, way: Way) -> Arc<Self> {
        let (steps, mut packages) = match &way {
            Way::Package(package) | Way::Expression(package, _) => (0, vec![*package]),
            Way::Path(of, _) | Way::Field(of, _) | Way::Default(of) => (of.steps + 1, of.packages.clone()),
            Way::Both(a, b) => (a.steps.max(b.steps) + 1, [a.packages.as_slice(), &b.packages].concat()),
        };
        packages.sort_unstable();
        packages.dedup();
        Arc::new(Self { number, steps, packages, way })
    }

    /// The error of a way that is too long.
    pub(super) fn too_long(&self) -> Option<Error> {
        let text = format!("more than {MAX_STEPS} values were made one of another");
        (self.steps > MAX_STEPS).then(|| Error::new(Code::Limit, text, None))
    }

    pub(super) fn package(number: u64, package: usize) -> Arc<Self> {
        Self::new(number, Way::Package(package))
    }

    pub(super) fn expression(number: u64, package: usize, expr: Expr) -> Arc<Self> {
        Self::new(number, Way::Expression(package, Box::new(expr)))
    }

    pub(super) fn path(self: &Arc<Self>, number: u64, labels: Vec<Label>) -> Arc<Self> {
        Self::new(number, Way::Path(self.clone(), labels))
    }

    pub(super) fn field(self: &Arc<Self>, number: u64, label: Label) -> Arc<Self> {
        Self::new(number, Way::Field(self.clone(), label))
    }

    pub(super) fn default(self: &Arc<Self>, number: u64) -> Arc<Self> {
        Self::new(number, Way::Default(self.clone()))
    }

    pub(super) fn both(self: &Arc<Self>, number: u64, other: &Arc<Self>) -> Arc<Self> {
        Self::new(number, Way::Both(self.clone(), other.clone()))
    }

    fn is_package(&self) -> bool {
        matches!(self.way, Way::Package(_))
    }
}

/// What was found already in one graph.
pub(super) type Known = HashMap<u64, Vid>;

/// A graph and what was found in it.
struct Search<'s> {
    evaluator: &'s mut Evaluator,
    known: &'s mut Known,
    packages: &'s [PackageSource],
    names: &'s [String],
}

impl Search<'_> {
    fn read<T>(&mut self, recipe: &Recipe, read: &Read<'_, T>) -> Answer<T> {
        let vid = self.find(recipe)?;
        read(self.evaluator, vid, self.packages)
    }

    fn find(&mut self, recipe: &Recipe) -> Answer<Vid> {
        if let Some(vid) = self.known.get(&recipe.number) {
            return Ok(*vid);
        }
        let vid = match &recipe.way {
            Way::Package(package) => self.root(*package),
            Way::Expression(package, expr) => self.expression(*package, expr)?,
            Way::Path(of, labels) => {
                let of = self.find(of)?;
                labels.iter().try_fold(of, |at, label| self.evaluator.below(at, *label, NOWHERE)).map_err(one)?
            }
            Way::Field(of, label) => {
                let of = self.find(of)?;
                self.field(of, *label)?
            }
            Way::Default(of) => {
                let of = self.find(of)?;
                self.evaluator.evaluate_to_end(of);
                self.evaluator.the_default(of).unwrap_or(of)
            }
            Way::Both(one, other) => {
                let (one, other) = (self.find(one)?, self.find(other)?);
                self.evaluator.unified(one, other)
            }
        };
        self.known.insert(recipe.number, vid);
        Ok(vid)
    }

    fn expression(&mut self, package: usize, expr: &Expr) -> Answer<Vid> {
        self.root(package);
        let (_, frame) = self.evaluator.root(package);
        let none = || vec![Error::new(Code::Reference, "there is no such package", None)];
        let source = self.packages.get(package).ok_or_else(none)?;
        let bound = self.evaluator.binder.expression(source, self.names, expr)?;
        let found = self.evaluator.value_vertex(&bound, frame);
        let refused = self.evaluator.refused().cloned();
        found.map_err(|error| one(refused.unwrap_or(error)))
    }

    fn field(&mut self, of: Vid, label: Label) -> Answer<Vid> {
        self.evaluator.evaluate_to_end(of);
        let arcs = self.evaluator.arcs_of(of);
        let gone = || vec![Error::new(Code::Reference, "the field is not there any more", None)];
        arcs.into_iter().find(|(known, ..)| *known == label).map(|(_, _, arc)| arc).ok_or_else(gone)
    }

    fn root(&mut self, package: usize) -> Vid {
        let (root, _) = self.evaluator.root(package);
        if self.evaluator.whole_first {
            self.evaluator.settle(root);
        }
        root
    }
}

fn one(error: Arc<Error>) -> Vec<Error> {
    vec![(*error).clone()]
}

/// What is asked of a value, and when two answers are the same.
pub(super) struct Question<'q, T> {
    pub read: &'q Read<'q, T>,
    pub same: fn(&T, &T) -> bool,
}

/// What is done in a graph to answer a question, and which packages it is about.
struct Work<'w, T> {
    run: &'w (dyn Fn(&mut Search<'_>) -> Answer<T> + 'w),
    same: fn(&T, &T) -> bool,
    packages: &'w [usize],
    /// It is about a package as a whole, of which no part can be worked out alone.
    is_whole: bool,
}

impl State {
    /// The answer to a question. The whole is worked out first, so that no order of questions matters; if that is
    /// refused, only what the value needs is.
    pub(super) fn ask<T>(&mut self, recipe: &Recipe, question: &Question<'_, T>) -> Answer<T> {
        let run = |search: &mut Search<'_>| search.read(recipe, question.read);
        let is_whole = recipe.is_package();
        self.run(&Work { run: &run, same: question.same, packages: &recipe.packages, is_whole })
    }

    /// Whether one value accepts all that another one is.
    pub(super) fn accepts(&mut self, schema: &Recipe, value: &Recipe) -> Answer<bool> {
        let run = |search: &mut Search<'_>| {
            let (schema, value) = (search.find(schema)?, search.find(value)?);
            search.evaluator.accepts(schema, value)
        };
        let packages = [schema.packages.as_slice(), &value.packages].concat();
        let is_whole = schema.is_package() || value.is_package();
        self.run(&Work { run: &run, same: bool::eq, packages: &packages, is_whole })
    }

    /// What the graph says of a value that was asked for before.
    pub(super) fn look<T>(&mut self, recipe: &Recipe, read: &Read<'_, T>) -> Answer<T> {
        self.search().read(recipe, read)
    }

    fn run<T>(&mut self, work: &Work<'_, T>) -> Answer<T> {
        if self.evaluator.refused().is_some() {
            self.start_anew();
        }
        let found = self.both_ways(work);
        let refused = |errors: &Vec<Error>| errors.iter().any(is_refusal);
        if !work.is_whole && self.evaluator.whole_first && found.as_ref().is_err_and(refused) {
            self.evaluator.whole_first = false;
            self.start_anew();
            return self.both_ways(work);
        }
        found
    }

    fn search(&mut self) -> Search<'_> {
        let Self { evaluator, known, packages, names, .. } = self;
        Search { evaluator, known, packages, names }
    }

    fn start_anew(&mut self) {
        let whole_first = self.evaluator.whole_first;
        self.evaluator = self.evaluator.anew(crate::eval::Order::Forwards, whole_first);
        self.known.clear();
    }

    /// The answer; where something had to be decided early, or something around the value is wrong, only if the
    /// opposite order gives it, too.
    fn both_ways<T>(&mut self, work: &Work<'_, T>) -> Answer<T> {
        let found = (work.run)(&mut self.search());
        let is_sound = work.packages.iter().all(|package| self.evaluator.is_sound(*package));
        let sure = is_sound && !self.evaluator.decided_early();
        if sure || self.evaluator.refused().is_some() {
            return found;
        }
        let mut opposite = self.evaluator.anew(crate::eval::Order::Backwards, self.evaluator.whole_first);
        let mut known = Known::new();
        let (packages, names) = (&self.packages, &self.names);
        let again = (work.run)(&mut Search { evaluator: &mut opposite, known: &mut known, packages, names });
        match (&found, &again) {
            (Ok(one), Ok(other)) if (work.same)(one, other) => found,
            (Err(_), Err(errors)) if !errors.iter().any(is_refusal) => found,
            (_, Err(errors)) if errors.iter().any(is_refusal) => again,
            _ => {
                let text = "a value that depends on the order in which it is worked out is not supported";
                Err(vec![Error::new(Code::Unsupported, text, None)])
            }
        }
    }
}

pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(error.code, Code::Unsupported | Code::Limit)
}
