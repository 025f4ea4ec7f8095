//! The body of an attribute: `name, key=value, "quoted", flag`.
//!
//! Source: CUE's specification, "Attributes", and `internal/attrs.go`.
//!
//! Not here: what an attribute means.

use crate::error::{Code, Error};
use crate::source::{FileId, Span};
use crate::syntax::ast::{Attribute, ExprKind};
use crate::syntax::parse_expr;

/// One argument of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    /// `key` of `key=value`.
    pub(super) key: Option<String>,
    /// What stands after the `=`, or alone; quotes are undone.
    pub(super) value: String,
}

/// The arguments of an attribute, in their order.
pub(super) fn arguments(attribute: &Attribute) -> Result<Vec<Argument>, Error> {
    let parts = split(&attribute.body);
    if let [only] = parts.as_slice()
        && only.trim().is_empty()
    {
        return Ok(Vec::new());
    }
    parts.into_iter().map(|part| argument(part, attribute.span)).collect()
}

/// The value of a key.
pub(super) fn lookup<'a>(arguments: &'a [Argument], key: &str) -> Option<&'a str> {
    arguments.iter().find(|argument| argument.key.as_deref() == Some(key)).map(|argument| argument.value.as_str())
}

/// Whether a word stands alone among the arguments.
pub(super) fn has_flag(arguments: &[Argument], flag: &str) -> bool {
    arguments.iter().any(|argument| argument.key.is_none() && argument.value == flag)
}

/// Splits at commas outside of quotes and brackets.
fn split(body: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote, mut escaped) = (Vec::new(), 0, 0_usize, None, false);
    for (at, c) in body.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) => quote = (c != open).then_some(open),
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(&body[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&body[start..]);
    parts
}

fn argument(part: &str, span: Span) -> Result<Argument, Error> {
    let part = part.trim();
    let quoted_at = part.find(['"', '\'', '#']).unwrap_or(part.len());
    match part.split_once('=').filter(|(key, _)| key.len() < quoted_at) {
        Some((key, value)) => Ok(Argument { key: Some(key.trim().to_owned()), value: unquoted(value.trim(), span)? }),
        None => Ok(Argument { key: None, value: unquoted(part, span)? }),
    }
}

fn unquoted(text: &str, span: Span) -> Result<String, Error> {
    if !text.starts_with(['"', '\'']) && !text.starts_with("#\"") && !text.starts_with("#'") {
        return Ok(text.to_owned());
    }
    match parse_expr(FileId(u32::MAX), text) {
        (expr, errors) if errors.is_empty() => match expr.kind {
            ExprKind::String(text) => Ok(text.to_string()),
            _ => Err(bad(text, span)),
        },
        _ => Err(bad(text, span)),
    }
}

fn bad(text: &str, span: Span) -> Error {
    Error::new(Code::Syntax, format!("`{text}` is not a string that an attribute can hold"), Some(span))
}
