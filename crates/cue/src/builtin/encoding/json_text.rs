//! JSON as bytes: whether they are, and their spaces. Numbers and strings stay as they were written.
//!
//! As Go's scanner does, this one looks at strings' bytes only as far as they may end or break them.

use super::super::CallError;
use super::super::arguments::MAX_RESULT_LENGTH;

/// The deepest nesting of lists and objects (levels), as in Go.
const MAX_NESTING_LEVELS: usize = 10_000;

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// A value.
    Value,
    /// A value, or the end of a list that has none yet.
    ValueOrEnd,
    /// A key.
    Key,
    /// A key, or the end of an object that has none yet.
    KeyOrEnd,
    /// A comma, or the end of what is open; nothing where nothing is.
    More,
}

/// Whether the bytes are one value of JSON, with spaces around it or not.
pub(super) fn is_valid(bytes: &[u8]) -> bool {
    scan(bytes).is_some()
}

fn scan(bytes: &[u8]) -> Option<()> {
    let mut rest = skip_spaces(bytes);
    let mut open: Vec<u8> = Vec::new();
    let mut expected = Expected::Value;
    while let Some((&byte, after)) = rest.split_first() {
        (rest, expected) = match (expected, byte) {
            (Expected::Value | Expected::ValueOrEnd, b'{' | b'[') => {
                open.push(byte);
                (after, if byte == b'{' { Expected::KeyOrEnd } else { Expected::ValueOrEnd })
            }
            (Expected::ValueOrEnd | Expected::More, b']') if open.pop()? == b'[' => (after, Expected::More),
            (Expected::KeyOrEnd | Expected::More, b'}') if open.pop()? == b'{' => (after, Expected::More),
            (Expected::Value | Expected::ValueOrEnd, _) => (scalar(rest)?, Expected::More),
            (Expected::Key | Expected::KeyOrEnd, b'"') => {
                (skip_spaces(string(rest)?).strip_prefix(b":")?, Expected::Value)
            }
            (Expected::More, b',') => (after, if *open.last()? == b'{' { Expected::Key } else { Expected::Value }),
            _ => return None,
        };
        if open.len() > MAX_NESTING_LEVELS {
            return None;
        }
        rest = skip_spaces(rest);
    }
    (open.is_empty() && expected == Expected::More).then_some(())
}

fn skip_spaces(bytes: &[u8]) -> &[u8] {
    let spaces = bytes.iter().take_while(|byte| is_space(**byte)).count();
    &bytes[spaces..]
}

/// What follows a scalar, if one is there.
fn scalar(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.first()? {
        b'"' => string(bytes),
        b't' => bytes.strip_prefix(b"true"),
        b'f' => bytes.strip_prefix(b"false"),
        b'n' => bytes.strip_prefix(b"null"),
        _ => number(bytes),
    }
}

/// What follows a string.
fn string(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(b"\"")?;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = match byte {
            b'"' => return Some(after),
            b'\\' => escape(after)?,
            0..=0x1f => return None,
            _ => after,
        };
    }
}

fn escape(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.split_first()? {
        (b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', after) => Some(after),
        (b'u', after) => {
            let (digits, after) = after.split_at_checked(4)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(after)
        }
        _ => None,
    }
}

/// What follows a number.
fn number(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let mut rest = match rest.strip_prefix(b"0") {
        Some(rest) => rest,
        None => digits(rest)?,
    };
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = digits(fraction)?;
    }
    match rest.split_first() {
        Some((b'e' | b'E', after)) => match after.split_first() {
            Some((b'+' | b'-', after)) => digits(after),
            _ => digits(after),
        },
        _ => Some(rest),
    }
}

/// What follows digits, of which there must be one.
fn digits(bytes: &[u8]) -> Option<&[u8]> {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then(|| &bytes[count..])
}

/// The bytes outside and inside of strings, told apart.
fn each_byte(valid: &[u8], mut visit: impl FnMut(u8, bool)) {
    let (mut inside, mut escaped) = (false, false);
    for &byte in valid {
        let quote = byte == b'"' && !escaped;
        visit(byte, inside || quote);
        escaped = inside && byte == b'\\' && !escaped;
        if quote {
            inside = !inside;
        }
    }
}

/// Valid JSON without its spaces.
pub(super) fn compact(valid: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(valid.len());
    each_byte(valid, |byte, in_string| {
        if in_string || !is_space(byte) {
            out.push(byte);
        }
    });
    out
}

/// Valid JSON over lines, each with `prefix` and as many of `indent` as it is deep; spaces at the end stay.
///
/// # Errors
/// The result would be too long.
pub(super) fn indent(valid: &[u8], prefix: &str, indent: &str) -> Result<Vec<u8>, CallError> {
    let ending = valid.iter().rev().take_while(|byte| is_space(**byte)).count();
    let (value, ending) = valid.split_at(valid.len() - ending);
    let mut lines = Lines { out: Vec::new(), prefix, indent, depth: 0, just_opened: false };
    each_byte(value, |byte, in_string| {
        if lines.out.len() <= MAX_RESULT_LENGTH {
            lines.put(byte, in_string);
        }
    });
    lines.out.extend_from_slice(ending);
    if lines.out.len() > MAX_RESULT_LENGTH {
        return Err(CallError::too_large("texts", MAX_RESULT_LENGTH));
    }
    Ok(lines.out)
}

struct Lines<'a> {
    out: Vec<u8>,
    prefix: &'a str,
    indent: &'a str,
    depth: usize,
    just_opened: bool,
}

impl Lines<'_> {
    fn put(&mut self, byte: u8, in_string: bool) {
        if !in_string && is_space(byte) {
            return;
        }
        let closes = !in_string && matches!(byte, b'}' | b']');
        if self.just_opened && !closes {
            self.depth += 1;
            self.start_line();
        }
        if closes && !self.just_opened {
            self.depth = self.depth.saturating_sub(1);
            self.start_line();
        }
        self.just_opened = !in_string && matches!(byte, b'{' | b'[');
        self.out.push(byte);
        match byte {
            b',' if !in_string => self.start_line(),
            b':' if !in_string => self.out.push(b' '),
            _ => {}
        }
    }

    fn start_line(&mut self) {
        self.out.push(b'\n');
        self.out.extend_from_slice(self.prefix.as_bytes());
        for _ in 0..self.depth {
            self.out.extend_from_slice(self.indent.as_bytes());
        }
    }
}
