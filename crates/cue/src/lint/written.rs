//! All fields of a package as they are written, by path.

use crate::format;
use crate::syntax::ast::{BinaryOp, Decl, Element, Expr, ExprKind, Field, File, Label, Presence, UnaryOp};

/// A field and its path.
pub(super) struct Written<'a> {
    /// As an error shows it; patterns and computed labels stand in it as `[…]`, so that equal paths are one field.
    pub(super) path: String,
    /// Its value.
    pub(super) value: &'a Expr,
    /// No pattern or computed label is on the path, nor a comprehension around it.
    pub(super) certain: bool,
}

pub(super) fn fields(files: &[File]) -> Vec<Written<'_>> {
    let mut walk = Walk { fields: Vec::new() };
    for file in files {
        walk.decls(&file.decls, "", true);
    }
    walk.fields
}

struct Walk<'a> {
    fields: Vec<Written<'a>>,
}

impl<'a> Walk<'a> {
    fn decls(&mut self, decls: &'a [Decl], path: &str, certain: bool) {
        for decl in decls {
            match decl {
                Decl::Field(field) => self.field(field, path, certain),
                Decl::Let(clause) => self.inside(&clause.value, "", false),
                Decl::Embed(expr) => self.inside(expr, path, certain),
                Decl::Comprehension(comprehension) => self.decls(&comprehension.body.decls, path, false),
                Decl::Ellipsis(_) | Decl::Attribute(_) => {}
            }
        }
    }

    fn field(&mut self, field: &'a Field, path: &str, certain: bool) {
        let (label, known) = match &field.label {
            Label::Ident(name) => (name.name.to_string(), true),
            Label::String(name, _) => (format::quote_label(name), true),
            Label::Interpolation(_) | Label::Dynamic(..) | Label::Pattern { .. } => ("[…]".to_owned(), false),
        };
        let dot = if path.is_empty() || !known { "" } else { "." };
        let path = format!("{path}{dot}{label}");
        let certain = certain && known;
        let regular = field.presence == Presence::Regular;
        self.fields.push(Written { path: path.clone(), value: &field.value, certain: certain && regular });
        self.inside(&field.value, &path, certain);
    }

    /// The fields of structs in an expression: those that it unifies are the field's own.
    fn inside(&mut self, expr: &'a Expr, path: &str, certain: bool) {
        match &expr.kind {
            ExprKind::Struct(literal) => self.decls(&literal.decls, path, certain),
            ExprKind::List(elements) => self.elements(elements, path),
            ExprKind::Paren(of) | ExprKind::Alias { of, .. } | ExprKind::Open(of) => self.inside(of, path, certain),
            ExprKind::Binary { op: BinaryOp::And, left, right, .. } => {
                self.inside(left, path, certain);
                self.inside(right, path, certain);
            }
            ExprKind::Binary { left, right, .. } => {
                self.inside(left, path, false);
                self.inside(right, path, false);
            }
            ExprKind::Unary { of, .. } => self.inside(of, path, false),
            ExprKind::Call { args, .. } => args.iter().for_each(|arg| self.inside(arg, path, false)),
            _ => {}
        }
    }

    fn elements(&mut self, elements: &'a [Element], path: &str) {
        for (index, element) in elements.iter().enumerate() {
            match element {
                Element::Expr(expr) => self.inside(expr, &format!("{path}[{index}]"), false),
                Element::Comprehension(comprehension) => {
                    self.decls(&comprehension.body.decls, &format!("{path}[…]"), false);
                }
                Element::Ellipsis(_) => {}
            }
        }
    }
}

/// The alternatives of a disjunction; the expression itself if it is none.
pub(super) fn alternatives(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Binary { op: BinaryOp::Or, left, right, .. } => {
            let mut all = alternatives(left);
            all.push(right);
            all
        }
        ExprKind::Paren(of) | ExprKind::Alias { of, .. } => alternatives(of),
        _ => vec![expr],
    }
}

/// What an alternative marks as the default.
pub(super) fn marked(alternative: &Expr) -> Option<&Expr> {
    match &alternative.kind {
        ExprKind::Unary { op: UnaryOp::Default, of } => Some(of),
        _ => None,
    }
}
