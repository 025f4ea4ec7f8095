//! Operators between values.
//!
//! Not here: `&` and `|`, which make vertices, not literals.

use std::cmp::Ordering;

use super::equal::{bytes, same};
use super::graph::{Frame, Value};
use super::operand::Outcome;
use super::run::Need;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{BinaryOp, Ex};
use crate::data::Data;
use crate::error::Code;
use crate::kind::Kind;
use crate::source::Span;

impl Evaluator {
    pub(super) fn binary(&mut self, op: BinaryOp, left: &Ex, right: &Ex, frame: Frame, span: Span) -> Step<Outcome> {
        let a = self.operand(left, frame)?;
        let b = self.operand(right, frame)?;
        self.arithmetic(op, &a, &b, span).map(Outcome::Data)
    }

    /// A literal or a list.
    fn operand(&mut self, expr: &Ex, frame: Frame) -> Step<Data> {
        match self.side(expr, frame)? {
            Outcome::Data(data) => Ok(data),
            Outcome::Vertex(vid) if matches!(self.get(vid).value, Value::Struct) => {
                self.fail(Code::Conflict, "a struct can't be used with this operator", expr.span)
            }
            Outcome::Vertex(vid) => self.data_step(vid, expr.span),
        }
    }

    /// A literal, or the vertex of a list or a struct.
    fn side(&mut self, expr: &Ex, frame: Frame) -> Step<Outcome> {
        let vid = match self.evaluate(expr, frame)? {
            Outcome::Vertex(vid) => vid,
            data @ Outcome::Data(_) => return Ok(data),
        };
        self.wait(vid, Need::Scalar)?;
        let found = self.default_of(vid);
        match self.get(found).value {
            Value::List | Value::Struct => Ok(Outcome::Vertex(found)),
            _ => self.scalar_of(found, expr.span).map(Outcome::Data),
        }
    }

    /// Both sides are looked at, so that a mistake on either is found, unless the file asks for the short way.
    pub(super) fn boolean(&mut self, op: BinaryOp, short: bool, left: &Ex, right: &Ex, frame: Frame) -> Step<Data> {
        let a = self.truth(left, frame)?;
        if short && a == (op == BinaryOp::BoolOr) {
            return Ok(Data::Bool(a));
        }
        let b = self.truth(right, frame)?;
        Ok(Data::Bool(if op == BinaryOp::BoolAnd { a && b } else { a || b }))
    }

    fn truth(&mut self, expr: &Ex, frame: Frame) -> Step<bool> {
        match self.scalar(expr, frame)? {
            Data::Bool(value) => Ok(value),
            other => {
                let text = format!("{} is neither true nor false", super::data::brief(&other));
                self.fail(Code::Conflict, text, expr.span)
            }
        }
    }

    /// Whether two concrete values are equal.
    pub(super) fn equality(&mut self, left: &Ex, right: &Ex, total: bool, frame: Frame, span: Span) -> Step<bool> {
        let a = self.comparable(left, frame)?;
        let b = self.comparable(right, frame)?;
        let (x, y) = (super::insert::kind_of(&a), super::insert::kind_of(&b));
        let null = x == Kind::NULL || y == Kind::NULL;
        let numbers = Kind::NUMBER.holds(x) && Kind::NUMBER.holds(y);
        let text = (Kind::STRING | Kind::BYTES).holds(x) && (Kind::STRING | Kind::BYTES).holds(y);
        let alike = (x == y && x != Kind::STRUCT) || null || numbers || text;
        if !alike && !total {
            let text = format!("invalid operands: {} and {} can't be compared", a.kind_name(), b.kind_name());
            return self.fail(Code::Conflict, text, span);
        }
        Ok(same(&a, &b))
    }

    fn comparable(&mut self, expr: &Ex, frame: Frame) -> Step<Data> {
        match self.side(expr, frame)? {
            Outcome::Data(data) => Ok(data),
            Outcome::Vertex(vid) => self.data_step(vid, expr.span),
        }
    }

    pub(super) fn arithmetic(&mut self, op: BinaryOp, a: &Data, b: &Data, span: Span) -> Step<Data> {
        match (a, b) {
            (Data::Number(x), Data::Number(y)) => {
                let result = match op {
                    BinaryOp::Add => x.add(y),
                    BinaryOp::Subtract => x.sub(y),
                    BinaryOp::Multiply => x.mul(y),
                    BinaryOp::Divide => x.divide(y),
                    _ => return self.ordered(op, x.compare(y), a, b, span),
                };
                match result {
                    Ok(number) if !number.is_within_precision() => {
                        let text = "an integer of more than 34 digits as a result: CUE v0.17 would round it";
                        Err(Stop::Fail(self.refuse(Code::Unsupported, text, Some(span))))
                    }
                    Ok(number) => Ok(Data::Number(number)),
                    Err(error) => self.fail(Code::Conflict, error.to_string(), span),
                }
            }
            _ => self.text_or_list(op, a, b, span),
        }
    }

