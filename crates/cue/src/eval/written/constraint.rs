//! Kinds, bounds and checks as CUE: `int & >3`, `uint8`, `strings.MinRunes(4)`.
//!
//! Source of the names for ranges: the specification's predeclared identifiers.
//!
//! Not here: structs and lists.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::tree;
use super::{Done, Writer};
use crate::compile::ir::{BinaryOp, Callee, Ex, UnaryOp};
use crate::data::Data;
use crate::decode::data_to_expr;
use crate::eval::bounds::kinds_of_bound;
use crate::eval::calls::validated;
use crate::eval::graph::{Bound, Check, Frame, Value, Vid};
use crate::kind::Kind;
use crate::number::Number;
use crate::syntax::ast::{Decl, Element, Ellipsis, Expr, ExprKind};

/// Sizes of integers that have names, in bits.
const SIZES_BITS: [u32; 5] = [8, 16, 32, 64, 128];

impl Writer<'_> {
    /// What a vertex that is no literal must be, each part by itself.
    pub(super) fn constraints(&mut self, vid: Vid) -> Done<Vec<Expr>> {
        let node = &self.evaluator.get(vid).node;
        let (kind, lower, upper) = (node.kind, node.lower.clone(), node.upper.clone());
        let (checks, function) = (node.checks.clone(), node.function.clone());
        if let (Some(function), true, true) = (function, checks.is_empty(), kind == Kind::FUNC) {
            return Ok(vec![self.callee(&function)]);
        }
        let mut parts = match (&lower, &upper) {
            (Some(lower), Some(upper)) if kind == Kind::INT => self.named_range(lower, upper),
            _ => None,
        }
        .unwrap_or_default();
        if parts.is_empty() {
            let bounds: Vec<&Bound> = lower.iter().chain(&upper).map(|bound| &**bound).collect();
            if kind != implied(&bounds, &checks) {
                parts.push(self.kind(kind));
            }
            parts.extend(bounds.into_iter().map(bound_expr));
        }
        parts.extend(self.checks(&checks)?);
        Ok(parts)
    }

    /// The checks of a vertex.
    pub(super) fn checks(&mut self, checks: &[Check]) -> Done<Vec<Expr>> {
        let mut parts = Vec::new();
        for check in checks {
            parts.push(match check {
                Check::Bound(bound) => bound_expr(bound),
                Check::Call { callee, args, frame, .. } => self.check_call(callee, args, *frame)?,
            });
        }
        Ok(parts)
    }

    fn check_call(&mut self, callee: &Callee, args: &[Ex], frame: Frame) -> Done<Expr> {
        let of = self.callee(callee);
        let args = args.iter().map(|arg| self.argument(arg, frame)).collect::<Done<Vec<Expr>>>()?;
        Ok(tree::call(of, args))
    }

    /// An argument: the literal that it is, else as it was written.
    fn argument(&mut self, arg: &Ex, frame: Frame) -> Done<Expr> {
        let vid = self.evaluator.anonymous(arg.clone(), frame);
        self.finish(vid);
        let vid = self.evaluator.default_of(vid);
        match &self.evaluator.get(vid).value {
            Value::Scalar(data) => Ok(data_to_expr(data, tree::NOWHERE)),
            _ => self.written_in(arg, frame),
        }
    }

    /// Integers between two bounds that have a name: `uint8`, `int64`; or are never negative: `uint & <10`.
    fn named_range(&self, lower: &Bound, upper: &Bound) -> Option<Vec<Expr>> {
        let (Data::Number(low), Data::Number(high)) = (&lower.value, &upper.value) else { return None };
        let inclusive = lower.op == UnaryOp::GreaterEqual && upper.op == UnaryOp::LessEqual;
        let same = |a: &Number, b: &BigInt| a.compare(&Number::int(b.clone())) == Ordering::Equal;
        let name = SIZES_BITS.iter().find_map(|bits| {
            let (half, whole) = (BigInt::from(1) << (bits - 1), BigInt::from(1) << *bits);
            let signed = same(low, &-half.clone()) && same(high, &(half - 1));
            let unsigned = low.is_zero() && same(high, &(whole - 1));
            match (signed, unsigned) {
                (true, _) => Some(format!("int{bits}")),
                (_, true) => Some(format!("uint{bits}")),
                _ => None,
            }
        });
        if let (Some(name), true) = (name, inclusive) {
            return Some(vec![self.predeclared(&name)]);
        }
        let unsigned = low.is_zero() && lower.op == UnaryOp::GreaterEqual;
        unsigned.then(|| vec![self.predeclared("uint"), bound_expr(upper)])
    }

    /// A set of kinds.
    pub(super) fn kind(&self, kind: Kind) -> Expr {
        if kind == Kind::TOP {
            return tree::expr(ExprKind::Top);
        }
        let mut parts = Vec::new();
        if kind.holds(Kind::NULL) {
            parts.push(tree::expr(ExprKind::Null));
        }
        let number = kind.holds(Kind::NUMBER);
        let named = [
            (Kind::BOOL, "bool", true),
            (Kind::NUMBER, "number", number),
            (Kind::INT, "int", !number),
            (Kind::FLOAT, "float", !number),
            (Kind::STRING, "string", true),
            (Kind::BYTES, "bytes", true),
        ];
        let there = named.iter().filter(|(one, _, counts)| *counts && kind.holds(*one));
        parts.extend(there.map(|(_, name, _)| self.predeclared(name)));
        let ellipsis = || Ellipsis { value: None, span: tree::NOWHERE };
        if kind.holds(Kind::LIST) {
            parts.push(tree::list(vec![Element::Ellipsis(Box::new(ellipsis()))]));
        }
        if kind.holds(Kind::STRUCT) {
            parts.push(tree::structure(vec![Decl::Ellipsis(Box::new(ellipsis()))]));
        }
        tree::joined(BinaryOp::Or, parts)
    }
}

/// The kinds that bounds and checks leave.
fn implied(bounds: &[&Bound], checks: &[Check]) -> Kind {
    let of_bound = |bound: &Bound| kinds_of_bound(bound.op, &bound.value).unwrap_or(Kind::TOP);
    let of_check = |check: &Check| match check {
        Check::Bound(bound) => of_bound(bound),
        Check::Call { callee, .. } => validated(callee).0,
    };
    let kinds = bounds.iter().map(|bound| of_bound(bound)).chain(checks.iter().map(of_check));
    kinds.reduce(|one, other| one & other).unwrap_or(Kind::BOTTOM)
}

fn bound_expr(bound: &Bound) -> Expr {
    tree::unary(bound.op, data_to_expr(&bound.value, tree::NOWHERE))
}
