//! A spec of several files as one text: the file that is the spec, then what it draws in, each behind a line that names
//! it. A server is told one text, keeps it, and compares it; nothing else has to know that it holds several files.
//!
//! Not here: which files those are (`gather`), and what they say (`cue`).

use std::path::{Component, Path};

/// What begins every line between the files: a comment of CUE.
const MARK: &str = "// shipway: ";
/// What is said of a file that doesn't end with the end of a line.
const OPEN: &str = " (the last is open)";

/// A file of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its path, relative to a folder that all of them lie in.
    pub(super) path: String,
    pub(super) text: String,
}

/// Files as one text; the first is the spec. Nothing where a path can't be written in a line.
pub(super) fn joined(parts: &[Part]) -> Option<String> {
    if !parts.iter().all(|part| is_plain(&part.path)) {
        return None;
    }
    let mut text = format!("{MARK}a spec of {} files\n", parts.len());
    for part in parts {
        let is_open = !part.text.is_empty() && !part.text.ends_with('\n');
        let (open, end) = if is_open { (OPEN, "\n") } else { ("", "") };
        let lines = part.text.lines().count();
        text.push_str(&format!("{MARK}{lines} lines{open} of {}\n{}{end}", part.path, part.text));
    }
    Some(text)
}

/// Whether a text holds several files.
pub(super) fn is_joined(text: &str) -> bool {
    files_of(text.lines().next().unwrap_or_default()).is_some()
}

/// The files of a text, the spec first; one text alone is a file of that name.
///
/// # Errors
/// The line, from 1, at which the text is not what [`joined`] makes.
pub(super) fn parted(name: &str, text: &str) -> Result<Vec<Part>, u32> {
    if !is_joined(text) {
        return Ok(vec![Part { path: name.to_owned(), text: text.to_owned() }]);
    }
    let mut lines = text.split_inclusive('\n');
    let count = files_of(lines.next().unwrap_or_default().trim_end()).unwrap_or_default();
    let (mut parts, mut at) = (Vec::new(), 2);
    while let Some(head) = lines.next() {
        let (length, is_open, path) = head_of(head.trim_end()).ok_or(at)?;
        let mut text: String = lines.by_ref().take(length).collect();
        let taken = text.lines().count();
        at += 1 + u32::try_from(taken).unwrap_or_default();
        if taken != length || is_open && text.pop() != Some('\n') {
            return Err(at);
        }
        parts.push(Part { path: path.to_owned(), text });
    }
    if parts.is_empty() || parts.len() != count { Err(at) } else { Ok(parts) }
}

fn files_of(line: &str) -> Option<usize> {
    line.strip_prefix(MARK)?.strip_prefix("a spec of ")?.strip_suffix(" files")?.parse().ok()
}

/// How many lines follow, whether the last is open, and whose they are.
fn head_of(line: &str) -> Option<(usize, bool, &str)> {
    let (length, rest) = line.strip_prefix(MARK)?.split_once(" lines")?;
    let (is_open, rest) = rest.strip_prefix(OPEN).map_or((false, rest), |rest| (true, rest));
    let path = rest.strip_prefix(" of ").filter(|path| is_plain(path))?;
    Some((length.parse().ok()?, is_open, path))
}

/// A relative path whose parts are names, which can stand at the end of a line.
fn is_plain(path: &str) -> bool {
    let names = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    names && !path.is_empty() && path.trim() == path && !path.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(path: &str, text: &str) -> Part {
        Part { path: path.into(), text: text.into() }
    }

    #[test]
    fn what_is_joined_parts_again() {
        let parts = [
            part("shop/shipway.cue", "a: 1\n// shipway: 1 lines of x\n"),
            part("empty.cue", ""),
            part("b c", "\r\n\n"),
            part("open.txt", "a\nb"),
            part("return.txt", "a\r"),
        ];
        let text = joined(&parts).expect("plain paths");
        assert!(is_joined(&text));
        assert_eq!(parted("shipway.cue", &text), Ok(parts.to_vec()));
        assert_eq!(parted("shipway.cue", "a: 1"), Ok(vec![part("shipway.cue", "a: 1")]), "one file is one file");
    }

    #[test]
    fn a_text_that_was_not_joined_so_is_refused_at_its_line() {
        let table = [
            ("// shipway: a spec of 1 files\n", 2),
            ("// shipway: a spec of 1 files\na: 1\n", 2),
            ("// shipway: a spec of 1 files\n// shipway: 2 lines of a.cue\na: 1\n", 4),
            ("// shipway: a spec of 2 files\n// shipway: 1 lines of a.cue\na: 1\n", 4),
            ("// shipway: a spec of 1 files\n// shipway: 1 lines of ../a.cue\na: 1\n", 2),
            ("// shipway: a spec of 1 files\n// shipway: 1 lines of /a.cue\na: 1\n", 2),
        ];
        for (text, line) in table {
            assert_eq!(parted("shipway.cue", text), Err(line), "{text}");
        }
        assert_eq!(joined(&[part("../a.cue", "")]), None);
        assert_eq!(joined(&[part("a\n.cue", "")]), None);
    }
}
