//! What differs between two texts, as unified diffs show it.
//!
//! Source: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986).
//!
//! Not here: the texts.

use std::fmt::Write;
use std::ops::Range;

/// How many equal lines are shown around a difference.
const CONTEXT_LINES: usize = 3;

/// Beyond so many changed lines all lines are told as changed: what is remembered grows with the square of it.
const MAX_CHANGED_LINES: usize = 1_000;

/// Lines of two texts that stand for each other: `old` becomes `new`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

/// The differences of a file's text, under its name with and without `.orig`; nothing where there are none.
pub(super) fn unified(name: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let changes = changes(&old, &new);
    let mut out = String::new();
    if !changes.is_empty() {
        let _ = writeln!(out, "--- {name}.orig\n+++ {name}");
    }
    for hunk in changes.chunk_by(|one, next| next.old.start - one.old.end <= 2 * CONTEXT_LINES) {
        push_hunk(&mut out, hunk, &old, &new);
    }
    out
}

fn push_hunk(out: &mut String, hunk: &[Change], old: &[&str], new: &[&str]) {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return };
    let before = first.old.start.min(CONTEXT_LINES);
    let after = (old.len() - last.old.end).min(CONTEXT_LINES);
    let shown_old = first.old.start - before..last.old.end + after;
    let shown_new = first.new.start - before..last.new.end + after;
    let _ = writeln!(out, "@@ -{} +{} @@", place(&shown_old), place(&shown_new));
    let mut at = shown_old.start;
    for change in hunk {
        push_lines(out, ' ', &old[at..change.old.start]);
        push_lines(out, '-', &old[change.old.clone()]);
        push_lines(out, '+', &new[change.new.clone()]);
        at = change.old.end;
    }
    push_lines(out, ' ', &old[at..shown_old.end]);
}

/// First line, counted from 1, and how many; of none, the line before.
fn place(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        many => format!("{},{many}", lines.start + 1),
    }
}

fn push_lines(out: &mut String, mark: char, lines: &[&str]) {
    for line in lines {
        let _ = write!(out, "{mark}{line}");
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let prefix = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[prefix..], &new[prefix..]);
    let suffix = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - suffix], &new[..new.len() - suffix]);
    let pairs = shortest_script(old, new).unwrap_or_default();
    let (mut changes, mut at) = (Vec::new(), (0, 0));
    for pair in pairs.into_iter().chain([(old.len(), new.len())]) {
        if pair != at {
            let shifted = |range: Range<usize>| range.start + prefix..range.end + prefix;
            changes.push(Change { old: shifted(at.0..pair.0), new: shifted(at.1..pair.1) });
        }
        at = (pair.0 + 1, pair.1 + 1);
    }
    changes
}

/// The lines that both texts share in a shortest edit script, in order; none if that is too long.
fn shortest_script(old: &[&str], new: &[&str]) -> Option<Vec<(usize, usize)>> {
    let most = (old.len() + new.len()).min(MAX_CHANGED_LINES);
    // For each diagonal (lines of the old text less lines of the new one) how far in the old text it was followed.
    let offset = most + 1;
    let mut furthest = vec![0; 2 * most + 3];
    let mut rounds = Vec::new();
    for edits in 0..=most {
        rounds.push(furthest.clone());
        for diagonal in (offset - edits..=offset + edits).step_by(2) {
            let mut at = start_of(&furthest, diagonal, offset, edits);
            while at < old.len() && at + offset - diagonal < new.len() && old[at] == new[at + offset - diagonal] {
                at += 1;
            }
            furthest[diagonal] = at;
            if at >= old.len() && at + offset - diagonal >= new.len() {
                return Some(shared(&rounds, offset, (old.len(), new.len())));
            }
        }
    }
    None
}

/// Where a diagonal is entered with one more edit.
fn start_of(furthest: &[usize], diagonal: usize, offset: usize, edits: usize) -> usize {
    if edits == 0 {
        0
    } else if adds(furthest, diagonal, offset, edits) {
        furthest[diagonal + 1]
    } else {
        furthest[diagonal - 1] + 1
    }
}

/// Whether a diagonal is entered by a line added, not one removed: whichever leads further.
fn adds(furthest: &[usize], diagonal: usize, offset: usize, edits: usize) -> bool {
    diagonal == offset - edits || (diagonal != offset + edits && furthest[diagonal - 1] < furthest[diagonal + 1])
}

/// The way back from the end: the shared lines of each round.
fn shared(rounds: &[Vec<usize>], offset: usize, end: (usize, usize)) -> Vec<(usize, usize)> {
    let (mut pairs, mut at) = (Vec::new(), end);
    for (edits, furthest) in rounds.iter().enumerate().rev() {
        let diagonal = at.0 + offset - at.1;
        let start = start_of(furthest, diagonal, offset, edits);
        while at.0 > start {
            at = (at.0 - 1, at.1 - 1);
            pairs.push(at);
        }
        at = match edits {
            0 => at,
            _ if adds(furthest, diagonal, offset, edits) => (at.0, at.1 - 1),
            _ => (at.0 - 1, at.1),
        };
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn differences_are_shown_with_the_lines_around_them() {
        let table = [
            ("a\nb\n", "a\nb\n", ""),
            ("a\nb\nc\n", "a\nx\nc\n", "--- f.orig\n+++ f\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"),
            ("", "a\n", "--- f.orig\n+++ f\n@@ -0,0 +1 @@\n+a\n"),
            ("a", "a\n", "--- f.orig\n+++ f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"),
            (
                "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
                "2\n3\n4\n5\n6\n7\n8\n9\n0\n",
                "--- f.orig\n+++ f\n@@ -1,4 +1,3 @@\n-1\n 2\n 3\n 4\n@@ -7,3 +6,4 @@\n 7\n 8\n 9\n+0\n",
            ),
            (
                "1\n2\n3\n4\n5\n6\n7\n",
                "2\n3\n4\n5\n6\n7\n0\n",
                "--- f.orig\n+++ f\n@@ -1,7 +1,7 @@\n-1\n 2\n 3\n 4\n 5\n 6\n 7\n+0\n",
            ),
        ];
        for (old, new, expected) in table {
            assert_eq!(unified("f", old, new), expected, "{old} → {new}");
        }
    }

    proptest! {
        #[test]
        fn what_is_not_changed_is_shared(old in "[ab\n]{0,40}", new in "[ab\n]{0,40}") {
            let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
            let mut at = (0, 0);
            for change in changes(&old, &new) {
                prop_assert_eq!(&old[at.0..change.old.start], &new[at.1..change.new.start]);
                at = (change.old.end, change.new.end);
            }
            prop_assert_eq!(&old[at.0..], &new[at.1..]);
        }
    }
}
