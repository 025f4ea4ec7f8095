//! `try` clauses (experiment `try`): which references decide, by `?`, whether the clause yields.
//!
//! What decides must be looked at whatever else is evaluated; a `?` where that depends on something is refused. So is
//! one that names what the clause itself declares.
//!
//! Source: the proposal of `try` for CUE v0.16, and what v0.17 does.
//!
//! Not here: whether a reference leads to something (`eval`).

use std::sync::Arc;

use super::Unit;
use super::ir::{Clause, Ex, Expr, Kinds};
use crate::error::Code;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, Decl, Element, ExprKind, Label, Presence, UnaryOp};

/// The references with `?` of a `try` clause that is being bound.
#[derive(Debug)]
pub(super) struct Attempt {
    /// How many scopes were open at the clause.
    depth: usize,
    found: Vec<(Ex, usize)>,
}

impl Unit<'_> {
    /// `try x = value`: the name is bound for what follows.
    pub(super) fn try_binding(&mut self, name: &ast::Ident, value: &ast::Expr) -> Clause {
        let mut marks = Marks::default();
        marks.expr(value, true);
        let (bound, exists) = self.attempt(&marks, value.span, |unit| unit.expr(value));
        self.scopes.push(super::scope::Scope::default());
        Clause::Try { exists, bound: Some((self.variable(name), bound)) }
    }

    /// `try { … }`: the clause, and the body that it yields; `clauses` is what stands before it.
    pub(super) fn try_body(&mut self, body: &ast::Struct, clauses: Span) -> (Clause, Ex) {
        let mut marks = Marks::default();
        marks.decls(&body.decls, true);
        let (bound, exists) = self.attempt(&marks, body.span, |unit| unit.yielded(body, clauses));
        (Clause::Try { exists, bound: None }, bound)
    }

    fn attempt(&mut self, marks: &Marks, span: Span, bind: impl FnOnce(&mut Self) -> Ex) -> (Ex, Vec<Ex>) {
        let here = Attempt { depth: self.scopes.depth(), found: Vec::new() };
        let around = self.attempt.replace(here);
        let bound = bind(self);
        let here = std::mem::replace(&mut self.attempt, around);
        let mut exists: Vec<Ex> = Vec::new();
        let Some(Attempt { depth, found }) = here else { return (bound, exists) };
        for (reference, at) in found {
            exists.push(match lowered(&reference, at.saturating_sub(depth) as u32) {
                Some(reference) => reference,
                None => unsupported("`?` after what the `try` clause itself declares", reference.span),
            });
        }
        if let Some(span) = marks.refused {
            exists = vec![unsupported("`?` where it depends on something else whether it is looked at", span)];
        } else if marks.nested && !exists.is_empty() {
            exists = vec![unsupported("a `try` clause within another one that has `?`", span)];
        }
        (bound, exists)
    }

    /// `x?`
    pub(super) fn maybe(&mut self, of: &ast::Expr, span: Span) -> Ex {
        let bound = self.expr(of);
        let depth = self.scopes.depth();
        match &mut self.attempt {
            Some(attempt) => attempt.found.push((bound.clone(), depth)),
            None => self.fail(Code::Reference, "`?` after a reference stands only within a `try` clause", span),
        }
        bound
    }
}

fn unsupported(what: &str, span: Span) -> Ex {
    Arc::new(Expr { kind: Kinds::Unsupported(what.into()), span })
}

/// A reference as it is said some frames further up; nothing where it leads to one of these frames.
fn lowered(reference: &Ex, by: u32) -> Option<Ex> {
    let above = |up: u32| up.checked_sub(by);
    let kind = match &reference.kind {
        Kinds::Field { up, label } => Kinds::Field { up: above(*up)?, label: *label },
        Kinds::Let { up, number } => Kinds::Let { up: above(*up)?, number: *number },
        Kinds::Frame { up } => Kinds::Frame { up: above(*up)? },
        Kinds::Labelled { up } => Kinds::Labelled { up: above(*up)? },
        Kinds::LabelOf { up } => Kinds::LabelOf { up: above(*up)? },
        Kinds::Package(package) => Kinds::Package(*package),
        Kinds::Data(data) => Kinds::Data(data.clone()),
        Kinds::Select(of, label) => Kinds::Select(lowered(of, by)?, *label),
        Kinds::Index(of, index) => Kinds::Index(lowered(of, by)?, lowered(index, by)?),
        _ => return None,
    };
    Some(Arc::new(Expr { kind, span: reference.span }))
}

