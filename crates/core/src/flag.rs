//! Feature flags: values that applications read while they run. They change without a deployment, and lie outside of
//! releases and rollbacks: going back changes no flag. Pure.
//!
//! Not here: changing them (`engine::flags`), the endpoint that applications read (`app::server::flags`).

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{EnvironmentName, ProjectId},
    store::{DocumentKind, Stored},
    time::Timestamp,
};

/// Flags of an environment.
pub const FLAGS_MAX: usize = 1000;
/// Letters of a name.
const NAME_LETTERS_MAX: usize = 64;
/// Subjects of a list.
const LISTED_MAX: usize = 1000;
/// Bytes of a subject.
const SUBJECT_BYTES_MAX: usize = 256;
/// Bytes of the description.
const DESCRIPTION_BYTES_MAX: usize = 500;

/// The feature flags of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Flags {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// Raised by every change of any of them.
    pub revision: u64,
    /// The flags by name.
    pub flags: BTreeMap<String, Flag>,
}

impl Flags {
    /// None yet.
    pub fn none(project: ProjectId, environment: EnvironmentName) -> Self {
        Self { project, environment, revision: 0, flags: BTreeMap::new() }
    }
}

/// A feature flag of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Flag {
    /// Its name.
    pub name: String,
    /// For whom it is on.
    pub value: FlagValue,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The revision of the environment's flags that it was changed last in.
    pub revision: u64,
    /// Who changed it last.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// For whom a flag is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum FlagValue {
    /// For all, or for nobody.
    Boolean {
        /// Whether it is on.
        on: bool,
    },
    /// For a share of the subjects, always the same ones; who is in stays in when the share grows.
    Percentage {
        /// From 0 to 100.
        percent: u8,
    },
    /// For those that are named.
    List {
        /// Subjects: users, customers, regions, whatever the application asks for.
        subjects: BTreeSet<String>,
    },
}

impl Flag {
    /// What stands against it.
    ///
    /// # Errors
    /// The first thing that is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        if self.description.as_ref().is_some_and(|words| words.len() > DESCRIPTION_BYTES_MAX) {
            return Err(format!("the description of `{}` is longer than {DESCRIPTION_BYTES_MAX} bytes", self.name));
        }
        match &self.value {
            FlagValue::Boolean { .. } => Ok(()),
            FlagValue::Percentage { percent } if *percent > 100 => Err(format!("{percent} % is more than all")),
            FlagValue::Percentage { .. } => Ok(()),
            FlagValue::List { subjects } if subjects.len() > LISTED_MAX => {
                Err(format!("{} subjects are more than {LISTED_MAX}: use a percentage", subjects.len()))
            }
            FlagValue::List { subjects } => match subjects.iter().find(|one| one.len() > SUBJECT_BYTES_MAX) {
                Some(_) => Err(format!("a subject of `{}` is longer than {SUBJECT_BYTES_MAX} bytes", self.name)),
                None => Ok(()),
            },
        }
    }

    /// Whether it is on for a subject; for nobody in particular when none is named.
    pub fn is_on(&self, subject: Option<&str>) -> bool {
        match (&self.value, subject) {
            (FlagValue::Boolean { on }, _) => *on,
            (FlagValue::Percentage { percent }, Some(subject)) => bucket(&self.name, subject) < u32::from(*percent),
            (FlagValue::Percentage { percent }, None) => *percent >= 100,
            (FlagValue::List { subjects }, subject) => subject.is_some_and(|subject| subjects.contains(subject)),
        }
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    match !name.is_empty() && name.len() <= NAME_LETTERS_MAX && name.chars().all(fits) {
        true => Ok(()),
        false => {
            Err(format!("`{name}` is no name of a flag: use 1 to {NAME_LETTERS_MAX} letters, digits, `-`, `_` and `.`"))
        }
    }
}

