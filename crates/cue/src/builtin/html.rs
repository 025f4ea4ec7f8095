//! The package `html`: escapes, and back.
//!
//! Of the names of characters, of which HTML has more than two thousand, the commonest are here; others are refused.

use super::arguments::{Outcome, TEXT, text};
use super::{Builtin, CallError, Package};
use crate::data::Data;

pub(super) static PACKAGE: Package = Package {
    path: "html",
    functions: &[
        Builtin::new("Escape", &[TEXT], TEXT, |args| Ok(Data::string(escape(text(args, 0)?)))),
        Builtin::new("Unescape", &[TEXT], TEXT, unescape),
    ],
    constants: &[],
};

/// Escapes what means something in HTML.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}

const NAMES: [(&str, char); 16] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("copy", '©'),
    ("reg", '®'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("euro", '€'),
    ("aacute", 'á'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
];

/// What the numbers 128 to 159 stand for: the characters of Windows-1252.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn unescape(args: &[Data]) -> Outcome {
    let mut out = String::new();
    let mut rest = text(args, 0)?;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (character, after) = match after.strip_prefix('#') {
            Some(digits) => numbered(digits).unwrap_or(('&', after)),
            None if after.starts_with(|letter: char| letter.is_ascii_alphanumeric()) => named(after)?,
            None => ('&', after),
        };
        out.push(character);
        rest = after;
    }
    Ok(Data::string(out + rest))
}

/// A character by its name, which ends with a semicolon.
fn named(text: &str) -> Result<(char, &str), CallError> {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    let known = NAMES.iter().find(|(known, _)| *known == name).map(|(_, character)| *character);
    let found = known.zip(after.strip_prefix(';'));
    found.ok_or_else(|| CallError::unsupported(format!("the name &{name} of a character")))
}

/// A character by its number, after `#`; none if there are no digits.
fn numbered(text: &str) -> Option<(char, &str)> {
    let (radix, digits) = match text.strip_prefix(['x', 'X']) {
        Some(digits) => (16, digits),
        None => (10, text),
    };
    let end = digits.find(|letter: char| !letter.is_digit(radix)).unwrap_or(digits.len());
    let (digits, after) = digits.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
    let character = match number {
        0x80..=0x9f => WINDOWS_1252[(number - 0x80) as usize],
        0 => char::REPLACEMENT_CHARACTER,
        _ => char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    Some((character, after.strip_prefix(';').unwrap_or(after)))
}
