//! Versions of settings.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::{
    origin::Origin,
    version::{ConfigVersion, authors, differences, lay, remove},
};
use crate::time::Timestamp;

#[test]
fn a_change_says_what_stood_there_and_what_stands_there_now() {
    let mut tree = json!({ "variables": { "A": "1", "B": "2" } });
    let before = tree.clone();
    lay(&mut tree, &json!({ "variables": { "A": null, "C": "3" }, "services": { "web": { "instances": 2 } } }));
    assert!(remove(&mut tree, "variables.B"));
    assert!(!remove(&mut tree, "variables.NOPE"));
    let told: Vec<_> =
        differences(&before, &tree).into_iter().map(|change| (change.key, change.from, change.to)).collect();
    let expected = [
        ("services.web.instances", None, Some(json!(2))),
        ("variables.A", Some(json!("1")), Some(json!(null))),
        ("variables.B", Some(json!("2")), None),
        ("variables.C", None, Some(json!("3"))),
    ];
    assert_eq!(told, expected.map(|(key, from, to)| (key.to_owned(), from, to)));
    assert_eq!(differences(&tree, &tree), []);
}

#[test]
fn a_null_survives_the_store() {
    let changes = differences(&json!({}), &json!({ "variables": { "A": null } }));
    let text = serde_json::to_string(&changes).expect("JSON");
    assert_eq!(text, r#"[{"key":"variables.A","to":null}]"#);
    assert_eq!(serde_json::from_str::<Vec<super::super::version::Change>>(&text).expect("JSON"), changes);
}

#[test]
fn tables_that_become_empty_go_away() {
    let mut tree = json!({ "services": { "web": { "variables": { "A": "1" } } } });
    assert!(remove(&mut tree, "services.web.variables.A"));
    assert_eq!(tree, json!({}));
}

#[test]
fn what_did_not_change_keeps_its_author() {
    let version = |number: u64, by: &str, before: &serde_json::Value, tree: serde_json::Value| ConfigVersion {
        project: "shop".into(),
        environment: "test".into(),
        number,
        by: by.into(),
        at: Timestamp(1),
        reason: None,
        changes: differences(before, &tree),
        tree,
    };
    let first = version(1, "ann", &json!({}), json!({ "variables": { "A": "1", "B": "1" } }));
    let second = version(2, "bob", &first.tree, json!({ "variables": { "A": "1", "B": "2" } }));
    let found = authors(&authors(&BTreeMap::new(), &first), &second);
    let by = |key: &str| match &found[key] {
        Origin::Api { by, version, .. } => (by.clone(), *version),
        other => panic!("{other:?}"),
    };
    assert_eq!((by("variables.A"), by("variables.B")), (("ann".into(), 1), ("bob".into(), 2)));
}
