//! Other formats as CUE: JSON, YAML and TOML become expressions with a span on everything, so that an error about a
//! value points into the file that it came from.
//!
//! A key that stands twice in one object stays a field that stands twice: the evaluator unifies the two, and says where
//! they contradict each other.
//!
//! Not here: reading files, choosing a format by a file's name (that is `load`), writing (that is [`crate::encode`]).

mod json;
mod literal;
mod toml;
mod yaml;

use std::sync::Arc;

pub use json::{json, json_lines};
pub(crate) use literal::struct_data;
pub use literal::{data_to_expr, expr_to_data};
pub use toml::{MAX_TOML_BYTES, toml};
pub(crate) use yaml::reads_as_string;
pub use yaml::{MAX_ALIAS_NODES, yaml, yaml_as_cue};

use crate::error::{Code, Error};
use crate::format::is_plain_label;
use crate::source::{FileId, Span};
use crate::syntax::ast::{Decl, Element, Expr, ExprKind, Field, Ident, Label, Presence, Struct, UnaryOp};

/// How deep lists and structs of a data file may stand in each other, in levels.
pub const MAX_NESTING_LEVELS: usize = 500;

/// How many values a data file may hold: more than an evaluation has room for.
pub const MAX_VALUES: usize = 2_000_000;

/// The error of a text that isn't of its format.
fn syntax_error(format: &str, message: impl std::fmt::Display, span: Span) -> Error {
    Error::new(Code::Syntax, format!("this is not valid {format}: {message}"), Some(span))
}

/// The error of a data file that is nested too deep.
fn too_deep(format: &str, span: Span) -> Error {
    let message = format!("this {format} is nested deeper than {MAX_NESTING_LEVELS} levels");
    Error::new(Code::Limit, message, Some(span))
}

/// The error of a data file that holds too much.
fn too_many(format: &str, span: Span) -> Error {
    Error::new(Code::Limit, format!("this {format} holds more than {MAX_VALUES} values"), Some(span))
}

/// A span from offsets of the machine's size; a file that is longer than a span can say is pointed at by its end.
fn span(file: FileId, range: std::ops::Range<usize>) -> Span {
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(file, byte(range.start), byte(range.end))
}

/// An expression at a place.
fn at(kind: ExprKind, span: Span) -> Expr {
    Expr { kind, span }
}

/// A string at a place.
fn string(text: impl Into<Arc<str>>, span: Span) -> Expr {
    at(ExprKind::String(text.into()), span)
}

/// A list at a place.
pub(crate) fn list(values: Vec<Expr>, span: Span) -> Expr {
    at(ExprKind::List(values.into_iter().map(Element::Expr).collect()), span)
}

/// A struct with braces at a place.
pub(crate) fn structure(fields: Vec<Decl>, span: Span) -> Expr {
    at(ExprKind::Struct(Struct { decls: fields, braces: true, span }), span)
}

/// A regular field of that name. As CUE has it, a name that may stand without quotes is one that references find.
pub(crate) fn field(name: Arc<str>, name_span: Span, value: Expr) -> Decl {
    let span = if name_span.file == value.span.file { name_span.to(value.span) } else { name_span };
    let label = match is_plain_label(&name) {
        true => Label::Ident(Ident { name, span: name_span }),
        false => Label::String(name, name_span),
    };
    Decl::Field(Box::new(Field {
        label,
        alias: None,
        presence: Presence::Regular,
        value,
        attributes: Vec::new(),
        span,
    }))
}

/// A number by the text of a CUE literal, with a sign before it if it has one.
fn number(text: &str, span: Span) -> Option<Expr> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (Some(UnaryOp::Minus), &text[1..]),
        Some(b'+') => (None, &text[1..]),
        _ => (None, text),
    };
    let starts_as_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let value = crate::number::Number::parse(digits).filter(|_| starts_as_number)?;
    let value = at(ExprKind::Number(value), span);
    Some(match sign {
        Some(op) => at(ExprKind::Unary { op, of: Box::new(value) }, span),
        None => value,
    })
}
