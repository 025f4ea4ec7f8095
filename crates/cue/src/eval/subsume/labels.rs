//! Whether a pattern's value speaks of the label that it stands for.
//!
//! Not here: which labels a pattern fits.

use crate::compile::ir::{Clause, Comprehension, Decl, Ex, Item, Kinds, Part};

/// Whether an expression names a label, its own or that of something inside of it.
pub(super) fn names_label(expr: &Ex) -> bool {
    match &expr.kind {
        Kinds::LabelOf { .. } | Kinds::Labelled { .. } => true,
        Kinds::Computed { label: of, .. }
        | Kinds::Bound(_, of)
        | Kinds::Select(of, _)
        | Kinds::Unary(_, of)
        | Kinds::Exists(of)
        | Kinds::IsBottom(of, _)
        | Kinds::Alias(of)
        | Kinds::Open(of) => names_label(of),
        Kinds::Index(one, other) | Kinds::Binary(_, one, other) | Kinds::And(one, other) => {
            names_label(one) || names_label(other)
        }
        Kinds::Boolean { left, right, .. } | Kinds::Equal { left, right, .. } => {
            names_label(left) || names_label(right)
        }
        Kinds::Slice(of, low, high) => names_label(of) || low.iter().chain(high).any(names_label),
        Kinds::Interpolation(parts, _) => parts.iter().any(|part| match part {
            Part::Text(_) => false,
            Part::Value(value) => names_label(value),
        }),
        Kinds::Or(alternatives) => alternatives.values.iter().any(|(alternative, _)| names_label(alternative)),
        Kinds::Call(_, args) => args.iter().any(names_label),
        Kinds::CallValue(of, args) => names_label(of) || args.iter().any(names_label),
        Kinds::Struct(inner) => inner.decls.iter().any(in_decl),
        Kinds::List(list) => {
            let in_item = |item: &Item| match item {
                Item::Value(value) => names_label(value),
                Item::Comprehension(comprehension) => in_comprehension(comprehension),
            };
            list.elements.iter().any(in_item) || list.tail.iter().flatten().any(names_label)
        }
        Kinds::Data(_)
        | Kinds::Top
        | Kinds::Bottom(_)
        | Kinds::Kind(_)
        | Kinds::Field { .. }
        | Kinds::Frame { .. }
        | Kinds::Let { .. }
        | Kinds::Package(_)
        | Kinds::Function(_)
        | Kinds::Unsupported(_) => false,
    }
}

fn in_decl(decl: &Decl) -> bool {
    match decl {
        Decl::Field { value, .. } | Decl::Let { value, .. } | Decl::Embed(value) => names_label(value),
        Decl::Dynamic { label, value, .. } => names_label(label) || names_label(value),
        Decl::Pattern { pattern, value } => names_label(pattern) || names_label(value),
        Decl::Comprehension(comprehension) => in_comprehension(comprehension),
    }
}

fn in_comprehension(comprehension: &Comprehension) -> bool {
    let in_clause = |clause: &Clause| match clause {
        Clause::For { source: of, .. } | Clause::If(of) | Clause::Let { value: of, .. } => names_label(of),
        Clause::Try { exists, bound } => exists.iter().any(names_label) || bound.iter().any(|(_, of)| names_label(of)),
    };
    comprehension.clauses.iter().any(in_clause)
        || names_label(&comprehension.body)
        || comprehension.fallback.iter().any(names_label)
}
