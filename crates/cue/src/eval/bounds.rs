//! Bounds: kept as narrow as possible; two that leave nothing between them are a contradiction.
//!
//! Source of the rules: CUE's bound simplification, as the language specification's section on bounds asks for it.
//!
//! Not here: other checks, which wait for the value.

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::BigInt;

use super::graph::{Bound, Check, Origin, Vid};
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{BinaryOp, UnaryOp};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::number::Number;
use crate::source::Span;

impl Evaluator {
    pub(super) fn insert_bound(&mut self, vid: Vid, op: UnaryOp, value: Data, span: Span, origin: Origin) {
        self.mark_structure(vid, origin);
        let Some(kind) = kinds_of_bound(op, &value) else {
            let text = format!("{} can't be a bound for {}", super::data::brief(&value), op.sign());
            self.v(vid).node.errors.push(Arc::new(Error::new(Code::Conflict, text, Some(span))));
            return;
        };
        if matches!(op, UnaryOp::NotEqual | UnaryOp::Equal) {
            self.note(vid, origin, super::closed::OPEN_VALIDATOR | super::closed::TOP);
        }
        if kind != Kind::TOP {
            self.narrow(vid, kind, span);
        } else {
            self.v(vid).node.has_top |= origin.from_embed;
        }
        let bound = Bound { op, value, span };
        match op {
            UnaryOp::Less | UnaryOp::LessEqual => self.tighten(vid, bound, true),
            UnaryOp::Greater | UnaryOp::GreaterEqual => self.tighten(vid, bound, false),
            _ => self.add_check(vid, bound),
        }
    }

    fn add_check(&mut self, vid: Vid, bound: Bound) {
        let node = &mut self.v(vid).node;
        let known =
            |check: &Check| matches!(check, Check::Bound(known) if known.op == bound.op && known.value == bound.value);
        if !node.checks.iter().any(known) {
            node.checks.push(Check::Bound(bound));
        }
    }

    fn tighten(&mut self, vid: Vid, bound: Bound, upper: bool) {
        let node = &mut self.v(vid).node;
        let slot = if upper { &mut node.upper } else { &mut node.lower };
        let replace = slot.as_ref().is_none_or(|known| tighter(&bound, known, upper));
        if replace {
            *slot = Some(Box::new(bound));
        }
    }

    /// Two numeric bounds that leave no value are a contradiction. (One value that is left stays a pair of bounds.)
    pub(super) fn close_bounds(&mut self, vid: Vid) {
        let node = &self.get(vid).node;
        let (Some(lower), Some(upper)) = (node.lower.clone(), node.upper.clone()) else { return };
        let (Data::Number(low), Data::Number(high)) = (&lower.value, &upper.value) else { return };
        let int = !node.kind.meets(Kind::FLOAT);
        let (low, high) =
            if int { (whole_low(low, lower.op), whole_high(high, upper.op)) } else { (low.clone(), high.clone()) };
        let Ok(distance) = high.sub(&low) else { return };
        let strict = (lower.op == UnaryOp::Greater, upper.op == UnaryOp::Less);
        let none = distance.is_negative()
            || (distance.is_zero() && strict != (false, false))
            || (int && strict == (true, true) && distance.to_i64() == Some(1));
        if none {
            let text = format!("incompatible bounds {} and {}", shown(&lower), shown(&upper));
            let error = Error::new(Code::Conflict, text, None).at(lower.span, "").at(upper.span, "");
            self.v(vid).node.errors.push(Arc::new(error));
        }
    }

    /// Whether a literal keeps all bounds.
    pub(super) fn check_bounds(&mut self, vid: Vid, value: &Data) -> Option<Arc<Error>> {
        let node = &self.get(vid).node;
        let bounds = node.checks.iter().filter_map(|check| match check {
            Check::Bound(bound) => Some(bound),
            Check::Call { .. } => None,
        });
        let ends = node.lower.iter().chain(&node.upper).map(|bound| &**bound);
        let all: Vec<Bound> = ends.chain(bounds).cloned().collect();
        all.iter().find_map(|bound| self.breaks(value, bound))
    }

