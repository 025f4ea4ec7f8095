//! Which part of a file a request wants (RFC 9110, 14). One range at most: a request for several gets the whole file.

use http::{HeaderMap, HeaderValue, header};

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// All of it.
    Whole,
    /// From the first byte to the last, both included.
    Part { first: u64, last: u64 },
    /// Nothing that the file has.
    Outside,
}

/// Reads `Range` and `If-Range`. What can't be understood is ignored, as the RFC wants it.
pub(crate) fn range_of(headers: &HeaderMap, bytes: u64, etag: &HeaderValue) -> Range {
    if headers.get(header::IF_RANGE).is_some_and(|condition| condition != etag) {
        return Range::Whole;
    }
    let text = headers.get(header::RANGE).and_then(|line| line.to_str().ok());
    text.and_then(|text| text.strip_prefix("bytes=")).and_then(|spec| parse(spec.trim(), bytes)).unwrap_or(Range::Whole)
}

fn parse(spec: &str, bytes: u64) -> Option<Range> {
    let (first, last) = spec.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(u64::MAX));
    if first.is_empty() {
        let count = number(last).filter(|_| !last.is_empty())?.min(bytes);
        return Some(if count == 0 { Range::Outside } else { Range::Part { first: bytes - count, last: bytes - 1 } });
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some(if first >= bytes { Range::Outside } else { Range::Part { first, last: last.min(bytes - 1) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let part = |first, last| Some(Range::Part { first, last });
        for (spec, range) in [
            ("0-0", part(0, 0)),
            ("2-", part(2, 9)),
            ("-3", part(7, 9)),
            ("-99", part(0, 9)),
            ("5-99999999999999999999999", part(5, 9)),
            ("10-", Some(Range::Outside)),
            ("-0", Some(Range::Outside)),
            ("3-2", None),
            ("0-1,3-4", None),
            ("-", None),
            ("a-b", None),
        ] {
            assert_eq!(parse(spec, 10), range, "{spec}");
        }
        assert_eq!(parse("-1", 0), Some(Range::Outside));
    }
}
