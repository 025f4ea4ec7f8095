//! Rules of a project for its own values.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::rules::{Asked, contradictions, violations};
use crate::{
    id::ServiceName,
    spec::{EnvironmentType, RuleSpec},
};

fn rule(text: Value) -> RuleSpec {
    serde_json::from_value(text).expect("a rule")
}

fn broken(rules: &[RuleSpec], kind: EnvironmentType, services: &[(&str, Value)]) -> Vec<(String, String)> {
    let services: BTreeMap<ServiceName, Value> =
        services.iter().map(|(name, tree)| (ServiceName::from(*name), tree.clone())).collect();
    let environment = "production".into();
    let asked = Asked { environment: &environment, kind, services: &services };
    violations(rules, asked).into_iter().map(|broken| (broken.service.to_string(), broken.message)).collect()
}

#[test]
fn a_value_is_held_against_every_part_of_a_rule() {
    let cases = [
        (json!({"key": "variables.URL", "required": true}), json!({}), Some("`variables.URL` is required")),
        (
            json!({"key": "variables.URL", "pattern": "^https://"}),
            json!({"variables": {"URL": "http://a"}}),
            Some("`variables.URL` is \"http://a\": it must match ^https://"),
        ),
        (json!({"key": "variables.URL", "pattern": "^https://"}), json!({"variables": {"URL": "https://a"}}), None),
        (json!({"key": "variables.URL", "pattern": "^https://"}), json!({}), None),
        (
            json!({"key": "settings.max", "min": 1, "max": 5}),
            json!({"settings": {"max": 9}}),
            Some("`settings.max` is 9: it must be 5 or less"),
        ),
        (
            json!({"key": "settings.max", "min": 1}),
            json!({"settings": {"max": "many"}}),
            Some("`settings.max` is \"many\": it must be a number"),
        ),
        (json!({"key": "variables.N", "type": "integer"}), json!({"variables": {"N": "12"}}), None),
        (
            json!({"key": "variables.N", "type": "integer"}),
            json!({"variables": {"N": "1.5"}}),
            Some("`variables.N` is \"1.5\": it must be a whole number"),
        ),
        (
            json!({"key": "settings.level", "one_of": ["info", "warn"]}),
            json!({"settings": {"level": "debug"}}),
            Some("`settings.level` is \"debug\": it must be one of \"info\", \"warn\""),
        ),
        (
            json!({"key": "settings.level", "one_of": ["info"], "message": "logs are read"}),
            json!({"settings": {"level": "debug"}}),
            Some("logs are read: `settings.level` is \"debug\": it must be one of \"info\""),
        ),
        (json!({"key": "variables.URL", "required": true, "environment_types": ["staging"]}), json!({}), None),
        (json!({"key": "variables.URL", "required": true, "environments": ["other"]}), json!({}), None),
        (json!({"key": "variables.URL", "required": true, "services": ["api"]}), json!({}), None),
    ];
    for (text, service, expected) in cases {
        let found = broken(&[rule(text.clone())], EnvironmentType::Production, &[("web", service)]);
        let found: Vec<&str> = found.iter().map(|(_, message)| message.as_str()).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn every_violation_is_told_and_services_must_agree() {
    let rules = [
        rule(json!({"key": "settings.api_version", "same_across": true})),
        rule(json!({"key": "settings.api_version", "max": 2})),
    ];
    let of = |version: u32| json!({"settings": {"api_version": version}});
    let found = broken(&rules, EnvironmentType::Testing, &[("a", of(1)), ("b", of(3)), ("c", json!({})), ("d", of(1))]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].1, "`settings.api_version` is 3, and 1 in a: all must see the same");
    assert_eq!(found[1].1, "`settings.api_version` is 3: it must be 2 or less");
}

#[test]
fn rules_that_cannot_be_kept_are_told() {
    let cases = [
        (vec![json!({"key": "a", "min": 3, "max": 1})], Some("nothing is both 3 or more and 1 or less")),
        (vec![json!({"key": "a"})], Some("the rule asks for nothing")),
        (vec![json!({"key": "a", "pattern": "("})], Some("the pattern can't be read: error: unclosed group")),
        (
            vec![json!({"key": "a", "pattern": "^x$", "one_of": ["y"]})],
            Some("none of `one_of` fits the rest of the rule"),
        ),
        (
            vec![json!({"key": "a", "min": 3}), json!({"key": "a", "max": 1})],
            Some("rules 1 and 2 contradict each other: `a` would have to be 3 or more and 1 or less"),
        ),
        (
            vec![
                json!({"key": "a", "min": 3, "environments": ["x"]}),
                json!({"key": "a", "max": 1, "environments": ["y"]}),
            ],
            None,
        ),
        (
            vec![json!({"key": "a", "type": "list"}), json!({"key": "a", "type": "text"})],
            Some("rules 1 and 2 contradict each other: `a` would have to be a text and a list"),
        ),
        (vec![json!({"key": "a", "type": "integer"}), json!({"key": "a", "type": "number"})], None),
        (
            vec![json!({"key": "a", "one_of": [1, 2]}), json!({"key": "a", "one_of": [3]})],
            Some("rules 1 and 2 contradict each other: no value of `one_of` for `a` fits both"),
        ),
        (vec![json!({"key": "a", "min": 3}), json!({"key": "b", "max": 1})], None),
    ];
    for (texts, expected) in cases {
        let rules: Vec<RuleSpec> = texts.iter().cloned().map(rule).collect();
        let found: Vec<String> = contradictions(&rules).into_iter().map(|found| found.message).collect();
        assert_eq!(found, expected.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{texts:?}");
    }
}

#[test]
fn a_pattern_that_would_become_huge_is_refused() {
    let found = contradictions(&[rule(json!({"key": "a", "pattern": "(\\w{900}){900}"}))]);
    assert!(found[0].message.starts_with("the pattern can't be read"), "{found:?}");
}
