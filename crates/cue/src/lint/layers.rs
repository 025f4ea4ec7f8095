//! One field in several layers: values, defaults and lists that don't go together.

use indexmap::IndexMap;

use super::written::{self, Text, fixed_elements, is_scalar};
use super::{Finding, Rule};
use crate::data::Data;
use crate::decode::expr_to_data;
use crate::format::{format_expr_on_one_line, quote_label};
use crate::source::Span;
use crate::syntax::ast::{Decl, Expr, ExprKind, Label, Presence};

/// What a declaration gives a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gives {
    /// A value that nothing can change.
    Value,
    /// A default.
    Default,
    /// A list of fixed length.
    List,
}

/// A declaration, as it is written.
struct Given<'a> {
    gives: Gives,
    value: &'a Expr,
}

pub(super) fn check(text: &Text<'_>) -> Vec<Finding> {
    let mut by_path: IndexMap<&str, Vec<Given<'_>>> = IndexMap::new();
    for field in text.fields.iter().filter(|field| field.certain) {
        by_path.entry(&field.path).or_default().extend(given(field.value));
    }
    by_path.iter().flat_map(|(path, given)| findings(path, given)).collect()
}

fn findings(path: &str, given: &[Given<'_>]) -> Vec<Finding> {
    let pair = |gives: Gives, clash: fn(&Expr, &Expr) -> bool| {
        let same: Vec<&Expr> = given.iter().filter(|given| given.gives == gives).map(|given| given.value).collect();
        let pairs =
            same.iter().enumerate().flat_map(|(at, one)| same[at + 1..].iter().map(move |other| (*one, *other)));
        pairs.into_iter().find(|(one, other)| clash(one, other))
    };
    let mut findings = Vec::new();
    if let Some((one, other)) = pair(Gives::Value, contradict) {
        findings.push(not_overridable(one, other));
    }
    let has_value = given.iter().any(|given| given.gives != Gives::Default);
    if let Some((one, other)) = pair(Gives::Default, contradict).filter(|_| !has_value) {
        findings.push(two_defaults(one, other));
    }
    if let Some((one, other)) = pair(Gives::List, replace) {
        findings.push(two_lists(one.span, other.span));
    }
    findings.into_iter().map(|finding| finding.path(path)).collect()
}

fn not_overridable(one: &Expr, other: &Expr) -> Finding {
    fixed_twice((&format_expr_on_one_line(one), one.span), (&format_expr_on_one_line(other), other.span))
}

/// Two values for one field, the lower layer's first.
pub(super) fn fixed_twice(one: (&str, Span), other: (&str, Span)) -> Finding {
    let message = format!("{} can't be overridden by {}: both are fixed values", one.0, other.0);
    let help = format!("make the layer below give a default: *{} | …", one.0);
    Finding::new(Rule::NotOverridable, message, one.1).at(other.1, "the other value").help(help)
}

fn two_defaults(one: &Expr, other: &Expr) -> Finding {
    let (a, b) = (format_expr_on_one_line(one), format_expr_on_one_line(other));
    let message = format!("two defaults for one field, {a} and {b}: then it has none");
    Finding::new(Rule::TwoDefaults, message, one.span)
        .at(other.span, "the other default")
        .help("let one layer give the default, and others a value")
}

/// Two lists for one field, the lower layer's first.
pub(super) fn two_lists(one: Span, other: Span) -> Finding {
    Finding::new(Rule::ListInTwoLayers, "two lists for one field: lists are not joined or replaced", one)
        .at(other, "the other list")
        .help("give the list in one layer, make it a default there, or join the lists with list.Concat")
}

fn given(value: &Expr) -> Vec<Given<'_>> {
    let alternatives = written::alternatives(value);
    let marked: Vec<&Expr> = alternatives.iter().filter_map(|alternative| written::marked(alternative)).collect();
    if alternatives.len() > 1 {
        return marked.into_iter().map(|value| Given { gives: Gives::Default, value }).collect();
    }
    match alternatives.first() {
        Some(value) if is_scalar(value) => vec![Given { gives: Gives::Value, value }],
        Some(value) if fixed_elements(value).is_some() => vec![Given { gives: Gives::List, value }],
        _ => Vec::new(),
    }
}

/// Whether two lists are values, not only types, and can't be one.
fn replace(one: &Expr, other: &Expr) -> bool {
    gives_values(one) && gives_values(other) && contradict(one, other)
}

/// Whether a list holds a literal, so that it is more than what elements must be.
pub(super) fn gives_values(list: &Expr) -> bool {
    let elements = fixed_elements(list).unwrap_or_default();
    elements
        .into_iter()
        .any(|element| is_scalar(element) || gives_values(element) || !literal_fields(element).is_empty())
}

/// Whether two literals can't be one value; what isn't certain doesn't count.
fn contradict(one: &Expr, other: &Expr) -> bool {
    if let (Some(a), Some(b)) = (fixed_elements(one), fixed_elements(other)) {
        return a.len() != b.len() || a.iter().zip(&b).any(|(a, b)| contradict(a, b));
    }
    if is_scalar(one) && is_scalar(other) {
        return match (expr_to_data(one), expr_to_data(other)) {
            (Some(Data::Number(a)), Some(Data::Number(b))) => a.compare(&b).is_ne(),
            (Some(a), Some(b)) => a != b,
            _ => false,
        };
    }
    let others = literal_fields(other);
    let same = |name: &str| others.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
    literal_fields(one).iter().any(|(name, value)| same(name).is_some_and(|other| contradict(value, other)))
}

/// The regular fields of a struct that have literals.
fn literal_fields<'a>(expr: &'a Expr) -> Vec<(String, &'a Expr)> {
    let ExprKind::Struct(inner) = &expr.kind else { return Vec::new() };
    let name = |label: &Label| match label {
        Label::Ident(name) => Some(name.name.to_string()),
        Label::String(name, _) => Some(quote_label(name)),
        _ => None,
    };
    let has_literal = |value: &Expr| is_scalar(value) || gives_values(value) || !literal_fields(value).is_empty();
    let field = |decl: &'a Decl| match decl {
        Decl::Field(field) if field.presence == Presence::Regular => Some((name(&field.label)?, &field.value)),
        _ => None,
    };
    inner.decls.iter().filter_map(field).filter(|(_, value)| has_literal(value)).collect()
}
