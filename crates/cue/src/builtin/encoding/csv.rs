//! The package `encoding/csv` (RFC 4180), as Go reads and writes it.

use super::super::arguments::{LIST, MAX_LIST_LENGTH, Outcome, TEXT, TEXT_OR_BYTES, list, strings, too_long};
use super::super::{Builtin, CallError, Package};
use super::utf8;
use crate::data::Data;
use crate::encode as written;

pub(in super::super) static PACKAGE: Package = Package {
    path: "encoding/csv",
    functions: &[Builtin::new("Encode", &[LIST], TEXT, encode), Builtin::new("Decode", &[TEXT_OR_BYTES], LIST, decode)],
    constants: &[],
};

fn encode(args: &[Data]) -> Outcome {
    let mut out = String::new();
    for (index, row) in list(args, 0)?.iter().enumerate() {
        let Data::List(columns) = row else {
            return Err(CallError::new(format!("row {index} must be a list, not {}", row.kind_name())));
        };
        let fields: Vec<String> = columns.iter().map(|column| field(&column_text(column))).collect();
        out.push_str(&fields.join(","));
        out.push('\n');
    }
    Ok(Data::string(out))
}

/// A string as it is, anything else as JSON.
fn column_text(column: &Data) -> String {
    match column {
        Data::String(text) => text.to_string(),
        other => written::json_compact(other, false),
    }
}

fn field(text: &str) -> String {
    let quoted = text == r"\." || text.contains(['"', ',', '\r', '\n']) || text.starts_with(char::is_whitespace);
    if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn decode(args: &[Data]) -> Outcome {
    let text = utf8(args, 0)?.replace("\r\n", "\n");
    let mut rest = text.strip_suffix('\r').unwrap_or(&text);
    let (mut records, mut width, mut values) = (Vec::new(), None, 0);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('\n') {
            rest = after;
            continue;
        }
        let fields = record(&mut rest).map_err(|error| in_record(records.len(), error))?;
        if *width.get_or_insert(fields.len()) != fields.len() {
            return Err(in_record(records.len(), "wrong number of fields"));
        }
        records.push(strings(fields.iter().map(String::as_str)));
        values += fields.len();
        if values > MAX_LIST_LENGTH {
            return Err(too_long());
        }
    }
    Ok(Data::List(records))
}

fn in_record(before: usize, error: &str) -> CallError {
    CallError::new(format!("record {}: {error}", before + 1))
}

/// The fields up to the end of the line; `rest` is what follows it.
fn record(rest: &mut &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(inner) => quoted(inner)?,
            None => plain(rest)?,
        };
        fields.push(field);
        *rest = after;
        match after.strip_prefix(',') {
            Some(after) => *rest = after,
            None => {
                *rest = after.strip_prefix('\n').unwrap_or(after);
                return Ok(fields);
            }
        }
    }
}

fn plain(text: &str) -> Result<(String, &str), &'static str> {
    let end = text.find([',', '\n']).unwrap_or(text.len());
    let (field, after) = text.split_at(end);
    if field.contains('"') {
        return Err("a quote in a field that isn't quoted");
    }
    Ok((field.to_owned(), after))
}

/// A quoted field after its first quote; two quotes in it are one.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"').ok_or("a quoted field doesn't end")?;
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None if after.is_empty() || after.starts_with([',', '\n']) => return Ok((field, after)),
            None => return Err("after a quoted field there is more"),
        }
    }
}
