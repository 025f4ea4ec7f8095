//! Two trees of configuration, key by key. Tables are gone into; lists and all else are compared whole.
//!
//! Not here: what the trees are of.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One key of two trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Its dotted path.
    pub key: String,
    /// How the two stand.
    pub state: KeyState,
    /// The value in the first; absent when both are the same, or when it is not there.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub from: Value,
    /// The value in the second.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub to: Value,
}

/// How two trees stand in one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Both have the same value.
    Same,
    /// Both have one, and they differ.
    Different,
    /// Only the first has it.
    OnlyFrom,
    /// Only the second has it.
    OnlyTo,
}

impl Key {
    /// Whether the two differ in it.
    pub fn differs(&self) -> bool {
        self.state != KeyState::Same
    }
}

/// Every key of two trees, in the order of their names.
pub fn keys(from: &Value, to: &Value) -> Vec<Key> {
    let mut found = Vec::new();
    collect(&mut String::new(), Some(from), Some(to), &mut found);
    found
}

fn collect(path: &mut String, from: Option<&Value>, to: Option<&Value>, found: &mut Vec<Key>) {
    let (old, new) = (from.and_then(Value::as_object), to.and_then(Value::as_object));
    let is_table = |value: Option<&Value>, table: Option<&serde_json::Map<_, _>>| value.is_none() || table.is_some();
    let both_tables = is_table(from, old) && is_table(to, new) && (old.is_some() || new.is_some());
    if !both_tables {
        found.extend(one(path, from, to));
        return;
    }
    let names: BTreeSet<&String> = [old, new].into_iter().flatten().flat_map(serde_json::Map::keys).collect();
    let length = path.len();
    for name in names {
        if length > 0 {
            path.push('.');
        }
        path.push_str(name);
        let (old, new) = (old.and_then(|old| old.get(name)), new.and_then(|new| new.get(name)));
        collect(path, old, new, found);
        path.truncate(length);
    }
}

fn one(path: &str, from: Option<&Value>, to: Option<&Value>) -> Option<Key> {
    let state = match (from, to) {
        (None, None) => return None,
        (Some(_), None) => KeyState::OnlyFrom,
        (None, Some(_)) => KeyState::OnlyTo,
        (Some(from), Some(to)) if from == to => KeyState::Same,
        (Some(_), Some(_)) => KeyState::Different,
    };
    let shown = |value: Option<&Value>| match state {
        KeyState::Same => Value::Null,
        _ => value.cloned().unwrap_or_default(),
    };
    Some(Key { key: path.to_owned(), state, from: shown(from), to: shown(to) })
}