/// Where a subject stands, from 0 to 99. It depends on the flag too, so that not always the same subjects come first.
///
/// The first four bytes, big end first, of blake3 over `shipway flag 1`, the flag's name and the subject, each ended by
/// a line feed, modulo 100.
pub fn bucket(flag: &str, subject: &str) -> u32 {
    let hash = blake3::hash(format!("shipway flag 1\n{flag}\n{subject}\n").as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_be_bytes([a, b, c, d]) % 100
}

/// The word in the address at which the applications of an environment read its flags: who knows it may read them, and
/// nothing else.
pub fn reading_key(secret: &str, project: &ProjectId, environment: &EnvironmentName) -> String {
    let key = blake3::derive_key("shipway 2026 reading flags", secret.as_bytes());
    let hash = blake3::keyed_hash(&key, format!("{project}/{environment}").as_bytes());
    hash.to_hex().chars().take(32).collect()
}

impl Stored for Flags {
    const KIND: DocumentKind = DocumentKind::Flags;
    fn key(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
    fn scope(&self) -> String {
        self.key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(value: FlagValue) -> Flag {
        Flag { name: "new-checkout".into(), value, description: None, revision: 1, by: "ann".into(), at: Timestamp(0) }
    }

    #[test]
    fn a_share_is_sticky_and_only_grows() {
        let users: Vec<String> = (0..2000).map(|number| format!("user-{number}")).collect();
        let mut before = 0;
        for percent in [0, 1, 10, 50, 99, 100] {
            let (now, next) = (flag(FlagValue::Percentage { percent }), percent.saturating_add(1).min(100));
            let later = flag(FlagValue::Percentage { percent: next });
            let on: Vec<_> = users.iter().filter(|user| now.is_on(Some(user))).collect();
            assert!(on.iter().all(|user| later.is_on(Some(user))), "who is in stays in");
            let share = on.len() * 100 / users.len();
            assert!(share.abs_diff(usize::from(percent)) <= 3, "{share} of {percent}");
            assert!(on.len() >= before);
            before = on.len();
        }
        let same =
            |other: &str| users.iter().filter(|user| bucket("new-checkout", user) == bucket(other, user)).count();
        assert!(same("other") < users.len() / 10, "another flag begins with other subjects");
    }

    #[test]
    fn nobody_in_particular_gets_what_all_get() {
        assert!(flag(FlagValue::Boolean { on: true }).is_on(None));
        assert!(!flag(FlagValue::Percentage { percent: 99 }).is_on(None));
        assert!(flag(FlagValue::Percentage { percent: 100 }).is_on(None));
        let listed = flag(FlagValue::List { subjects: ["ann".to_owned()].into() });
        assert_eq!((listed.is_on(Some("ann")), listed.is_on(Some("bob")), listed.is_on(None)), (true, false, false));
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        let refused = |flag: Flag| flag.check().expect_err("it is wrong");
        assert!(refused(flag(FlagValue::Percentage { percent: 101 })).contains("101 %"));
        for name in ["", "a b", "é", &"x".repeat(65)] {
            let named = Flag { name: name.to_owned(), ..flag(FlagValue::Boolean { on: true }) };
            assert!(refused(named).contains("no name of a flag"), "{name}");
        }
        let many = (0..=LISTED_MAX).map(|number| number.to_string()).collect();
        assert!(refused(flag(FlagValue::List { subjects: many })).contains("use a percentage"));
        assert_eq!(flag(FlagValue::Boolean { on: false }).check(), Ok(()));
    }

    #[test]
    fn each_environment_is_read_by_a_word_of_its_own() {
        let of = |secret, environment: &str| reading_key(secret, &"shop".into(), &environment.into());
        assert_eq!(of("one", "prod"), of("one", "prod"));
        assert_ne!(of("one", "prod"), of("one", "staging"));
        assert_ne!(of("one", "prod"), of("two", "prod"));
        assert_eq!(of("one", "prod").len(), 32);
    }
}
