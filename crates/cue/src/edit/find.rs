//! Which expression of a file stands at a path.
//!
//! Not here: places where nothing stands yet (that is `insert`).

use super::path::{Step, shown};
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Decl, Element, Expr, ExprKind, Field, File, Label, Presence, Struct, UnaryOp};

/// The expression at a path; none if nothing is written there.
///
/// # Errors
/// Several declarations have the path, and not exactly one of them says what the value is.
pub(super) fn one(file: &File, path: &[Step]) -> Result<Option<Expr>, Error> {
    let mut found = Vec::new();
    in_decls(&file.decls, path, &mut found);
    let that_are = |what: fn(&Expr) -> bool| found.iter().copied().filter(|expr| what(expr)).collect::<Vec<_>>();
    let (literals, defaults) = (that_are(is_literal), that_are(has_default));
    let meant = if literals.is_empty() { &defaults } else { &literals };
    match (found.as_slice(), meant.as_slice()) {
        ([], _) => Ok(None),
        ([one], _) | (_, [one]) => Ok(Some((*one).clone())),
        _ => Err(ambiguous(path, &found)),
    }
}

fn ambiguous(path: &[Step], found: &[&Expr]) -> Error {
    let message = format!("{} is declared {} times in this file", shown(path), found.len());
    let mut error = Error::new(Code::Conflict, message, found.first().map(|expr| expr.span));
    for other in found.iter().skip(1) {
        error = error.at(other.span, "and here");
    }
    error.help("make one declaration of them, or edit the file by hand")
}

/// The list literal at a path.
///
/// # Errors
/// As [`one`]; there is nothing, or no list.
pub(super) fn list(file: &File, path: &[Step]) -> Result<(Span, Vec<Element>), Error> {
    let Some(expr) = one(file, path)? else {
        return Err(missing(path));
    };
    let mut lists = Vec::new();
    literals(&expr, &mut |literal| {
        if let ExprKind::List(elements) = &literal.kind {
            lists.push((literal.span, elements.clone()));
        }
    });
    match (lists.pop(), lists.pop()) {
        (Some(list), None) => Ok(list),
        _ => {
            let message = format!("there is no list written at {}", shown(path));
            Err(Error::new(Code::Reference, message, Some(expr.span)))
        }
    }
}

pub(super) fn missing(path: &[Step]) -> Error {
    Error::new(Code::Reference, format!("nothing is written at {} in this file", shown(path)), None)
}

fn in_decls<'a>(decls: &'a [Decl], path: &[Step], found: &mut Vec<&'a Expr>) {
    for decl in decls {
        match decl {
            Decl::Field(field) if path.first().is_some_and(|step| matches(field, step)) => {
                in_expr(&field.value, &path[1..], found);
            }
            Decl::Embed(expr) => {
                structs(expr, &mut |literal| in_decls(&literal.decls, path, found));
            }
            _ => {}
        }
    }
}

fn in_expr<'a>(expr: &'a Expr, path: &[Step], found: &mut Vec<&'a Expr>) {
    match path.first() {
        None => found.push(expr),
        Some(Step::Index(index)) => element(expr, *index, &mut |element| in_expr(element, &path[1..], found)),
        Some(_) => structs(expr, &mut |literal| in_decls(&literal.decls, path, found)),
    }
}

/// Visits the element at an index of the lists that an expression unifies.
pub(super) fn element<'a>(expr: &'a Expr, index: usize, visit: &mut dyn FnMut(&'a Expr)) {
    literals(expr, &mut |literal| {
        if let ExprKind::List(elements) = &literal.kind {
            element_at(elements, index).into_iter().for_each(&mut *visit);
        }
    });
}

/// The element at an index, if it is an expression and no comprehension stands before it.
fn element_at(elements: &[Element], index: usize) -> Option<&Expr> {
    let before = elements.iter().take(index + 1);
    let mut fixed = before.map_while(|element| match element {
        Element::Expr(expr) => Some(expr),
        _ => None,
    });
    fixed.nth(index)
}

/// The struct literals that an expression unifies.
pub(super) fn structs<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Struct)) {
    literals(expr, &mut |literal| {
        if let ExprKind::Struct(literal) = &literal.kind {
            visit(literal);
        }
    });
}

/// The literals that an expression unifies: itself, or the operands of `&`.
fn literals<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    match &expr.kind {
        ExprKind::Struct(_) | ExprKind::List(_) => visit(expr),
        ExprKind::Paren(of) | ExprKind::Alias { of, .. } => literals(of, visit),
        ExprKind::Binary { op: BinaryOp::And, left, right, .. } => {
            literals(left, visit);
            literals(right, visit);
        }
        _ => {}
    }
}

/// Whether a field is the one of a step. A constraint (`a?: int`) says nothing of a value.
pub(super) fn matches(field: &Field, step: &Step) -> bool {
    field.presence == Presence::Regular
        && match (&field.label, step) {
            (Label::Ident(label), Step::Field(name)) => {
                &*label.name == name.as_str() && !label.name.starts_with(['#', '_'])
            }
            (Label::Ident(label), Step::Special(name)) => &*label.name == name.as_str(),
            (Label::String(label, _), Step::Field(name)) => &**label == name.as_str(),
            _ => false,
        }
}

/// Whether an expression is a value as it is written: what a change is meant for.
fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Bytes(_) => true,
        ExprKind::Interpolation(_) | ExprKind::List(_) => true,
        ExprKind::Paren(of) | ExprKind::Alias { of, .. } => is_literal(of),
        ExprKind::Unary { op: UnaryOp::Plus | UnaryOp::Minus, of } => matches!(of.kind, ExprKind::Number(_)),
        _ => false,
    }
}

/// Whether an expression is a disjunction that marks a default: what a change is meant for where there is no literal.
fn has_default(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(of) | ExprKind::Alias { of, .. } => has_default(of),
        ExprKind::Binary { op: BinaryOp::Or, left, right, .. } => has_default(left) || has_default(right),
        ExprKind::Unary { op, .. } => *op == UnaryOp::Default,
        _ => false,
    }
}

/// The field that holds a value.
pub(super) struct Holder {
    /// Where it stands, with its attributes.
    pub(super) field: Span,
    /// It is the only declaration after the label of another: `b: 1` of `a: b: 1`.
    pub(super) alone_in_chain: bool,
}

/// The field whose value has a span.
pub(super) fn field_of(file: &File, path: &[Step], value: Span) -> Option<Holder> {
    holder_in(&file.decls, false, path, value)
}

fn holder_in(decls: &[Decl], alone_in_chain: bool, path: &[Step], value: Span) -> Option<Holder> {
    decls.iter().find_map(|decl| match decl {
        Decl::Field(field) if field.value.span == value && path.len() == 1 => {
            Some(Holder { field: field.span, alone_in_chain })
        }
        Decl::Field(field) if matches(field, path.first()?) => holder_in_expr(&field.value, path.get(1..)?, value),
        Decl::Embed(expr) => holder_in_expr(expr, path, value),
        _ => None,
    })
}

fn holder_in_expr(expr: &Expr, path: &[Step], value: Span) -> Option<Holder> {
    let mut holder = None;
    if let Some(Step::Index(index)) = path.first() {
        element(expr, *index, &mut |element| {
            holder = holder.take().or_else(|| holder_in_expr(element, &path[1..], value));
        });
        return holder;
    }
    structs(expr, &mut |literal| {
        holder = holder.take().or_else(|| holder_in(&literal.decls, !literal.braces, path, value));
    });
    holder
}
