//! When two alternatives of a disjunction are one, and when two concrete values are equal.
//!
//! Not here: which values may be compared with `==` (`arith`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::Evaluator;
use super::graph::{Bound, Check, Value, Vid};
use crate::data::Data;

impl Evaluator {
    /// Whether two finished vertices say the same, for all that can be told.
    pub(super) fn equal(&self, a: Vid, b: Vid) -> bool {
        let (a, b) = (self.deref(a), self.deref(b));
        if a == b {
            return true;
        }
        let (x, y) = (self.get(a), self.get(b));
        let same = match (&x.value, &y.value) {
            (Value::Scalar(x), Value::Scalar(y)) => x == y && super::insert::kind_of(x) == super::insert::kind_of(y),
            (Value::Struct, Value::Struct) => {
                x.node.ellipsis == y.node.ellipsis && self.same_patterns(a, b) && self.same_closing(a, b)
            }
            (Value::List, Value::List) => {
                x.node.list.length == y.node.list.length && x.node.list.closed == y.node.list.closed
            }
            (Value::Constraint, Value::Constraint) => self.same_constraint(a, b),
            (
                Value::Disjunction { alternatives: x, defaults: dx },
                Value::Disjunction { alternatives: y, defaults: dy },
            ) => dx == dy && x.len() == y.len() && x.iter().zip(y).all(|(x, y)| self.equal(*x, *y)),
            _ => false,
        };
        same && self.same_arcs(a, b)
    }

    fn same_arcs(&self, a: Vid, b: Vid) -> bool {
        let (x, y) = (self.get(a), self.get(b));
        x.arcs.len() == y.arcs.len()
            && x.arcs.iter().all(|(label, arc)| {
                y.arcs.get(label).is_some_and(|other| {
                    let (p, q) = (self.get(*arc), self.get(*other));
                    p.presence == q.presence && (self.equal(*arc, *other) || self.same_unfinished(*arc, *other))
                })
            })
    }

    /// Fields that nobody evaluated are the same if their conjuncts are.
    fn same_unfinished(&self, a: Vid, b: Vid) -> bool {
        let (x, y) = (self.get(a), self.get(b));
        let open = |value: &Value| matches!(value, Value::Unknown);
        open(&x.value)
            && open(&y.value)
            && x.conjuncts.len() == y.conjuncts.len()
            && x.conjuncts.iter().zip(&y.conjuncts).all(|(x, y)| match (&x.body, &y.body) {
                (super::Body::Expr(x), super::Body::Expr(y)) => Arc::ptr_eq(x, y),
                (super::Body::Vertex(x), super::Body::Vertex(y)) => x == y,
                _ => false,
            })
    }

    fn same_patterns(&self, a: Vid, b: Vid) -> bool {
        let (x, y) = (&self.get(a).node.patterns, &self.get(b).node.patterns);
        x.len() == y.len() && x.iter().zip(y).all(|(x, y)| Arc::ptr_eq(&x.value, &y.value))
    }

    fn same_closing(&self, a: Vid, b: Vid) -> bool {
        let (x, y) = (self.get(a), self.get(b));
        x.closed_once == y.closed_once && x.closed_recursive == y.closed_recursive
    }

    fn same_constraint(&self, a: Vid, b: Vid) -> bool {
        let (x, y) = (&self.get(a).node, &self.get(b).node);
        let bound = |x: &Option<Box<Bound>>, y: &Option<Box<Bound>>| match (x, y) {
            (None, None) => true,
            (Some(x), Some(y)) => x.op == y.op && x.value == y.value,
            _ => false,
        };
        let check = |x: &Check, y: &Check| match (x, y) {
            (Check::Bound(x), Check::Bound(y)) => x.op == y.op && x.value == y.value,
            (Check::Call { args: x, frame: f, span: s, .. }, Check::Call { args: y, frame: g, span: t, .. }) => {
                s == t && f == g && x.len() == y.len()
            }
            _ => false,
        };
        x.kind == y.kind
            && x.tasks.iter().all(|task| matches!(task.state, super::graph::TaskState::Done))
            && bound(&x.lower, &y.lower)
            && bound(&x.upper, &y.upper)
            && x.checks.len() == y.checks.len()
            && x.checks.iter().zip(&y.checks).all(|(x, y)| check(x, y))
    }
}

/// Equal by value: `1 == 1.0`, in whatever order fields come.
pub(super) fn same(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::Number(a), Data::Number(b)) => a.compare(b).is_eq(),
        (Data::List(a), Data::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Data::Struct(a), Data::Struct(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (Data::String(_), Data::Bytes(_)) | (Data::Bytes(_), Data::String(_)) => bytes(a) == bytes(b),
        _ => a == b,
    }
}

/// A number that is the same for what is the [`same`].
pub(super) fn digest(data: &Data) -> u64 {
    let mut hasher = DefaultHasher::new();
    match data {
        Data::Null => {}
        Data::Bool(value) => value.hash(&mut hasher),
        Data::Number(number) => number.hash(&mut hasher),
        Data::String(_) | Data::Bytes(_) => hasher.write(&bytes(data)),
        Data::List(items) => items.iter().for_each(|item| hasher.write_u64(digest(item))),
        Data::Struct(fields) => {
            let field = |(name, value): (&Arc<str>, &Data)| digest(&Data::String(name.clone())) ^ digest(value);
            hasher.write_u64(fields.iter().map(field).fold(0, u64::wrapping_add));
        }
    }
    hasher.finish()
}

/// The bytes of a text; none for what is no text.
pub(super) fn bytes(data: &Data) -> Vec<u8> {
    match data {
        Data::String(text) => text.as_bytes().to_vec(),
        Data::Bytes(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    }
}
