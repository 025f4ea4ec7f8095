//! A pattern of RE2 written anew for the crate `regex`, character by character.

use super::PatternError;
use super::class;
use super::escape::{self, Escaped};

/// The largest count of a repetition.
const MAX_REPEAT_COUNT: u32 = 1000;

/// The rest of the pattern, and the groups before it.
pub(super) struct Reader<'a> {
    rest: &'a str,
    /// How many groups keep what they matched.
    groups: usize,
    /// The names of those that have one.
    names: Vec<&'a str>,
}

/// A pattern for the crate `regex`.
pub(super) struct Translated {
    pub(super) pattern: String,
    /// How many groups keep what they matched.
    pub(super) groups: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next();
        self.rest = letters.as_str();
        letter
    }

    /// Takes a prefix away, if it is there.
    pub(super) fn takes(&mut self, prefix: &str) -> bool {
        self.rest.strip_prefix(prefix).map(|rest| self.rest = rest).is_some()
    }

    /// Takes everything before `end`, and `end` itself; nothing if `end` doesn't come.
    pub(super) fn until(&mut self, end: &str) -> Option<&'a str> {
        let (before, after) = self.rest.split_once(end)?;
        self.rest = after;
        Some(before)
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }
}

/// Writes a character that stands for itself.
pub(super) fn literal(out: &mut String, letter: char) {
    if letter.is_ascii_alphanumeric() {
        out.push(letter);
    } else {
        out.push_str(&format!(r"\x{{{:x}}}", u32::from(letter)));
    }
}

pub(super) fn translate(pattern: &str) -> Result<Translated, PatternError> {
    let mut reader = Reader { rest: pattern, groups: 0, names: Vec::new() };
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut after_repetition = false;
    while let Some(letter) = reader.next() {
        let repeats = match letter {
            '*' | '+' | '?' => {
                out.push(letter);
                true
            }
            '{' => repetition(&mut reader, &mut out)?,
            _ => {
                other(letter, &mut reader, &mut out)?;
                false
            }
        };
        if repeats {
            if after_repetition {
                return Err(PatternError::new("a repetition follows another"));
            }
            if reader.takes("?") {
                out.push('?');
            }
        }
        after_repetition = repeats;
    }
    Ok(Translated { pattern: out, groups: reader.groups })
}

/// Anything but a repetition.
fn other(letter: char, reader: &mut Reader<'_>, out: &mut String) -> Result<(), PatternError> {
    match letter {
        '[' => class::translate(reader, out),
        '\\' => escaped(reader, out),
        '(' if reader.takes("?") => group(reader, out),
        '(' | ')' | '|' | '^' | '$' | '.' => {
            reader.groups += usize::from(letter == '(');
            out.push(letter);
            Ok(())
        }
        _ => {
            literal(out, letter);
            Ok(())
        }
    }
}

/// `{2}`, `{2,}`, `{2,3}` after the brace; whether it was one. If not, the brace stands for itself.
fn repetition(reader: &mut Reader<'_>, out: &mut String) -> Result<bool, PatternError> {
    let counts = reader.rest().split_once('}').and_then(|(inner, _)| counts(inner));
    let Some((least, most)) = counts else {
        literal(out, '{');
        return Ok(false);
    };
    if least > MAX_REPEAT_COUNT || most.is_some_and(|most| most > MAX_REPEAT_COUNT || most < least) {
        return Err(PatternError::new(format!(
            "a repetition's counts must be ordered, and {MAX_REPEAT_COUNT} at most"
        )));
    }
    let inner = reader.until("}").unwrap_or_default();
    out.push_str(&format!("{{{inner}}}"));
    Ok(true)
}

/// The counts of a repetition; the second one is none for `{2,}`.
fn counts(inner: &str) -> Option<(u32, Option<u32>)> {
    match inner.split_once(',') {
        None => count(inner).map(|count| (count, Some(count))),
        Some((least, "")) => count(least).map(|least| (least, None)),
        Some((least, most)) => Some((count(least)?, Some(count(most)?))),
    }
}

/// Digits without a zero before them; a count beyond all bounds is just too large.
fn count(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let padded = digits.len() > 1 && digits.starts_with('0');
    (plain && !padded).then(|| digits.parse().unwrap_or(u32::MAX))
}

/// A group with a name or flags, after `(?`.
fn group(reader: &mut Reader<'_>, out: &mut String) -> Result<(), PatternError> {
    if reader.takes("P<") || reader.takes("<") {
        let name = reader.until(">").ok_or_else(|| PatternError::new("a group's name doesn't end"))?;
        if name.is_empty() || !name.bytes().all(|letter| letter == b'_' || letter.is_ascii_alphanumeric()) {
            return Err(PatternError::new(format!("{name:?} is no name of a group")));
        }
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(PatternError::unsupported(format!("the name {name:?} of a group starts with a digit")));
        }
        if reader.names.contains(&name) {
            return Err(PatternError::unsupported(format!("two groups have the name {name:?}")));
        }
        reader.groups += 1;
        reader.names.push(name);
        out.push_str(&format!("(?P<{name}>"));
        return Ok(());
    }
    out.push_str("(?");
    loop {
        match reader.next() {
            Some(flag @ ('i' | 'm' | 's' | 'U' | '-')) => out.push(flag),
            Some(end @ (':' | ')')) => {
                out.push(end);
                return Ok(());
            }
            Some(other) => return Err(PatternError::new(format!("there is no group (?…{other}"))),
            None => return Err(PatternError::new("a group doesn't end")),
        }
    }
}

fn escaped(reader: &mut Reader<'_>, out: &mut String) -> Result<(), PatternError> {
    if reader.takes("Q") {
        let text = match reader.until(r"\E") {
            Some(text) => text,
            None => reader.until_end(),
        };
        text.chars().for_each(|letter| literal(out, letter));
        return Ok(());
    }
    match escape::read(reader)? {
        Escaped::Letter(letter) => literal(out, letter),
        Escaped::Class(class) => out.push_str(&format!("[{class}]")),
        Escaped::Place('b') => out.push_str(r"(?-u:\b)"),
        Escaped::Place('B') => return Err(PatternError::unsupported(r"\B")),
        Escaped::Place(place) => out.push_str(&format!(r"\{place}")),
    }
    Ok(())
}

impl<'a> Reader<'a> {
    fn until_end(&mut self) -> &'a str {
        std::mem::take(&mut self.rest)
    }
}
