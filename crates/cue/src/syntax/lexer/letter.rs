//! Which characters names are made of.
//!
//! Source: the specification, "Characters": the Unicode categories L and Nd, `_` and `$`.
//!
//! Not here: names that are reserved (the parser refuses them where they are declared).

use std::sync::LazyLock;

use regex::Regex;

// The patterns are constants and checked by the tests; a pattern that did not compile would match nothing.
static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{L}$").ok());
static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").ok());

fn matches(pattern: &Option<Regex>, c: char) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(c.encode_utf8(&mut [0; 4])))
}

/// A letter, or `$`; not `_`, which the lexer looks at by itself.
pub(super) fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '$' || (!c.is_ascii() && matches(&LETTER, c))
}

/// A decimal digit of any script.
pub(super) fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && matches(&DIGIT, c))
}

/// Whether a name goes on with it.
pub(super) fn continues_name(c: char) -> bool {
    c == '_' || is_letter(c) || is_digit(c)
}
