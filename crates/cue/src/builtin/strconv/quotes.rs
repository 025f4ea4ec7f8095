//! Text in quotes as Go writes it, with escapes for what isn't to be seen.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

/// Which characters stay as they are; the rest is escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kept {
    /// Letters, marks, numbers, punctuation, symbols and the space.
    Printable,
    /// The printable ones of ASCII.
    Ascii,
    /// The printable ones and all spaces.
    Graphic,
}

// Both patterns are fixed: the tests compile them.
static PRINTABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$").ok());
static GRAPHIC: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]$").ok());

fn is_in(class: &Option<Regex>, letter: char) -> bool {
    class.as_ref().is_some_and(|class| class.is_match(letter.encode_utf8(&mut [0; 4])))
}

pub(in super::super) fn is_printable(letter: char) -> bool {
    if letter.is_ascii() { (' '..='~').contains(&letter) } else { is_in(&PRINTABLE, letter) }
}

pub(in super::super) fn is_graphic(letter: char) -> bool {
    if letter.is_ascii() { (' '..='~').contains(&letter) } else { is_in(&GRAPHIC, letter) }
}

/// The text in double quotes.
pub(in super::super) fn quote(text: &str, kept: Kept) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        write_escaped(&mut quoted, letter, '"', kept);
    }
    quoted.push('"');
    quoted
}

/// The character in single quotes.
pub(in super::super) fn quote_character(letter: char, kept: Kept) -> String {
    let mut quoted = String::from("'");
    write_escaped(&mut quoted, letter, '\'', kept);
    quoted.push('\'');
    quoted
}

fn write_escaped(quoted: &mut String, letter: char, quote: char, kept: Kept) {
    let stays = match kept {
        Kept::Printable => is_printable(letter),
        Kept::Ascii => letter.is_ascii() && is_printable(letter),
        Kept::Graphic => is_graphic(letter),
    };
    let short = match letter {
        '\u{07}' => "\\a",
        '\u{08}' => "\\b",
        '\u{0C}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{0B}' => "\\v",
        '\\' => "\\\\",
        _ => "",
    };
    let code = u32::from(letter);
    // Writing into a string doesn't fail.
    let _ = match letter {
        _ if letter == quote => write!(quoted, "\\{quote}"),
        _ if !short.is_empty() => write!(quoted, "{short}"),
        _ if stays => write!(quoted, "{letter}"),
        '\0'..='\u{1F}' | '\u{7F}' => write!(quoted, "\\x{code:02x}"),
        '\0'..='\u{FFFF}' => write!(quoted, "\\u{code:04x}"),
        _ => write!(quoted, "\\U{code:08x}"),
    };
}
