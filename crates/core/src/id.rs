//! Names and identifiers. Not here: how ids are made (`ports::Ids`).

use std::{collections::BTreeSet, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text that is known to be well formed.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text_id!(
    /// A project: its name in the spec.
    ProjectId
);
text_id!(
    /// A service's name within its project.
    ServiceName
);
text_id!(
    /// An environment's name within its project.
    EnvironmentName
);
text_id!(
    /// A deployment, sortable by the time it was asked for.
    DeploymentId
);
text_id!(
    /// A release: the hash of everything that can be taken back (`release::release_id`).
    ReleaseId
);
text_id!(
    /// One running copy of a release, unique on its target.
    InstanceId
);
text_id!(
    /// The digest of an artifact's canonical tree, in lower-case hex (blake3).
    ArtifactDigest
);
text_id!(
    /// The hash of all that a build depends on (`artifact::build_key`).
    BuildKey
);

impl ReleaseId {
    /// The few characters that a person reads.
    pub fn short(&self) -> &str {
        self.0.get(..10).unwrap_or(&self.0)
    }
}

impl ArtifactDigest {
    /// The few characters that a person reads.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// One service in one environment of one project: the address of a slot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotKey {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The service.
    pub service: ServiceName,
}

impl fmt::Display for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.environment, self.service)
    }
}

/// Says why a text can't be a name, or nothing when it can.
///
/// Names become host labels, folders and variable names, so they are DNS labels (RFC 1123): 1 to 63 of
/// `a-z`, `0-9` and `-`, starting with a letter and not ending in `-`.
pub fn name_fault(text: &str) -> Option<&'static str> {
    const NAME_CHARS_MAX: usize = 63;
    if text.is_empty() {
        return Some("is empty");
    }
    if text.len() > NAME_CHARS_MAX {
        return Some("is longer than 63 characters");
    }
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Some("must start with a letter from a to z");
    }
    if text.ends_with('-') {
        return Some("must not end in '-'");
    }
    if !text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Some("may hold only a-z, 0-9 and '-'");
    }
    None
}

/// What somebody is trusted with, the least first: each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Deploys and configures outside production.
    Developer,
    /// Keeps everything running, in every environment.
    Operator,
    /// Decides what comes into production.
    ReleaseManager,
    /// Everything, and who else may do what.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Developer, Self::Operator, Self::ReleaseManager, Self::Admin];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Operator => "operator",
            Self::ReleaseManager => "release-manager",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Who asked: a person or a part of Shipway that acts on its own. What it may do says `policy::may`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// The name that is shown and recorded.
    pub name: String,
    /// Whether the actor owns the data folder on this machine: only then may a source be a path.
    pub owner: bool,
    /// What it is trusted with; who asked before there were roles has none here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Role>,
    /// The environments, by name, that it may act in; all of them when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<EnvironmentName>,
    /// The id of the access token that it came with; none for the data folder's own and for Shipway's parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// How the names of Shipway's own parts begin; a person's name can't.
const SYSTEM: &str = "shipway/";

impl Actor {
    /// The holder of the data folder's admin token.
    pub fn admin() -> Self {
        Self { owner: true, ..Self::person("admin", Role::Admin) }
    }

    /// Somebody with one role, in every environment.
    pub fn person(name: &str, role: Role) -> Self {
        let (roles, environments) = (BTreeSet::from([role]), Vec::new());
        Self { name: name.into(), owner: false, roles, environments, token: None }
    }

    /// Shipway itself: the reconciler, a schedule, a recovery. What it does by itself somebody has declared.
    pub fn system(part: &str) -> Self {
        Self::person(&format!("{SYSTEM}{part}"), Role::Admin)
    }

    /// Whether nobody asked: Shipway acts by itself.
    pub fn is_automation(&self) -> bool {
        self.name.starts_with(SYSTEM)
    }

    /// Whether it may look at an environment, and act there as far as its role goes.
    pub fn sees(&self, environment: &EnvironmentName) -> bool {
        self.environments.is_empty() || self.environments.contains(environment)
    }

    /// Its highest role.
    pub fn role(&self) -> Option<Role> {
        self.roles.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        assert_eq!(name_fault("web-2"), None);
        for bad in ["", "2web", "web-", "Web", "a_b", "a.b", &"a".repeat(64)] {
            assert!(name_fault(bad).is_some(), "{bad}");
        }
    }
}
