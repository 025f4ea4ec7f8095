//! Shell patterns: `*`, `?`, `[a-z]`, and a backslash before what stands for itself (on Windows, that is a separator).

use super::os::Os;

enum Term {
    /// Any characters but separators.
    Star,
    /// Any character but a separator.
    Any,
    /// This character.
    Letter(char),
    /// A character in, or not in, these ranges.
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// Whether the pattern matches all of the name; none for a pattern that is none.
pub(super) fn matches(os: Os, pattern: &str, name: &str) -> Option<bool> {
    let terms = Reader { os, rest: pattern }.terms()?;
    let name: Vec<char> = name.chars().collect();
    Some(match_terms(os, &terms, &name))
}

/// A star takes as little as it can; where that fails, the last one takes one more. An earlier one needn't be asked.
fn match_terms(os: Os, terms: &[Term], name: &[char]) -> bool {
    let (mut term, mut at) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    loop {
        match terms.get(term) {
            Some(Term::Star) => {
                last_star = Some((term, at));
                term += 1;
                continue;
            }
            Some(single) if name.get(at).is_some_and(|letter| matches_one(os, single, *letter)) => {
                (term, at) = (term + 1, at + 1);
                continue;
            }
            None if at == name.len() => return true,
            _ => {}
        }
        match last_star {
            Some((star, from)) if name.get(from).is_some_and(|letter| *letter != os.separator()) => {
                last_star = Some((star, from + 1));
                (term, at) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

fn matches_one(os: Os, term: &Term, letter: char) -> bool {
    match term {
        Term::Star => false,
        Term::Any => letter != os.separator(),
        Term::Letter(expected) => letter == *expected,
        Term::Class { negated, ranges } => {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != *negated
        }
    }
}

struct Reader<'a> {
    os: Os,
    rest: &'a str,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next();
        self.rest = letters.as_str();
        letter
    }

    fn takes(&mut self, prefix: char) -> bool {
        self.rest.strip_prefix(prefix).map(|rest| self.rest = rest).is_some()
    }

    fn terms(mut self) -> Option<Vec<Term>> {
        let mut terms = Vec::new();
        while let Some(letter) = self.next() {
            terms.push(match letter {
                '*' => Term::Star,
                '?' => Term::Any,
                '[' => self.class()?,
                '\\' if self.os != Os::Windows => Term::Letter(self.next()?),
                _ => Term::Letter(letter),
            });
        }
        Some(terms)
    }

    fn class(&mut self) -> Option<Term> {
        let negated = self.takes('^');
        let mut ranges = Vec::new();
        while ranges.is_empty() || !self.takes(']') {
            let low = self.class_letter()?;
            let high = if self.takes('-') { self.class_letter()? } else { low };
            ranges.push((low, high));
        }
        Some(Term::Class { negated, ranges })
    }

    fn class_letter(&mut self) -> Option<char> {
        match self.next()? {
            '-' | ']' => None,
            '\\' if self.os != Os::Windows => self.next(),
            letter => Some(letter),
        }
    }
}
