//! `X | *D` and `*1 | *2`: what a default mark does, against what it may be meant to do.

use super::written::{self, Text, Written};
use super::{Finding, Rule};
use crate::format::format_expr_on_one_line;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

/// Names of types: a disjunction with one of them is a constraint with a default, as it should be.
const TYPES: [&str; 22] = [
    "string", "bytes", "bool", "int", "float", "number", "null", "uint", "int8", "int16", "int32", "int64", "int128",
    "uint8", "uint16", "uint32", "uint64", "uint128", "float32", "float64", "rune", "_",
];

pub(super) fn check(text: &Text<'_>) -> Vec<Finding> {
    text.fields.iter().filter_map(|field| check_field(field, text)).collect()
}

fn check_field(field: &Written<'_>, text: &Text<'_>) -> Option<Finding> {
    let alternatives = written::alternatives(field.value);
    let defaults: Vec<&Expr> = alternatives.iter().filter_map(|alternative| written::marked(alternative)).collect();
    let default = defaults.first()?;
    let reference = alternatives.iter().find(|alternative| is_value_reference(alternative, text))?;
    let (shown, default) = (format_expr_on_one_line(reference), format_expr_on_one_line(default));
    let message = format!("this is {default} even where {shown} has a value: a mark wins over what is not marked");
    let help = format!("to use {shown} and {default} only where it is missing, write: *{shown} | {default}");
    Some(Finding::new(Rule::FallbackNeverUsed, message, field.value.span).path(&field.path).help(help))
}

/// A reference to something that may be a value: neither a type's name nor a definition, nor something of a package.
fn is_value_reference(expr: &Expr, text: &Text<'_>) -> bool {
    match &expr.kind {
        ExprKind::Ident(name) => is_value_name(&name.name, text),
        ExprKind::Selector { of, label, quoted } => (*quoted || !is_definition(&label.name)) && is_path(of, text),
        ExprKind::Index { of, .. } => is_path(of, text),
        ExprKind::Paren(of) => is_value_reference(of, text),
        _ => false,
    }
}

/// A name that is bound to what only constrains is a type's name.
fn is_value_name(name: &str, text: &Text<'_>) -> bool {
    let of_lets = text.lets.iter().filter(|clause| &*clause.name.name == name).map(|clause| (&clause.value, true));
    let hidden = |field: &&Written<'_>| name.starts_with('_') && field.path.rsplit('.').next() == Some(name);
    let mut values = of_lets.chain(text.fields.iter().filter(hidden).map(|field| (field.value, false)));
    !TYPES.contains(&name) && !is_definition(name) && !values.any(|(value, fixed)| is_constraint(value, fixed))
}

/// Something that is there to be chosen from or to be kept to. A field of a bare type may still be given a value; a
/// `let` may not.
fn is_constraint(value: &Expr, fixed: bool) -> bool {
    let parts = written::alternatives(value);
    match &parts[..] {
        [only] => match &only.kind {
            ExprKind::Unary { op, .. } => {
                !matches!(op, UnaryOp::Plus | UnaryOp::Minus | UnaryOp::Not | UnaryOp::Default)
            }
            ExprKind::Binary { op: BinaryOp::And, left, right, .. } => {
                is_constraint(left, fixed) || is_constraint(right, fixed)
            }
            ExprKind::Ident(name) => fixed && TYPES.contains(&&*name.name),
            _ => false,
        },
        parts => parts.iter().all(|part| written::marked(part).is_none()),
    }
}

fn is_definition(name: &str) -> bool {
    name.starts_with('#') || name.starts_with("_#")
}

/// Fields of fields; a schema's field (`#A.b`) is a type and no value, and what a package has is mostly one.
fn is_path(expr: &Expr, text: &Text<'_>) -> bool {
    match &expr.kind {
        ExprKind::Ident(name) => !is_definition(&name.name) && !text.imports(&name.name),
        ExprKind::Selector { of, label, quoted } => (*quoted || !is_definition(&label.name)) && is_path(of, text),
        ExprKind::Index { of, .. } => is_path(of, text),
        _ => false,
    }
}
