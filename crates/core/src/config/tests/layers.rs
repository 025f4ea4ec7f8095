//! Layers laid over each other: associative, and the winner is always the last that speaks.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{
    chain::explain,
    merge::merge,
    origin::{Level, Origin, Said},
    resolve::Layers,
    value::{Node, plant_free, plant_service},
};

fn said(layer: usize) -> Arc<Said> {
    let line = u32::try_from(layer).expect("few layers");
    Arc::new(Said { level: Level::Service, origin: Origin::File { file: "f".into(), line } })
}

fn service(layer: usize, tree: &Value) -> Arc<Node> {
    plant_service(tree, "", &|_| said(layer))
}

fn laid(trees: &[Value]) -> Arc<Node> {
    let nodes = trees.iter().enumerate().map(|(layer, tree)| service(layer, tree));
    nodes.reduce(|base, over| merge(&base, over)).expect("a layer")
}

/// What the same comes to without sharing, provenance or anything clever.
fn plainly(base: Value, over: &Value) -> Value {
    match (base, over) {
        (Value::Object(mut base), Value::Object(over)) => {
            for (key, value) in over {
                match (base.remove(key), value) {
                    (_, Value::Null) => {}
                    (below, value) => drop(base.insert(key.clone(), plainly(below.unwrap_or(Value::Null), value))),
                }
            }
            Value::Object(base)
        }
        (_, over) => without_null(over),
    }
}

fn without_null(value: &Value) -> Value {
    let Value::Object(map) = value else { return value.clone() };
    let kept = map.iter().filter(|(_, value)| !value.is_null());
    Value::Object(kept.map(|(key, value)| (key.clone(), without_null(value))).collect())
}

fn any_tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0..4_i64).prop_map(Value::from),
        Just(json!([1, 2])),
        Just(json!({})),
        Just(json!("text"))
    ];
    let inner = leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::vec((0..4_usize, inner), 0..4).prop_map(|entries| {
            let keys = ["a", "b", "strategy", "kind"];
            Value::Object(entries.into_iter().map(|(key, value)| (keys[key].to_owned(), value)).collect())
        })
    });
    let items = prop::collection::vec((0..3_usize, 0..3_i64, any::<bool>()), 0..3).prop_map(|items| {
        let names = ["one", "two", "three"];
        let item = |(name, value, gone): (usize, i64, bool)| match gone {
            true => json!({ "name": names[name], "unset": true }),
            false => json!({ "name": names[name], "value": value }),
        };
        Value::Array(items.into_iter().map(item).collect())
    });
    (inner, items).prop_map(|(tree, checks)| {
        let mut map = if let Value::Object(map) = tree { map } else { Map::new() };
        map.insert("checks".into(), checks);
        Value::Object(map)
    })
}

/// Trees in which nothing merges in a way of its own.
fn free_tree() -> impl Strategy<Value = Value> {
    any_tree().prop_map(|mut tree| {
        tree.as_object_mut().expect("a table").remove("checks");
        tree
    })
}

proptest! {
    #[test]
    fn grouping_makes_no_difference(trees in prop::collection::vec(any_tree(), 3)) {
        let [a, b, c]: [Arc<Node>; 3] =
            std::array::from_fn(|at| service(at, &trees[at]));
        let left = merge(&merge(&a, b.clone()), c.clone());
        let right = merge(&a, merge(&b, c));
        prop_assert_eq!(left.value(), right.value());
        prop_assert_eq!(explain(&left), explain(&right));
        prop_assert_eq!(left, right);
    }

    #[test]
    fn the_last_that_speaks_wins(trees in prop::collection::vec(any_tree(), 1..6)) {
        let tree = laid(&trees);
        for told in explain(&tree) {
            let winner = told.winner().expect("somebody spoke");
            prop_assert_eq!(&winner.value, &told.value, "{}", told.key);
            let lines: Vec<u32> = told.chain.iter().map(|link| match link.origin {
                Origin::File { line, .. } => line,
                _ => panic!("all is of the file"),
            }).collect();
            prop_assert!(lines.is_sorted(), "{}: {:?}", told.key, lines);
        }
    }

    #[test]
    fn it_comes_to_what_laying_one_by_one_comes_to(trees in prop::collection::vec(free_tree(), 1..6)) {
        let nodes = trees.iter().enumerate().map(|(layer, tree)| plant_free(tree, "", &|_| said(layer)));
        let clever = nodes.reduce(|base, over| merge(&base, over)).expect("a layer");
        let plain = trees.iter().fold(json!({}), plainly);
        prop_assert_eq!(clever.value(), Some(plain));
    }

    #[test]
    fn the_same_layers_come_to_the_same(trees in prop::collection::vec(any_tree(), 1..5)) {
        prop_assert_eq!(laid(&trees), laid(&trees));
    }
}

