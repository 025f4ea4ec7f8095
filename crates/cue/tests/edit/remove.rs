//! Fields and elements removed.

use shipway_cue::edit::{parse_path, remove};
use shipway_cue::source::FileId;

#[test]
fn fields_go_with_their_comments() {
    let table = [
        ("a: 1\nb: 2\n", "a", "b: 2\n"),
        ("a: 1\n// of b\n// too\nb: 2 // here\n// c\nc: 3\n", "b", "a: 1\n// c\nc: 3\n"),
        ("// file\n\na: 1\n", "a", "// file\n\n"),
        ("a: {\n\tb: 1\n\tc: {\n\t\td: 1\n\t}\n}\n", "a.c", "a: {\n\tb: 1\n}\n"),
        ("a: {b: 1, c: 2, d: 3}", "a.b", "a: {c: 2, d: 3}"),
        ("a: {b: 1, c: 2, d: 3}", "a.c", "a: {b: 1, d: 3}"),
        ("a: {b: 1, c: 2, d: 3}", "a.d", "a: {b: 1, c: 2}"),
        ("a: {b: 1}", "a.b", "a: {}"),
        ("a: b: 1\nc: 2\n", "a.b", "a: {}\nc: 2\n"),
        ("a: b: c: 1 @x()\n", "a.b.c", "a: b: {}\n"),
        ("a: b: 1\na: c: 2\n", "a.b", "a: {}\na: c: 2\n"),
        ("a: 1, // one\nb: 2\n", "a", "b: 2\n"),
        ("x: 1\na: 1 @x()", "a", "x: 1\n"),
        ("a: 1\r\nb: 2\r\n", "a", "b: 2\r\n"),
        ("\u{feff}a: 1\nb: 2\n", "a", "\u{feff}b: 2\n"),
        ("{a: 1, b: 2}\n", "b", "{a: 1}\n"),
    ];
    for (before, path, after) in table {
        let steps = parse_path(path).expect("a path");
        assert_eq!(remove(FileId(0), before, &steps).as_deref(), Ok(after), "{path} of\n{before}");
    }
}

#[test]
fn elements_go() {
    let table = [
        ("a: [1, 2, 3]", "a[0]", "a: [2, 3]"),
        ("a: [1, 2, 3]", "a[2]", "a: [1, 2]"),
        ("a: [1]", "a[0]", "a: []"),
        ("a: [\n\t1,\n\t// two\n\t2, // 2\n\t3,\n]\n", "a[1]", "a: [\n\t1,\n\t3,\n]\n"),
        ("a: [{b: 1}, {b: 2, c: 3}]", "a[1].b", "a: [{b: 1}, {c: 3}]"),
    ];
    for (before, path, after) in table {
        let steps = parse_path(path).expect("a path");
        assert_eq!(remove(FileId(0), before, &steps).as_deref(), Ok(after), "{path} of\n{before}");
    }
}
