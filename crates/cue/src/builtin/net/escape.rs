//! Percent-escapes, as Go's `net/url` writes and reads them.

use std::fmt::Write;

use super::super::CallError;
use super::super::arguments::Outcome;
use crate::data::Data;

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

fn escape(text: &str, stays: impl Fn(u8) -> bool) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if stays(byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a string doesn't fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Text as one segment of a path.
pub(super) fn path_segment(text: &str) -> String {
    escape(text, |byte| is_unreserved(byte) || b"$&+=:@".contains(&byte))
}

/// Text as a part of a query; a space is a plus.
pub(in super::super) fn query(text: &str) -> String {
    escape(text, |byte| is_unreserved(byte) || byte == b' ').replace(' ', "+")
}

/// The text that was escaped; in a query, a plus is a space.
pub(super) fn unescaped(text: &str, in_query: bool) -> Outcome {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                out.push(escaped_byte(after).ok_or_else(|| invalid(after))?);
                rest = after.get(2..).unwrap_or_default();
            }
            b'+' if in_query => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).map(Data::string).map_err(|_| CallError::unsupported("the result is not UTF-8"))
}

/// The byte of two hexadecimal digits at the start.
pub(super) fn escaped_byte(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| digits.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    u8::try_from(digit(0)? << 4 | digit(1)?).ok()
}

pub(super) fn invalid(after: &[u8]) -> CallError {
    let shown = String::from_utf8_lossy(after.get(..2).unwrap_or(after));
    CallError::new(format!("invalid URL escape {:?}", format!("%{shown}")))
}
