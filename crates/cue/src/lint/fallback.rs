//! `X | *D` and `*1 | *2`: what a default mark does, against what it may be meant to do.

use super::written::{self, Written};
use super::{Finding, Rule};
use crate::format::format_expr_on_one_line;
use crate::syntax::ast::{Expr, ExprKind};

/// Names of types: a disjunction with one of them is a constraint with a default, as it should be.
const TYPES: [&str; 22] = [
    "string", "bytes", "bool", "int", "float", "number", "null", "uint", "int8", "int16", "int32", "int64", "int128",
    "uint8", "uint16", "uint32", "uint64", "uint128", "float32", "float64", "rune", "_",
];

pub(super) fn check(fields: &[Written<'_>]) -> Vec<Finding> {
    fields.iter().filter_map(check_field).collect()
}

fn check_field(field: &Written<'_>) -> Option<Finding> {
    let alternatives = written::alternatives(field.value);
    let defaults: Vec<&Expr> = alternatives.iter().filter_map(|alternative| written::marked(alternative)).collect();
    let default = defaults.first()?;
    let reference = alternatives.iter().find(|alternative| is_value_reference(alternative))?;
    let (shown, default) = (format_expr_on_one_line(reference), format_expr_on_one_line(default));
    let message = format!("this is {default} even where {shown} has a value: a mark wins over what is not marked");
    let help = format!("to use {shown} and {default} only where it is missing, write: *{shown} | {default}");
    Some(Finding::new(Rule::FallbackNeverUsed, message, field.value.span).path(&field.path).help(help))
}

/// A reference to something that may be a value: neither a type's name nor a definition.
fn is_value_reference(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Ident(name) => !TYPES.contains(&&*name.name) && !is_definition(&name.name),
        ExprKind::Selector { of, label, quoted } => (*quoted || !is_definition(&label.name)) && is_path(of),
        ExprKind::Index { of, .. } => is_path(of),
        ExprKind::Paren(of) => is_value_reference(of),
        _ => false,
    }
}

fn is_definition(name: &str) -> bool {
    name.starts_with('#') || name.starts_with("_#")
}

/// Fields of fields; a schema's field (`#A.b`) is a type and no value.
fn is_path(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Ident(name) => !is_definition(&name.name),
        ExprKind::Selector { of, label, quoted } => (*quoted || !is_definition(&label.name)) && is_path(of),
        ExprKind::Index { of, .. } => is_path(of),
        _ => false,
    }
}
