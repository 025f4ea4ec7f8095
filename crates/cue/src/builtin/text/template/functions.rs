//! The functions of templates. `and` and `or` are in the walk: they don't look at all their arguments.

use std::fmt::Write;

use super::super::super::CallError;
use super::super::super::net::escape;
use super::super::super::strconv::quotes;
use super::compare;
use super::formatted;
use super::value::{Value, shown, type_name};
use super::wrong;
use crate::data::Data;
use crate::number::Number;

const FUNCTIONS: [&str; 19] = [
    "and", "or", "not", "call", "html", "index", "slice", "js", "len", "print", "printf", "println", "urlquery", "eq",
    "ne", "lt", "le", "gt", "ge",
];

pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Whether a function makes a new text of all that it is given.
pub(super) fn makes_text(name: &str) -> bool {
    matches!(name, "print" | "println" | "printf" | "html" | "js" | "urlquery")
}

pub(super) fn call(name: &str, args: &[Data]) -> Result<Data, CallError> {
    match (name, args) {
        ("not", [value]) => Ok(Data::Bool(!Value::from(value.clone()).is_true())),
        ("len", [value]) => length(value).map(|length| Data::Number(Number::int(length))),
        ("index", [value, keys @ ..]) => keys.iter().try_fold(value.clone(), |value, key| index(&value, key)),
        ("slice", [value, bounds @ ..]) if bounds.len() <= 3 => slice(value, bounds),
        ("print", _) => printed(args).map(Data::string),
        ("println", _) => lined(args).map(Data::string),
        ("printf", [Data::String(format), args @ ..]) => formatted::printf(format, args).map(Data::string),
        ("html", _) => Ok(Data::string(escape_html(&text(args)?))),
        ("js", _) => Ok(Data::string(escape_js(&text(args)?))),
        ("urlquery", _) => Ok(Data::string(escape::query(&text(args)?))),
        ("eq", [first, rest @ ..]) => compare::equals_any(first, rest).map(Data::Bool),
        ("ne", [left, right]) => compare::equals(left, right).map(|equal| Data::Bool(!equal)),
        ("lt", [left, right]) => compare::order(left, right).map(|order| Data::Bool(order.is_lt())),
        ("le", [left, right]) => compare::order(left, right).map(|order| Data::Bool(order.is_le())),
        ("gt", [left, right]) => compare::order(left, right).map(|order| Data::Bool(order.is_gt())),
        ("ge", [left, right]) => compare::order(left, right).map(|order| Data::Bool(order.is_ge())),
        ("call", _) => Err(wrong("call of a value that is no function")),
        _ => Err(wrong(format!("wrong arguments for {name}"))),
    }
}

fn length(value: &Data) -> Result<usize, CallError> {
    match value {
        Data::String(text) => Ok(text.len()),
        Data::Bytes(bytes) => Ok(bytes.len()),
        Data::List(elements) => Ok(elements.len()),
        Data::Struct(fields) => Ok(fields.len()),
        other => Err(wrong(format!("len of type {}", type_name(other)))),
    }
}

/// An index up to `most`, which is in range for a slice's end.
fn place(key: &Data, most: usize) -> Result<usize, CallError> {
    let place = match key {
        Data::Number(number) if number.is_int() => number.to_i64(),
        other => return Err(wrong(format!("cannot index with type {}", type_name(other)))),
    };
    let place = place.and_then(|place| usize::try_from(place).ok()).filter(|place| *place <= most);
    place.ok_or_else(|| wrong("index out of range"))
}

fn index(value: &Data, key: &Data) -> Result<Data, CallError> {
    let out = || wrong("index out of range");
    match (value, key) {
        (Data::Struct(fields), Data::String(name)) => Ok(fields.get(name).cloned().unwrap_or(Data::Null)),
        (Data::Struct(_), _) => Err(wrong(format!("value has type {}; should be string", type_name(key)))),
        (Data::List(elements), _) => elements.get(place(key, elements.len())?).cloned().ok_or_else(out),
        (Data::String(text), _) => byte(text.as_bytes(), key),
        (Data::Bytes(bytes), _) => byte(bytes, key),
        (Data::Null, _) => Err(wrong("index of untyped nil")),
        _ => Err(wrong(format!("can't index item of type {}", type_name(value)))),
    }
}

fn byte(bytes: &[u8], key: &Data) -> Result<Data, CallError> {
    let byte = bytes.get(place(key, bytes.len())?).ok_or_else(|| wrong("index out of range"))?;
    Ok(Data::Number(Number::int(*byte)))
}

fn slice(value: &Data, bounds: &[Data]) -> Result<Data, CallError> {
    let length = match value {
        Data::String(_) if bounds.len() == 3 => return Err(wrong("cannot 3-index slice a string")),
        Data::String(_) | Data::List(_) | Data::Bytes(_) => length(value)?,
        other => return Err(wrong(format!("can't slice item of type {}", type_name(other)))),
    };
    let at = |index: usize, default: usize| bounds.get(index).map_or(Ok(default), |bound| place(bound, length));
    let (start, end) = (at(0, 0)?, at(1, length)?);
    if start > end || at(2, length)? < end {
        return Err(wrong(format!("invalid slice index: {start} > {end}")));
    }
    match value {
        Data::String(text) => match text.get(start..end) {
            Some(part) => Ok(Data::string(part)),
            None => Err(CallError::unsupported("a slice of a text that cuts a character")),
        },
        Data::Bytes(bytes) => Ok(Data::Bytes(bytes[start..end].into())),
        Data::List(elements) => Ok(Data::List(elements[start..end].to_vec())),
        other => Err(wrong(format!("can't slice item of type {}", type_name(other)))),
    }
}

/// The arguments as they are printed, but that nothing is said to be no value.
fn text(args: &[Data]) -> Result<String, CallError> {
    let shown = |arg: &Data| if matches!(arg, Data::Null) { Data::string("<no value>") } else { arg.clone() };
    printed(&args.iter().map(shown).collect::<Vec<_>>())
}

/// The arguments, with a space between two of which none is a text.
pub(super) fn printed(args: &[Data]) -> Result<String, CallError> {
    let mut out = String::new();
    for (at, arg) in args.iter().enumerate() {
        let is_text = |data: &Data| matches!(data, Data::String(_));
        if at > 0 && !is_text(arg) && !is_text(&args[at - 1]) {
            out.push(' ');
        }
        out.push_str(&shown(arg)?);
    }
    Ok(out)
}

fn lined(args: &[Data]) -> Result<String, CallError> {
    let words = args.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(words.join(" ") + "\n")
}

pub(super) fn escape_html(text: &str) -> String {
    super::super::super::html::escape(&text.replace('\0', "\u{fffd}"))
}

/// Text that is safe in quotes of JavaScript, and in HTML with them.
pub(super) fn escape_js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        let code = u32::from(letter);
        match letter {
            '\\' => out.push_str(r"\\"),
            '\'' => out.push_str(r"\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\u{1f}' => {
                // Writing into a string doesn't fail.
                let _ = write!(out, "\\u{code:04X}");
            }
            _ if letter.is_ascii() || quotes::is_printable(letter) => out.push(letter),
            _ => {
                let _ = write!(out, "\\u{code:04X}");
            }
        }
    }
    out
}