    fn text_or_list(&mut self, op: BinaryOp, a: &Data, b: &Data, span: Span) -> Step<Data> {
        match (op, a, b) {
            (BinaryOp::Add, Data::String(x), Data::String(y)) => {
                self.bound_text(x.len() + y.len(), span)?;
                Ok(Data::string(format!("{x}{y}")))
            }
            (BinaryOp::Add, Data::Bytes(_), Data::Bytes(_)) => Ok(Data::Bytes([bytes(a), bytes(b)].concat().into())),
            (BinaryOp::Multiply, Data::String(_) | Data::Bytes(_), Data::Number(_)) => self.repeat(a, b, span),
            (BinaryOp::Multiply, Data::Number(_), Data::String(_) | Data::Bytes(_)) => self.repeat(b, a, span),
            (BinaryOp::Add, Data::List(_), Data::List(_)) => {
                self.fail(Code::Conflict, "lists are not added with +: use list.Concat", span)
            }
            (BinaryOp::Multiply, Data::List(_), _) | (BinaryOp::Multiply, _, Data::List(_)) => {
                self.fail(Code::Conflict, "lists are not multiplied with *: use list.Repeat", span)
            }
            (BinaryOp::Match | BinaryOp::NotMatch, Data::String(_) | Data::Bytes(_), Data::String(pattern)) => {
                let found = self.matches(&bytes(a), pattern, span)?;
                Ok(Data::Bool(found == (op == BinaryOp::Match)))
            }
            (_, Data::String(_), Data::String(_)) | (_, Data::Bytes(_), Data::Bytes(_)) => {
                self.ordered(op, bytes(a).cmp(&bytes(b)), a, b, span)
            }
            _ => self.unfit(op, a, b, span),
        }
    }

    fn unfit<T>(&self, op: BinaryOp, a: &Data, b: &Data, span: Span) -> Step<T> {
        let text = format!("invalid operands for {}: {} and {}", op.sign(), a.kind_name(), b.kind_name());
        self.fail(Code::Conflict, text, span)
    }

    fn ordered(&mut self, op: BinaryOp, order: Ordering, a: &Data, b: &Data, span: Span) -> Step<Data> {
        Ok(Data::Bool(match op {
            BinaryOp::Less => order.is_lt(),
            BinaryOp::LessEqual => order.is_le(),
            BinaryOp::Greater => order.is_gt(),
            BinaryOp::GreaterEqual => order.is_ge(),
            BinaryOp::Equal => order.is_eq(),
            BinaryOp::NotEqual => order.is_ne(),
            _ => return self.unfit(op, a, b, span),
        }))
    }

    fn repeat(&mut self, text: &Data, times: &Data, span: Span) -> Step<Data> {
        let Data::Number(number) = times else { return self.unfit(BinaryOp::Multiply, text, times, span) };
        if !number.is_int() || number.is_negative() {
            return self.fail(Code::Conflict, "text can be repeated a whole number of times only", span);
        }
        let times = number.to_i64().and_then(|times| usize::try_from(times).ok()).unwrap_or(usize::MAX);
        let length = bytes(text).len();
        if length.checked_mul(times).is_none_or(|total| total > MAX_TEXT_BYTES) {
            let error = self.refuse(Code::Limit, format!("a text of more than {MAX_TEXT_BYTES} bytes"), Some(span));
            return Err(Stop::Fail(error));
        }
        Ok(match text {
            Data::String(text) => Data::string(text.repeat(times)),
            _ => Data::Bytes(bytes(text).repeat(times).into()),
        })
    }

    /// Texts are bounded.
    ///
    /// # Errors
    /// It is too long.
    pub(super) fn bound_text(&mut self, bytes: usize, span: Span) -> Step<()> {
        if bytes <= MAX_TEXT_BYTES {
            return Ok(());
        }
        let error = self.refuse(Code::Limit, format!("a text of more than {MAX_TEXT_BYTES} bytes"), Some(span));
        Err(Stop::Fail(error))
    }

    fn matches(&mut self, text: &[u8], pattern: &str, span: Span) -> Step<bool> {
        match self.patterns.is_match(pattern, text) {
            Ok(is_match) => Ok(is_match),
            Err(error) if error.unsupported => {
                Err(Stop::Fail(self.refuse(Code::Unsupported, error.message, Some(span))))
            }
            Err(error) => self.fail(Code::Conflict, error.message, span),
        }
    }
}

/// The longest text that repeating may make.
pub(super) const MAX_TEXT_BYTES: usize = 64 << 20;
