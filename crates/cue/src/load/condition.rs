//! Which files of a package count: `@if(condition)`, `@ignore()`, and files for tests and tools.
//!
//! Not here: `@if` inside of a file, which CUE doesn't have.

use crate::error::{Code, Error};
use crate::source::{FileId, Span};
use crate::syntax::ast::{Attribute, BinaryOp, Expr, ExprKind, File, UnaryOp};
use crate::syntax::parse_expr;

/// Why a file doesn't count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// `@ignore()`
    Ignored,
    /// `@if` with a condition that doesn't hold.
    Condition,
}

/// Whether a file counts, where `is_set` says which tags are given.
pub(super) fn check(file: &File, is_set: &mut dyn FnMut(&str) -> bool) -> Result<Option<Left>, Error> {
    let mut conditions = header(file).filter(|attribute| &*attribute.name == "if");
    let first = conditions.next();
    if let (Some(first), Some(second)) = (first, conditions.next()) {
        return Err(Error::new(Code::Load, "a file has one `@if` at most", Some(second.span))
            .at(first.span, "the first is here")
            .help("write one condition with `&&` or `||`"));
    }
    if header(file).any(|attribute| &*attribute.name == "ignore") {
        return Ok(Some(Left::Ignored));
    }
    let Some(attribute) = first else { return Ok(None) };
    let (condition, errors) = parse_expr(FileId(u32::MAX), &attribute.body);
    if let Some(error) = errors.into_iter().next() {
        return Err(Error::new(Code::Syntax, format!("this `@if` is wrong: {}", error.message), Some(attribute.span)));
    }
    let holds = evaluate(&condition, attribute.span, is_set)?;
    Ok((!holds).then_some(Left::Condition))
}

/// The attributes before the package clause; all of the file's where it has none.
fn header(file: &File) -> impl Iterator<Item = &Attribute> {
    let end = file.package.as_ref().map_or(u32::MAX, |name| name.span.start);
    file.attributes.iter().filter(move |attribute| attribute.span.start < end)
}

fn evaluate(expr: &Expr, span: Span, is_set: &mut dyn FnMut(&str) -> bool) -> Result<bool, Error> {
    match &expr.kind {
        ExprKind::Ident(name) => Ok(is_set(&name.name)),
        ExprKind::Paren(of) => evaluate(of, span, is_set),
        ExprKind::Unary { op: UnaryOp::Not, of } => evaluate(of, span, is_set).map(|holds| !holds),
        ExprKind::Binary { op: BinaryOp::BoolAnd, left, right, .. } => {
            let (left, right) = (evaluate(left, span, is_set)?, evaluate(right, span, is_set)?);
            Ok(left && right)
        }
        ExprKind::Binary { op: BinaryOp::BoolOr, left, right, .. } => {
            let (left, right) = (evaluate(left, span, is_set)?, evaluate(right, span, is_set)?);
            Ok(left || right)
        }
        _ => Err(Error::new(Code::Load, "an `@if` is made of tags, `!`, `&&`, `||` and parentheses", Some(span))),
    }
}
