//! What follows a backslash.

use regex::Regex;

use super::PatternError;
use super::translate::Reader;

/// What an escape stands for.
pub(super) enum Escaped {
    /// One character.
    Letter(char),
    /// A class, as the inside of one.
    Class(String),
    /// A place between characters: `A`, `z`, `b` or `B`.
    Place(char),
}

/// Reads an escape after its backslash.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Escaped, PatternError> {
    let letter = reader.next().ok_or_else(|| PatternError::new("a backslash ends it"))?;
    let class = match letter {
        'd' => "0-9",
        'D' => "[^0-9]",
        's' => r"\t\n\x{c}\r\x{20}",
        'S' => r"[^\t\n\x{c}\r\x{20}]",
        'w' => "0-9A-Za-z_",
        'W' => "[^0-9A-Za-z_]",
        'p' | 'P' => return unicode_class(reader, letter == 'P').map(Escaped::Class),
        'A' | 'z' | 'b' | 'B' => return Ok(Escaped::Place(letter)),
        _ => return character(letter, reader).map(Escaped::Letter),
    };
    Ok(Escaped::Class(class.to_owned()))
}

/// An escape that stands for one character, its first character read.
pub(super) fn character(first: char, reader: &mut Reader<'_>) -> Result<char, PatternError> {
    match first {
        'a' => Ok('\u{7}'),
        'f' => Ok('\u{c}'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        'v' => Ok('\u{b}'),
        'x' => hexadecimal(reader),
        // A single digit other than 0 would refer back to a group, which RE2 doesn't.
        '0' => octal(first, reader),
        '1'..='7' if reader.peek().is_some_and(|next| next.is_digit(8)) => octal(first, reader),
        _ if first.is_ascii() && !first.is_ascii_alphanumeric() => Ok(first),
        _ => Err(PatternError::new(format!(r"there is no escape \{first}"))),
    }
}

fn octal(first: char, reader: &mut Reader<'_>) -> Result<char, PatternError> {
    let mut code = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        let Some(digit) = reader.peek().and_then(|next| next.to_digit(8)) else { break };
        reader.next();
        code = code * 8 + digit;
    }
    char::from_u32(code).ok_or_else(|| PatternError::new(format!("there is no character {code:o} (octal)")))
}

fn hexadecimal(reader: &mut Reader<'_>) -> Result<char, PatternError> {
    let digits = if reader.takes("{") {
        reader.until("}").unwrap_or_default().to_owned()
    } else {
        [reader.next(), reader.next()].into_iter().flatten().collect()
    };
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let code = if plain && !digits.is_empty() { u32::from_str_radix(&digits, 16).ok() } else { None };
    code.and_then(char::from_u32).ok_or_else(|| PatternError::new(format!(r"there is no character \x{{{digits}}}")))
}

/// `\pL`, `\p{Greek}`, `\P{^Lu}`: categories and scripts, no other properties.
fn unicode_class(reader: &mut Reader<'_>, outside: bool) -> Result<String, PatternError> {
    let name = if reader.takes("{") {
        reader.until("}").ok_or_else(|| PatternError::new("the name of a class doesn't end"))?.to_owned()
    } else {
        reader.next().map(String::from).unwrap_or_default()
    };
    let (name, outside) = match name.strip_prefix('^') {
        Some(rest) => (rest.to_owned(), !outside),
        None => (name, outside),
    };
    let letter = if outside { 'P' } else { 'p' };
    let is_word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || " _-".contains(c));
    // The crate takes `IsGreek` for `Greek`; no class starts so.
    let is_word = is_word && !name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("is"));
    let known = ["gc", "sc"].into_iter().map(|property| format!(r"\{letter}{{{property}={name}}}"));
    let found = known.into_iter().find(|class| is_word && Regex::new(class).is_ok());
    found.ok_or_else(|| PatternError::new(format!("there is no class of characters {name:?}")))
}
