//! The package `html`: escapes, and back, as Go's package of that name reads them.

mod names;

use super::arguments::{Outcome, TEXT, text};
use super::{Builtin, Package};
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
        let read = match after.strip_prefix('#') {
            Some(digits) => numbered(digits).map(|(character, after)| (character.to_string(), after)),
            None => names::read(after),
        };
        let (characters, after) = read.unwrap_or_else(|| ("&".to_owned(), after));
        out.push_str(&characters);
        rest = after;
    }
    Ok(Data::string(out + rest))
}

/// A character by its number, after `#`; none if there is no number.
///
/// Go counts what it has read of the escape, and takes it for a number from four characters on: `&#1` is none, `&#x;` is
/// one, and it is zero.
fn numbered(text: &str) -> Option<(char, &str)> {
    let (radix, digits) = match text.strip_prefix(['x', 'X']) {
        Some(digits) => (16, digits),
        None => (10, text),
    };
    let end = digits.find(|letter: char| !letter.is_digit(radix)).unwrap_or(digits.len());
    let (digits, after) = digits.split_at(end);
    let after = after.strip_prefix(';').unwrap_or(after);
    if text.len() - after.len() < 2 {
        return None;
    }
    // Too large a number goes round, in 32 bits.
    let add = |number: i32, digit: u32| number.wrapping_mul(radix as i32).wrapping_add(digit as i32);
    let number = digits.chars().filter_map(|letter| letter.to_digit(radix)).fold(0, add);
    let character = match u32::try_from(number) {
        Ok(number @ 0x80..=0x9f) => WINDOWS_1252[(number - 0x80) as usize],
        Ok(0) | Err(_) => char::REPLACEMENT_CHARACTER,
        Ok(number) => char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    Some((character, after))
}
