//! Configuration in words: `KEY=VALUE` into a tree, and values and their origins into texts.

use serde_json::{Value, json};
use shipway_core::config::{chain::Link, origin::Origin, version::Change};

/// Values by dotted keys, as a tree below a dotted root. What stands in `variables` and `labels` is a text; anything
/// else is JSON where it reads as that: `3`, `true`, `null`, `["a"]`.
pub fn assignments(root: &str, values: &[(String, String)]) -> Value {
    let mut tree = json!({});
    for (key, text) in values {
        let path = root.split('.').chain(key.split('.')).filter(|part| !part.is_empty());
        let path: Vec<&str> = path.collect();
        put(&mut tree, &path, value(&path, text));
    }
    tree
}

fn value(path: &[&str], text: &str) -> Value {
    let is_text = path.iter().rev().skip(1).any(|part| ["variables", "labels"].contains(part));
    match text {
        "null" => Value::Null,
        text if is_text => json!(text),
        text => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    }
}

fn put(tree: &mut Value, path: &[&str], value: Value) {
    let Some((key, rest)) = path.split_first() else { return };
    if !tree.is_object() {
        *tree = json!({});
    }
    if rest.is_empty() {
        tree[*key] = value;
    } else {
        put(&mut tree[*key], rest, value);
    }
}

/// A value in a line.
pub fn shown(value: Option<&Value>) -> String {
    match value {
        None => "(unset)".into(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// Who said something, in a line.
pub fn whose(link: &Link) -> String {
    match &link.origin {
        Origin::Default => "holds by itself".into(),
        Origin::File { file, line } => format!("{file}:{line}"),
        Origin::Api { by, at, version: 0 } => format!("{by}, {at}"),
        Origin::Api { by, at, version } => format!("{by}, {at}, version {version}"),
        Origin::Remote { source, etag: Some(etag), at, .. } => format!("{source}, {etag}, {at}"),
        Origin::Remote { source, at, .. } => format!("{source}, {at}"),
        Origin::Deployment => "the deployment's request".into(),
    }
}

/// A change in a line.
pub fn told(change: &Change) -> String {
    let null = Some(Value::Null);
    let side = |value: &Option<Value>| match value {
        value if *value == null => "(taken away)".to_owned(),
        Some(value) => shown(Some(value)),
        None => "(not set)".to_owned(),
    };
    format!("{}: {} → {}", change.key, side(&change.from), side(&change.to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_texts_where_texts_belong() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let values = [
            pair("variables.PORTS", "80"),
            pair("settings.scaling.max", "3"),
            pair("settings.level", "debug"),
            pair("variables.GONE", "null"),
        ];
        let expected = json!({
            "variables": { "PORTS": "80", "GONE": null },
            "settings": { "scaling": { "max": 3 }, "level": "debug" },
        });
        assert_eq!(assignments("", &values), expected);
        assert_eq!(
            assignments("services.web", &values[..1]),
            json!({ "services": { "web": { "variables": { "PORTS": "80" } } } })
        );
    }
}
