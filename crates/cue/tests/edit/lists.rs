//! Entries added to lists.

use shipway_cue::edit::{append, insert, parse_path, set};
use shipway_cue::source::FileId;

#[test]
fn entries_are_appended() {
    let table = [
        ("a: []", "1", "a: [1]"),
        ("a: [1, 2]", "3", "a: [1, 2, 3]"),
        ("a: [1, 2, ...int]", "3", "a: [1, 2, 3, ...int]"),
        ("a: [...int]", "3", "a: [3, ...int]"),
        ("a: [\n\t1, // one\n\t2, // two\n]\n", "3", "a: [\n\t1, // one\n\t2, // two\n\t3,\n]\n"),
        ("a: [\n\t1,\n\t2 // two\n]\n", "3", "a: [\n\t1,\n\t2, // two\n\t3,\n]\n"),
        ("a: [\n\t1\n\t2\n]\n", "3", "a: [\n\t1\n\t2\n\t3\n]\n"),
        ("a: [\n\t1\n]\n", "3", "a: [\n\t1,\n\t3,\n]\n"),
        ("a: [{\n\tb: 1\n}]\n", "{b: 2}", "a: [{\n\tb: 1\n}, {b: 2}]\n"),
        ("a: [\n\t{\n\t\tb: 1\n\t},\n]\n", "{\n\tb: 2\n}", "a: [\n\t{\n\t\tb: 1\n\t},\n\t{\n\t\tb: 2\n\t},\n]\n"),
        ("a: [\n]\n", "3", "a: [\n\t3,\n]\n"),
        ("\ta: [ // why\r\n\t\t// none\r\n\t]\r\n", "3", "\ta: [ // why\r\n\t\t3,\r\n\t\t// none\r\n\t]\r\n"),
        ("a: [\n\t...int,\n]\n", "3", "a: [\n\t3,\n\t...int,\n]\n"),
        ("a: [for x in y {x}, 1]", "3", "a: [for x in y {x}, 1, 3]"),
        ("a: [\n\tfor x in y {x},\n]", "3", "a: [\n\tfor x in y {x},\n\t3,\n]"),
        ("a: [...#E] & [1]", "2", "a: [...#E] & [1]"),
        ("a: [1,\n\t2]", "3", "a: [1,\n\t2, 3]"),
    ];
    let path = parse_path("a").expect("a path");
    for (before, value, after) in table {
        let changed = append(FileId(0), before, &path, value);
        if before == after {
            assert!(changed.is_err(), "two lists are written there:\n{before}");
        } else {
            assert_eq!(changed.as_deref(), Ok(after), "{value} to\n{before}");
        }
    }
}

#[test]
fn entries_are_inserted() {
    let table = [
        ("a: [1, 2]", 0, "a: [9, 1, 2]"),
        ("a: [1, 2]", 1, "a: [1, 9, 2]"),
        ("a: [1, 2]", 2, "a: [1, 2, 9]"),
        ("a: [\n\t1,\n\t2,\n]\n", 1, "a: [\n\t1,\n\t9,\n\t2,\n]\n"),
        ("a: [\n\t1\n\t2\n]\n", 0, "a: [\n\t9\n\t1\n\t2\n]\n"),
    ];
    let path = parse_path("a").expect("a path");
    for (before, index, after) in table {
        assert_eq!(insert(FileId(0), before, &path, index, "9").as_deref(), Ok(after), "at {index} of\n{before}");
    }
}

#[test]
fn setting_the_element_after_the_last_appends() {
    let path = parse_path("a.b[2]").expect("a path");
    assert_eq!(set(FileId(0), "a: b: [1, 2]\n", &path, "3").as_deref(), Ok("a: b: [1, 2, 3]\n"));
}
