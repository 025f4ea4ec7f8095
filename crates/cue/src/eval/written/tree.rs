//! Trees that stand in no file, made piece by piece.
//!
//! Not here: what they are made of.

use std::sync::Arc;

use crate::format::is_plain_label;
use crate::source::{FileId, Span};
use crate::syntax::ast::{BinaryOp, Decl, Element, Expr, ExprKind, Field, Ident, Label, Presence, Struct, UnaryOp};

/// The place of what no file holds.
pub(super) const NOWHERE: Span = Span::new(FileId(u32::MAX), 0, 0);

pub(super) fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: NOWHERE }
}

pub(super) fn ident(name: &Arc<str>) -> Ident {
    Ident { name: Arc::clone(name), span: NOWHERE }
}

pub(super) fn name(name: impl Into<Arc<str>>) -> Expr {
    expr(ExprKind::Ident(ident(&name.into())))
}

pub(super) fn unary(op: UnaryOp, of: Expr) -> Expr {
    expr(ExprKind::Unary { op, of: Box::new(of) })
}

pub(super) fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    expr(ExprKind::Binary { op, op_span: NOWHERE, left: Box::new(left), right: Box::new(right) })
}

/// Several expressions with an operator between them; `_` where there is none.
pub(super) fn joined(op: BinaryOp, parts: Vec<Expr>) -> Expr {
    parts.into_iter().reduce(|left, right| binary(op, left, right)).unwrap_or_else(|| expr(ExprKind::Top))
}

pub(super) fn call(of: Expr, args: Vec<Expr>) -> Expr {
    expr(ExprKind::Call { of: Box::new(of), args })
}

pub(super) fn structure(decls: Vec<Decl>) -> Expr {
    expr(ExprKind::Struct(Struct { decls, braces: true, span: NOWHERE }))
}

pub(super) fn list(elements: Vec<Element>) -> Expr {
    expr(ExprKind::List(elements))
}

pub(super) fn field(label: Label, presence: Presence, value: Expr) -> Decl {
    Decl::Field(Box::new(Field { label, alias: None, presence, value, attributes: Vec::new(), span: NOWHERE }))
}

/// `x.name`, quoted where the name of a regular field has to be.
pub(super) fn selector(of: Expr, name: &Arc<str>, regular: bool) -> Expr {
    let quoted = regular && !is_plain_label(name);
    expr(ExprKind::Selector { of: Box::new(of), label: ident(name), quoted })
}

pub(super) fn index(of: Expr, index: Expr) -> Expr {
    expr(ExprKind::Index { of: Box::new(of), index: Box::new(index) })
}
