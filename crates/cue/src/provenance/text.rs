//! Provenance for people: the value, then a line for each thing that was said of it, what decided marked.
//!
//! Not here: colours; provenance for programs (`json`).

use std::fmt::Write;

use super::{Fate, Provenance, Role, Said, Sort, Step};
use crate::encode;
use crate::source::{SourceMap, Span};

/// How much of what is written somewhere is shown, in characters.
const MAX_SAID: usize = 72;

/// How much of a step is shown, in characters.
const MAX_STEP: usize = 36;

/// How much of a value is shown, in characters.
const MAX_VALUE: usize = 160;

/// How wide the columns of places and of what is said may get, in characters.
const MAX_COLUMN: usize = 48;

/// How many levels of inputs are indented further.
const MAX_INDENT: usize = 8;

/// All provenances, with an empty line between them.
#[must_use]
pub fn text(found: &[Provenance], sources: &SourceMap) -> String {
    let mut blocks = Vec::new();
    for provenance in found {
        let mut out = String::new();
        block(&mut out, provenance, &provenance.path, sources, 0);
        blocks.push(out);
    }
    blocks.join("\n")
}

/// One value: what it is, what was said of it, and what it was computed from.
fn block(out: &mut String, found: &Provenance, name: &str, sources: &SourceMap, level: usize) {
    let indent = "      ".repeat(level.min(MAX_INDENT));
    let name = if name.is_empty() { "(the whole)" } else { name };
    match &found.value {
        Ok(value) => {
            let _ = writeln!(out, "{indent}{name} = {}", cut(&encode::json_compact(value, false), MAX_VALUE));
        }
        Err(error) => {
            let _ = writeln!(out, "{indent}{name} has no value: {}", error.message);
        }
    }
    let width = |text: fn(&Said, &SourceMap) -> String| {
        let widths = found.said.iter().map(|said| text(said, sources).chars().count());
        widths.filter(|width| *width <= MAX_COLUMN).max().unwrap_or(0)
    };
    let (places, texts) =
        (width(|said, sources| sources.place(said.span)), width(|said, sources| shown(said.span, sources)));
    let decided = found.said.iter().any(|said| said.role == Role::Decides);
    for said in &found.said {
        let place = sources.place(said.span);
        let (mark, there) = (mark(said.role), shown(said.span, sources));
        let line = format!("{indent}  {mark} {place:places$}  {there:texts$}  {}", notes(said, sources));
        let _ = writeln!(out, "{}", line.trim_end());
        if !decided {
            fallen(out, said, sources, &indent);
        }
        for input in &said.inputs {
            block(out, &input.provenance, &shown(input.span, sources), sources, level + 1);
        }
    }
}

fn mark(role: Role) -> char {
    match role {
        Role::Conflicts => '✗',
        Role::Decides | Role::Default | Role::Remains => '→',
        Role::Allows => ' ',
    }
}

/// The alternatives that don't fit, and why.
fn fallen(out: &mut String, said: &Said, sources: &SourceMap, indent: &str) {
    for alternative in &said.alternatives {
        if let Fate::Fell(error) = &alternative.fate {
            let _ = writeln!(out, "{indent}      not {}: {}", shown(alternative.span, sources), error.message);
        }
    }
}

/// What stands behind a line in parentheses.
fn notes(said: &Said, sources: &SourceMap) -> String {
    let role = match said.role {
        Role::Default => Some("default".to_owned()),
        Role::Remains => Some("all that is left".to_owned()),
        Role::Decides | Role::Allows | Role::Conflicts => None,
    };
    let way: Vec<String> = said.via.iter().map(|step| shown_step(step, sources)).collect();
    let way = (!way.is_empty()).then(|| format!("via {}", way.join(" › ")));
    let notes: Vec<String> = role.into_iter().chain(way).collect();
    if notes.is_empty() { String::new() } else { format!("({})", notes.join(", ")) }
}

fn shown_step(step: &Step, sources: &SourceMap) -> String {
    let text = cut(&shown(step.span, sources), MAX_STEP);
    match step.sort {
        Sort::Reference | Sort::Alternative => text,
        Sort::Pattern => format!("[{text}]"),
        Sort::Comprehension if step.round.is_empty() => text,
        Sort::Comprehension => format!("{text} with {}", step.round.join(", ")),
    }
}

/// What is written at a place, on one line, in brief.
pub(super) fn shown(span: Span, sources: &SourceMap) -> String {
    let words: Vec<&str> = sources.text(span).split_whitespace().collect();
    cut(&words.join(" "), MAX_SAID)
}

fn cut(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
