//! The paths of CUE's standard packages.
//!
//! Not here: what is in them (that is [`crate::builtin`]).

use crate::builtin;

/// Those of CUE v0.17 that aren't supported.
const REFUSED: &[&str] = &["encoding/openapi"];

/// Those for `cue cmd`.
const TOOLS: &[&str] = &["tool", "tool/cli", "tool/exec", "tool/file", "tool/http", "tool/http/serve", "tool/os"];

/// All of CUE v0.17's, but those for `cue cmd`.
fn paths() -> impl Iterator<Item = &'static str> {
    builtin::packages().iter().map(|package| package.path).chain(REFUSED.iter().copied())
}

/// The standard package of a path.
pub(super) fn find(path: &str) -> Option<&'static str> {
    paths().find(|known| *known == path)
}

/// Whether a path is a package for `cue cmd`, which is not supported.
pub(super) fn is_tool(path: &str) -> bool {
    TOOLS.contains(&path)
}

/// The standard package whose path is nearest, for a word of advice.
pub(super) fn nearest(path: &str) -> Option<&'static str> {
    let last = path.rsplit('/').next().unwrap_or_default();
    paths().find(|known| known.rsplit('/').next() == Some(last))
}
