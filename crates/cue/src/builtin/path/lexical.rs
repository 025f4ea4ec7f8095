//! Paths taken apart and put together.

use super::os::Os;

/// Everything up to the last separator, with it, and the rest.
pub(super) fn split(os: Os, path: &str) -> (&str, &str) {
    let start = os.volume(path).len();
    let last = path.as_bytes().iter().enumerate().skip(start).rev().find(|(_, byte)| os.is_separator(**byte));
    path.split_at(last.map_or(start, |(at, _)| at + 1))
}

/// From the last dot of the last element on.
pub(super) fn extension(os: Os, path: &str) -> String {
    let start = path.bytes().rposition(|byte| os.is_separator(byte)).map_or(0, |at| at + 1);
    path[start..].rfind('.').map_or_else(String::new, |dot| path[start + dot..].to_owned())
}

pub(super) fn base(os: Os, path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let stripped = path.trim_end_matches(|letter: char| letter.is_ascii() && os.is_separator(letter as u8));
    // The volume's own separators may have gone, too.
    let path = &stripped[os.volume(stripped).len()..];
    match path.bytes().rposition(|byte| os.is_separator(byte)) {
        Some(at) => path[at + 1..].to_owned(),
        None if path.is_empty() => os.separator().to_string(),
        None => path.to_owned(),
    }
}

pub(super) fn directory(os: Os, path: &str) -> String {
    let volume = os.volume(path);
    let (before, _) = split(os, path);
    let directory = clean(os, &before[volume.len()..]);
    if directory == "." && volume.len() > 2 { volume.to_owned() } else { format!("{volume}{directory}") }
}

/// The shortest path that is the same: no `.`, no doubled separators, `..` only at the start.
pub(super) fn clean(os: Os, path: &str) -> String {
    let volume = os.volume(path);
    let rest = &path[volume.len()..];
    if rest.is_empty() {
        let is_share = volume.len() > 1 && volume.as_bytes().get(1) != Some(&b':');
        return if is_share { os.with_own_slashes(path) } else { format!("{path}.") };
    }
    let rooted = os.is_separator(rest.as_bytes()[0]);
    let mut kept: Vec<&str> = Vec::new();
    for element in rest.split(|letter: char| letter.is_ascii() && os.is_separator(letter as u8)) {
        match element {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            _ => kept.push(element),
        }
    }
    let root = if rooted { "/" } else { "" };
    let cleaned = if kept.is_empty() && !rooted { ".".to_owned() } else { format!("{root}{}", kept.join("/")) };
    os.with_own_slashes(&format!("{volume}{cleaned}"))
}

/// The elements joined and cleaned; empty ones don't count.
pub(super) fn join(os: Os, elements: &[&str]) -> String {
    let Some(first) = elements.iter().position(|element| !element.is_empty()) else { return String::new() };
    let elements = &elements[first..];
    match os {
        Os::Windows => join_windows(os, elements),
        _ => clean(os, &elements.join("/")),
    }
}

/// A drive letter alone stays relative to where its drive is, and what was no share doesn't become one.
fn join_windows(os: Os, elements: &[&str]) -> String {
    let (first, rest) = (elements[0], &elements[1..]);
    if first.len() == 2 && first.ends_with(':') {
        let filled = rest.iter().position(|element| !element.is_empty()).unwrap_or(rest.len());
        return clean(os, &format!("{first}{}", rest[filled..].join("\\")));
    }
    let is_share = |path: &str| os.volume(path).len() > 2;
    let joined = clean(os, &elements.join("\\"));
    let head = clean(os, first);
    if !is_share(&joined) || is_share(&head) {
        return joined;
    }
    let tail = clean(os, &rest.join("\\"));
    let between = if head.ends_with('\\') { "" } else { "\\" };
    format!("{head}{between}{tail}")
}

/// The way from `base` to `target`; none where it isn't known.
pub(super) fn relative(os: Os, base: &str, target: &str) -> Option<String> {
    let (base_volume, target_volume) = (os.volume(base), os.volume(target));
    let (base, target) = (clean(os, base), clean(os, target));
    if os.same(&target, &base) {
        return Some(".".to_owned());
    }
    let base = &base[base_volume.len()..];
    let base = if base == "." { "" } else { base };
    let target = &target[target_volume.len()..];
    let separator = os.separator();
    let rooted = |path: &str| path.starts_with(separator);
    if rooted(base) != rooted(target) || !os.same(base_volume, target_volume) {
        return None;
    }
    let elements = |path: &str| -> Vec<String> {
        path.split(separator).filter(|element| !element.is_empty()).map(str::to_owned).collect()
    };
    let (from, to) = (elements(base), elements(target));
    let common = from.iter().zip(&to).take_while(|(left, right)| os.same(left, right)).count();
    if from.get(common).is_some_and(|element| element == "..") {
        return None;
    }
    let up = from[common..].iter().map(|_| "..".to_owned());
    let way: Vec<String> = up.chain(to[common..].iter().cloned()).collect();
    Some(way.join(&separator.to_string()))
}
