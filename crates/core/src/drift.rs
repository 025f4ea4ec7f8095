//! Drift: what runs is no longer what its release says, though nobody deployed: a file of an unpacked release was
//! changed, or what an instance was started with.
//!
//! Not here: how it is found (`ports::Driver`, `engine::keep`), instances that ended (those are replaced anyway).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{InstanceId, ReleaseId, SlotKey},
    time::Timestamp,
};

/// Differences that are kept of a release; there may be more.
pub const DIFFERENCES_MAX: usize = 100;
/// Differences that an event or a line names.
const NAMED_MAX: usize = 3;

/// What an environment does about drift by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftPolicy {
    /// Say so.
    #[default]
    Report,
    /// Say so, and put it right.
    Repair,
}

impl DriftPolicy {
    /// Whether it is what holds when nothing is said.
    pub fn is_report(&self) -> bool {
        *self == Self::Report
    }
}

/// What differs of a release in its slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Where.
    pub slot: SlotKey,
    /// Of which release.
    pub release: ReleaseId,
    /// What differs: at most `DIFFERENCES_MAX`.
    pub differences: Vec<Difference>,
    /// When it was found to differ so.
    pub found_at: Timestamp,
    /// Who wants it to be put right; none when nobody does yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// Why the last repair failed; it is not tried again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// That somebody wants drift to be put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    /// Who.
    pub by: String,
    /// When: instances that were started before are replaced.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One thing that is not as its release says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// What.
    #[serde(flatten)]
    pub of: Drifted,
    /// How.
    pub change: DriftChange,
}

/// What is not as its release says. Values are left out: somebody may have written a secret there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "of")]
pub enum Drifted {
    /// A file of the unpacked release.
    File {
        /// Its path in the release.
        path: String,
    },
    /// A variable that an instance is recorded to be started with.
    Variable {
        /// The instance.
        instance: InstanceId,
        /// The variable.
        name: String,
    },
    /// The program, arguments, folder, user or stop of an instance's record, or the record as a whole.
    Launch {
        /// The instance.
        instance: InstanceId,
        /// Which part.
        part: String,
    },
}

/// How something differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftChange {
    /// It is another.
    Changed,
    /// It is gone.
    Missing,
    /// It should not be there.
    Added,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Drifted::File { path } => write!(f, "the file {path}")?,
            Drifted::Variable { instance, name } => write!(f, "the variable {name} of {instance}")?,
            Drifted::Launch { instance, part } => write!(f, "the {part} of {instance}")?,
        }
        f.write_str(match self.change {
            DriftChange::Changed => " was changed",
            DriftChange::Missing => " is missing",
            DriftChange::Added => " was added",
        })
    }
}

impl Difference {
    /// A file of a release.
    pub fn file(path: impl Into<String>, change: DriftChange) -> Self {
        Self { of: Drifted::File { path: path.into() }, change }
    }
}

impl Drift {
    /// By what it is found: a release in its slot.
    pub fn key_of(slot: &SlotKey, release: &ReleaseId) -> String {
        format!("{slot} {release}")
    }

    /// What differs, in one line.
    pub fn words(&self) -> String {
        let named: Vec<_> = self.differences.iter().take(NAMED_MAX).map(ToString::to_string).collect();
        let more = self.differences.len().saturating_sub(NAMED_MAX);
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        format!("{}{more}", named.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_first_and_counts_the_others() {
        let differences = (0..5).map(|n| Difference::file(format!("{n}.js"), DriftChange::Changed)).collect();
        let slot = SlotKey { project: "shop".into(), environment: "test".into(), service: "web".into() };
        let drift =
            Drift { slot, release: "r".into(), differences, found_at: Timestamp(0), repair: None, failed: None };
        let expected = "the file 0.js was changed; the file 1.js was changed; the file 2.js was changed; and 2 more";
        assert_eq!(drift.words(), expected);
        let variable = Drifted::Variable { instance: "i".into(), name: "LEVEL".into() };
        let added = Difference { of: variable, change: DriftChange::Added };
        assert_eq!(added.to_string(), "the variable LEVEL of i was added");
        assert_eq!(
            serde_json::to_value(&added).expect("it is written"),
            serde_json::json!({ "of": "variable", "instance": "i", "name": "LEVEL", "change": "added" })
        );
    }
}
