//! Advice in the language of the file: what is written in backquotes as TOML is spelled as CUE for a spec in CUE.
//!
//! Not here: what to advise.

use serde_json::Value;
use shipway_core::finding::Finding;

use crate::read::{self, Source};

/// Findings with advice as the file would write it.
pub(crate) fn as_written(source: &Source, found: Vec<Finding>) -> Vec<Finding> {
    if !read::is_cue(&source.file) {
        return found;
    }
    let respelled = |finding: Finding| {
        let recommendation = finding.recommendation.as_deref().map(in_cue);
        Finding { recommendation, ..finding }
    };
    found.into_iter().map(respelled).collect()
}

/// A sentence whose snippets are CUE.
fn in_cue(sentence: &str) -> String {
    let piece = |(at, piece): (usize, &str)| match at % 2 {
        1 => cue_of(piece).unwrap_or_else(|| piece.to_owned()),
        _ => piece.to_owned(),
    };
    sentence.split('`').enumerate().map(piece).collect::<Vec<_>>().join("`")
}

/// What a snippet of TOML is in CUE; nothing for what is no TOML.
fn cue_of(snippet: &str) -> Option<String> {
    let tree = |text: &str| read::parse("advice.toml", text).ok().map(|source| source.tree);
    if snippet.starts_with('{') {
        return tree(&format!("it = {snippet}")).map(|tree| value(&tree["it"]));
    }
    let tree = tree(snippet)?;
    let fields = tree.as_object().filter(|fields| !fields.is_empty())?;
    Some(fields.iter().map(|(key, below)| field(key, below)).collect::<Vec<_>>().join(", "))
}

/// A field; where it holds one alone, on one way: `services: web: {}`.
fn field(key: &str, below: &Value) -> String {
    let one = below.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.iter().next());
    let below = one.map_or_else(|| value(below), |(key, below)| field(key, below));
    format!("{}: {below}", label(key))
}

fn label(key: &str) -> String {
    let starts = key.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = starts && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { key.to_owned() } else { Value::from(key).to_string() }
}

fn value(of: &Value) -> String {
    match of {
        Value::Null => "{unset: true}".into(),
        Value::Array(items) => format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, below)| format!("{}: {}", label(key), value(below)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_of_toml_become_cue() {
        let table = [
            ("write `on_failure = \"rollback\"`, unless", "write `on_failure: \"rollback\"`, unless"),
            ("add `[services.web]` with `kind = \"process\"`", "add `services: web: {}` with `kind: \"process\"`"),
            ("`[environments.pre-live]`", "`environments: \"pre-live\": {}`"),
            ("`checks = [{ name = \"a\", http = \"/\" }]`", "`checks: [{name: \"a\", http: \"/\"}]`"),
            ("write `{ unset = true }`", "write `{unset: true}`"),
            ("`readiness`, or `a \"b`, or `http = \"/\" or`", "`readiness`, or `a \"b`, or `http = \"/\" or`"),
        ];
        for (toml, cue) in table {
            assert_eq!(in_cue(toml), cue);
        }
    }
}
