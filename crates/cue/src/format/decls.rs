//! Where a block of columns ends between declarations, and where a blank line belongs.
//!
//! Not here: the columns (that is `align`).

use super::marks::Marker;
use crate::syntax::ast::{Decl, Expr, ExprKind, Field, Label, Struct};

/// Marks the ends of declarations that others follow.
pub(super) fn mark_ends(marker: &mut Marker<'_>, decls: &[Decl]) {
    for pair in decls.windows(2) {
        let [one, next] = pair else { continue };
        let end = one.span().end;
        if ends_block(one, next, marker.text) {
            marker.marks.block_ends.insert(end);
        }
        if needs_section(marker, one, next) {
            marker.marks.sections.insert(end);
        }
    }
}

/// Only fields with equally many labels in a row stand in columns, and no struct or list with them.
fn ends_block(one: &Decl, next: &Decl, text: &str) -> bool {
    let depth = labels(one);
    let brackets = match next {
        Decl::Field(field) => match &field.value.kind {
            ExprKind::Struct(literal) => literal.braces || literal.decls.len() != 1,
            ExprKind::List(_) => true,
            _ => false,
        },
        _ => false,
    };
    let broken = matches!(one, Decl::Field(field) if breaks_columns(innermost(field), text));
    depth == 0 || depth != labels(next) || brackets || broken
}

fn innermost(field: &Field) -> &Expr {
    match &field.value.kind {
        ExprKind::Struct(Struct { decls, braces: false, .. }) => match decls.first() {
            Some(Decl::Field(inner)) => innermost(inner),
            _ => &field.value,
        },
        _ => &field.value,
    }
}

/// How many labels stand before the value: `a: b: 1` has two; 0 for what is no field, or holds several.
fn labels(decl: &Decl) -> usize {
    let Decl::Field(field) = decl else { return 0 };
    match &field.value.kind {
        ExprKind::Struct(Struct { decls, .. }) => match decls.as_slice() {
            [inner] => 1 + labels(inner),
            _ => 0,
        },
        _ => 1,
    }
}

/// A struct, a list, or text of several lines in a value: it stands in no column.
pub(super) fn breaks_columns(expr: &Expr, text: &str) -> bool {
    let lines = || text.get(expr.span.start as usize..expr.span.end as usize).is_some_and(|text| text.contains('\n'));
    match &expr.kind {
        ExprKind::Struct(_) | ExprKind::List(_) => true,
        ExprKind::String(_) | ExprKind::Bytes(_) => lines(),
        ExprKind::Paren(of)
        | ExprKind::Unary { of, .. }
        | ExprKind::Open(of)
        | ExprKind::Maybe(of)
        | ExprKind::Index { of, .. }
        | ExprKind::Selector { of, .. } => breaks_columns(of, text),
        ExprKind::Binary { left, right, .. } => breaks_columns(left, text) || breaks_columns(right, text),
        ExprKind::Call { args, .. } => args.iter().any(|arg| breaks_columns(arg, text)),
        _ => false,
    }
}

/// A blank line parts a commented declaration from one that is no field, or a definition.
fn needs_section(marker: &Marker<'_>, one: &Decl, next: &Decl) -> bool {
    let apart = match one {
        Decl::Field(field) => is_definition(&field.label),
        _ => true,
    };
    apart && has_comment(marker, one.span().end, next.span())
}

fn is_definition(label: &Label) -> bool {
    matches!(label, Label::Ident(name) if name.name.starts_with('#') || name.name.starts_with("_#"))
}

/// A comment on the line before the declaration, or behind it on its last line.
fn has_comment(marker: &Marker<'_>, after: u32, decl: crate::source::Span) -> bool {
    let first = marker.comments.partition_point(|comment| comment.span.start < after);
    let gap = |from: u32, to: u32| marker.text.get(from as usize..to as usize).unwrap_or("");
    let before = marker.comments[first..].iter().take_while(|comment| comment.span.end <= decl.start).last();
    let doc =
        before.is_some_and(|comment| !comment.trailing && gap(comment.span.end, decl.start).matches('\n').count() == 1);
    let behind = marker.comments.partition_point(|comment| comment.span.start < decl.end);
    let trailing = marker.comments.get(behind).is_some_and(|comment| {
        comment.trailing && gap(decl.end, comment.span.start).chars().all(|c| c == ' ' || c == '\t' || c == ',')
    });
    doc || trailing
}
