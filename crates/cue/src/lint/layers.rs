//! One field in several layers: values, defaults and lists that don't go together.

use indexmap::IndexMap;

use super::written::{self, Written};
use super::{Finding, Rule};
use crate::format::format_expr_on_one_line;
use crate::source::Span;
use crate::syntax::ast::{Element, Expr, ExprKind};

/// What a declaration gives a field.
#[derive(PartialEq, Eq)]
enum Gives {
    /// A value that nothing can change.
    Value,
    /// A default.
    Default,
    /// A list of fixed length.
    List,
}

/// A declaration, as it is written.
struct Given {
    gives: Gives,
    text: String,
    span: Span,
}

pub(super) fn check(fields: &[Written<'_>]) -> Vec<Finding> {
    let mut by_path: IndexMap<&str, Vec<Given>> = IndexMap::new();
    for field in fields.iter().filter(|field| field.certain) {
        by_path.entry(&field.path).or_default().extend(given(field.value));
    }
    by_path.iter().flat_map(|(path, given)| findings(path, given)).collect()
}

fn findings(path: &str, given: &[Given]) -> Vec<Finding> {
    let pair = |gives: &Gives| {
        let mut same = given.iter().filter(|given| given.gives == *gives);
        let first = same.next()?;
        Some((first, same.find(|other| other.text != first.text)?))
    };
    let mut findings = Vec::new();
    if let Some((one, other)) = pair(&Gives::Value) {
        findings.push(not_overridable(one, other));
    }
    if let Some((one, other)) = pair(&Gives::Default) {
        findings.push(two_defaults(one, other));
    }
    if let Some((one, other)) = pair(&Gives::List) {
        findings.push(two_lists(one, other));
    }
    findings.into_iter().map(|finding| finding.path(path)).collect()
}

fn not_overridable(one: &Given, other: &Given) -> Finding {
    let message = format!("{} can't be overridden by {}: both are fixed values", one.text, other.text);
    let help = format!("make the layer below give a default: *{} | …", one.text);
    Finding::new(Rule::NotOverridable, message, one.span).at(other.span, "the other value").help(help)
}

fn two_defaults(one: &Given, other: &Given) -> Finding {
    let message = format!("two defaults for one field, {} and {}: then it has none", one.text, other.text);
    Finding::new(Rule::TwoDefaults, message, one.span)
        .at(other.span, "the other default")
        .help("let one layer give the default, and others a value")
}

fn two_lists(one: &Given, other: &Given) -> Finding {
    Finding::new(Rule::ListInTwoLayers, "two lists for one field: lists are not joined or replaced", one.span)
        .at(other.span, "the other list")
        .help("give the list in one layer, make it a default there, or join the lists with list.Concat")
}

fn given(value: &Expr) -> Vec<Given> {
    let alternatives = written::alternatives(value);
    let marked: Vec<&Expr> = alternatives.iter().filter_map(|alternative| written::marked(alternative)).collect();
    if alternatives.len() > 1 {
        return marked.into_iter().map(|default| entry(Gives::Default, default)).collect();
    }
    match alternatives.first() {
        Some(expr) if is_scalar(expr) => vec![entry(Gives::Value, expr)],
        Some(expr) if is_fixed_list(expr) => vec![entry(Gives::List, expr)],
        _ => Vec::new(),
    }
}

fn entry(gives: Gives, expr: &Expr) -> Given {
    Given { gives, text: format_expr_on_one_line(expr), span: expr.span }
}

fn is_scalar(expr: &Expr) -> bool {
    use crate::syntax::ast::UnaryOp;
    match &expr.kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Bytes(_) => true,
        ExprKind::Unary { op: UnaryOp::Minus | UnaryOp::Plus, of } => is_scalar(of),
        _ => false,
    }
}

/// `[…]` without an open end, with something in it.
fn is_fixed_list(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::List(elements) => {
            !elements.is_empty() && !elements.iter().any(|element| matches!(element, Element::Ellipsis(_)))
        }
        _ => false,
    }
}
