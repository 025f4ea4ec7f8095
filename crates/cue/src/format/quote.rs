//! Text to literals: the shortest that reads as the same.
//!
//! Source of the escapes: the specification, "String and byte sequence literals".
//!
//! Not here: raw strings (`#"…"#`); literals to text (that is [`crate::syntax::literal`]).

use std::fmt::Write as _;

/// A string literal on one line.
#[must_use]
pub fn quote_string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        push_escaped(&mut literal, c, '"');
    }
    literal.push('"');
    literal
}

/// A byte-string literal on one line; bytes that are no text are written `\xNN`.
#[must_use]
pub fn quote_bytes(bytes: &[u8]) -> String {
    let mut literal = String::with_capacity(bytes.len() + 2);
    literal.push('\'');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut literal, c, '\'');
        }
        for byte in chunk.invalid() {
            let _ = write!(literal, "\\x{byte:02x}");
        }
    }
    literal.push('\'');
    literal
}

/// A label for the name of a regular field: plain if it may be, else quoted.
#[must_use]
pub fn quote_label(name: &str) -> String {
    if is_plain_label(name) { name.to_owned() } else { quote_string(name) }
}

/// Whether a regular field's name may be written without quotes.
#[must_use]
pub fn is_plain_label(name: &str) -> bool {
    let mut letters = name.chars();
    let starts = letters.next().is_some_and(|c| c == '$' || c.is_ascii_alphabetic());
    starts && letters.all(|c| c == '_' || c == '$' || c.is_ascii_alphanumeric())
}

fn push_escaped(literal: &mut String, c: char, quote: char) {
    match c {
        '\\' => literal.push_str("\\\\"),
        '\n' => literal.push_str("\\n"),
        '\r' => literal.push_str("\\r"),
        '\t' => literal.push_str("\\t"),
        '\u{7}' => literal.push_str("\\a"),
        '\u{8}' => literal.push_str("\\b"),
        '\u{b}' => literal.push_str("\\v"),
        '\u{c}' => literal.push_str("\\f"),
        _ if c == quote => {
            literal.push('\\');
            literal.push(c);
        }
        _ if c.is_control() || c == '\u{feff}' => {
            let _ = write!(literal, "\\u{:04x}", c as u32);
        }
        _ => literal.push(c),
    }
}

/// A string literal of several lines, without indentation.
pub(super) fn quote_lines(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 8);
    literal.push_str("\"\"\"\n");
    for (index, line) in text.split('\n').enumerate() {
        literal.push_str(if index > 0 { "\n" } else { "" });
        let mut quotes = 0;
        for c in line.chars() {
            quotes = if c == '"' { quotes + 1 } else { 0 };
            // The third quote in a row would close the string.
            if c == '"' && quotes < 3 {
                literal.push(c);
            } else {
                push_escaped(&mut literal, c, '"');
                quotes = 0;
            }
        }
    }
    literal.push_str("\n\"\"\"");
    literal
}
