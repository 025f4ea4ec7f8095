//! The paths of CUE's standard packages.
//!
//! Not here: what is in them (that is [`crate::builtin`]).

/// All of CUE v0.17's, but those for `cue cmd`.
const PATHS: &[&str] = &[
    "crypto/ed25519",
    "crypto/hmac",
    "crypto/md5",
    "crypto/sha1",
    "crypto/sha256",
    "crypto/sha512",
    "encoding/base64",
    "encoding/csv",
    "encoding/hex",
    "encoding/json",
    "encoding/openapi",
    "encoding/toml",
    "encoding/yaml",
    "html",
    "list",
    "math",
    "math/bits",
    "net",
    "path",
    "regexp",
    "strconv",
    "strings",
    "struct",
    "text/tabwriter",
    "text/template",
    "time",
    "uuid",
];

/// Those for `cue cmd`.
const TOOLS: &[&str] = &["tool", "tool/cli", "tool/exec", "tool/file", "tool/http", "tool/http/serve", "tool/os"];

/// The standard package of a path.
pub(super) fn find(path: &str) -> Option<&'static str> {
    PATHS.iter().copied().find(|known| *known == path)
}

/// Whether a path is a package for `cue cmd`, which is not supported.
pub(super) fn is_tool(path: &str) -> bool {
    TOOLS.contains(&path)
}

/// The standard package whose path is nearest, for a word of advice.
pub(super) fn nearest(path: &str) -> Option<&'static str> {
    let last = path.rsplit('/').next().unwrap_or_default();
    PATHS.iter().copied().find(|known| known.rsplit('/').next() == Some(last))
}
