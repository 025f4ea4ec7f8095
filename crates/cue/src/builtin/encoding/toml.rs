//! The package `encoding/toml`.
//!
//! The layout is that of `go-toml` 2, which CUE writes with: keys sorted, values before tables, strings in single
//! quotes where they can be.

use std::fmt::Write;

use indexmap::IndexMap;
use std::sync::Arc;

use super::super::arguments::{ANY, Outcome, TEXT, TEXT_OR_BYTES, any};
use super::super::strconv::floats;
use super::super::{Builtin, CallError, Package};
use super::{NO_FILE, data, utf8};
use crate::data::Data;
use crate::decode;
use crate::number::Number;

pub(in super::super) static PACKAGE: Package = Package {
    path: "encoding/toml",
    functions: &[
        Builtin::new("Marshal", &[ANY], TEXT, marshal),
        Builtin::new("Unmarshal", &[TEXT_OR_BYTES], ANY, |args| data(&decode::toml(NO_FILE, utf8(args, 0)?)?)),
    ],
    constants: &[],
};

type Fields = IndexMap<Arc<str>, Data>;

fn marshal(args: &[Data]) -> Outcome {
    let Data::Struct(fields) = any(args, 0)? else {
        return Err(CallError::unsupported("TOML of anything but a struct"));
    };
    let mut out = String::new();
    write_table(&mut out, &[], fields)?;
    Ok(Data::string(out))
}

/// A table's values, then the tables in it. Data's own depth is bounded, and so is this recursion.
fn write_table(out: &mut String, path: &[&str], fields: &Fields) -> Result<(), CallError> {
    let mut sorted: Vec<(&str, &Data)> = fields.iter().map(|(name, value)| (&**name, value)).collect();
    sorted.sort_by_key(|(name, _)| *name);
    let (tables, values): (Vec<_>, Vec<_>) = sorted.into_iter().partition(|(_, value)| is_table(value));
    for (name, value) in &values {
        write_pair(out, name, value)?;
        out.push('\n');
    }
    for (index, (name, value)) in tables.iter().enumerate() {
        if index > 0 || !values.is_empty() {
            out.push('\n');
        }
        let path: Vec<&str> = path.iter().copied().chain([*name]).collect();
        write_tables(out, &path, value)?;
    }
    Ok(())
}

/// A table under its header, or a list of tables, each under its own.
fn write_tables(out: &mut String, path: &[&str], value: &Data) -> Result<(), CallError> {
    let header = path.iter().map(|name| key(name)).collect::<Vec<_>>().join(".");
    match value {
        Data::Struct(fields) => {
            out.push_str(&format!("[{header}]\n"));
            write_table(out, path, fields)
        }
        Data::List(elements) => elements.iter().enumerate().try_for_each(|(index, element)| {
            let before = if index > 0 { "\n" } else { "" };
            out.push_str(&format!("{before}[[{header}]]\n"));
            match element {
                Data::Struct(fields) => write_table(out, path, fields),
                _ => Ok(()),
            }
        }),
        _ => Ok(()),
    }
}

fn is_table(value: &Data) -> bool {
    match value {
        Data::Struct(_) => true,
        Data::List(elements) => !elements.is_empty() && elements.iter().all(|e| matches!(e, Data::Struct(_))),
        _ => false,
    }
}

fn write_pair(out: &mut String, name: &str, value: &Data) -> Result<(), CallError> {
    out.push_str(&key(name));
    out.push_str(" = ");
    write_value(out, value)
}

/// A value on one line.
fn write_value(out: &mut String, value: &Data) -> Result<(), CallError> {
    match value {
        Data::Null => return Err(CallError::new("TOML has no null")),
        Data::Bytes(_) => return Err(CallError::new("TOML has no bytes: encode them first")),
        Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Data::Number(number) => out.push_str(&number_text(number)?),
        Data::String(text) => out.push_str(&quoted(text)),
        Data::List(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_value(out, element)?;
            }
            out.push(']');
        }
        Data::Struct(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, element)) in sorted.into_iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_pair(out, name, element)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn number_text(number: &Number) -> Result<String, CallError> {
    if number.is_int() {
        let integer = number.to_i64();
        return integer.map(|value| value.to_string()).ok_or_else(|| CallError::new(format!("{number} is too large")));
    }
    let value = number.to_f64();
    if !value.is_finite() {
        return Err(CallError::new(format!("{number} is too large")));
    }
    floats::format(value, b'f', (value.trunc() == value).then_some(1), false)
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { quoted(name) }
}

/// In single quotes, if nothing in it must be escaped.
fn quoted(text: &str) -> String {
    let is_control = |letter: char| (letter.is_ascii_control() && letter != '\t') || letter == '\'';
    if !text.contains(is_control) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if letter.is_ascii_control() => {
                // Writing into a string doesn't fail.
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out + "\""
}
