//! Kinds, bounds and checks that accept values or other constraints; and examples: values that one takes and the other
//! doesn't.
//!
//! Not here: structs and lists.

use std::cmp::Ordering;

use super::super::Evaluator;
use super::super::bounds::{whole_high, whole_low};
use super::super::graph::{Bound, Check, Value, Vertex, Vid};
use super::super::lookup::whole;
use super::super::run::Need;
use super::Verdict;
use crate::compile::ir::{Callee, Ex, Kinds, Presence, UnaryOp};
use crate::data::Data;
use crate::kind::Kind;
use crate::number::Number;
use crate::source::{FileId, Span};

/// The place of values that stand in no file.
const NOWHERE: Span = Span::new(FileId(u32::MAX), 0, 0);

/// Values that are tried for every question, as CUE writes them.
const NUMBERS: [&str; 5] = ["0", "1", "-1", "0.5", "1000003"];
const TEXTS: [&str; 7] = ["", "a", "Z", "0", "-", "a b", "\n"];

impl Evaluator {
    /// Whether a constraint accepts something that is none.
    pub(super) fn constraint_accepts(&mut self, schema: Vid, value: Vid) -> Verdict {
        let node = &self.get(schema).node;
        if !node.kind.holds(self.kind_of_vertex(value)) {
            return Ok(false);
        }
        let only_kinds = node.checks.is_empty() && node.lower.is_none() && node.upper.is_none();
        if !node.patterns.is_empty() || !self.get(schema).arcs.is_empty() {
            return self.doubt("it is a struct only if something else makes it one", schema);
        }
        if only_kinds {
            return Ok(true);
        }
        match self.get(value).value.clone() {
            Value::Scalar(data) => match self.takes(schema, &data) {
                Some(taken) => Ok(taken),
                None => self.doubt("a check waits for something", schema),
            },
            _ => self.doubt("a check of structs and lists depends on all that they may hold", schema),
        }
    }

    /// Whether a constraint is implied by another one.
    pub(super) fn accepts_constraint(&mut self, schema: Vid, value: Vid) -> Verdict {
        let (a, b) = (self.get(schema).node.clone(), self.get(value).node.clone());
        let plain = |evaluator: &Self, vid: Vid| {
            evaluator.get(vid).arcs.is_empty() && evaluator.get(vid).node.patterns.is_empty()
        };
        if !plain(self, schema) || !plain(self, value) {
            return self.doubt("it is a struct only if something else makes it one", schema);
        }
        let int = !b.kind.meets(Kind::FLOAT);
        let lower =
            a.lower.as_deref().is_none_or(|bound| b.lower.as_deref().is_some_and(|known| implies(known, bound, int)));
        let upper =
            a.upper.as_deref().is_none_or(|bound| b.upper.as_deref().is_some_and(|known| implies(known, bound, int)));
        if a.kind.holds(b.kind) && lower && upper && a.checks.iter().all(|check| self.is_implied(check, value)) {
            return Ok(true);
        }
        self.disproved(schema, value, "no example shows that a check or a bound is not implied by others")
    }

    /// Whether a check is one of those of a constraint, or can't fail with it.
    fn is_implied(&mut self, check: &Check, value: Vid) -> bool {
        if self.get(value).node.checks.iter().any(|known| same_check(known, check)) {
            return true;
        }
        match check {
            Check::Bound(bound) if bound.op == UnaryOp::NotEqual => {
                is_scalar(&bound.value) && self.takes(value, &bound.value) == Some(false)
            }
            _ => false,
        }
    }

    /// No, if there is an example that the value may be and the schema doesn't take; else a doubt.
    pub(super) fn disproved(&mut self, schema: Vid, value: Vid, what: &'static str) -> Verdict {
        for example in self.examples(schema, value) {
            if self.takes(value, &example) == Some(true) && self.takes(schema, &example) == Some(false) {
                return Ok(false);
            }
        }
        self.doubt(what, schema)
    }

    /// Values of all kinds, and those around what is written in the bounds and checks of two vertices.
    fn examples(&self, schema: Vid, value: Vid) -> Vec<Data> {
        let mut found = vec![Data::Null, Data::Bool(true), Data::Bool(false), Data::List(Vec::new())];
        found.push(Data::Struct(Box::default()));
        found.push(Data::Bytes(b"a".as_slice().into()));
        found.extend(NUMBERS.iter().filter_map(|text| Number::parse(text)).map(Data::Number));
        found.extend(TEXTS.iter().map(|text| Data::string(*text)));
        for vid in [schema, value].into_iter().flat_map(|vid| self.alternatives_below(vid)) {
            self.written_in(vid).iter().for_each(|data| around(data, &mut found));
        }
        found
    }

