//! Literal expressions as data, and data as literal expressions.
//!
//! Not here: evaluation. What needs any (a reference, an operator, a constraint) is no literal.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{at, field, list, string, structure};
use crate::data::Data;
use crate::source::Span;
use crate::syntax::ast::{Decl, Element, Expr, ExprKind, Field, Label, Presence, Struct, UnaryOp};

/// The data that an expression stands for, if it is a literal through and through: regular fields with plain labels
/// (the same label twice only with structs under it, which are joined), lists, scalars, signed numbers.
#[must_use]
pub fn expr_to_data(expr: &Expr) -> Option<Data> {
    match &expr.kind {
        ExprKind::Null => Some(Data::Null),
        ExprKind::Bool(value) => Some(Data::Bool(*value)),
        ExprKind::Number(value) => Some(Data::Number(value.clone())),
        ExprKind::String(text) => Some(Data::String(Arc::clone(text))),
        ExprKind::Bytes(bytes) => Some(Data::Bytes(Arc::clone(bytes))),
        ExprKind::Paren(of) => expr_to_data(of),
        ExprKind::Unary { op, of } => signed(*op, of),
        ExprKind::List(elements) => elements.iter().map(element).collect::<Option<Vec<_>>>().map(Data::List),
        ExprKind::Struct(Struct { decls, .. }) => struct_data(decls),
        _ => None,
    }
}

/// The data of a struct's declarations, where they are literal.
pub(crate) fn struct_data(decls: &[Decl]) -> Option<Data> {
    if let [Decl::Embed(only)] = decls {
        return expr_to_data(only);
    }
    let mut fields = IndexMap::new();
    for decl in decls {
        let Decl::Field(field) = decl else { return None };
        join(&mut fields, name(field)?, expr_to_data(&field.value)?)?;
    }
    Some(Data::Struct(Box::new(fields)))
}

fn element(element: &Element) -> Option<Data> {
    match element {
        Element::Expr(expr) => expr_to_data(expr),
        Element::Comprehension(_) | Element::Ellipsis(_) => None,
    }
}

fn signed(op: UnaryOp, of: &Expr) -> Option<Data> {
    match (op, expr_to_data(of)?) {
        (UnaryOp::Plus, Data::Number(value)) => Some(Data::Number(value)),
        (UnaryOp::Minus, Data::Number(value)) => Some(Data::Number(value.neg())),
        _ => None,
    }
}

/// The name of a field that exports under it.
fn name(field: &Field) -> Option<Arc<str>> {
    if field.presence != Presence::Regular || field.alias.is_some() {
        return None;
    }
    match &field.label {
        Label::Ident(ident) if !ident.name.starts_with(['_', '#']) => Some(Arc::clone(&ident.name)),
        Label::String(text, _) => Some(Arc::clone(text)),
        _ => None,
    }
}

/// Puts a field in; structs under the same name become one, equal values stay one.
fn join(fields: &mut IndexMap<Arc<str>, Data>, name: Arc<str>, value: Data) -> Option<()> {
    match fields.get_mut(&name) {
        None => {
            fields.insert(name, value);
            Some(())
        }
        Some(Data::Struct(before)) => match value {
            Data::Struct(more) => more.into_iter().try_for_each(|(name, value)| join(before, name, value)),
            _ => None,
        },
        Some(before) => (*before == value).then_some(()),
    }
}

/// The literal that writes data, all of it at one place.
#[must_use]
pub fn data_to_expr(data: &Data, span: Span) -> Expr {
    match data {
        Data::Null => at(ExprKind::Null, span),
        Data::Bool(value) => at(ExprKind::Bool(*value), span),
        Data::Number(value) if value.is_negative() => {
            let of = Box::new(at(ExprKind::Number(value.neg()), span));
            at(ExprKind::Unary { op: UnaryOp::Minus, of }, span)
        }
        Data::Number(value) => at(ExprKind::Number(value.clone()), span),
        Data::String(text) => string(Arc::clone(text), span),
        Data::Bytes(bytes) => at(ExprKind::Bytes(Arc::clone(bytes)), span),
        Data::List(values) => list(values.iter().map(|value| data_to_expr(value, span)).collect(), span),
        Data::Struct(fields) => {
            let fields = fields.iter().map(|(name, value)| field(Arc::clone(name), span, data_to_expr(value, span)));
            structure(fields.collect(), span)
        }
    }
}
