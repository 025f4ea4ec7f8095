//! Where a value comes from: everything that was said of it, where, by which way it came there, and what decided.
//!
//! Not here: how that is found in the graph (`eval::provenance`), and how it is written out ([`text`], [`json`]).

mod json;
mod text;

pub use json::json;
pub use text::text;

use crate::data::Data;
use crate::error::Error;
use crate::source::Span;

/// One value of a result, and all that was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// Its path.
    pub path: String,
    /// What it is; why it is nothing.
    pub value: Result<Data, Error>,
    /// What was said of it; what decided, or contradicts, comes first. Of what has fields only the disjunctions: the
    /// rest is said of the fields.
    pub said: Vec<Said>,
}

/// One thing that was said of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Where it is written.
    pub span: Span,
    /// What it did.
    pub role: Role,
    /// How it came to the value, from the value on.
    pub via: Vec<Step>,
    /// Of a disjunction: what became of its alternatives.
    pub alternatives: Vec<Alternative>,
    /// Of what was computed: the values that it was computed from.
    pub inputs: Vec<Input>,
}

/// A value that another one was computed from.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The reference to it.
    pub span: Span,
    /// What it is, and what decided that; where it was computed itself, what from.
    pub provenance: Provenance,
}

/// What something did to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It contradicts something else: there is no value.
    Conflicts,
    /// It gave the value.
    Decides,
    /// It gave the value as a default: any layer that gives another one wins.
    Default,
    /// It is a disjunction of which nothing else was left.
    Remains,
    /// It allows the value.
    Allows,
}

impl Role {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Conflicts => "conflicts",
            Self::Decides => "decides",
            Self::Default => "default",
            Self::Remains => "remains",
            Self::Allows => "allows",
        }
    }
}

/// A step of the way from a value to what was said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What sort.
    pub sort: Sort,
    /// Where it is written.
    pub span: Span,
    /// Of a comprehension: what its variables were, such as `name = "shop"`.
    pub round: Vec<String>,
}

/// The sorts of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A reference, an embedded one too.
    Reference,
    /// An alternative of a disjunction.
    Alternative,
    /// A pattern that the field fits.
    Pattern,
    /// A comprehension that yielded it.
    Comprehension,
}

impl Sort {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Alternative => "alternative",
            Self::Pattern => "pattern",
            Self::Comprehension => "comprehension",
        }
    }
}

/// An alternative of a disjunction.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// Where it is written.
    pub span: Span,
    /// What became of it.
    pub fate: Fate,
    /// It is marked as a default.
    pub is_default: bool,
    /// The value that it has by itself, where it is marked, taken, or refers to something else than a definition.
    pub value: Option<Data>,
}

/// What became of an alternative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is the value, or part of it.
    Taken,
    /// It fits, but others are defaults, or equal.
    Left,
    /// It doesn't fit what else was said.
    Fell(Error),
}
