//! All fields of a package as they are written, by path.

use crate::format;
use crate::source::FileId;
use crate::syntax::ast::{BinaryOp, Decl, Element, Expr, ExprKind, Field, File, Label, Let, Presence, UnaryOp};

/// A field and its path.
pub(super) struct Written<'a> {
    /// As an error shows it; patterns and computed labels stand in it as `[…]`, so that equal paths are one field.
    pub(super) path: String,
    /// Its value.
    pub(super) value: &'a Expr,
    /// No pattern or computed label is on the path, nor a comprehension around it.
    pub(super) certain: bool,
}

/// What a package's files say.
pub(super) struct Text<'a> {
    pub(super) fields: Vec<Written<'a>>,
    /// Its `let`s, wherever they stand.
    pub(super) lets: Vec<&'a Let>,
    /// The lists that are neither open nor computed.
    pub(super) lists: Vec<&'a Expr>,
    /// The files.
    pub(super) files: Vec<FileId>,
    /// The names of its imports.
    imports: Vec<&'a str>,
}

impl Text<'_> {
    /// Whether a file imports a package by that name.
    pub(super) fn imports(&self, name: &str) -> bool {
        self.imports.contains(&name)
    }
}

pub(super) fn text<'a>(files: impl IntoIterator<Item = &'a File>) -> Text<'a> {
    let text = Text { fields: Vec::new(), lets: Vec::new(), lists: Vec::new(), files: Vec::new(), imports: Vec::new() };
    let mut walk = Walk { text };
    for file in files {
        let name = |import: &'a crate::syntax::ast::Import| match &import.name {
            Some(name) => &*name.name,
            None => import.path.rsplit(['/', ':']).next().and_then(|last| last.split('@').next()).unwrap_or_default(),
        };
        walk.text.files.push(file.id);
        walk.text.imports.extend(file.imports.iter().map(name));
        walk.decls(&file.decls, "", true);
    }
    walk.text
}

struct Walk<'a> {
    text: Text<'a>,
}

impl<'a> Walk<'a> {
    fn decls(&mut self, decls: &'a [Decl], path: &str, certain: bool) {
        for decl in decls {
            match decl {
                Decl::Field(field) => self.field(field, path, certain),
                Decl::Let(clause) => {
                    self.text.lets.push(clause);
                    self.inside(&clause.value, "", false);
                }
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
        self.text.fields.push(Written { path: path.clone(), value: &field.value, certain: certain && regular });
        self.inside(&field.value, &path, certain);
    }

    /// The fields of structs in an expression: those that it unifies are the field's own.
    fn inside(&mut self, expr: &'a Expr, path: &str, certain: bool) {
        match &expr.kind {
            ExprKind::Struct(literal) => self.decls(&literal.decls, path, certain),
            ExprKind::List(elements) => {
                if is_fixed(elements) {
                    self.text.lists.push(expr);
                }
                self.elements(elements, path);
            }
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

/// Whether all elements of a list stand there, and at least one does.
fn is_fixed(elements: &[Element]) -> bool {
    !elements.is_empty() && elements.iter().all(|element| matches!(element, Element::Expr(_)))
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

/// A literal that is no struct and no list.
pub(super) fn is_scalar(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Bytes(_) => true,
        ExprKind::Unary { op: UnaryOp::Minus | UnaryOp::Plus, of } => is_scalar(of),
        _ => false,
    }
}

/// The expressions of a list without comprehensions.
pub(super) fn fixed_elements(expr: &Expr) -> Option<Vec<&Expr>> {
    let ExprKind::List(elements) = &expr.kind else { return None };
    let values = elements.iter().map(|element| match element {
        Element::Expr(expr) => Some(expr),
        Element::Comprehension(_) | Element::Ellipsis(_) => None,
    });
    values.collect::<Option<Vec<_>>>().filter(|values| !values.is_empty())
}
