//! Errors as people read them: what is wrong, where, the lines with carets under the places, and what to do next.
//!
//! Not here: which errors there are; a terminal. Whoever prints says whether colours are welcome.

mod snippet;

use std::fmt::Write;

use crate::error::{Code, Error};
use crate::source::SourceMap;

/// How many errors are drawn; the others are counted.
pub const MAX_ERRORS: usize = 20;

/// How many places of one error are drawn.
const MAX_PLACES: usize = 8;

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

/// The report of several errors, one after another with an empty line between them.
#[must_use]
pub fn all(errors: &[Error], sources: &SourceMap, colours: Colours) -> String {
    let mut out: Vec<String> = errors.iter().take(MAX_ERRORS).map(|error| one(error, sources, colours)).collect();
    if errors.len() > MAX_ERRORS {
        out.push(format!("… and {} more errors\n", errors.len() - MAX_ERRORS));
    }
    out.join("\n")
}

/// The report of one error, ending with a newline.
#[must_use]
pub fn one(error: &Error, sources: &SourceMap, colours: Colours) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", colours.error(word(error.code)), colours.strong(&error.to_string()));
    let mut places: Vec<_> = error.labels.iter().collect();
    let mut seen = std::collections::BTreeSet::new();
    places.retain(|label| sources.file(label.span.file).is_some() && seen.insert((label.span, label.text.clone())));
    for label in places.iter().take(MAX_PLACES) {
        snippet::draw(&mut out, label, sources, colours);
    }
    if places.len() > MAX_PLACES {
        let _ = writeln!(out, "  … and {} more places", places.len() - MAX_PLACES);
    }
    if let Some(help) = &error.help {
        let _ = writeln!(out, "  {} {help}", colours.quiet("help:"));
    }
    out
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
