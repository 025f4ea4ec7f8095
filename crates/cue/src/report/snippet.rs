//! One place of an error: its line, and carets under what is meant.
//!
//! Not here: what is wrong with it.

use std::fmt::Write;
use std::ops::Range;

use super::Colours;
use crate::error::Label;
use crate::source::{SourceFile, SourceMap};

/// How wide a tab is drawn, in columns.
const TAB: usize = 4;

/// How much of a long line is shown, in characters.
const MAX_LINE: usize = 160;

/// Draws places on one line: the name of the first, the line, and for each of them carets and what stands at it. A file
/// as a whole has a name only.
pub(super) fn draw(out: &mut String, labels: &[&Label], sources: &SourceMap, colours: Colours) {
    let Some(first) = labels.first() else { return };
    let Some(file) = sources.file(first.span.file) else { return };
    if first.span.is_of_file() {
        let _ = writeln!(out, " {} {}", colours.quiet("-->"), file.name);
        return say(out, labels, " ", colours);
    }
    let (line, column) = file.position(first.span.start);
    let text = file.line(line);
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let bar = colours.quiet("|");
    let _ = writeln!(out, "{margin}{} {}:{line}:{column}", colours.quiet("-->"), file.name);
    if !text.trim().is_empty() {
        let (from, shown) = shown(text, column as usize - 1);
        let _ = writeln!(out, "{margin} {bar}");
        let _ = writeln!(out, "{} {bar} {shown}", colours.quiet(&number));
        for label in labels {
            let (before, marked) = columns(text, from, bytes(file, label, text.len()));
            let (space, carets) = (" ".repeat(before), colours.error(&"^".repeat(marked.max(1))));
            let said = if label.text.is_empty() { String::new() } else { format!(" {}", colours.error(&label.text)) };
            let _ = writeln!(out, "{margin} {bar} {space}{carets}{said}");
        }
        return;
    }
    say(out, labels, &margin, colours);
}

/// What is said of places without showing them.
fn say(out: &mut String, labels: &[&Label], margin: &str, colours: Colours) {
    for label in labels.iter().filter(|label| !label.text.is_empty()) {
        let _ = writeln!(out, "{margin} {} {}", colours.quiet("="), label.text);
    }
}

/// Which bytes of its first line a label covers.
fn bytes(file: &SourceFile, label: &Label, line_length: usize) -> Range<usize> {
    let (first, start) = file.position(label.span.start);
    let (last, end) = file.position(label.span.end.max(label.span.start));
    let end = if first == last { end as usize - 1 } else { line_length };
    start as usize - 1..end
}

/// The part of a line that is shown, and the character that it starts with. `start` is a byte that must be in it.
fn shown(text: &str, start: usize) -> (usize, String) {
    let length = text.chars().count();
    let first = text.char_indices().take_while(|(at, _)| *at < start).count();
    let from = if length > MAX_LINE { first.saturating_sub(MAX_LINE / 2) } else { 0 };
    let mut shown = if from > 0 { "…".to_owned() } else { String::new() };
    for c in text.chars().skip(from).take(MAX_LINE) {
        match c {
            '\t' => shown.push_str(&" ".repeat(TAB)),
            c if c.is_control() => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    if from + MAX_LINE < length {
        shown.push('…');
    }
    (from, shown)
}

/// How many columns stand before the marked bytes, and how many they take, in a line shown from a character on.
fn columns(text: &str, from: usize, marked: Range<usize>) -> (usize, usize) {
    let (mut before, mut within) = (usize::from(from > 0), 0);
    for (at, c) in text.char_indices().skip(from).take(MAX_LINE) {
        let width = if c == '\t' { TAB } else { 1 };
        if at < marked.start {
            before += width;
        } else if at < marked.end {
            within += width;
        }
    }
    (before, within)
}
