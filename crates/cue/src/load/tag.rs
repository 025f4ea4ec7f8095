//! Values from outside: `@tag(name, …)` on fields, filled by `-t name=value`, by `-t shorthand`, or by variables.
//!
//! Source: CUE's `cue help injection` and `cue/load/tags.go`.
//!
//! Not here: tags as conditions of files (that is `condition`).

use std::collections::{BTreeMap, BTreeSet};

use super::attribute::{self, lookup};
use super::module::NO_FILE;
use super::{Options, Package};
use crate::decode::expr_to_data;
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::{
    Attribute, BinaryOp, Clause, Comprehension, Decl, Element, Expr, ExprKind, Field, Label, Presence, Struct,
};
use crate::syntax::parse_expr;

/// What `@tag(…, var=name)` can be filled from. Whoever loads gives them: the loader knows neither clock nor chance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(pub BTreeMap<String, String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    String,
    Int,
    Number,
    Bool,
}

/// A `@tag` and the way to its field.
struct Tag {
    name: String,
    of_type: Type,
    shorthands: Vec<String>,
    variable: Option<String>,
    /// Which file of which package.
    file: (usize, usize),
    /// The number of the field among those of the file that have tags.
    field: usize,
    span: Span,
    filled: bool,
}

/// Fills the tags of the instances; gives back what was wrong.
pub(super) fn inject(
    packages: &mut [Package],
    instances: &[usize],
    options: &Options,
    used: &BTreeSet<String>,
) -> Vec<Error> {
    let (mut tags, mut errors) = (Vec::new(), Vec::new());
    let files = |index: usize| (0..packages[index].files.len()).map(move |file| (index, file));
    let files: Vec<_> = instances.iter().copied().flat_map(files).collect();
    for file in files {
        let mut finder = Finder { tags: &mut tags, errors: &mut errors, file, fields: 0 };
        finder.decls(&packages[file.0].files[file.1].tree.decls);
    }
    if !errors.is_empty() {
        return errors;
    }
    let mut values = Vec::new();
    for given in &options.tags {
        match assign(&mut tags, given, used.contains(given)) {
            Ok(more) => values.extend(more),
            Err(error) => errors.push(error),
        }
    }
    if let Some(variables) = &options.variables {
        match from_variables(&mut tags, variables) {
            Ok(more) => values.extend(more),
            Err(error) => errors.push(error),
        }
    }
    for (file, field, value) in values {
        let mut fields = 0;
        put_decls(&mut packages[file.0].files[file.1].tree.decls, field, &mut fields, &value);
    }
    errors
}

type Value = ((usize, usize), usize, Expr);

/// What one `-t` fills.
fn assign(tags: &mut [Tag], given: &str, used: bool) -> Result<Vec<Value>, Error> {
    let mut values = Vec::new();
    let (name, text) = match given.split_once('=') {
        Some((name, text)) => (Some(name), text),
        None => (None, given),
    };
    for tag in tags {
        let meant = match name {
            Some(name) => tag.name == name,
            None => tag.shorthands.iter().any(|shorthand| shorthand == given),
        };
        if meant {
            tag.filled = true;
            values.push((tag.file, tag.field, value(tag, text)?));
        }
    }
    if values.is_empty() && !used {
        let message = match name {
            Some(name) => format!("no field has the tag `{name}` of `-t {given}`"),
            None => format!("no file and no field has a use for `-t {given}`"),
        };
        return Err(Error::new(Code::Load, message, None));
    }
    Ok(values)
}

fn from_variables(tags: &mut [Tag], variables: &Variables) -> Result<Vec<Value>, Error> {
    let mut values = Vec::new();
    for tag in tags.iter_mut().filter(|tag| !tag.filled) {
        let Some(variable) = &tag.variable else { continue };
        let Some(text) = variables.0.get(variable) else {
            let names = variables.0.keys().cloned().collect::<Vec<_>>().join(", ");
            let error = Error::new(Code::Load, format!("there is no variable `{variable}`"), Some(tag.span));
            return Err(error.help(format!("there are {names}")));
        };
        let kind = match parse_expr(NO_FILE, text) {
            (expr, errors) if errors.is_empty() && text.starts_with("0x") => expr.kind,
            _ => ExprKind::String(text.as_str().into()),
        };
        values.push((tag.file, tag.field, Expr { kind, span: tag.span }));
    }
    Ok(values)
}

