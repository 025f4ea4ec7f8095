//! Where the tags of a file are, and where none may be.
//!
//! Not here: what fills them.

use super::{Tag, Type};
use crate::error::{Code, Error};
use crate::load::attribute::{self, lookup};
use crate::syntax::ast::{
    Attribute, Clause, Comprehension, Decl, Element, Expr, ExprKind, Field, File, Label, Presence,
};

/// Collects the tags of a file, and errors about those that stand where none may.
pub(super) fn tags(file: &File, tags: &mut Vec<Tag>, errors: &mut Vec<Error>) {
    Finder { tags, errors, forbidden: None }.decls(&file.decls);
}

struct Finder<'a> {
    tags: &'a mut Vec<Tag>,
    errors: &'a mut Vec<Error>,
    /// What the declarations are within, if no tag may stand there.
    forbidden: Option<&'static str>,
}

impl Finder<'_> {
    /// Goes into what holds no tags.
    fn within(&mut self, what: &'static str, go: impl FnOnce(&mut Self)) {
        let before = self.forbidden;
        self.forbidden = before.or(Some(what));
        go(self);
        self.forbidden = before;
    }

    fn decls(&mut self, decls: &[Decl]) {
        for decl in decls {
            match decl {
                Decl::Field(field) => self.field(field),
                Decl::Embed(expr) => self.expr(expr),
                Decl::Let(binding) => self.expr(&binding.value),
                Decl::Comprehension(of) => self.comprehension(of),
                Decl::Ellipsis(_) | Decl::Attribute(_) => {}
            }
        }
    }

    fn field(&mut self, field: &Field) {
        let is_plain =
            field.presence == Presence::Regular && matches!(field.label, Label::Ident(_) | Label::String(..));
        if is_plain {
            self.plain_field(field);
        } else {
            self.within("a field that is only a constraint", |finder| finder.plain_field(field));
        }
    }

    fn plain_field(&mut self, field: &Field) {
        for attribute in field.attributes.iter().filter(|attribute| &*attribute.name == "tag") {
            match (self.forbidden, parse(attribute)) {
                (Some(what), _) => {
                    let message = format!("a tag is not allowed within {what}");
                    self.errors.push(Error::new(Code::Load, message, Some(attribute.span)));
                }
                (None, Ok(tag)) => self.tags.push(Tag { value: field.value.span, ..tag }),
                (None, Err(error)) => self.errors.push(error),
            }
        }
        self.expr(&field.value);
    }

    fn comprehension(&mut self, of: &Comprehension) {
        self.within("a comprehension", |finder| {
            for clause in &of.clauses {
                match clause {
                    Clause::For { source, .. } => finder.expr(source),
                    Clause::If(condition, _) => finder.expr(condition),
                    Clause::Let(binding) => finder.expr(&binding.value),
                    Clause::Try { binding, .. } => binding.iter().for_each(|(_, expr)| finder.expr(expr)),
                }
            }
            finder.decls(&of.body.decls);
            of.fallback.iter().for_each(|fallback| finder.decls(&fallback.body.decls));
        });
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Struct(of) => self.decls(&of.decls),
            ExprKind::List(elements) => {
                self.within("a list", |finder| elements.iter().for_each(|element| finder.element(element)));
            }
            _ => operands(expr).into_iter().for_each(|child| self.expr(child)),
        }
    }

    fn element(&mut self, element: &Element) {
        match element {
            Element::Expr(expr) => self.expr(expr),
            Element::Comprehension(of) => self.comprehension(of),
            Element::Ellipsis(of) => of.value.iter().for_each(|expr| self.expr(expr)),
        }
    }
}

/// The operands in which structs with tagged fields may stand.
fn operands(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Binary { left, right, .. } => vec![left, right],
        ExprKind::Unary { of, .. }
        | ExprKind::Paren(of)
        | ExprKind::Alias { of, .. }
        | ExprKind::Open(of)
        | ExprKind::Maybe(of)
        | ExprKind::Selector { of, .. }
        | ExprKind::Slice { of, .. } => vec![of],
        ExprKind::Index { of, index } => vec![of, index],
        ExprKind::Call { args, .. } => args.iter().collect(),
        _ => Vec::new(),
    }
}

fn parse(attribute: &Attribute) -> Result<Tag, Error> {
    let wrong = |message: String| Error::new(Code::Load, message, Some(attribute.span));
    let arguments = attribute::arguments(attribute)?;
    let name = arguments.first().filter(|first| first.key.is_none()).map(|first| first.value.clone());
    let name = name.unwrap_or_default();
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$') {
        return Err(wrong(format!("a tag has a name; `{name}` is none")).help("write `@tag(name)`"));
    }
    let of_type = match lookup(&arguments, "type") {
        None | Some("string") => Type::String,
        Some("int") => Type::Int,
        Some("number") => Type::Number,
        Some("bool") => Type::Bool,
        Some(other) => {
            return Err(wrong(format!("a tag can't be of type `{other}`")).help("there are string, int, number, bool"));
        }
    };
    let shorthands = lookup(&arguments, "short").map(|words| words.split('|').map(str::to_owned).collect());
    let (shorthands, variable) = (shorthands.unwrap_or_default(), lookup(&arguments, "var").map(str::to_owned));
    let span = attribute.span;
    Ok(Tag { name, of_type, shorthands, variable, span, value: span, filled: false })
}
