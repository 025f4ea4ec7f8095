//! Laying one tree over another: tables merge, everything else replaces, null takes away. Not here: the order of the
//! layers (`resolve`).

use serde_json::{Map, Value};

/// Of these a probe has exactly one, so an overlay that brings one takes the others away.
const ASKED: [&str; 3] = ["http", "tcp", "command"];
const PROBES: [&str; 3] = ["startup", "readiness", "liveness"];

/// Lays `over` on top of `base`.
pub(crate) fn lay(base: &mut Value, over: &Value) {
    lay_at("", base, over);
}

fn lay_at(key: &str, base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) if !is_another_kind(key, base, over) => {
            make_room(key, base, over);
            over.iter().for_each(|(key, value)| lay_key(key, base, value));
        }
        (base, over) => *base = without_null(over),
    }
}

fn lay_key(key: &str, base: &mut Map<String, Value>, value: &Value) {
    match (base.get_mut(key), value) {
        (_, Value::Null) => drop(base.shift_remove(key)),
        (Some(below), value) => lay_at(key, below, value),
        (None, value) => drop(base.insert(key.to_owned(), without_null(value))),
    }
}

/// The settings of one strategy mean nothing to another.
fn is_another_kind(key: &str, base: &Map<String, Value>, over: &Map<String, Value>) -> bool {
    key == "strategy" && over.get("kind").is_some_and(|kind| base.get("kind") != Some(kind))
}

fn make_room(key: &str, base: &mut Map<String, Value>, over: &Map<String, Value>) {
    if !PROBES.contains(&key) || !ASKED.iter().any(|asked| over.get(*asked).is_some_and(|value| !value.is_null())) {
        return;
    }
    for asked in ASKED {
        base.shift_remove(asked);
    }
}

fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_null(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn laid(mut base: Value, over: &Value) -> Value {
        lay(&mut base, over);
        base
    }

    #[test]
    fn tables_merge_lists_replace_null_takes_away() {
        let base = json!({"a": {"x": 1, "y": 2}, "list": [1, 2], "gone": 1});
        let over = json!({"a": {"y": 3, "z": {"n": null, "m": 1}}, "list": [9], "gone": null});
        assert_eq!(laid(base, &over), json!({"a": {"x": 1, "y": 3, "z": {"m": 1}}, "list": [9]}));
    }

    #[test]
    fn another_strategy_brings_its_own_settings() {
        let base = json!({"strategy": {"kind": "rolling", "batch": 2}});
        let canary = json!({"strategy": {"kind": "canary", "steps": "100%"}});
        assert_eq!(laid(base.clone(), &canary), canary);
        let more = json!({"strategy": {"batch": 5}});
        assert_eq!(laid(base, &more), json!({"strategy": {"kind": "rolling", "batch": 5}}));
    }

    #[test]
    fn another_question_takes_the_place_of_the_first() {
        let base = json!({"health": {"startup": {"http": "/", "timeout_ms": 5}}});
        let over = json!({"health": {"startup": {"tcp": true}}});
        assert_eq!(laid(base, &over), json!({"health": {"startup": {"timeout_ms": 5, "tcp": true}}}));
    }
}
