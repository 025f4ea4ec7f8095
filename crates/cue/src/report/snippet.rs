//! One place of an error: its line, and carets under what is meant.
//!
//! Not here: what is wrong with it.

use std::fmt::Write;

use super::Colours;
use crate::error::Label;
use crate::source::SourceMap;

/// How wide a tab is drawn, in columns.
const TAB: usize = 4;

/// How much of a long line is shown, in characters.
const MAX_LINE: usize = 160;

/// Draws a place: its name, its line, carets and what stands at them.
pub(super) fn draw(out: &mut String, label: &Label, sources: &SourceMap, colours: Colours) {
    let Some(file) = sources.file(label.span.file) else { return };
    let end = u32::try_from(file.text.len()).unwrap_or(u32::MAX);
    let (line, column) = file.position(label.span.start.min(end));
    let (last_line, last_column) = file.position(label.span.end.min(end).max(label.span.start.min(end)));
    let text = file.line(line);
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let bar = colours.quiet("|");
    let _ = writeln!(out, "{margin}{} {}:{line}:{column}", colours.quiet("-->"), file.name);
    if text.trim().is_empty() {
        if !label.text.is_empty() {
            let _ = writeln!(out, "{margin} {} {}", colours.quiet("="), label.text);
        }
        return;
    }
    let start = column as usize - 1;
    let end = if last_line == line { last_column as usize - 1 } else { text.len() };
    let (shown, before, marked) = window(text, start, end.max(start));
    let _ = writeln!(out, "{margin} {bar}");
    let _ = writeln!(out, "{} {bar} {shown}", colours.quiet(&number));
    let carets = colours.error(&"^".repeat(marked.max(1)));
    let space = " ".repeat(before);
    let said = if label.text.is_empty() { String::new() } else { format!(" {}", colours.error(&label.text)) };
    let _ = writeln!(out, "{margin} {bar} {space}{carets}{said}");
}

/// What is shown of a line, how many columns stand before the marked part, and how many it has. `start` and `end` are
/// bytes of the line.
fn window(text: &str, start: usize, end: usize) -> (String, usize, usize) {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let first = chars.iter().take_while(|(at, _)| *at < start).count();
    let from = if chars.len() > MAX_LINE { first.saturating_sub(MAX_LINE / 2) } else { 0 };
    let (mut shown, mut before, mut marked) = (String::new(), 0, 0);
    if from > 0 {
        shown.push('…');
        before += 1;
    }
    for (at, c) in chars.iter().skip(from).take(MAX_LINE) {
        let (width, drawn) = match c {
            '\t' => (TAB, " ".repeat(TAB)),
            c if c.is_control() => (1, "�".to_owned()),
            c => (1, c.to_string()),
        };
        shown.push_str(&drawn);
        match *at {
            at if at < start => before += width,
            at if at < end => marked += width,
            _ => {}
        }
    }
    if from + MAX_LINE < chars.len() {
        shown.push('…');
    }
    (shown, before, marked)
}
