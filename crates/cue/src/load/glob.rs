//! Patterns of file names: `*`, `?`, `[a-z]`, `[^a-z]`, `\` before a character that is meant as itself. None of them
//! matches a `/`.
//!
//! Source: Go's `path.Match` and `io/fs.Glob`, which CUE uses.
//!
//! Not here: `**`.

use std::path::Path;

use super::files::{Files, Kind};

/// Whether a pattern is well-formed.
pub(super) fn is_valid(pattern: &str) -> bool {
    let mut rest: &[char] = &pattern.chars().collect::<Vec<_>>();
    while let Some((first, more)) = rest.split_first() {
        rest = match first {
            '\\' if more.is_empty() => return false,
            '\\' => &more[1..],
            '[' => match class(more, '\0') {
                Some((_, more)) => more,
                None => return false,
            },
            _ => more,
        };
    }
    true
}

/// Whether a name, without `/` in it, matches a pattern that has none either.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // The last `*` and how far it reached: a mismatch lets it take one more. So time grows with the product only.
    let (mut at, mut seen, mut star) = (&pattern[..], &name[..], None);
    loop {
        match step(at, seen) {
            Step::Star(rest) => {
                star = Some((rest, seen));
                at = rest;
            }
            Step::One(rest, more) => (at, seen) = (rest, more),
            Step::Done => return true,
            Step::Mismatch => match star {
                Some((rest, [_, more @ ..])) => {
                    star = Some((rest, more));
                    (at, seen) = (rest, more);
                }
                _ => return false,
            },
        }
    }
}

enum Step<'a> {
    Star(&'a [char]),
    One(&'a [char], &'a [char]),
    Done,
    Mismatch,
}

fn step<'a>(pattern: &'a [char], name: &'a [char]) -> Step<'a> {
    match (pattern, name) {
        ([], []) => Step::Done,
        (['*', rest @ ..], _) => Step::Star(rest),
        (['?', rest @ ..], [_, more @ ..]) => Step::One(rest, more),
        (['[', rest @ ..], [c, more @ ..]) => match class(rest, *c) {
            Some((true, rest)) => Step::One(rest, more),
            _ => Step::Mismatch,
        },
        (['\\', wanted, rest @ ..], [c, more @ ..]) if wanted == c => Step::One(rest, more),
        (['\\', ..], _) => Step::Mismatch,
        ([wanted, rest @ ..], [c, more @ ..]) if wanted == c => Step::One(rest, more),
        _ => Step::Mismatch,
    }
}

/// Whether `c` is in the class that starts behind `[`, and what stands behind it; `None` where it isn't closed.
fn class(pattern: &[char], c: char) -> Option<(bool, &[char])> {
    let (negated, mut rest) = match pattern {
        ['^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (mut found, mut first) = (false, true);
    loop {
        if let [']', more @ ..] = rest
            && !first
        {
            return Some((found != negated, more));
        }
        first = false;
        let (low, more) = class_character(rest)?;
        let (high, more) = match more {
            ['-', more @ ..] => class_character(more)?,
            more => (low, more),
        };
        found |= (low..=high).contains(&c);
        rest = more;
    }
}

fn class_character(pattern: &[char]) -> Option<(char, &[char])> {
    match pattern {
        [] | ['-' | ']', ..] => None,
        ['\\', c, rest @ ..] => Some((*c, rest)),
        ['\\'] => None,
        [c, rest @ ..] => Some((*c, rest)),
    }
}

/// The files under a folder whose paths match, in order; names that start with a dot only where the pattern says it.
pub(super) fn files(files: &dyn Files, folder: &Path, pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for part in pattern.split('/') {
        let mut next = Vec::new();
        for before in &found {
            let mut names = files.list(&folder.join(before)).unwrap_or_default();
            names.retain(|(name, _)| matches(part, name) && (!name.starts_with('.') || part.starts_with('.')));
            names.sort();
            let slash = if before.is_empty() { "" } else { "/" };
            next.extend(names.into_iter().map(|(name, _)| format!("{before}{slash}{name}")));
        }
        found = next;
    }
    found.retain(|name| files.kind(&folder.join(name)) == Some(Kind::File));
    found
}
