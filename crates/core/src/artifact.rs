//! Artifacts: canonical trees, their digests, and where they came from. Not here: bytes on disk (`store`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{ArtifactDigest, BuildKey, ProjectId, ServiceName},
    spec::MakeSpec,
    time::Timestamp,
};

/// One entry of a canonical tree. Paths are raw bytes on disk; here they are text with `/`, and a path that is not
/// UTF-8 is refused when a tree is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TreeEntry {
    /// The path from the tree's root.
    pub path: String,
    /// What stands there.
    pub node: TreeNode,
}

/// What stands at a path of a tree. Folders exist by what is in them; an empty one has its own entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum TreeNode {
    /// A file: the blake3 of its content in hex, its size, and whether it may be executed.
    File {
        /// The hash of the content.
        hash: String,
        /// Bytes of content.
        size_bytes: u64,
        /// The owner's execute bit.
        executable: bool,
    },
    /// A symbolic link within the tree.
    Link {
        /// The target as it is written in the link.
        target: String,
    },
    /// An empty folder.
    EmptyFolder,
}

/// A tree with its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    /// The entries by path, sorted by bytes.
    pub entries: Vec<TreeEntry>,
}

impl Tree {
    /// Sorts the entries into the canonical order.
    pub fn new(mut entries: Vec<TreeEntry>) -> Self {
        entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        Self { entries }
    }

    /// The digest of the canonical tree: sorted raw-byte paths, kind, execute bit, link target, content hash. Every
    /// field is preceded by its length, so that no two trees read the same.
    pub fn digest(&self) -> ArtifactDigest {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"shipway tree 1\n");
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for entry in &self.entries {
            field(entry.path.as_bytes());
            match &entry.node {
                TreeNode::File { hash, executable, .. } => {
                    field(if *executable { b"x" } else { b"f" });
                    field(hash.as_bytes());
                }
                TreeNode::Link { target } => {
                    field(b"l");
                    field(target.as_bytes());
                }
                TreeNode::EmptyFolder => {
                    field(b"d");
                    field(b"");
                }
            }
        }
        ArtifactDigest::new(hasher.finalize().to_hex().to_string())
    }

    /// Bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        self.entries
            .iter()
            .map(|entry| match entry.node {
                TreeNode::File { size_bytes, .. } => size_bytes,
                _ => 0,
            })
            .sum()
    }
}

/// Where an artifact came from. Many builds may give one digest; each has its record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The artifact.
    pub artifact: ArtifactDigest,
    /// What the build depended on.
    pub build_key: BuildKey,
    /// The project.
    pub project: ProjectId,
    /// The service.
    pub service: ServiceName,
    /// The digest of the source tree.
    pub source: ArtifactDigest,
    /// The commands that ran.
    pub commands: Vec<String>,
    /// The tools' own words about their versions.
    pub tools: BTreeMap<String, String>,
    /// The operating system and processor that it was built on.
    pub platform: String,
    /// The commit of the source, where it lies in git.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitCommit>,
    /// Who asked for it.
    pub by: String,
    /// When the build ended.
    pub at: Timestamp,
    /// How long it took.
    pub took_ms: u64,
    /// Files in the artifact.
    pub files: u64,
    /// Bytes of all files of the artifact.
    pub size_bytes: u64,
}

/// A commit of a git work tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitCommit {
    /// The commit's hash.
    pub commit: String,
    /// The branch, when one is checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// The hash of all that a build depends on: the same key gives the same artifact, so it need not be built again.
pub fn build_key(
    source: &ArtifactDigest,
    make: &MakeSpec,
    environment: &BTreeMap<String, String>,
    tools: &BTreeMap<String, String>,
    platform: &str,
) -> BuildKey {
    let text = serde_json::json!([
        "shipway build 1",
        source,
        make.install,
        make.build,
        make.output,
        environment,
        tools,
        platform,
    ]);
    BuildKey::new(blake3::hash(text.to_string().as_bytes()).to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, hash: &str, executable: bool) -> TreeEntry {
        TreeEntry { path: path.into(), node: TreeNode::File { hash: hash.into(), size_bytes: 1, executable } }
    }

    #[test]
    fn the_digest_is_of_the_canonical_tree_only() {
        let one = Tree::new(vec![file("a", "1", false), file("b", "2", true)]);
        let other_order = Tree::new(vec![file("b", "2", true), file("a", "1", false)]);
        assert_eq!(one.digest(), other_order.digest());
        for different in [
            Tree::new(vec![file("a", "1", true), file("b", "2", true)]),
            Tree::new(vec![file("a", "1", false), file("c", "2", true)]),
            Tree::new(vec![file("a", "3", false), file("b", "2", true)]),
            Tree::new(vec![file("a", "1", false)]),
        ] {
            assert_ne!(one.digest(), different.digest());
        }
    }
}
