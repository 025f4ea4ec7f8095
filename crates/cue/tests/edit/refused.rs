//! What can't be done without guessing is refused, and says why.

use shipway_cue::edit::{append, insert, parse_path, remove, set};
use shipway_cue::source::FileId;

#[test]
fn edits_that_would_be_guesses() {
    let table = [
        ("a: {x: 1}\na: {y: 1}\n", "a", "a is declared 2 times in this file"),
        ("a: 1\na: 2\n", "a", "a is declared 2 times in this file"),
        ("a: [1]\n", "a[3]", "the list has no element 3"),
        (
            "a: [for x in y {x}, 2]\n",
            "a[1]",
            "a comprehension stands before the element, so that its index is known only by evaluating",
        ),
        ("a: 1\n", "a[0]", "there is no list written at a"),
        ("a: 1\n", "b[0].c", "b[0].c leads to an element that isn't written"),
        ("a: [1]\n", "b[0]", "nothing is written at b in this file"),
    ];
    for (text, path, message) in table {
        let steps = parse_path(path).expect("a path");
        let error = set(FileId(0), text, &steps, "9").expect_err("a guess");
        assert_eq!(error.message, message, "{path} in\n{text}");
    }
}

#[test]
fn nothing_is_removed_or_added_where_nothing_is() {
    let path = parse_path("a.b").expect("a path");
    for text in ["a: {}\n", "c: 1\n", "if x {a: b: 1}\n", "a: b?: 1\n"] {
        assert!(remove(FileId(0), text, &path).is_err(), "{text}");
        assert!(append(FileId(0), text, &path, "1").is_err(), "{text}");
        assert!(insert(FileId(0), text, &path, 0, "1").is_err(), "{text}");
    }
}

#[test]
fn texts_values_and_paths_that_are_no_cue() {
    let path = parse_path("a").expect("a path");
    assert!(set(FileId(0), "a: {", &path, "1").is_err());
    for value in ["", "1 2", "b: 1", "}", "1, b: 2", "\"x"] {
        assert!(set(FileId(0), "a: 1\n", &path, value).is_err(), "{value}");
    }
    for path in ["", "a.", "a b", "a[b]", "a[-1]", "a[1.5]", "a()", "1"] {
        assert!(parse_path(path).is_err(), "{path}");
    }
}
