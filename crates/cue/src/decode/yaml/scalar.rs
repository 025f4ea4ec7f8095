//! What a scalar of YAML means.
//!
//! Not here: numbers themselves; what YAML calls one must also be a literal of CUE.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::node::Scalar;
use crate::decode::{at, number, string, syntax_error};
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind};

/// What sort of value a plain scalar without a tag is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Null,
    Bool(bool),
    Number,
    NotFinite,
    String,
}

/// The scalar as an expression.
pub(super) fn expr(scalar: &Scalar, span: Span) -> Result<Expr, Error> {
    let text = scalar.text.as_str();
    match scalar.tag.as_deref() {
        None if scalar.plain => plain(text, span),
        None | Some("!!str" | "!!timestamp") => Ok(string(text, span)),
        Some("!!null") if sort(text) == Sort::Null => Ok(at(ExprKind::Null, span)),
        Some("!!bool") => match sort(text) {
            Sort::Bool(value) => Ok(at(ExprKind::Bool(value), span)),
            _ => Err(mismatch(text, "!!bool", span)),
        },
        Some(tag @ "!!int") => integer(text, span).ok_or_else(|| mismatch(text, tag, span)),
        Some(tag @ "!!float") => literal(text, span).ok_or_else(|| mismatch(text, tag, span)),
        Some("!!binary") => binary(text, span),
        Some(tag @ "!!null") => Err(mismatch(text, tag, span)),
        Some(tag) => {
            let message = format!("a scalar of YAML with the tag `{tag}` is not supported");
            Err(Error::new(Code::Unsupported, message, Some(span)).help("write the value without the tag"))
        }
    }
}

/// The field's name that a scalar stands for as a key; `None` where it can't.
pub(super) fn name(scalar: &Scalar, span: Span) -> Result<Option<Arc<str>>, Error> {
    Ok(match expr(scalar, span)?.kind {
        ExprKind::String(text) => Some(text),
        ExprKind::Null => Some("null".into()),
        ExprKind::Bool(value) => Some(value.to_string().into()),
        ExprKind::Number(_) => Some(octal(&scalar.text).into()),
        _ => None,
    })
}

fn plain(text: &str, span: Span) -> Result<Expr, Error> {
    match sort(text) {
        Sort::Null => Ok(at(ExprKind::Null, span)),
        Sort::Bool(value) => Ok(at(ExprKind::Bool(value), span)),
        Sort::String => Ok(string(text, span)),
        Sort::Number => literal(text, span).ok_or_else(|| mismatch(text, "a number", span)),
        Sort::NotFinite => Err(syntax_error("YAML for CUE", format_args!("CUE has no number for `{text}`"), span)
            .help("quote it if it is meant as a string")),
    }
}

fn mismatch(text: &str, wanted: &str, span: Span) -> Error {
    syntax_error("YAML for CUE", format_args!("`{text}` can't be read as {wanted}"), span)
        .help("quote it if it is meant as a string")
}

fn binary(text: &str, span: Span) -> Result<Expr, Error> {
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r' | ' ')).collect();
    let bytes = STANDARD.decode(text).map_err(|_| syntax_error("YAML", "this `!!binary` is not base64", span))?;
    Ok(at(ExprKind::Bytes(bytes.into()), span))
}

/// An octal number of YAML 1.1 (`0777`) as CUE writes it.
fn octal(text: &str) -> String {
    match text.strip_prefix('0') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => format!("0o{rest}"),
        _ => text.to_owned(),
    }
}

fn literal(text: &str, span: Span) -> Option<Expr> {
    number(&octal(text), span)
}

fn integer(text: &str, span: Span) -> Option<Expr> {
    let is_int = |expr: &Expr| match &expr.kind {
        ExprKind::Number(value) => value.is_int(),
        ExprKind::Unary { of, .. } => matches!(&of.kind, ExprKind::Number(value) if value.is_int()),
        _ => false,
    };
    literal(text, span).filter(is_int)
}

/// The sort of a plain scalar, by `yaml.v3`'s rules.
fn sort(text: &str) -> Sort {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Sort::Null,
        "true" | "True" | "TRUE" => Sort::Bool(true),
        "false" | "False" | "FALSE" => Sort::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Sort::NotFinite,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => Sort::NotFinite,
        _ if is_number(text) => Sort::Number,
        _ => Sort::String,
    }
}

/// Whether a plain scalar of this text is read as a string of the same text.
pub(crate) fn reads_as_string(text: &str) -> bool {
    sort(text) == Sort::String && text != "<<" && !is_float(text)
}

/// Whether `yaml.v3` takes a plain scalar for a number. A number beyond 64 bits counts as one; what has the look of an
/// octal number of YAML 1.1 but an 8 or 9 in it is a string, as most decoders have it.
fn is_number(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'.') => is_float(text),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let bare = text.replace('_', "");
            is_integer(&bare) || is_float(&bare) && !looks_octal(text)
        }
        _ => false,
    }
}

/// Go's `strconv.ParseInt(s, 0, 64)` or `ParseUint` would read it.
fn is_integer(text: &str) -> bool {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return false;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(value) if negative => value <= 1 << 63,
        Ok(value) if text.starts_with('+') => i64::try_from(value).is_ok(),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// A decimal of YAML that fits a 64-bit float.
fn is_float(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let exponent_fits = !exponent.is_empty() && all_digits(exponent);
    mantissa_fits && exponent_fits && digits.parse::<f64>().is_ok_and(f64::is_finite)
}

fn looks_octal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}
