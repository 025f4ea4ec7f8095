//! Selectors that take over labels as they are, or hold one that changes with each release.
//!
//! A selector of a running deployment can't be changed, labels can; so a selector that refers to all labels breaks the
//! next change of any of them.
//!
//! Not here: what a label is; fields are known by their usual names.

use super::written::{self, Text, Written};
use super::{Finding, Rule};
use crate::format::format_expr_on_one_line;
use crate::syntax::ast::{BinaryOp, Clause, Comprehension, Decl, Expr, ExprKind, Label};

/// The names of fields that select by labels.
const SELECTORS: [&str; 3] = ["selector", "matchLabels", "podSelector"];

/// The last words of labels that say which release is running.
const OF_RELEASES: [&str; 6] = ["version", "tag", "revision", "commit", "build", "digest"];

pub(super) fn check(text: &Text<'_>) -> Vec<Finding> {
    let selectors = text.fields.iter().filter(|field| SELECTORS.iter().any(|name| ends_with(&field.path, name)));
    selectors.flat_map(in_selector).collect()
}

fn in_selector(field: &Written<'_>) -> Vec<Finding> {
    let all = labels_in(field.value).map(|labels| taken_over(field, labels));
    let releases = released_labels(field.value).into_iter().map(|(label, value)| of_release(field, &label, value));
    all.into_iter().chain(releases).collect()
}

fn ends_with(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn taken_over(field: &Written<'_>, labels: &Expr) -> Finding {
    let message = format!("the selector takes over {}, which may change", format_expr_on_one_line(labels));
    Finding::new(Rule::SelectorFromLabels, message, labels.span)
        .path(&field.path)
        .help("name the labels that never change one by one")
}

fn of_release(field: &Written<'_>, label: &str, value: &Expr) -> Finding {
    let message = format!("the selector holds {label}, which changes with {}", format_expr_on_one_line(value));
    Finding::new(Rule::SelectorFromLabels, message, value.span)
        .path(&field.path)
        .help("select by labels that never change, such as the name of the app")
}

/// The reference to labels that an expression takes over as a whole.
fn labels_in(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Ident(name) if is_labels(&name.name) => Some(expr),
        ExprKind::Selector { label, .. } if is_labels(&label.name) => Some(expr),
        ExprKind::Paren(of) | ExprKind::Alias { of, .. } => labels_in(of),
        ExprKind::Binary { op: BinaryOp::And, left, right, .. } => labels_in(left).or_else(|| labels_in(right)),
        ExprKind::Struct(literal) => literal.decls.iter().find_map(|decl| match decl {
            Decl::Embed(expr) => labels_in(expr),
            Decl::Comprehension(comprehension) => copied_labels(comprehension),
            _ => None,
        }),
        _ => None,
    }
}

/// The labels that a comprehension goes through without choosing among them.
fn copied_labels(comprehension: &Comprehension) -> Option<&Expr> {
    match comprehension.clauses.as_slice() {
        [Clause::For { source, .. }] => labels_in(source),
        _ => None,
    }
}

/// A name of labels; a definition with a capital letter is a type.
fn is_labels(name: &str) -> bool {
    let is_type =
        name.trim_start_matches('_').strip_prefix('#').is_some_and(|rest| rest.starts_with(char::is_uppercase));
    !is_type && (name == "labels" || name == "_labels" || name.ends_with("Labels"))
}

/// The fields of a struct that say which release is running, with values that aren't written there.
fn released_labels(expr: &Expr) -> Vec<(String, &Expr)> {
    let ExprKind::Struct(literal) = &expr.kind else { return Vec::new() };
    let name = |label: &Label| match label {
        Label::Ident(name) => Some(name.name.to_string()),
        Label::String(name, _) => Some(name.to_string()),
        _ => None,
    };
    let fields = literal.decls.iter().filter_map(|decl| match decl {
        Decl::Field(field) => Some((name(&field.label)?, &field.value)),
        _ => None,
    });
    fields.filter(|(name, value)| is_of_release(name) && !is_fixed(value)).collect()
}

fn is_of_release(label: &str) -> bool {
    OF_RELEASES.contains(&label.rsplit(['/', '.', '-']).next().unwrap_or(label))
}

/// A literal, or what only says of which type it is.
fn is_fixed(value: &Expr) -> bool {
    let is_value = |part: &Expr| {
        matches!(part.kind, ExprKind::Interpolation(_) | ExprKind::Selector { .. } | ExprKind::Binary { .. })
            || matches!(&part.kind, ExprKind::Ident(name) if OF_RELEASES.contains(&&*name.name))
    };
    !written::alternatives(value).iter().any(|part| is_value(part))
}