/// A text as a value of the tag's type.
fn value(tag: &Tag, text: &str) -> Result<Expr, Error> {
    let wrong = |what: &str| {
        Error::new(Code::Load, format!("`{text}` is not {what}, which the tag `{}` takes", tag.name), Some(tag.span))
    };
    let kind = match tag.of_type {
        Type::String => ExprKind::String(text.into()),
        Type::Bool => match text.trim() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => ExprKind::Bool(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => ExprKind::Bool(false),
            _ => return Err(wrong("a truth value")),
        },
        Type::Int | Type::Number => {
            let (expr, errors) = parse_expr(NO_FILE, text);
            let kind = expr_to_data(&expr).filter(|_| errors.is_empty()).map(|data| data.kind_name());
            match (kind, tag.of_type) {
                (Some("int"), _) | (Some("float"), Type::Number) => return Ok(placed(expr, tag.span)),
                (_, Type::Int) => return Err(wrong("an integer")),
                _ => return Err(wrong("a number")),
            }
        }
    };
    Ok(Expr { kind, span: tag.span })
}

/// A number, with or without sign, at another place.
fn placed(expr: Expr, span: Span) -> Expr {
    let kind = match expr.kind {
        ExprKind::Unary { op, of } => ExprKind::Unary { op, of: Box::new(placed(*of, span)) },
        ExprKind::Paren(of) => ExprKind::Paren(Box::new(placed(*of, span))),
        kind => kind,
    };
    Expr { kind, span }
}

/// Finds the tags of a file.
struct Finder<'a> {
    tags: &'a mut Vec<Tag>,
    errors: &'a mut Vec<Error>,
    file: (usize, usize),
    fields: usize,
}

impl Finder<'_> {
    fn decls(&mut self, decls: &[Decl]) {
        for decl in decls {
            match decl {
                Decl::Field(field) => self.field(field),
                Decl::Embed(expr) => self.expr(expr),
                Decl::Let(binding) => self.expr(&binding.value),
                Decl::Comprehension(comprehension) => self.forbid_in(comprehension),
                Decl::Ellipsis(_) | Decl::Attribute(_) => {}
            }
        }
    }

    fn field(&mut self, field: &Field) {
        let tags: Vec<_> = field.attributes.iter().filter(|attribute| &*attribute.name == "tag").collect();
        let is_plain =
            field.presence == Presence::Regular && matches!(field.label, Label::Ident(_) | Label::String(..));
        if !is_plain {
            let what = "a tag is not allowed within a field that is only a constraint";
            let mut forbidden = Forbidden { what, errors: self.errors };
            forbidden.field(field);
            return;
        }
        for attribute in &tags {
            match parse(attribute, self.file, self.fields) {
                Ok(tag) => self.tags.push(tag),
                Err(error) => self.errors.push(error),
            }
        }
        self.fields += usize::from(!tags.is_empty());
        self.expr(&field.value);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Struct(of) => self.decls(&of.decls),
            ExprKind::List(elements) => {
                let mut forbidden = Forbidden { what: "a tag is not allowed within a list", errors: self.errors };
                elements.iter().for_each(|element| forbidden.element(element));
            }
            _ => children(expr).into_iter().for_each(|child| self.expr(child)),
        }
    }

    fn forbid_in(&mut self, comprehension: &Comprehension) {
        let mut forbidden = Forbidden { what: "a tag is not allowed within a comprehension", errors: self.errors };
        forbidden.comprehension(comprehension);
    }
}

/// Says of every tag that it is not allowed.
struct Forbidden<'a> {
    what: &'static str,
    errors: &'a mut Vec<Error>,
}

