//! Versions of what was set for an environment through the API: every change is one, and none is ever rewritten.
//!
//! Not here: when one is made (crate `engine`).

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{origin::Origin, value::join};
use crate::{
    id::{EnvironmentName, ProjectId},
    time::Timestamp,
};

/// A change of an environment's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigVersion {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// Its number within the environment, from 1.
    pub number: u64,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it changed, against the version before.
    pub changes: Vec<Change>,
    /// All settings after it, in the shape of an environment. A null takes away what the file says.
    pub tree: Value,
}

/// One value that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Its path: `services.web.variables.LOG_LEVEL`.
    pub key: String,
    /// What stood there; absent when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    #[schemars(with = "Option<Value>")]
    pub from: Option<Value>,
    /// What stands there now; absent when nothing does. A null takes away what the file says.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    #[schemars(with = "Option<Value>")]
    pub to: Option<Value>,
}

/// A null that is there is not the same as nothing.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(deserializer).map(Some)
    }
}

/// Lays a change over what is set: tables merge, everything else replaces. A null stays, and unsets what is below it.
pub fn lay(into: &mut Value, over: &Value) {
    match (into.as_object_mut(), over.as_object()) {
        (Some(into), Some(over)) => {
            for (key, value) in over {
                lay(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        _ => *into = over.clone(),
    }
}

/// Removes what stands at a dotted path, and tables that are empty after it. Says whether something stood there.
pub fn remove(tree: &mut Value, path: &str) -> bool {
    let keys: Vec<&str> = path.split('.').collect();
    remove_at(tree, &keys)
}

fn remove_at(tree: &mut Value, keys: &[&str]) -> bool {
    let (Some(map), Some((key, rest))) = (tree.as_object_mut(), keys.split_first()) else { return false };
    if rest.is_empty() {
        return map.shift_remove(*key).is_some();
    }
    let Some(below) = map.get_mut(*key) else { return false };
    let removed = remove_at(below, rest);
    if removed && below.as_object().is_some_and(Map::is_empty) {
        map.shift_remove(*key);
    }
    removed
}

/// Every value of a tree by its path; a table is told by what is in it.
pub fn values(tree: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    collect(tree, "", &mut found);
    found
}

fn collect(tree: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match tree.as_object() {
        Some(map) if !map.is_empty() || path.is_empty() => {
            map.iter().for_each(|(key, value)| collect(value, &join(path, key), found));
        }
        _ => drop(found.insert(path.to_owned(), tree.clone())),
    }
}

/// What differs between two trees, sorted by path.
pub fn differences(from: &Value, to: &Value) -> Vec<Change> {
    let (from, to) = (values(from), values(to));
    let keys: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let change = |key: &String| Change { key: key.clone(), from: from.get(key).cloned(), to: to.get(key).cloned() };
    keys.into_iter().map(change).filter(|change| change.from != change.to).collect()
}

/// Who wrote each value of the newest tree: what did not change keeps its author.
pub fn authors(before: &BTreeMap<String, Origin>, version: &ConfigVersion) -> BTreeMap<String, Origin> {
    let now = Origin::Api { by: version.by.clone(), at: version.at, version: version.number };
    let changed: BTreeSet<&str> = version.changes.iter().map(|change| change.key.as_str()).collect();
    let author = |key: String| {
        let kept = before.get(&key).filter(|_| !changed.contains(key.as_str())).cloned();
        let author = kept.unwrap_or_else(|| now.clone());
        (key, author)
    };
    values(&version.tree).into_keys().map(author).collect()
}
