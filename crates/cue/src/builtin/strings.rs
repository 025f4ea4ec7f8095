//! The package `strings`: UTF-8 text, with the semantics of Go's package of that name.
//!
//! Indices count bytes, as Go's do, where the name doesn't say runes (characters).

use super::arguments::{
    self, BOOL, Built, INT, LIST, MAX_RESULT_LENGTH, Outcome, TEXT, TEXT_OR_BYTES, bytes_of, int, integer, listed,
    size, text, texts,
};
use super::{Builtin, CallError, Package, letters};
use crate::data::Data;

pub(super) static PACKAGE: Package = Package {
    path: "strings",
    functions: &[
        Builtin::new("ByteAt", &[TEXT_OR_BYTES, INT], INT, byte_at),
        Builtin::new("ByteSlice", &[TEXT_OR_BYTES, INT, INT], TEXT_OR_BYTES, byte_slice),
        Builtin::new("Runes", &[TEXT], LIST, runes),
        Builtin::new("MinRunes", &[TEXT, INT], BOOL, |args| compare_runes(args, |count, bound| count >= bound)),
        Builtin::new("MaxRunes", &[TEXT, INT], BOOL, |args| compare_runes(args, |count, bound| count <= bound)),
        Builtin::new("ToTitle", &[TEXT], TEXT, |args| mapped(args, |s| letters::at_word_starts(s, letters::title))),
        Builtin::new("ToCamel", &[TEXT], TEXT, |args| mapped(args, |s| letters::at_word_starts(s, letters::lower))),
        Builtin::new("SliceRunes", &[TEXT, INT, INT], TEXT, slice_runes),
        Builtin::new("Compare", &[TEXT, TEXT], INT, |args| Ok(int(text(args, 0)?.cmp(text(args, 1)?) as i8))),
        Builtin::new("Count", &[TEXT, TEXT], INT, count),
        Builtin::new("Contains", &[TEXT, TEXT], BOOL, |args| asked(args, |s, part| s.contains(part))),
        Builtin::new("ContainsAny", &[TEXT, TEXT], BOOL, |args| asked(args, |s, set| s.contains(one_of(set)))),
        Builtin::new("HasPrefix", &[TEXT, TEXT], BOOL, |args| asked(args, |s, part| s.starts_with(part))),
        Builtin::new("HasSuffix", &[TEXT, TEXT], BOOL, |args| asked(args, |s, part| s.ends_with(part))),
        Builtin::new("Index", &[TEXT, TEXT], INT, |args| found(args, |s, part| s.find(part))),
        Builtin::new("LastIndex", &[TEXT, TEXT], INT, |args| found(args, |s, part| s.rfind(part))),
        Builtin::new("IndexAny", &[TEXT, TEXT], INT, |args| found(args, |s, set| s.find(one_of(set)))),
        Builtin::new("LastIndexAny", &[TEXT, TEXT], INT, |args| found(args, |s, set| s.rfind(one_of(set)))),
        Builtin::new("SplitN", &[TEXT, TEXT, INT], LIST, |args| split(args, integer(args, 2)?, Separator::Left)),
        Builtin::new("SplitAfterN", &[TEXT, TEXT, INT], LIST, |args| split(args, integer(args, 2)?, Separator::Kept)),
        Builtin::new("Split", &[TEXT, TEXT], LIST, |args| split(args, -1, Separator::Left)),
        Builtin::new("SplitAfter", &[TEXT, TEXT], LIST, |args| split(args, -1, Separator::Kept)),
        Builtin::new("Fields", &[TEXT], LIST, |args| listed(text(args, 0)?.split_whitespace().map(Data::string))),
        Builtin::new("Join", &[LIST, TEXT], TEXT, join),
        Builtin::new("Repeat", &[TEXT, INT], TEXT, repeat),
        Builtin::new("ToUpper", &[TEXT], TEXT, |args| mapped(args, |s| s.chars().map(letters::upper).collect())),
        Builtin::new("ToLower", &[TEXT], TEXT, |args| mapped(args, |s| s.chars().map(letters::lower).collect())),
        Builtin::new("Trim", &[TEXT, TEXT], TEXT, |args| trimmed(args, |s, set| s.trim_matches(one_of(set)))),
        Builtin::new("TrimLeft", &[TEXT, TEXT], TEXT, |args| trimmed(args, |s, set| s.trim_start_matches(one_of(set)))),
        Builtin::new("TrimRight", &[TEXT, TEXT], TEXT, |args| trimmed(args, |s, set| s.trim_end_matches(one_of(set)))),
        Builtin::new("TrimSpace", &[TEXT], TEXT, |args| Ok(Data::string(text(args, 0)?.trim()))),
        Builtin::new("TrimPrefix", &[TEXT, TEXT], TEXT, |args| {
            trimmed(args, |s, part| s.strip_prefix(part).unwrap_or(s))
        }),
        Builtin::new("TrimSuffix", &[TEXT, TEXT], TEXT, |args| {
            trimmed(args, |s, part| s.strip_suffix(part).unwrap_or(s))
        }),
        Builtin::new("Replace", &[TEXT, TEXT, TEXT, INT], TEXT, replace),
    ],
    constants: &[],
};

