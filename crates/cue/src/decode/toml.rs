//! TOML 1.1 as CUE. Dates and times become strings: CUE has no kind for them.
//!
//! Not here: infinities and not-a-number, which CUE's numbers don't have: they are errors.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{MAX_NESTING_LEVELS, at, field, list, number, span, string, structure, syntax_error, too_deep};
use crate::error::{Code, Error};
use crate::source::FileId;
use crate::syntax::ast::{Expr, ExprKind};

/// The longest text that is read as TOML (bytes); its table takes hundreds of bytes for each of them.
pub const MAX_TOML_BYTES: usize = 4 << 20;

/// The table of a TOML text, its keys in the order of the text.
///
/// # Errors
/// The text is not TOML, is too long, is nested too deep, or holds a number that CUE doesn't have.
pub fn toml(file: FileId, text: &str) -> Result<Expr, Error> {
    let whole = span(file, 0..text.len());
    if text.len() > MAX_TOML_BYTES {
        let message = format!("this TOML is longer than {MAX_TOML_BYTES} bytes");
        return Err(Error::new(Code::Limit, message, Some(whole)));
    }
    let table = DeTable::parse(text).map_err(|error| {
        let place = span(file, error.span().unwrap_or(text.len()..text.len()));
        syntax_error("TOML", error.message(), place)
    })?;
    Ok(structure(fields(file, table.get_ref(), 0)?, whole))
}

fn fields(file: FileId, table: &DeTable<'_>, depth: usize) -> Result<Vec<crate::syntax::ast::Decl>, Error> {
    // The order in which the map gives them is that of the alphabet; the file's own is that of their places.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let to_field = |(key, entry): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        Ok(field(Arc::from(name.as_ref()), span(file, key.span()), value(file, entry, depth + 1)?))
    };
    entries.into_iter().map(to_field).collect()
}

fn value(file: FileId, entry: &Spanned<DeValue<'_>>, depth: usize) -> Result<Expr, Error> {
    let place = span(file, entry.span());
    if depth > MAX_NESTING_LEVELS {
        return Err(too_deep("TOML", place));
    }
    let no_number = || Error::new(Code::Syntax, "CUE has no number for this value of TOML", Some(place));
    match entry.get_ref() {
        DeValue::String(text) => Ok(string(text.as_ref(), place)),
        DeValue::Boolean(value) => Ok(at(ExprKind::Bool(*value), place)),
        DeValue::Datetime(time) => Ok(string(time.to_string(), place)),
        DeValue::Integer(integer) => number(&with_radix(&integer.to_string()), place).ok_or_else(no_number),
        DeValue::Float(float) => number(float.as_str(), place).ok_or_else(no_number),
        DeValue::Table(table) => Ok(structure(fields(file, table, depth)?, place)),
        DeValue::Array(values) => {
            let values = values.iter().map(|entry| value(file, entry, depth + 1)).collect::<Result<_, _>>()?;
            Ok(list(values, place))
        }
    }
}

/// The parser gives `0x-1f` no sign of its own; a sign after the prefix goes before it.
fn with_radix(text: &str) -> String {
    match text.split_once(['-', '+']) {
        Some((prefix, digits)) if text.contains('-') => format!("-{prefix}{digits}"),
        Some((prefix, digits)) => format!("{prefix}{digits}"),
        None => text.to_owned(),
    }
}
