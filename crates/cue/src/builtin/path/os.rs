//! What differs between operating systems: separators, volumes, what is absolute.

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Os {
    Unix,
    Windows,
    Plan9,
}

/// Names that are devices on Windows, wherever they stand.
const RESERVED_NAMES: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT1", "LPT2",
    "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

impl Os {
    /// The separator that it writes.
    pub(super) fn separator(self) -> char {
        if self == Self::Windows { '\\' } else { '/' }
    }

    /// Whether it reads a byte as a separator.
    pub(super) fn is_separator(self, byte: u8) -> bool {
        byte == b'/' || (self == Self::Windows && byte == b'\\')
    }

    pub(super) fn with_slashes(self, path: &str) -> String {
        if self == Self::Windows { path.replace('\\', "/") } else { path.to_owned() }
    }

    pub(super) fn with_own_slashes(self, path: &str) -> String {
        if self == Self::Windows { path.replace('/', "\\") } else { path.to_owned() }
    }

    pub(super) fn is_absolute(self, path: &str) -> bool {
        match self {
            Self::Unix => path.starts_with('/'),
            Self::Plan9 => path.starts_with(['/', '#']),
            Self::Windows => {
                let volume = self.volume(path).len();
                let rooted = path.as_bytes().get(volume).is_some_and(|byte| self.is_separator(*byte));
                (volume > 0 && rooted) || RESERVED_NAMES.iter().any(|name| name.eq_ignore_ascii_case(path))
            }
        }
    }

    /// The volume at the start: `c:` or `\\host\share`; empty elsewhere than on Windows.
    pub(super) fn volume(self, path: &str) -> &str {
        match path.as_bytes() {
            [letter, b':', ..] if self == Self::Windows && letter.is_ascii_alphabetic() => &path[..2],
            bytes if self == Self::Windows => &path[..self.share_length(bytes).unwrap_or(0)],
            _ => "",
        }
    }

    /// The length of a host and a share at the start. Neither starts with a dot.
    fn share_length(self, path: &[u8]) -> Option<usize> {
        let separates = |at: usize| path.get(at).is_some_and(|byte| self.is_separator(*byte));
        let names = |at: usize| path.get(at).is_some_and(|byte| !self.is_separator(*byte) && *byte != b'.');
        if path.len() < 5 || !separates(0) || !separates(1) || !names(2) {
            return None;
        }
        let share = (3..path.len() - 1).find(|at| separates(*at))? + 1;
        names(share).then(|| (share..path.len()).find(|at| separates(*at)).unwrap_or(path.len()))
    }

    /// Whether two parts of paths are the same.
    pub(super) fn same(self, left: &str, right: &str) -> bool {
        if self == Self::Windows { left.to_lowercase() == right.to_lowercase() } else { left == right }
    }

    /// A list of paths, as `PATH` has it. On Windows, quotes keep a separator from separating, and go away.
    pub(super) fn split_list(self, list: &str) -> Vec<String> {
        if list.is_empty() {
            return Vec::new();
        }
        let separator = match self {
            Self::Unix => ':',
            Self::Plan9 => '\0',
            Self::Windows => return split_quoted(list),
        };
        list.split(separator).map(str::to_owned).collect()
    }
}

fn split_quoted(list: &str) -> Vec<String> {
    let mut paths = vec![String::new()];
    let mut quoted = false;
    for letter in list.chars() {
        match (letter, paths.last_mut()) {
            ('"', _) => quoted = !quoted,
            (';', _) if !quoted => paths.push(String::new()),
            (_, Some(path)) => path.push(letter),
            (_, None) => {}
        }
    }
    paths
}
