//! Import paths: `example.com/app/schema@v1:name`.
//!
//! Not here: where a package is found by one.

/// An import path in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportPath {
    /// `example.com/app/schema`
    pub path: String,
    /// `v1` of `@v1`, whatever is written there; empty where nothing is.
    pub version: String,
    /// `name` of `:name`, if it is written.
    pub qualifier: Option<String>,
}

impl ImportPath {
    /// The parts of a path.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (rest, qualifier) = match text.rsplit_once(':') {
            Some((rest, name)) if !name.contains('/') => (rest, Some(name.to_owned())),
            _ => (text, None),
        };
        let (path, version) = match rest.split_once('@') {
            Some((path, version)) => (path, version),
            None => (rest, ""),
        };
        Self { path: path.to_owned(), version: version.to_owned(), qualifier }
    }

    /// The name of the package: the qualifier, or the last element of the path where that is a name.
    #[must_use]
    pub fn package_name(&self) -> Option<&str> {
        match &self.qualifier {
            Some(name) => Some(name.as_str()),
            None => self.path.rsplit('/').next(),
        }
        .filter(|name| is_name(name))
    }

    /// Whether it is a path in the file system: `.`, `./a`, `../a`.
    #[must_use]
    pub fn is_relative(&self) -> bool {
        matches!(self.path.as_str(), "." | "..") || self.path.starts_with("./") || self.path.starts_with("../")
    }

    /// Whether it has the look of a standard package: no dot in the first element.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        !self.path.split('/').next().unwrap_or_default().contains('.')
    }

    /// Whether the version is one that an import may name: none, or a major one.
    #[must_use]
    pub fn has_plain_version(&self) -> bool {
        self.version.is_empty() || is_major(&self.version)
    }
}

/// `v0`, `v1`, `v23`
pub(super) fn is_major(version: &str) -> bool {
    let digits = version.strip_prefix('v').unwrap_or_default();
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    !digits.is_empty() && !leading_zero && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is an identifier that a package can have: letters, digits, `_` and `$`, not `_` alone, and no `#` at
/// its start.
pub(super) fn is_name(text: &str) -> bool {
    let starts = text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$');
    starts && text != "_" && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

impl std::fmt::Display for ImportPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        if !self.version.is_empty() {
            write!(f, "@{}", self.version)?;
        }
        match &self.qualifier {
            Some(name) => write!(f, ":{name}"),
            None => Ok(()),
        }
    }
}
