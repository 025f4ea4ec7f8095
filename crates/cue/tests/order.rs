//! The order of fields, input and output side by side.

use proptest::prelude::*;
use shipway_cue::load::{Memory, Options, load};
use shipway_cue::{Limits, encode};

/// The JSON, on one line, of a package of files named a.cue, b.cue, …, read from the last to the first.
fn exported(files: &[&str]) -> String {
    let names: Vec<String> = ["a.cue", "b.cue", "c.cue"].iter().take(files.len()).map(ToString::to_string).collect();
    let with = |memory: Memory, (name, text): (&String, &&str)| memory.with(format!("/w/{name}"), *text);
    let memory = names.iter().zip(files).fold(Memory::default(), with);
    let options = Options { folder: "/w".into(), ..Options::default() };
    let arguments: Vec<String> = names.into_iter().rev().collect();
    let build = load(&memory, &options, &arguments).expect("it loads");
    let instance = build.instance(build.instances[0], &[], Limits::default()).expect("names are bound");
    encode::json_compact(&instance.data(None).expect("it has a value"), false)
}

fn check(table: &[(&[&str], &str)]) {
    for (files, expected) in table {
        assert_eq!(exported(files), *expected, "{files:?}");
    }
}

#[test]
fn what_is_written_in_one_place_stays_in_its_order() {
    check(&[
        (&["c: 1, a: 2, b: 3"], r#"{"c":1,"a":2,"b":3}"#),
        (&["c: 1, a: 2, c: int"], r#"{"c":1,"a":2}"#),
        (&["x: {c: 1}, x: {a: 2}, x: b: 3"], r#"{"x":{"c":1,"a":2,"b":3}}"#),
        (&["c: 1, (\"b\"): 2, a: 3"], r#"{"c":1,"b":2,"a":3}"#),
        (&["{for n in [\"z\", \"a\", \"m\"] {(n): 1}}"], r#"{"z":1,"a":1,"m":1}"#),
    ]);
}

#[test]
fn a_reference_stands_where_it_is_written() {
    let bases = "_p: {z: 1, y: 2}\n_q: {x: 3, w: 4}\n";
    let table = [
        ("r: {_p, _q}", r#"{"r":{"z":1,"y":2,"x":3,"w":4}}"#),
        ("r: {_q, _p}", r#"{"r":{"x":3,"w":4,"z":1,"y":2}}"#),
        ("r: _q\nr: _p", r#"{"r":{"x":3,"w":4,"z":1,"y":2}}"#),
        ("r: _p\nr: a: 1", r#"{"r":{"z":1,"y":2,"a":1}}"#),
        ("r: m: _p\ns: r & {m: a: 1}", r#"{"r":{"m":{"z":1,"y":2}},"s":{"m":{"z":1,"y":2,"a":1}}}"#),
    ];
    for (text, expected) in table {
        assert_eq!(exported(&[&format!("{bases}{text}")]), expected, "{text}");
    }
}

#[test]
fn sides_of_a_unification_weigh_the_same() {
    check(&[
        (&["x: {z: 1, y: 2} & {b: 3, a: 4}"], r#"{"x":{"b":3,"a":4,"z":1,"y":2}}"#),
        (&["x: {b: 3, a: 4} & {z: 1, y: 2}"], r#"{"x":{"b":3,"a":4,"z":1,"y":2}}"#),
        (&["x: {z: 1, m: 2, a: 3} & {a: 3, b: 4}"], r#"{"x":{"z":1,"m":2,"a":3,"b":4}}"#),
    ]);
}

#[test]
fn contradictions_are_ordered_by_name() {
    check(&[
        (&["x: {c: 1, a: 2} & {a: 2, b: 3, c: 1}"], r#"{"x":{"a":2,"b":3,"c":1}}"#),
        (&["x: {z: 0, c: 1, a: 2} & {a: 2, c: 1, b: 3}"], r#"{"x":{"z":0,"a":2,"c":1,"b":3}}"#),
    ]);
}

#[test]
fn files_are_ordered_by_name_and_independent() {
    check(&[
        (&["d: 1, a: 2", "c: 3, b: 4"], r#"{"c":3,"b":4,"d":1,"a":2}"#),
        (&["x: z: 1", "x: y: 2", "x: {a: 3}"], r#"{"x":{"a":3,"y":2,"z":1}}"#),
    ]);
}

#[test]
fn functions_see_fields_in_their_order() {
    check(&[(&["import \"encoding/json\"\n_a: {z: 1, y: 2}\nr: json.Marshal(_a)"], r#"{"r":"{\"z\":1,\"y\":2}"}"#)]);
}

proptest! {
    #[test]
    fn every_field_is_there_once_whatever_is_said_of_the_order(
        structs in proptest::collection::vec(proptest::collection::vec("[a-f]", 0..6), 1..6),
        unify in any::<bool>(),
    ) {
        let fields = |labels: &Vec<String>| labels.iter().map(|label| format!("{label}: 1")).collect::<Vec<_>>();
        let structs: Vec<String> = structs.iter().map(|labels| format!("{{{}}}", fields(labels).join(", "))).collect();
        let text = format!("x: {}", structs.join(if unify { " & " } else { "\nx: " }));
        let json = exported(&[&text]);
        let mut expected: Vec<char> = text.chars().filter(|c| ('a'..='f').contains(c)).collect();
        expected.sort_unstable();
        expected.dedup();
        let mut found: Vec<char> = json.chars().filter(|c| ('a'..='f').contains(c)).collect();
        found.sort_unstable();
        prop_assert_eq!(expected, found, "{}", json);
    }

    #[test]
    fn one_struct_keeps_its_order(labels in proptest::collection::vec("[a-z]{1,3}", 1..12)) {
        let mut seen = Vec::new();
        labels.iter().for_each(|label| if !seen.contains(label) { seen.push(label.clone()) });
        let fields: Vec<String> = labels.iter().map(|label| format!("\"{label}\": 1")).collect();
        let expected: Vec<String> = seen.iter().map(|label| format!("\"{label}\":1")).collect();
        prop_assert_eq!(exported(&[&fields.join("\n")]), format!("{{{}}}", expected.join(",")));
    }
}
