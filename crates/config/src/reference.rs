//! The annotated example of the spec: documentation, example and test in one. A test reads it without a finding, and
//! sees that every key of the schema is in it.

/// The text of the annotated example, as `docs/` shows it.
pub const REFERENCE: &str = include_str!("reference.toml");

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{Target, findings, read, schema};

    #[test]
    fn the_reference_is_a_spec_without_findings() {
        let source = read::parse("reference.toml", REFERENCE).expect("TOML");
        let found = findings(&source, &Target::all(&source));
        assert!(found.is_empty(), "{found:#?}");
        assert_eq!(Target::all(&source).len(), 2);
    }

    #[test]
    fn every_key_of_the_schema_is_explained() {
        let mut keys = Vec::new();
        collect_keys(&schema::json_schema(), &mut keys);
        assert!(keys.len() > 60, "the schema has more keys than {}", keys.len());
        let missing: Vec<&String> = keys.iter().filter(|key| !is_shown(key)).collect();
        assert!(missing.is_empty(), "not in reference.toml: {missing:?}");
    }

    #[test]
    fn every_word_of_the_schema_is_explained() {
        let mut words = Vec::new();
        collect_words(&schema::json_schema(), &mut words);
        assert!(words.len() > 20, "the schema has more words than {}", words.len());
        let missing: Vec<&String> = words.iter().filter(|word| !REFERENCE.contains(word.as_str())).collect();
        assert!(missing.is_empty(), "not in reference.toml: {missing:?}");
    }

    fn collect_keys(schema: &Value, keys: &mut Vec<String>) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            keys.extend(properties.keys().cloned());
        }
        each_below(schema, &mut |below| collect_keys(below, keys));
    }

    fn collect_words(schema: &Value, words: &mut Vec<String>) {
        words.extend(schema.get("const").and_then(Value::as_str).map(|word| format!("\"{word}\"")));
        each_below(schema, &mut |below| collect_words(below, words));
    }

    fn each_below(schema: &Value, visit: &mut dyn FnMut(&Value)) {
        match schema {
            Value::Array(items) => items.iter().for_each(visit),
            Value::Object(map) => map.values().for_each(visit),
            _ => {}
        }
    }

    /// Whether the key is written: `key =`, `# key =`, `{ key =`, or as a part of a table's header.
    fn is_shown(key: &str) -> bool {
        REFERENCE.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ']);
            if let Some(header) = line.strip_prefix('[') {
                return header.trim_matches(['[', ']']).split('.').any(|part| part == key);
            }
            line.match_indices(key).any(|(at, _)| {
                let begins = at == 0 || line[..at].ends_with("{ ") || line[..at].ends_with(", ");
                begins && line[at + key.len()..].starts_with(" =")
            })
        })
    }
}