    /// A vertex, or its alternatives.
    fn alternatives_below(&self, vid: Vid) -> Vec<Vid> {
        match &self.get(vid).value {
            Value::Disjunction { alternatives, .. } => alternatives.iter().map(|one| self.deref(*one)).collect(),
            _ => vec![vid],
        }
    }

    /// The scalars that a vertex is, or is compared with.
    fn written_in(&self, vid: Vid) -> Vec<Data> {
        let vertex = self.get(vid);
        let bounds = vertex.node.lower.iter().chain(&vertex.node.upper).map(|bound| bound.value.clone());
        let checks = vertex.node.checks.iter().filter_map(|check| match check {
            Check::Bound(bound) => Some(bound.value.clone()),
            Check::Call { .. } => None,
        });
        let own = match &vertex.value {
            Value::Scalar(data) => Some(data.clone()),
            _ => None,
        };
        bounds.chain(checks).chain(own).collect()
    }

    /// Whether a value takes data: what both are together is no contradiction.
    fn takes(&mut self, vid: Vid, data: &Data) -> Option<bool> {
        let literal = self.literal_vertex(data.clone(), NOWHERE);
        let mut vertex = Vertex::new(None, None, Presence::Regular);
        vertex.unrooted = true;
        vertex.conjuncts = thin_vec::thin_vec![whole(vid, self.void), whole(literal, self.void)];
        let both = self.add_vertex(vertex);
        self.ensure(both, Need::Value).ok();
        match &self.get(self.deref(both)).value {
            Value::Bottom(error) if error.code.is_open() => None,
            Value::Bottom(_) => Some(false),
            Value::Unknown => None,
            _ => Some(true),
        }
    }
}

/// Whether what keeps one bound keeps the other one; whole numbers only, if `int`.
fn implies(known: &Bound, bound: &Bound, int: bool) -> bool {
    if known.op == bound.op && known.value == bound.value {
        return true;
    }
    let (Data::Number(a), Data::Number(b)) = (&known.value, &bound.value) else { return false };
    let is_upper = matches!(bound.op, UnaryOp::Less | UnaryOp::LessEqual);
    let strict = matches!(bound.op, UnaryOp::Less | UnaryOp::Greater);
    let (end, reached) = match (int, is_upper) {
        (true, true) => (whole_high(a, known.op), known.op == UnaryOp::LessEqual),
        (true, false) => (whole_low(a, known.op), known.op == UnaryOp::GreaterEqual),
        (false, _) => (a.clone(), matches!(known.op, UnaryOp::LessEqual | UnaryOp::GreaterEqual)),
    };
    // The last whole number itself.
    let step = match (int && !reached, is_upper) {
        (false, _) => 0,
        (true, true) => -1,
        (true, false) => 1,
    };
    let Ok(end) = end.add(&Number::int(step)) else { return false };
    let reached = int || reached;
    match end.compare(b) {
        Ordering::Equal => !strict || !reached,
        Ordering::Less => is_upper,
        Ordering::Greater => !is_upper,
    }
}

fn same_check(one: &Check, other: &Check) -> bool {
    match (one, other) {
        (Check::Bound(one), Check::Bound(other)) => one.op == other.op && one.value == other.value,
        (Check::Call { callee: a, args: x, .. }, Check::Call { callee: b, args: y, .. }) => {
            same_callee(a, b) && x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same_literal(x, y))
        }
        _ => false,
    }
}

fn same_callee(one: &Callee, other: &Callee) -> bool {
    match (one, other) {
        (Callee::Native(one), Callee::Native(other)) => one == other,
        (Callee::Package(one, _), Callee::Package(other, _)) => one == other,
        _ => false,
    }
}

fn same_literal(one: &Ex, other: &Ex) -> bool {
    matches!((&one.kind, &other.kind), (Kinds::Data(one), Kinds::Data(other)) if one == other)
}

fn is_scalar(data: &Data) -> bool {
    !matches!(data, Data::List(_) | Data::Struct(_))
}

/// A value and its neighbours.
fn around(data: &Data, found: &mut Vec<Data>) {
    found.push(data.clone());
    match data {
        Data::Number(number) => {
            let steps = ["1", "-1", "0.5", "-0.5"].iter().filter_map(|step| Number::parse(step));
            found.extend(steps.filter_map(|step| number.add(&step).ok()).map(Data::Number));
        }
        Data::String(text) => found.push(Data::String(format!("{text}a").into())),
        _ => {}
    }
}
