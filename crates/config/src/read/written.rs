//! Which line of a file of CUE writes which field: of a value, whatever way it came, where what decided it is written;
//! of tables and lists, where they are written as literals.
//!
//! Not here: tables that come of references, comprehensions and patterns. They have no line of their own, so they are
//! told at the line of what is around them.

use std::collections::BTreeMap;

use shipway_cue::{
    edit::{Step, parse_path},
    provenance::Provenance,
    source::Span,
    syntax::ast::{BinaryOp, Decl, Element, Expr, ExprKind, Label, UnaryOp},
};

use super::Written;
use crate::field::Field;

/// How deep expressions are followed; what is deeper has the line of what is around it.
const LEVELS_MAX: usize = 200;

/// The place of every field and list item that is written down, by its dotted path. The first place counts.
pub(super) fn lines<'a>(
    decls: impl IntoIterator<Item = &'a Decl>,
    place: impl Fn(Span) -> Option<Written>,
) -> BTreeMap<String, Written> {
    let mut walk = Walk { place, lines: BTreeMap::new() };
    decls.into_iter().for_each(|decl| walk.decl(&Field::default(), decl, 0));
    walk.lines
}

/// The place of what decided each value, by the value's dotted path.
pub(super) fn values(
    said: &[Provenance],
    place: impl Fn(Span) -> Option<Written>,
) -> impl Iterator<Item = (String, Written)> {
    said.iter().filter_map(move |of| {
        let steps = parse_path(&of.path).ok()?;
        let field = steps.iter().fold(Field::default(), |field, step| match step {
            Step::Field(name) | Step::Special(name) => field.key(name),
            Step::Index(index) => field.index(*index),
        });
        Some((field.to_string(), place(of.said.first()?.span)?))
    })
}

struct Walk<P> {
    place: P,
    lines: BTreeMap<String, Written>,
}

impl<P: Fn(Span) -> Option<Written>> Walk<P> {
    fn decl(&mut self, within: &Field, decl: &Decl, level: usize) {
        match decl {
            Decl::Embed(expr) => self.expr(within, expr, level),
            Decl::Field(field) => {
                let (name, span) = match &field.label {
                    // Definitions and hidden fields are no part of the result.
                    Label::Ident(ident) if ident.name.starts_with(['#', '_']) => return,
                    Label::Ident(ident) => (&ident.name, ident.span),
                    Label::String(name, span) => (name, *span),
                    Label::Interpolation(_) | Label::Dynamic(..) | Label::Pattern { .. } => return,
                };
                let at = within.key(name);
                self.note(&at, span);
                self.expr(&at, &field.value, level);
            }
            Decl::Let(_) | Decl::Comprehension(_) | Decl::Ellipsis(_) | Decl::Attribute(_) => {}
        }
    }

    fn expr(&mut self, at: &Field, expr: &Expr, level: usize) {
        if level > LEVELS_MAX {
            return;
        }
        match &expr.kind {
            ExprKind::Struct(of) => of.decls.iter().for_each(|decl| self.decl(at, decl, level + 1)),
            ExprKind::List(elements) => self.elements(at, elements, level),
            ExprKind::Binary { op: BinaryOp::And, left, right, .. } => {
                self.expr(at, left, level + 1);
                self.expr(at, right, level + 1);
            }
            ExprKind::Unary { op: UnaryOp::Default, of } | ExprKind::Paren(of) | ExprKind::Alias { of, .. } => {
                self.expr(at, of, level + 1);
            }
            _ => {}
        }
    }

    /// What follows a comprehension has no place that is known.
    fn elements(&mut self, at: &Field, elements: &[Element], level: usize) {
        let plain = elements.iter().map_while(|element| match element {
            Element::Expr(expr) => Some(expr),
            Element::Comprehension(_) | Element::Ellipsis(_) => None,
        });
        for (index, expr) in plain.enumerate() {
            let at = at.index(index);
            self.note(&at, expr.span);
            self.expr(&at, expr, level + 1);
        }
    }

    fn note(&mut self, at: &Field, span: Span) {
        if let Some(written) = (self.place)(span) {
            self.lines.entry(at.to_string()).or_insert(written);
        }
    }
}
