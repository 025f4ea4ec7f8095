//! Lines, indentation, and putting text in place of text.
//!
//! Not here: the tree.

use crate::source::Span;

/// The text with `new` in place of a span, its further lines indented as the line of the span.
pub(super) fn replaced(text: &str, span: Span, new: &str) -> String {
    let (start, end) = (span.start as usize, span.end as usize);
    spliced(text, start, end, &indented(new, indent_at(text, start)))
}

/// The text with `new` in place of `start..end`.
pub(super) fn spliced(text: &str, start: usize, end: usize, new: &str) -> String {
    let (before, after) = (text.get(..start).unwrap_or(text), text.get(end..).unwrap_or(""));
    format!("{before}{new}{after}")
}

/// The start of the line that a byte stands on, behind a byte order mark.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let first = text.len() - text.trim_start_matches('\u{feff}').len();
    text.get(..at).unwrap_or("").rfind('\n').map_or(first.min(at), |newline| newline + 1)
}

/// The end of the line that a byte stands on, before its newline.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or("");
    at + rest.find('\n').unwrap_or(rest.len())
}

/// As [`line_end`], before the whole of `\r\n`.
pub(super) fn before_line_end(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    if text.get(..end).is_some_and(|text| text.ends_with('\r')) { end - 1 } else { end }
}

/// The white space that the line of a byte begins with.
pub(super) fn indent_at(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or("");
    let len = line.len() - line.trim_start_matches([' ', '\t']).len();
    &line[..len]
}

/// `new` with its further lines indented; empty lines stay empty.
pub(super) fn indented(new: &str, indent: &str) -> String {
    let mut lines = new.split('\n');
    let mut text = lines.next().unwrap_or("").to_owned();
    for line in lines {
        text.push('\n');
        if !line.trim_end_matches('\r').is_empty() {
            text.push_str(indent);
        }
        text.push_str(line);
    }
    text
}

/// Whether only white space stands between two bytes.
pub(super) fn is_blank(text: &str, start: usize, end: usize) -> bool {
    text.get(start..end).is_some_and(|between| between.trim().is_empty())
}

/// How the lines of the text end.
pub(super) fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Where a comma stands after a byte with only spaces between, if one does: the byte behind it.
pub(super) fn after_comma(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest[spaces..].starts_with(',').then_some(at + spaces + 1)
}

/// The text with a line as the first between two brackets that stand on several lines.
pub(super) fn as_first_line(text: &str, open: usize, close: usize, line: &str) -> String {
    let outer = indent_at(text, open);
    let indent = format!("{outer}\t");
    let newline = newline(text);
    if is_blank(text, open, close) {
        let new = format!("{newline}{indent}{}{newline}{outer}", indented(line, &indent));
        return spliced(text, open, close, &new);
    }
    let at = before_line_end(text, open);
    spliced(text, at, at, &format!("{newline}{indent}{}", indented(line, &indent)))
}