/// Where the `?` of a `try` clause stand.
#[derive(Default)]
struct Marks {
    /// One that may not be looked at.
    refused: Option<Span>,
    /// There is a `try` clause inside.
    nested: bool,
}

impl Marks {
    /// `sure` is whether the expression is looked at whatever the others are.
    fn expr(&mut self, expr: &ast::Expr, sure: bool) {
        match &expr.kind {
            ExprKind::Maybe(of) => {
                if !sure {
                    self.refused.get_or_insert(expr.span);
                }
                self.expr(of, sure);
            }
            ExprKind::Paren(of) => self.expr(of, sure),
            ExprKind::Unary { op, of } => self.expr(of, sure && *op != UnaryOp::Default),
            ExprKind::Binary { op, left, right, .. } => self.binary(*op, left, right, sure),
            ExprKind::Selector { of, .. } => self.expr(of, sure),
            ExprKind::Index { of, index } => {
                self.expr(of, sure);
                self.expr(index, false);
            }
            ExprKind::Struct(of) => self.decls(&of.decls, sure),
            ExprKind::List(elements) => self.elements(elements, sure),
            ExprKind::Slice { of, low, high } => {
                let parts = [Some(of), low.as_ref(), high.as_ref()];
                parts.into_iter().flatten().for_each(|part| self.expr(part, false));
            }
            ExprKind::Call { of, args } => std::iter::once(&**of).chain(args).for_each(|part| self.expr(part, false)),
            ExprKind::Alias { of, .. } | ExprKind::Open(of) => self.expr(of, false),
            ExprKind::Interpolation(pieces) => self.pieces(pieces),
            _ => {}
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, sure: bool) {
        let chooses = matches!(op, BinaryOp::Or | BinaryOp::BoolAnd | BinaryOp::BoolOr);
        self.expr(left, sure && !chooses);
        // An error on the left would come first.
        self.expr(right, sure && !chooses && (op == BinaryOp::And || is_plain(left)));
    }

    fn pieces(&mut self, of: &ast::Interpolation) {
        for piece in &of.pieces {
            if let ast::Piece::Expr(expr) = piece {
                self.expr(expr, false);
            }
        }
    }

    fn elements(&mut self, elements: &[Element], sure: bool) {
        for element in elements {
            match element {
                Element::Expr(expr) => self.expr(expr, sure),
                Element::Comprehension(of) => self.comprehension(of, sure),
                Element::Ellipsis(of) => of.value.iter().for_each(|value| self.expr(value, false)),
            }
        }
    }

    fn decls(&mut self, decls: &[Decl], sure: bool) {
        for decl in decls {
            match decl {
                Decl::Field(field) => self.field(field, sure),
                Decl::Embed(expr) => self.expr(expr, sure),
                Decl::Let(of) => self.expr(&of.value, false),
                Decl::Comprehension(of) => self.comprehension(of, sure),
                Decl::Ellipsis(of) => of.value.iter().for_each(|value| self.expr(value, false)),
                Decl::Attribute(_) => {}
            }
        }
    }

    fn field(&mut self, field: &ast::Field, sure: bool) {
        let regular = match &field.label {
            Label::Ident(ident) => !ident.name.starts_with(['#', '_']),
            Label::String(..) => true,
            Label::Interpolation(pieces) => {
                self.pieces(pieces);
                false
            }
            Label::Dynamic(expr, _) | Label::Pattern { expr, .. } => {
                self.expr(expr, false);
                false
            }
        };
        self.expr(&field.value, sure && regular && field.presence == Presence::Regular);
    }

    fn comprehension(&mut self, of: &ast::Comprehension, sure: bool) {
        for (at, clause) in of.clauses.iter().enumerate() {
            let sure = sure && at == 0;
            match clause {
                ast::Clause::For { source, .. } => self.expr(source, sure),
                ast::Clause::If(condition, _) => self.expr(condition, sure),
                ast::Clause::Let(of) => self.expr(&of.value, false),
                // Its own `?` are none of the clause around it.
                ast::Clause::Try { .. } => {
                    self.nested = true;
                    return;
                }
            }
        }
        self.decls(&of.body.decls, false);
        of.fallback.iter().for_each(|fallback| self.decls(&fallback.body.decls, false));
    }
}

/// Whether an expression is a literal or decides itself.
fn is_plain(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Maybe(_) | ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Bool(_) | ExprKind::Null => true,
        ExprKind::Paren(of) => is_plain(of),
        _ => false,
    }
}
