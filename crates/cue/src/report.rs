//! Errors as people read them: what is wrong, where, the lines with carets under the places, and what to do next.
//!
//! Not here: which errors there are; a terminal. Whoever prints says whether colours are welcome.

mod snippet;

use std::fmt::Write;

use crate::error::{Code, Error, Label};
use crate::source::{FileId, SourceMap};

/// How many errors [`all`] draws; the others are counted.
pub const MAX_ERRORS: usize = 20;

/// How many lines of one error are drawn.
const MAX_LINES: usize = 8;

/// How many further fields that are wrong for the same reason are named.
const MAX_PATHS: usize = 3;

/// The colours of a report, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// Plain text.
    #[default]
    None,
    /// ANSI escapes.
    Ansi,
}

impl Colours {
    fn paint(self, text: &str, code: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            Self::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }

    fn error(self, text: &str) -> String {
        self.paint(text, "1;31")
    }

    fn strong(self, text: &str) -> String {
        self.paint(text, "1")
    }

    fn quiet(self, text: &str) -> String {
        self.paint(text, "34")
    }
}

/// The report of several errors, one after another with an empty line between them: the first [`MAX_ERRORS`] drawn,
/// the others counted.
#[must_use]
pub fn all(errors: &[Error], sources: &SourceMap, colours: Colours) -> String {
    first(errors, MAX_ERRORS, sources, colours)
}

/// As [`all`], with another number of errors that are drawn.
#[must_use]
pub fn first(errors: &[Error], most: usize, sources: &SourceMap, colours: Colours) -> String {
    let mut out: Vec<String> = errors.iter().take(most).map(|error| one(error, sources, colours)).collect();
    if errors.len() > most {
        out.push(format!("… and {} more errors\n", errors.len() - most));
    }
    out.join("\n")
}

/// The report of one error, ending with a newline.
#[must_use]
pub fn one(error: &Error, sources: &SourceMap, colours: Colours) -> String {
    draw(&colours.error(word(error.code)), error, sources, colours)
}

/// The report of something that is no error, under the name of what found it.
#[must_use]
pub fn finding(name: &str, error: &Error, sources: &SourceMap, colours: Colours) -> String {
    draw(&colours.strong(name), error, sources, colours)
}

fn draw(title: &str, error: &Error, sources: &SourceMap, colours: Colours) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{title}: {}", colours.strong(&error.to_string()));
    let groups = groups(error, sources);
    for labels in groups.iter().take(MAX_LINES) {
        snippet::draw(&mut out, labels, sources, colours);
    }
    if groups.len() > MAX_LINES {
        let _ = writeln!(out, "  … and {} more places", groups.len() - MAX_LINES);
    }
    if !error.elsewhere.is_empty() {
        let _ = writeln!(out, "  {} {}", colours.quiet("also:"), elsewhere(&error.elsewhere));
    }
    if let Some(help) = &error.help {
        let _ = writeln!(out, "  {} {help}", colours.quiet("help:"));
    }
    out
}

/// Paths, the first of them by name.
fn elsewhere(paths: &[String]) -> String {
    let named = paths.iter().take(MAX_PATHS).cloned().collect::<Vec<_>>().join(", ");
    match paths.len().checked_sub(MAX_PATHS) {
        None | Some(0) => named,
        Some(more) => format!("{named} and {more} more"),
    }
}

/// The places of an error, those on one line together and a file as a whole by itself; a place with nothing to say is left out where another says
/// something of the same place.
fn groups<'a>(error: &'a Error, sources: &SourceMap) -> Vec<Vec<&'a Label>> {
    let mut groups: Vec<((FileId, u32), Vec<&Label>)> = Vec::new();
    for label in &error.labels {
        let Some(file) = sources.file(label.span.file) else { continue };
        let line = if label.span.is_of_file() { 0 } else { file.position(label.span.start).0 };
        let line = (label.span.file, line);
        let said_elsewhere = |other: &Label| {
            let same_start = other.span.file == label.span.file && other.span.start == label.span.start;
            same_start && !other.text.is_empty() && label.text.is_empty()
        };
        if error.labels.iter().any(said_elsewhere) {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| *known == line) {
            Some((_, labels)) if labels.contains(&label) => {}
            Some((_, labels)) => labels.push(label),
            None => groups.push((line, vec![label])),
        }
    }
    groups.into_iter().map(|(_, labels)| labels).collect()
}

fn word(code: Code) -> &'static str {
    match code {
        Code::Syntax => "syntax error",
        Code::Unsupported => "not supported",
        Code::Limit => "limit",
        Code::Incomplete => "incomplete",
        _ => "error",
    }
}
