//! The document as schemas with keywords.
//!
//! Not here: what keywords mean.

use crate::data::Data;
use crate::decode::expr_to_data;
use crate::error::Error;
use crate::number::Number;
use crate::source::Span;
use crate::syntax::ast::{Decl, Element, Expr, ExprKind, Ident, Label};

use super::wrong;

/// Keywords that only say something about a schema, or hold others to be referred to.
const ANNOTATIONS: &[&str] = &[
    "$schema",
    "$id",
    "id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "definitions",
    "$defs",
];

pub(super) fn is_annotation(keyword: &str) -> bool {
    ANNOTATIONS.contains(&keyword)
}

/// The entries of an object.
pub(super) fn entries(expr: &Expr) -> Option<Vec<(&str, Span, &Expr)>> {
    let ExprKind::Struct(of) = &expr.kind else { return None };
    let mut found = Vec::new();
    for decl in &of.decls {
        let Decl::Field(field) = decl else { continue };
        if let Label::Ident(Ident { name, span }) | Label::String(name, span) = &field.label {
            found.push((&**name, *span, &field.value));
        }
    }
    Some(found)
}

/// An object that is a schema.
pub(super) struct Schema<'a> {
    entries: Vec<(&'a str, Span, &'a Expr)>,
    pub(super) span: Span,
}

impl<'a> Schema<'a> {
    pub(super) fn new(expr: &'a Expr) -> Result<Self, Error> {
        match entries(expr) {
            Some(entries) => Ok(Self { entries, span: expr.span }),
            None => Err(wrong("a schema", "an object or a truth value", expr.span)),
        }
    }

    /// A keyword's value.
    pub(super) fn get(&self, keyword: &str) -> Option<&'a Expr> {
        self.entries.iter().find(|(name, _, _)| *name == keyword).map(|(_, _, value)| *value)
    }

    /// Keywords, their places and values, in their order.
    pub(super) fn fields(&self) -> impl Iterator<Item = &(&'a str, Span, &'a Expr)> {
        self.entries.iter()
    }

    /// The entries of the object that a keyword has; none where it is missing.
    pub(super) fn fields_of(&self, keyword: &str) -> Result<Vec<(&'a str, Span, &'a Expr)>, Error> {
        match self.get(keyword) {
            None => Ok(Vec::new()),
            Some(expr) => entries(expr).ok_or_else(|| wrong(keyword, "an object", expr.span)),
        }
    }

    /// The elements of the array that a keyword has.
    pub(super) fn list(&self, keyword: &str) -> Result<Option<Vec<&'a Expr>>, Error> {
        self.get(keyword).map(|expr| elements(expr).ok_or_else(|| wrong(keyword, "an array", expr.span))).transpose()
    }

    /// The strings of the array that a keyword has; none where it is missing.
    pub(super) fn strings(&self, keyword: &str) -> Result<Vec<&'a str>, Error> {
        let elements = self.list(keyword)?.unwrap_or_default();
        elements.into_iter().map(|element| string(keyword, element)).collect()
    }

    /// The number that a keyword has.
    pub(super) fn number(&self, keyword: &str) -> Result<Option<Number>, Error> {
        let number = |expr: &Expr| match expr_to_data(expr) {
            Some(Data::Number(number)) => Ok(number),
            _ => Err(wrong(keyword, "a number", expr.span)),
        };
        self.get(keyword).map(number).transpose()
    }

    /// The count that a keyword has, as CUE's literal.
    pub(super) fn count(&self, keyword: &str) -> Result<Option<String>, Error> {
        let Some(number) = self.number(keyword)? else { return Ok(None) };
        let count = number.to_integer().filter(|_| !number.is_negative()).map(|count| count.to_string());
        let span = self.get(keyword).map_or(self.span, |expr| expr.span);
        count.map(Some).ok_or_else(|| wrong(keyword, "a whole number that is not negative", span))
    }

    /// The truth value that a keyword has; false where it is missing.
    pub(super) fn flag(&self, keyword: &str) -> Result<bool, Error> {
        match self.get(keyword) {
            None => Ok(false),
            Some(Expr { kind: ExprKind::Bool(value), .. }) => Ok(*value),
            Some(expr) => Err(wrong(keyword, "a truth value", expr.span)),
        }
    }
}

/// The text of a string.
pub(super) fn string<'a>(keyword: &str, expr: &'a Expr) -> Result<&'a str, Error> {
    match &expr.kind {
        ExprKind::String(text) => Ok(text),
        _ => Err(wrong(keyword, "strings", expr.span)),
    }
}

/// The elements of an array.
pub(super) fn elements<'a>(expr: &'a Expr) -> Option<Vec<&'a Expr>> {
    let ExprKind::List(elements) = &expr.kind else { return None };
    let element = |element: &'a Element| match element {
        Element::Expr(expr) => Some(expr),
        _ => None,
    };
    elements.iter().map(element).collect()
}

/// Title and description as a comment, each line with its end.
pub(super) fn comment(expr: &Expr) -> String {
    let texts = entries(expr).unwrap_or_default();
    let of = |keyword: &str| {
        let value = texts.iter().find(|(name, _, _)| *name == keyword).map(|(_, _, value)| *value);
        value.and_then(|value| string(keyword, value).ok()).unwrap_or_default().trim()
    };
    let (title, description) = (of("title"), of("description"));
    let between = if title.is_empty() || description.is_empty() { "" } else { "\n\n" };
    let text = format!("{title}{between}{description}");
    let line = |line: &str| format!("// {}", line.trim_end()).trim_end().to_owned() + "\n";
    if text.is_empty() { String::new() } else { text.lines().map(line).collect() }
}
