//! Selectors that take over labels as they are.
//!
//! A selector of a running deployment can't be changed, labels can; so a selector that refers to all labels breaks the
//! next change of any of them.

use super::written::Written;
use super::{Finding, Rule};
use crate::format::format_expr_on_one_line;
use crate::syntax::ast::{BinaryOp, Decl, Expr, ExprKind};

/// The names of fields that select by labels.
const SELECTORS: [&str; 3] = ["selector", "matchLabels", "podSelector"];

pub(super) fn check(fields: &[Written<'_>]) -> Vec<Finding> {
    let selectors = fields.iter().filter(|field| SELECTORS.iter().any(|name| ends_with(&field.path, name)));
    selectors.filter_map(|field| labels_in(field.value).map(|labels| finding(field, labels))).collect()
}

fn ends_with(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn finding(field: &Written<'_>, labels: &Expr) -> Finding {
    let message = format!("the selector takes over {}, which may change", format_expr_on_one_line(labels));
    Finding::new(Rule::SelectorFromLabels, message, labels.span)
        .path(&field.path)
        .help("name the labels that never change one by one")
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
            _ => None,
        }),
        _ => None,
    }
}

fn is_labels(name: &str) -> bool {
    name == "labels" || name.ends_with("Labels") || name == "_labels"
}