fn one_of(set: &str) -> impl Fn(char) -> bool + Copy {
    |letter| set.contains(letter)
}

fn out_of_range() -> CallError {
    CallError::new("index out of range")
}

fn mapped(args: &[Data], change: fn(&str) -> String) -> Outcome {
    Ok(Data::string(change(text(args, 0)?)))
}

fn asked(args: &[Data], question: fn(&str, &str) -> bool) -> Outcome {
    Ok(Data::Bool(question(text(args, 0)?, text(args, 1)?)))
}

/// The byte where something was found, or -1.
fn found(args: &[Data], find: fn(&str, &str) -> Option<usize>) -> Outcome {
    let place = find(text(args, 0)?, text(args, 1)?);
    Ok(place.map_or_else(|| int(-1), int))
}

fn trimmed(args: &[Data], trim: for<'a> fn(&'a str, &str) -> &'a str) -> Outcome {
    Ok(Data::string(trim(text(args, 0)?, text(args, 1)?)))
}

fn byte_at(args: &[Data]) -> Outcome {
    let at = size(args, 1)?.ok_or_else(out_of_range)?;
    arguments::bytes(args, 0)?.get(at).map(|byte| int(*byte)).ok_or_else(out_of_range)
}

fn byte_slice(args: &[Data]) -> Outcome {
    let (Some(start), Some(end)) = (size(args, 1)?, size(args, 2)?) else { return Err(out_of_range()) };
    arguments::bytes(args, 0)?.get(start..end).map(bytes_of).ok_or_else(out_of_range)
}

fn runes(args: &[Data]) -> Outcome {
    listed(text(args, 0)?.chars().map(|letter| int(u32::from(letter))))
}

fn compare_runes(args: &[Data], compare: fn(i64, i64) -> bool) -> Outcome {
    Ok(Data::Bool(compare(text(args, 0)?.chars().count() as i64, integer(args, 1)?)))
}

fn slice_runes(args: &[Data]) -> Outcome {
    let (Some(start), Some(end)) = (size(args, 1)?, size(args, 2)?) else { return Err(out_of_range()) };
    let letters: Vec<char> = text(args, 0)?.chars().collect();
    let slice = letters.get(start..end).ok_or_else(out_of_range)?;
    Ok(Data::string(slice.iter().collect::<String>()))
}

fn count(args: &[Data]) -> Outcome {
    let (whole, part) = (text(args, 0)?, text(args, 1)?);
    // An empty part is between all characters, and at both ends.
    Ok(int(if part.is_empty() { whole.chars().count() + 1 } else { whole.matches(part).count() }))
}

#[derive(Clone, Copy)]
enum Separator {
    Left,
    Kept,
}

/// At most `limit` pieces, the last one holding the rest; all pieces for a negative limit.
fn split(args: &[Data], limit: i64, separator: Separator) -> Outcome {
    let (whole, part) = (text(args, 0)?, text(args, 1)?);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut rest = (limit > 0).then_some(whole);
    let mut pieces = 0;
    let next = || {
        let text = rest?;
        pieces += 1;
        let parted = if pieces == limit { None } else { piece(text, part, separator) };
        let (piece, after) = parted.unzip();
        rest = after;
        Some(Data::string(piece.unwrap_or(text)))
    };
    // Nothing has no characters.
    if part.is_empty() && whole.is_empty() { Ok(Data::List(Vec::new())) } else { listed(std::iter::from_fn(next)) }
}

/// The first piece, and what comes after it; none if it is the last. An empty separator is after each character.
fn piece<'a>(text: &'a str, part: &str, separator: Separator) -> Option<(&'a str, &'a str)> {
    if part.is_empty() {
        let first = text.chars().next()?.len_utf8();
        return (first < text.len()).then(|| text.split_at(first));
    }
    let at = text.find(part)?;
    let after = at + part.len();
    let end = if matches!(separator, Separator::Kept) { after } else { at };
    Some((&text[..end], &text[after..]))
}

fn join(args: &[Data]) -> Outcome {
    let separator = text(args, 1)?;
    let mut joined = Built::default();
    for (at, text) in texts(args, 0)?.into_iter().enumerate() {
        joined.push(if at > 0 { separator } else { "" })?;
        joined.push(text)?;
    }
    joined.finished()
}

fn repeat(args: &[Data]) -> Outcome {
    let count = size(args, 1)?.ok_or_else(|| CallError::new("negative count"))?;
    let whole = text(args, 0)?;
    match whole.len().checked_mul(count) {
        Some(length) if length <= MAX_RESULT_LENGTH => Ok(Data::string(whole.repeat(count))),
        _ => Err(CallError::too_large("texts", MAX_RESULT_LENGTH)),
    }
}

fn replace(args: &[Data]) -> Outcome {
    let (whole, old, new) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let count = size(args, 3)?.unwrap_or(usize::MAX);
    let mut replaced = Built::default();
    let mut done = 0;
    for (at, part) in whole.match_indices(old).take(count) {
        replaced.push(&whole[done..at])?;
        replaced.push(new)?;
        done = at + part.len();
    }
    replaced.push(&whole[done..])?;
    replaced.finished()
}
