//! Every field of a tree, however deep it stands.
//!
//! Not here: what is done with them.

use crate::syntax::ast::{Clause, Comprehension, Decl, Element, Expr, ExprKind, Field, Piece};

/// Visits all fields, those that hold others first.
pub(super) fn fields(decls: &mut [Decl], visit: &mut dyn FnMut(&mut Field)) {
    for decl in decls {
        match decl {
            Decl::Field(field) => {
                visit(field);
                expr(&mut field.value, visit);
            }
            Decl::Embed(of) => expr(of, visit),
            Decl::Let(binding) => expr(&mut binding.value, visit),
            Decl::Comprehension(of) => comprehension(of, visit),
            Decl::Ellipsis(of) => of.value.iter_mut().for_each(|of| expr(of, visit)),
            Decl::Attribute(_) => {}
        }
    }
}

fn comprehension(of: &mut Comprehension, visit: &mut dyn FnMut(&mut Field)) {
    for clause in &mut of.clauses {
        match clause {
            Clause::For { source, .. } => expr(source, visit),
            Clause::If(condition, _) => expr(condition, visit),
            Clause::Let(binding) => expr(&mut binding.value, visit),
            Clause::Try { binding, .. } => binding.iter_mut().for_each(|(_, of)| expr(of, visit)),
        }
    }
    fields(&mut of.body.decls, visit);
    of.fallback.iter_mut().for_each(|fallback| fields(&mut fallback.body.decls, visit));
}

fn expr(of: &mut Expr, visit: &mut dyn FnMut(&mut Field)) {
    match &mut of.kind {
        ExprKind::Struct(of) => fields(&mut of.decls, visit),
        ExprKind::List(elements) => elements.iter_mut().for_each(|element| match element {
            Element::Expr(of) => expr(of, visit),
            Element::Comprehension(of) => comprehension(of, visit),
            Element::Ellipsis(of) => of.value.iter_mut().for_each(|of| expr(of, visit)),
        }),
        ExprKind::Interpolation(of) => of.pieces.iter_mut().for_each(|piece| match piece {
            Piece::Expr(of) => expr(of, visit),
            Piece::Text(_) => {}
        }),
        _ => operands(of).into_iter().for_each(|of| expr(of, visit)),
    }
}

/// The expressions that an operator, a call or a selection works on.
pub(super) fn operands(of: &mut Expr) -> Vec<&mut Expr> {
    match &mut of.kind {
        ExprKind::Binary { left, right, .. } => vec![left, right],
        ExprKind::Unary { of, .. }
        | ExprKind::Paren(of)
        | ExprKind::Alias { of, .. }
        | ExprKind::Open(of)
        | ExprKind::Maybe(of)
        | ExprKind::Selector { of, .. } => vec![of],
        ExprKind::Index { of, index } => vec![of, index],
        ExprKind::Slice { of, low, high } => {
            std::iter::once(of).chain(low.iter_mut()).chain(high.iter_mut()).map(|of| &mut **of).collect()
        }
        ExprKind::Call { of, args } => std::iter::once(&mut **of).chain(args.iter_mut()).collect(),
        _ => Vec::new(),
    }
}
