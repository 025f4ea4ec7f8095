//! Every field of the annotated example, taken away or replaced by something else: it is told, and nothing breaks.

use serde_json::{Value, json};
use shipway_config::{
    Target, findings,
    read::{self, Source},
    reference::REFERENCE,
    resolve,
};
use shipway_core::finding::blocks;

#[test]
fn whatever_stands_in_a_field_is_either_told_or_planned() {
    let source = read::parse("shipway.toml", REFERENCE).expect("TOML");
    let mut pointers = Vec::new();
    collect(&source.tree, String::new(), &mut pointers);
    assert!(pointers.len() > 100, "the example has more fields than {}", pointers.len());
    for pointer in &pointers {
        is_told_or_planned(&without(&source, pointer), pointer);
        for value in
            [json!(0), json!(-1), json!(1.5), json!(true), json!("§"), json!(""), json!([]), json!({}), json!([{}])]
        {
            let mut changed = source.clone();
            *changed.tree.pointer_mut(pointer).expect("a field of the example") = value;
            is_told_or_planned(&changed, pointer);
        }
    }
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| collect(value, format!("{pointer}/{key}"), pointers));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| collect(value, format!("{pointer}/{at}"), pointers));
        }
        _ => {}
    }
    if !pointer.is_empty() {
        pointers.push(pointer);
    }
}

fn without(source: &Source, pointer: &str) -> Source {
    let mut changed = source.clone();
    let (holder, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    match changed.tree.pointer_mut(holder) {
        Some(Value::Object(map)) => drop(map.shift_remove(key)),
        Some(Value::Array(items)) => drop(items.remove(key.parse().expect("an index"))),
        _ => panic!("{pointer} is in no table and in no list"),
    }
    changed
}

fn is_told_or_planned(source: &Source, pointer: &str) {
    let found = findings(source, &Target::all(source));
    for finding in &found {
        assert!(finding.field.is_some() && finding.line.is_some(), "{pointer}: nowhere: {finding:?}");
        assert!(finding.recommendation.is_some(), "{pointer}: no advice: {finding:?}");
    }
    if blocks(&found) {
        return;
    }
    for environment in resolve::environments(source) {
        let plan = resolve::environment(source, environment.as_str(), &[]);
        assert!(plan.is_ok(), "{pointer} is neither told nor planned: {plan:?}");
    }
}