    fn breaks(&mut self, value: &Data, bound: &Bound) -> Option<Arc<Error>> {
        match self.keeps(value, bound) {
            Ok(true) => None,
            Ok(false) => {
                let text = format!("invalid value {} (out of bound {})", super::data::brief(value), shown(bound));
                Some(Arc::new(Error::new(Code::Conflict, text, Some(bound.span))))
            }
            Err(Stop::Fail(error)) => Some(error),
            Err(Stop::Blocked(_)) => None,
        }
    }

    fn keeps(&mut self, value: &Data, bound: &Bound) -> Step<bool> {
        let op = match bound.op {
            UnaryOp::Less => BinaryOp::Less,
            UnaryOp::LessEqual => BinaryOp::LessEqual,
            UnaryOp::Greater => BinaryOp::Greater,
            UnaryOp::GreaterEqual => BinaryOp::GreaterEqual,
            UnaryOp::NotEqual => return Ok(!same_value(value, &bound.value)),
            UnaryOp::Equal => return Ok(same_value(value, &bound.value)),
            UnaryOp::Match => BinaryOp::Match,
            _ => BinaryOp::NotMatch,
        };
        match self.arithmetic(op, value, &bound.value, bound.span)? {
            Data::Bool(holds) => Ok(holds),
            _ => Ok(false),
        }
    }
}

fn same_value(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::Number(a), Data::Number(b)) => a.compare(b) == Ordering::Equal,
        _ => a == b,
    }
}

pub(super) fn kinds_of_bound(op: UnaryOp, value: &Data) -> Option<Kind> {
    match (op, value) {
        (UnaryOp::NotEqual, Data::Null) => Some(Kind::TOP),
        (UnaryOp::NotEqual | UnaryOp::Equal, Data::Number(_)) => Some(Kind::NUMBER),
        (UnaryOp::NotEqual | UnaryOp::Equal, Data::List(_) | Data::Struct(_)) => Some(Kind::TOP),
        (UnaryOp::NotEqual | UnaryOp::Equal, other) => Some(super::insert::kind_of(other)),
        (UnaryOp::Match | UnaryOp::NotMatch, Data::String(_)) => Some(Kind::STRING | Kind::BYTES),
        (UnaryOp::Match | UnaryOp::NotMatch, _) => None,
        (_, Data::Number(_)) => Some(Kind::NUMBER),
        (_, Data::String(_)) => Some(Kind::STRING),
        (_, Data::Bytes(_)) => Some(Kind::BYTES),
        _ => None,
    }
}

fn order(a: &Data, b: &Data) -> Option<Ordering> {
    match (a, b) {
        (Data::Number(a), Data::Number(b)) => Some(a.compare(b)),
        (Data::String(a), Data::String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Data::Bytes(a), Data::Bytes(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn tighter(new: &Bound, known: &Bound, upper: bool) -> bool {
    let strict = matches!(new.op, UnaryOp::Less | UnaryOp::Greater);
    match order(&new.value, &known.value) {
        Some(Ordering::Less) => upper,
        Some(Ordering::Greater) => !upper,
        _ => strict,
    }
}

/// The least integer bound that says the same: `>=3.4` is `>=4`, `>3.4` is `>3`.
pub(super) fn whole_low(number: &Number, op: UnaryOp) -> Number {
    let floor = floor(number);
    let exact = floor.compare(number) == Ordering::Equal;
    if exact || op == UnaryOp::Greater { floor } else { floor.add(&Number::int(1)).unwrap_or(floor) }
}

/// `<=2.3` is `<=2`, `<2.3` is `<3`.
pub(super) fn whole_high(number: &Number, op: UnaryOp) -> Number {
    let floor = floor(number);
    let exact = floor.compare(number) == Ordering::Equal;
    if exact || op == UnaryOp::LessEqual { floor } else { floor.add(&Number::int(1)).unwrap_or(floor) }
}

fn floor(number: &Number) -> Number {
    if number.exponent() >= 0 {
        return number.to_integer().map_or_else(|| number.clone(), Number::int);
    }
    let scale = BigInt::from(10).pow(number.exponent().unsigned_abs());
    let quotient = number.coefficient() / &scale;
    let exact = (&quotient * &scale) == *number.coefficient();
    let floored = if number.is_negative() && !exact { quotient - 1 } else { quotient };
    Number::int(floored)
}

/// The bound as CUE writes it.
pub(super) fn shown(bound: &Bound) -> String {
    format!("{}{}", bound.op.sign(), super::data::brief(&bound.value))
}
