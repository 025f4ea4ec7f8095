//! A field or an element taken out, with its comments.
//!
//! Not here: structs that are empty afterwards: they stay.

use super::find;
use super::path::Step;
use super::{lists, place};
use crate::error::Error;
use crate::source::Span;
use crate::syntax::ast::{Comment, File};

/// The text without what stands at a path.
pub(super) fn at(text: &str, file: &File, path: &[Step]) -> Result<String, Error> {
    if let Some((Step::Index(index), to_list)) = path.split_last() {
        let (list, elements) = find::list(file, to_list)?;
        let element = lists::element(list, &elements, *index)?;
        return Ok(taken_out(text, file, element.span));
    }
    let Some(target) = find::one(file, path)? else {
        return Err(find::missing(path));
    };
    match find::field_of(file, path, target.span) {
        Some(find::Holder { field, alone_in_chain: true }) => {
            // `a: b: 1` without b is `a: {}`, as other places may rely on a.
            Ok(place::spliced(text, field.start as usize, field.end as usize, "{}"))
        }
        Some(find::Holder { field, alone_in_chain: false }) => Ok(taken_out(text, file, field)),
        None => Err(find::missing(path)),
    }
}

/// The text without a declaration or an element: whole lines where nothing else stands on them.
fn taken_out(text: &str, file: &File, span: Span) -> String {
    let (start, end) = (span.start as usize, span.end as usize);
    let comma_end = place::after_comma(text, end).unwrap_or(end);
    let line = place::line_start(text, start);
    let line_end = place::line_end(text, comma_end);
    let own_start = place::is_blank(text, line, start);
    let rest = text.get(comma_end..line_end).unwrap_or("").trim();
    if own_start && (rest.is_empty() || rest.starts_with("//")) {
        let from = doc_start(text, &file.comments, line);
        let newline = usize::from(line_end < text.len());
        return place::spliced(text, from, line_end + newline, "");
    }
    if comma_end > end {
        let rest = text.get(comma_end..).unwrap_or("");
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        return place::spliced(text, start, comma_end + spaces, "");
    }
    let before = text.get(..start).unwrap_or("").trim_end_matches([' ', '\t']);
    match before.strip_suffix(',') {
        Some(before) => place::spliced(text, before.len(), end, ""),
        None => place::spliced(text, start, end, ""),
    }
}

/// The start of the first of the comment lines that stand directly above a line.
fn doc_start(text: &str, comments: &[Comment], line: usize) -> usize {
    let mut start = line;
    for comment in comments.iter().rev().filter(|comment| (comment.span.end as usize) < line) {
        let above = place::line_start(text, comment.span.start as usize);
        if comment.trailing || place::line_end(text, comment.span.end as usize) + 1 != start {
            break;
        }
        start = above;
    }
    start
}
