//! Whether a value accepts all that another one is or may still become: whether the other is an instance of it.
//!
//! What is proven is told; so is what an example disproves. Anything between the two is a doubt, and no answer:
//! whether one regular expression takes all that another one takes, say. Defaults are not taken.
//!
//! Source of the rules: the language specification, "Values and types": `a` is an instance of `b` if `a & b` is `a`.
//!
//! Not here: structs (`subsume/structs`), constraints and the examples that disprove (`subsume/constraints`).

mod constraints;
mod labels;
mod structs;

use std::sync::Arc;

use super::Evaluator;
use super::graph::{Value, Vid};
use super::run::Need;
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::source::Span;

/// How deep values are compared, in levels.
const MAX_LEVELS: u32 = 60;

/// How many pairs of values are compared for one question.
const MAX_PAIRS: usize = 20_000;

/// What can't be told, and where it is written.
pub(super) struct Doubt {
    what: &'static str,
    place: Option<Span>,
}

/// Whether it accepts it, if that can be told.
pub(super) type Verdict = Result<bool, Doubt>;

/// A question, and how much was done for it.
#[derive(Default)]
pub(super) struct Comparison {
    pairs: usize,
    level: u32,
}

impl Evaluator {
    /// Whether `schema` accepts all that `value` is or may become.
    ///
    /// # Errors
    /// It can't be told.
    pub(crate) fn subsumes(&mut self, schema: Vid, value: Vid) -> Result<bool, Arc<Error>> {
        self.accepts_all(schema, value, &mut Comparison::default()).map_err(|doubt| {
            let text = format!("whether a value accepts all of another one can't be told here: {}", doubt.what);
            Arc::new(Error::new(Code::Unsupported, text, doubt.place))
        })
    }

    pub(super) fn accepts_all(&mut self, schema: Vid, value: Vid, so_far: &mut Comparison) -> Verdict {
        so_far.pairs += 1;
        if so_far.level >= MAX_LEVELS || so_far.pairs > MAX_PAIRS {
            return self.doubt("they are too large, or hold themselves", value);
        }
        so_far.level += 1;
        let verdict = self.compared(schema, value, so_far);
        so_far.level -= 1;
        verdict
    }

    fn compared(&mut self, schema: Vid, value: Vid, so_far: &mut Comparison) -> Verdict {
        let (a, b) = (self.worked_out(schema), self.worked_out(value));
        if a == b || self.is_anything(a) {
            return Ok(true);
        }
        let holds_itself = |value: &Value| matches!(value, Value::Bottom(error) if error.code == Code::StructuralCycle);
        match (&self.get(a).value, &self.get(b).value) {
            (x, y) if holds_itself(x) || holds_itself(y) => self.doubt("it holds itself", b),
            (_, Value::Bottom(error)) if !error.code.is_open() => Ok(true),
            (_, Value::Bottom(_) | Value::Unknown) => self.doubt("it waits for something", b),
            (Value::Bottom(error), _) if !error.code.is_open() => Ok(false),
            (Value::Bottom(_) | Value::Unknown, _) => self.doubt("it waits for something", a),
            (_, Value::Disjunction { alternatives, .. }) => {
                let alternatives = alternatives.clone();
                self.accepts_each(a, &alternatives, so_far)
            }
            (Value::Disjunction { alternatives, .. }, _) => {
                let alternatives = alternatives.clone();
                self.one_accepts(a, &alternatives, b, so_far)
            }
            _ if self.get(a).node.function.is_some() || self.get(b).node.function.is_some() => {
                self.doubt("it is a function", a)
            }
            (Value::Scalar(x), Value::Scalar(y)) => {
                let same = x == y && super::insert::kind_of(x) == super::insert::kind_of(y);
                if same { self.accepts_fields(a, b, so_far) } else { Ok(false) }
            }
            (Value::Struct, Value::Struct) => self.accepts_struct(a, b, so_far),
            (Value::List, Value::List) => match self.accepts_list(a, b, so_far)? {
                true => self.accepts_fields(a, b, so_far),
                false => Ok(false),
            },
            (Value::Constraint, Value::Constraint) => self.accepts_constraint(a, b),
            (Value::Constraint, _) => self.constraint_accepts(a, b),
            (_, Value::Constraint) => self.disproved(a, b, "it is more than one value"),
            _ => Ok(false),
        }
    }

    /// All alternatives have to be accepted.
    fn accepts_each(&mut self, schema: Vid, alternatives: &[Vid], so_far: &mut Comparison) -> Verdict {
        let mut verdict = Ok(true);
        for alternative in alternatives {
            match self.accepts_all(schema, *alternative, so_far) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(doubt) => verdict = Err(doubt),
            }
        }
        verdict
    }

    /// One alternative that accepts all is enough. Several might do it together, but for a value that is only one.
    fn one_accepts(&mut self, schema: Vid, alternatives: &[Vid], value: Vid, so_far: &mut Comparison) -> Verdict {
        let mut doubts = None;
        for alternative in alternatives {
            match self.accepts_all(*alternative, value, so_far) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(doubt) => doubts = Some(doubt),
            }
        }
        match doubts {
            None if self.is_one_value(value) => Ok(false),
            _ => self.disproved(schema, value, "several alternatives may accept it together"),
        }
    }

    /// Whether nothing can be added to a value without a contradiction or a change.
    fn is_one_value(&mut self, vid: Vid) -> bool {
        let vid = self.worked_out(vid);
        let arcs: Vec<Vid> = self.get(vid).arcs.values().copied().collect();
        match &self.get(vid).value {
            Value::Scalar(_) => arcs.is_empty(),
            Value::List => self.get(vid).node.list.closed && arcs.into_iter().all(|arc| self.is_one_value(arc)),
            Value::Struct => {
                let no_more = self.get(vid).node.patterns.is_empty() && self.is_closed_struct(vid);
                no_more && arcs.into_iter().all(|arc| self.is_there(arc) && self.is_one_value(arc))
            }
            _ => false,
        }
    }

    /// A vertex, evaluated, and what stands for it.
    pub(super) fn worked_out(&mut self, vid: Vid) -> Vid {
        self.finish_above(vid);
        self.ensure(vid, Need::Value).ok();
        self.deref(vid)
    }

    /// Whether it is `_`.
    pub(super) fn is_anything(&self, vid: Vid) -> bool {
        let vertex = self.get(vid);
        let node = &vertex.node;
        matches!(vertex.value, Value::Constraint)
            && node.kind == Kind::TOP
            && node.checks.is_empty()
            && node.lower.is_none()
            && node.upper.is_none()
            && node.patterns.is_empty()
            && node.function.is_none()
            && vertex.arcs.is_empty()
            && !vertex.closed_recursive
            && !vertex.closed_once
    }

    pub(super) fn doubt(&self, what: &'static str, at: Vid) -> Verdict {
        Err(Doubt { what, place: self.place_of(at) })
    }
}
