//! TOML, laid out as `go-toml` 2 does it, with which CUE writes: keys sorted, values before tables, strings in single
//! quotes where they can be.
//!
//! Not here: dates and times, which are strings in CUE.

use std::fmt::Write;
use std::sync::Arc;

use indexmap::IndexMap;

use super::refused;
use crate::data::Data;
use crate::error::Error;
use crate::number::Number;

type Fields = IndexMap<Arc<str>, Data>;

/// TOML of a struct.
///
/// # Errors
/// The data is no struct, or holds what TOML can't: null, bytes, an integer beyond 64 bits, a number no binary float
/// holds.
pub fn toml(data: &Data) -> Result<String, Error> {
    let Data::Struct(fields) = data else {
        return Err(refused("TOML", format_args!("it takes a struct, not {}", data.kind_name())));
    };
    let mut out = String::new();
    write_table(&mut out, &[], fields)?;
    Ok(out)
}

fn sorted(fields: &Fields) -> Vec<(&str, &Data)> {
    let mut sorted: Vec<(&str, &Data)> = fields.iter().map(|(name, value)| (&**name, value)).collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}

/// A table's values, then the tables in it. Data's own depth is bounded, and so is this recursion.
fn write_table(out: &mut String, path: &[&str], fields: &Fields) -> Result<(), Error> {
    let (tables, values): (Vec<_>, Vec<_>) = sorted(fields).into_iter().partition(|(_, value)| is_table(value));
    for (name, value) in &values {
        write_pair(out, name, value, &below(path, name).join("."))?;
        out.push('\n');
    }
    for (index, (name, value)) in tables.iter().enumerate() {
        if index > 0 || !values.is_empty() {
            out.push('\n');
        }
        write_tables(out, &below(path, name), value)?;
    }
    Ok(())
}

fn below<'a>(path: &[&'a str], name: &'a str) -> Vec<&'a str> {
    path.iter().copied().chain([name]).collect()
}

/// A table under its header, or a list of tables, each under its own.
fn write_tables(out: &mut String, path: &[&str], value: &Data) -> Result<(), Error> {
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

fn write_pair(out: &mut String, name: &str, value: &Data, place: &str) -> Result<(), Error> {
    out.push_str(&key(name));
    out.push_str(" = ");
    write_value(out, value, place)
}

/// A value on one line; `place` is for errors.
fn write_value(out: &mut String, value: &Data, place: &str) -> Result<(), Error> {
    match value {
        Data::Null => return Err(refused("TOML", format_args!("TOML has no null at `{place}`"))),
        Data::Bytes(_) => {
            return Err(refused("TOML", format_args!("TOML has no bytes at `{place}`: encode them first")));
        }
        Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Data::Number(number) => match number_text(number) {
            Some(text) => out.push_str(&text),
            None => return Err(refused("TOML", format_args!("the number {number} at `{place}` is too large"))),
        },
        Data::String(text) => out.push_str(&quoted(text)),
        Data::List(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_value(out, element, &format!("{place}[{index}]"))?;
            }
            out.push(']');
        }
        Data::Struct(fields) => {
            out.push('{');
            for (index, (name, element)) in sorted(fields).into_iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_pair(out, name, element, &format!("{place}.{name}"))?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// An integer of 64 bits, or a binary float without an exponent; none for more than those hold.
fn number_text(number: &Number) -> Option<String> {
    if number.is_int() {
        return number.to_i64().map(|value| value.to_string());
    }
    let value = number.to_f64();
    let point = if value.trunc() == value { ".0" } else { "" };
    value.is_finite().then(|| format!("{value}{point}"))
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