impl Forbidden<'_> {
    fn decls(&mut self, of: &Struct) {
        for decl in &of.decls {
            match decl {
                Decl::Field(field) => self.field(field),
                Decl::Embed(expr) => self.expr(expr),
                Decl::Let(binding) => self.expr(&binding.value),
                Decl::Comprehension(comprehension) => self.comprehension(comprehension),
                Decl::Ellipsis(_) | Decl::Attribute(_) => {}
            }
        }
    }

    fn field(&mut self, field: &Field) {
        let tags = field.attributes.iter().filter(|attribute| &*attribute.name == "tag");
        self.errors.extend(tags.map(|tag| Error::new(Code::Load, self.what, Some(tag.span))));
        self.expr(&field.value);
    }

    fn element(&mut self, element: &Element) {
        match element {
            Element::Expr(expr) => self.expr(expr),
            Element::Comprehension(comprehension) => self.comprehension(comprehension),
            Element::Ellipsis(_) => {}
        }
    }

    fn comprehension(&mut self, comprehension: &Comprehension) {
        for clause in &comprehension.clauses {
            match clause {
                Clause::For { source, .. } => self.expr(source),
                Clause::If(condition, _) => self.expr(condition),
                Clause::Let(binding) => self.expr(&binding.value),
                Clause::Try { .. } => {}
            }
        }
        self.decls(&comprehension.body);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Struct(of) => self.decls(of),
            ExprKind::List(elements) => elements.iter().for_each(|element| self.element(element)),
            _ => children(expr).into_iter().for_each(|child| self.expr(child)),
        }
    }
}

/// The operands in which structs with tagged fields may stand.
fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Binary { left, right, .. } => vec![left, right],
        ExprKind::Unary { of, .. } | ExprKind::Paren(of) | ExprKind::Alias { of, .. } | ExprKind::Open(of) => vec![of],
        ExprKind::Selector { of, .. } | ExprKind::Index { of, .. } | ExprKind::Slice { of, .. } => vec![of],
        ExprKind::Call { args, .. } => args.iter().collect(),
        _ => Vec::new(),
    }
}

fn children_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match &mut expr.kind {
        ExprKind::Binary { left, right, .. } => vec![left, right],
        ExprKind::Unary { of, .. } | ExprKind::Paren(of) | ExprKind::Alias { of, .. } | ExprKind::Open(of) => vec![of],
        ExprKind::Selector { of, .. } | ExprKind::Index { of, .. } | ExprKind::Slice { of, .. } => vec![of],
        ExprKind::Call { args, .. } => args.iter_mut().collect(),
        _ => Vec::new(),
    }
}

fn parse(attribute: &Attribute, file: (usize, usize), field: usize) -> Result<Tag, Error> {
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
    Ok(Tag { name, of_type, shorthands, variable, file, field, span: attribute.span, filled: false })
}

/// Puts a value to the tagged field of a number, counted as [`Finder`] counts; says whether it was found.
fn put_decls(decls: &mut [Decl], wanted: usize, seen: &mut usize, value: &Expr) -> bool {
    decls.iter_mut().any(|decl| match decl {
        Decl::Field(field) => put_field(field, wanted, seen, value),
        Decl::Embed(expr) => put_expr(expr, wanted, seen, value),
        Decl::Let(binding) => put_expr(&mut binding.value, wanted, seen, value),
        _ => false,
    })
}

fn put_field(field: &mut Field, wanted: usize, seen: &mut usize, value: &Expr) -> bool {
    if field.presence != Presence::Regular || !matches!(field.label, Label::Ident(_) | Label::String(..)) {
        return false;
    }
    if field.attributes.iter().any(|attribute| &*attribute.name == "tag") {
        *seen += 1;
        if *seen > wanted {
            unify(&mut field.value, value.clone());
            return true;
        }
    }
    put_expr(&mut field.value, wanted, seen, value)
}

fn put_expr(expr: &mut Expr, wanted: usize, seen: &mut usize, value: &Expr) -> bool {
    match &mut expr.kind {
        ExprKind::Struct(of) => put_decls(&mut of.decls, wanted, seen, value),
        ExprKind::List(_) => false,
        _ => children_mut(expr).into_iter().any(|child| put_expr(child, wanted, seen, value)),
    }
}

/// Makes an expression the unification of itself and another one.
pub(super) fn unify(expr: &mut Expr, with: Expr) {
    let op_span = with.span;
    // An alias names the field's whole value, so what is added goes inside of it.
    if let ExprKind::Alias { of, .. } = &mut expr.kind {
        unify(of, with);
        return;
    }
    let span = expr.span;
    let before = std::mem::replace(expr, Expr { kind: ExprKind::Top, span });
    let left = Box::new(Expr { kind: ExprKind::Paren(Box::new(before)), span });
    expr.kind = ExprKind::Binary { op: BinaryOp::And, op_span, left, right: Box::new(with) };
}
