//! The names of characters in HTML: `&eacute;`.
//!
//! Source of the table: the HTML standard, "Named character references". A line has a name, with its semicolon where it
//! needs one, and one or two code points (hexadecimal).

use std::collections::HashMap;
use std::sync::LazyLock;

static TABLE: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let character = |code: &str| u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
    let line = |line: &'static str| {
        let (name, codes) = line.split_once(' ')?;
        Some((name, codes.split(' ').filter_map(character).collect()))
    };
    include_str!("characters.txt").lines().filter_map(line).collect()
});

/// The longest name that needs no semicolon (characters).
const MAX_OPEN_NAME_LENGTH: usize = 6;

/// Reads a name after its ampersand, and gives its characters and what follows. Of what is no name, the start may be one
/// that needs no semicolon: `&notit` is `¬it`.
pub(super) fn read(text: &str) -> Option<(String, &str)> {
    let letters = text.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(text.len());
    let end = letters + usize::from(text[letters..].starts_with(';'));
    let whole = std::iter::once(end);
    let starts = (2..=MAX_OPEN_NAME_LENGTH.min(end.saturating_sub(1))).rev();
    let known = |end: usize| TABLE.get(&text[..end]).map(|characters| (characters.clone(), &text[end..]));
    whole.chain(starts).find_map(known)
}