#[test]
fn what_merges_how() {
    let cases = [
        ("tables merge", json!({"a": {"x": 1, "y": 2}}), json!({"a": {"y": 3}}), json!({"a": {"x": 1, "y": 3}})),
        ("lists replace", json!({"a": [1, 2]}), json!({"a": [9]}), json!({"a": [9]})),
        ("a null takes away", json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2})),
        (
            "a table replaces a text",
            json!({"strategy": "canary"}),
            json!({"strategy": {"batch": 2}}),
            json!({"strategy": {"batch": 2}}),
        ),
        (
            "a kind brings its own settings",
            json!({"strategy": {"kind": "rolling", "batch": 2}}),
            json!({"strategy": {"kind": "canary"}}),
            json!({"strategy": {"kind": "canary"}}),
        ),
        (
            "settings go to the kind that is there",
            json!({"strategy": {"kind": "rolling"}}),
            json!({"strategy": {"batch": 5}}),
            json!({"strategy": {"batch": 5, "kind": "rolling"}}),
        ),
        (
            "another question takes the first one's place",
            json!({"health": {"startup": {"http": "/", "timeout_ms": 5}}}),
            json!({"health": {"startup": {"tcp": true}}}),
            json!({"health": {"startup": {"tcp": true, "timeout_ms": 5}}}),
        ),
        (
            "checks merge by name, in their order",
            json!({"checks": [{"name": "a", "http": "/a"}, {"name": "b", "http": "/b"}]}),
            json!({"checks": [{"name": "c", "http": "/c"}, {"name": "a", "retries": 2}]}),
            json!({"checks": [{"http": "/a", "name": "a", "retries": 2}, {"http": "/b", "name": "b"},
                {"http": "/c", "name": "c"}]}),
        ),
        (
            "one of them can be taken away",
            json!({"checks": [{"name": "a"}, {"name": "b"}]}),
            json!({"checks": [{"name": "a", "unset": true}]}),
            json!({"checks": [{"name": "b"}]}),
        ),
        (
            "hooks without names replace",
            json!({"hooks": [{"when": "on-rollback"}]}),
            json!({"hooks": [{"when": "before-test"}]}),
            json!({"hooks": [{"when": "before-test"}]}),
        ),
        (
            "settings are free: no key means anything",
            json!({"settings": {"strategy": {"kind": "a", "x": 1}}}),
            json!({"settings": {"strategy": {"kind": "b"}}}),
            json!({"settings": {"strategy": {"kind": "b", "x": 1}}}),
        ),
    ];
    for (what, base, over, expected) in cases {
        assert_eq!(laid(&[base, over]).value(), Some(expected), "{what}");
    }
}

#[test]
fn the_chain_tells_everybody_who_spoke() {
    let tree =
        laid(&[json!({"variables": {"A": "1"}}), json!({"variables": {"A": null}}), json!({"variables": {"A": "3"}})]);
    let told = explain(&tree);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].key.as_str(), told[0].value.clone()), ("variables.A", Some(json!("3"))));
    let values: Vec<_> = told[0].chain.iter().map(|link| link.value.clone()).collect();
    assert_eq!(values, [Some(json!("1")), None, Some(json!("3"))]);
}

#[test]
fn a_service_shares_what_it_does_not_change() {
    let general = plant_free(&json!({"settings": {"a": {"x": 1}, "b": 2}}), "", &|_| said(0));
    let own = plant_free(&json!({"settings": {"b": 3}}), "", &|_| said(1));
    let both = Layers::new().with(Some(&general)).with(None).with(Some(&own));
    let resolved = both.resolved().expect("two layers");
    let at = |node: &Arc<Node>| node.get("settings").and_then(|settings| settings.get("a")).cloned().expect("a");
    assert!(Arc::ptr_eq(&at(&general), &at(&resolved)));
    assert_eq!(resolved.value(), Some(json!({"settings": {"a": {"x": 1}, "b": 3}})));
}
