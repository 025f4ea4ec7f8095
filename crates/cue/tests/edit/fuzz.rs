//! Any edit of any text ends, and what it gives is CUE with everything else in place.

use proptest::prelude::*;
use proptest::sample::select;
use shipway_cue::edit::{Step, append, insert, parse_path, remove, set};
use shipway_cue::source::FileId;
use shipway_cue::syntax::parse_file;

const TEXTS: [&str; 8] = [
    "package p\n\n// a\na: {\n\tb: 1 // b\n\tc: [1, 2, {d: 3}]\n}\n",
    "a: b: c: 1\na: b: d: [\n\t1,\n\t// two\n\t2\n]\n",
    "a: #S & {b: {c: 1}, ...}, c: a.b\n",
    "{a: b: 1}\nX=c: {d: X}\n\"a\": c: []\n",
    "if x {a: 1}\na: [for x in y {x}, 1]\nb: \"\"\"\n\ta\n\t\"\"\"\n",
    "a: {\r\n\tb: 1,\r\n}\r\nc: {}\r\n",
    "a: {b: 1\n}\nc: {\n\t// d\n}\nd: [\n]",
    "",
];

const VALUES: [&str; 6] = ["1", "\"s\"", "{x: 1}", "{\n\tx: 1\n}", "\"\"\"\n\tl\n\t\"\"\"", "[1, 2] // c"];

fn path() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => select(&["a", "b", "c", "d", "x y"][..]).prop_map(|name| Step::Field(name.to_owned())),
        1 => select(&["#S", "_h"][..]).prop_map(|name| Step::Special(name.to_owned())),
        1 => (0_usize..4).prop_map(Step::Index),
    ];
    proptest::collection::vec(step, 0..4)
}

/// How many bytes at the start and the end of two texts are the same.
fn unchanged(before: &str, after: &str) -> usize {
    let same_start = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
    let same_end = before.bytes().rev().zip(after.bytes().rev()).take_while(|(one, other)| one == other).count();
    same_start + same_end
}

proptest! {
    #[test]
    fn edits_give_valid_text(
        text in select(&TEXTS[..]), path in path(), value in select(&VALUES[..]), index in 0_usize..4,
    ) {
        let id = FileId(0);
        let results = [
            set(id, text, &path, value),
            remove(id, text, &path),
            append(id, text, &path, value),
            insert(id, text, &path, index, value),
        ];
        for changed in results.into_iter().flatten() {
            let (_, errors) = parse_file(id, &changed);
            prop_assert!(errors.is_empty(), "{:?} in\n{}", errors, changed);
        }
    }

    #[test]
    fn setting_and_removing_a_new_field_changes_nothing(
        text in select(&TEXTS[..]), name in "[e-z]{1,5}", value in select(&VALUES[..5]),
    ) {
        let path = [Step::Field(name)];
        let added = set(FileId(0), text, &path, value).expect("a new field");
        prop_assert!(unchanged(text, &added) >= text.len(), "{}", added);
        let removed = remove(FileId(0), &added, &path).expect("the field just added");
        prop_assert_eq!(removed.trim_end(), text.trim_end());
    }

    #[test]
    fn any_text_and_path_end(text in any::<String>(), path in any::<String>(), value in any::<String>()) {
        if let Ok(steps) = parse_path(&path) {
            let _ = set(FileId(0), &text, &steps, &value);
            let _ = remove(FileId(0), &text, &steps);
        }
    }
}
