//! Regular expressions in CUE's syntax, which is that of RE2 (<https://golang.org/s/re2syntax>).
//!
//! The crate `regex` finds the same matches, but its syntax is another: `\d`, `\w` and `\b` know all of Unicode there,
//! classes nest, and more flags and escapes are allowed. So a pattern is read here and written anew for it.
//!
//! Not here: the functions of the package `regexp` (those are in `builtin::regexp`).

mod class;
mod escape;
mod translate;

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use translate::Translated;

/// The deepest nesting of groups (levels); RE2 takes 1000, but no stack must depend on it.
const MAX_NESTING_LEVELS: u32 = 250;

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// What was wrong, in a sentence.
    pub message: String,
    /// The pattern may be right, but is more than this implementation does.
    pub unsupported: bool,
}

impl PatternError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: format!("the regular expression is wrong: {}", message.into()), unsupported: false }
    }

    fn unsupported(message: impl Into<String>) -> Self {
        Self { message: format!("the regular expression is not supported: {}", message.into()), unsupported: true }
    }
}

/// Reads a pattern; it matches anywhere in a text, unless it says otherwise.
///
/// # Errors
/// For what isn't RE2's syntax, and for patterns that would take too much memory.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let Translated { pattern, groups } = translate::translate(pattern)?;
    let regex = RegexBuilder::new(&pattern).nest_limit(MAX_NESTING_LEVELS).build().map_err(from_regex)?;
    if regex.captures_len() == groups + 1 { Ok(regex) } else { Err(never_matched()) }
}

/// The same for bytes, which may be text or not.
///
/// # Errors
/// As [`compile`].
pub fn compile_for_bytes(pattern: &str) -> Result<regex::bytes::Regex, PatternError> {
    let Translated { pattern, groups } = translate::translate(pattern)?;
    let builder = regex::bytes::RegexBuilder::new(&pattern).nest_limit(MAX_NESTING_LEVELS).build();
    let regex = builder.map_err(from_regex)?;
    if regex.captures_len() == groups + 1 { Ok(regex) } else { Err(never_matched()) }
}

/// The crate `regex` leaves out groups that can't match, and what comes after them would have other numbers.
fn never_matched() -> PatternError {
    PatternError::unsupported("a group is repeated no times")
}

/// How many patterns are kept, compiled.
const MAX_KEPT: usize = 100;

/// Compiled patterns, kept for the next use.
#[derive(Debug, Default)]
pub(crate) struct Kept(HashMap<Box<str>, regex::bytes::Regex>);

impl Kept {
    /// Whether a text, or bytes, hold what a pattern describes.
    ///
    /// # Errors
    /// As [`compile`].
    pub(crate) fn is_match(&mut self, pattern: &str, text: &[u8]) -> Result<bool, PatternError> {
        if let Some(known) = self.0.get(pattern) {
            return Ok(known.is_match(text));
        }
        let compiled = compile_for_bytes(pattern)?;
        let is_match = compiled.is_match(text);
        if self.0.len() < MAX_KEPT {
            self.0.insert(pattern.into(), compiled);
        }
        Ok(is_match)
    }
}

fn from_regex(error: regex::Error) -> PatternError {
    match error {
        regex::Error::CompiledTooBig(bytes) => PatternError::unsupported(format!("it needs more than {bytes} bytes")),
        other => PatternError::new(last_line(&other.to_string())),
    }
}

/// The part of the error that says what was wrong; the rest shows the pattern as it was written anew.
fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or(message).trim_start_matches("error: ").to_owned()
}

/// The text with a backslash before each character that means something in a pattern.
#[must_use]
pub fn quote_meta(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted
}
