//! Values from outside: `@tag(name, …)` on fields, filled by `-t name=value`, by `-t shorthand`, or by variables.
//!
//! Source: CUE's `cue help injection` and `cue/load/tags.go`.
//!
//! Not here: tags as conditions of files (that is `condition`).

mod find;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::module::NO_FILE;
use super::{Options, Package, walk};
use crate::decode::expr_to_data;
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Field, File};
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

/// A `@tag`; its place tells which field it is on.
struct Tag {
    name: String,
    of_type: Type,
    shorthands: Vec<String>,
    variable: Option<String>,
    span: Span,
    /// Where the value of its field is written.
    value: Span,
    filled: bool,
}

/// What goes to the field of the tag at a place.
type Value = (Span, Expr);

/// Fills the tags of the instances; gives back what was wrong.
pub(super) fn inject(
    packages: &mut [Package],
    instances: &[usize],
    options: &Options,
    used: &BTreeSet<String>,
) -> Vec<Error> {
    let (mut tags, mut errors) = (Vec::new(), Vec::new());
    for file in instances.iter().flat_map(|index| &packages[*index].files) {
        find::tags(&file.tree, &mut tags, &mut errors);
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
    let mut by_tag: HashMap<Span, Vec<Expr>> = HashMap::new();
    values.into_iter().for_each(|(tag, value)| by_tag.entry(tag).or_default().push(value));
    if by_tag.is_empty() {
        return errors;
    }
    for (_, package) in packages.iter_mut().enumerate().filter(|(index, _)| instances.contains(index)) {
        for file in &mut package.files {
            walk::fields(&mut Arc::make_mut(&mut file.tree).decls, &mut |field| fill(field, &mut by_tag));
        }
    }
    errors
}

fn fill(field: &mut Field, values: &mut HashMap<Span, Vec<Expr>>) {
    for attribute in &field.attributes {
        for value in values.remove(&attribute.span).into_iter().flatten() {
            unify(&mut field.value, value);
        }
    }
}

/// What one `-t` fills.
fn assign(tags: &mut [Tag], given: &str, used: bool) -> Result<Vec<Value>, Error> {
    let mut values = Vec::new();
    let (name, text) = match given.split_once('=') {
        Some((name, text)) => (Some(name), text),
        None => (None, given),
    };
    for tag in tags.iter_mut() {
        let meant = match name {
            Some(name) => tag.name == name,
            None => tag.shorthands.iter().any(|shorthand| shorthand == given),
        };
        if meant {
            tag.filled = true;
            values.push((tag.span, value(tag, text)?));
        }
    }
    if values.is_empty() && !used {
        let message = match name {
            Some(name) => format!("no field has the tag `{name}` of `-t {given}`"),
            None => format!("no file and no field has a use for `-t {given}`"),
        };
        let error = Error::new(Code::Load, message, None);
        return Err(match known(tags) {
            Some(help) => error.help(help),
            None => error,
        });
    }
    Ok(values)
}

/// Which tags there are.
fn known(tags: &[Tag]) -> Option<String> {
    let names: BTreeSet<String> = tags.iter().map(|tag| format!("`{}`", tag.name)).collect();
    (!names.is_empty()).then(|| format!("tags of fields are {}", names.into_iter().collect::<Vec<_>>().join(", ")))
}

/// The tag that gives the field whose value is written at a place its value.
pub(crate) fn of_value(file: &File, value: Span) -> Option<String> {
    let mut tags = Vec::new();
    find::tags(file, &mut tags, &mut Vec::new());
    tags.into_iter().find(|tag| tag.value.holds(value)).map(|tag| tag.name)
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
        values.push((tag.span, Expr { kind, span: tag.span }));
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
