//! Values set: of fields that are there, and of new ones.

use shipway_cue::edit::{locate, parse_path, set};
use shipway_cue::source::FileId;

fn check(table: &[(&str, &str, &str, &str)]) {
    for (before, path, value, after) in table {
        let steps = parse_path(path).expect("a path");
        let changed = set(FileId(0), before, &steps, value);
        assert_eq!(changed.as_deref(), Ok(*after), "{path} = {value} in\n{before}");
    }
}

#[test]
fn fields_that_are_there() {
    check(&[
        ("a: 1\n", "a", "2", "a: 2\n"),
        ("a:   1   // kept\nb:2", "a", "\"x\"", "a:   \"x\"   // kept\nb:2"),
        ("image: tag: \"1.0.40\"\n", "image.tag", "\"1.0.41\"", "image: tag: \"1.0.41\"\n"),
        (
            "image: {\n  tag: \"a\" // t\n\n  other: 1\n}\n",
            "image.tag",
            "\"b\"",
            "image: {\n  tag: \"b\" // t\n\n  other: 1\n}\n",
        ),
        ("a: {b: {c: 1, d: 2}}", "a.b.d", "3", "a: {b: {c: 1, d: 3}}"),
        ("a: #S & {b: 1}", "a.b", "2", "a: #S & {b: 2}"),
        ("a: b: 1\na: c: 2\n", "a.c", "3", "a: b: 1\na: c: 3\n"),
        ("a: b: int\na: b: 2\n", "a.b", "3", "a: b: int\na: b: 3\n"),
        ("a: int\na: -2\n", "a", "3", "a: int\na: 3\n"),
        ("a: *1 | int\na: >0\n", "a", "3", "a: 3\na: >0\n"),
        ("a: *1 | int\na: 2\n", "a", "3", "a: *1 | int\na: 3\n"),
        ("\"a b\": \"c.d\": 1\n", "\"a b\".\"c.d\"", "2", "\"a b\": \"c.d\": 2\n"),
        ("#D: x: 1\n_h: y: 2\n", "#D.x", "2", "#D: x: 2\n_h: y: 2\n"),
        ("{a: 1}\n", "a", "2", "{a: 2}\n"),
        ("a: 1 @tag(x)\n", "a", "2", "a: 2 @tag(x)\n"),
        ("X=a: 1\nb: X\n", "a", "2", "X=a: 2\nb: X\n"),
        ("a: X={b: 1}\n", "a.b", "2", "a: X={b: 2}\n"),
        ("a: *1 | int\n", "a", "2", "a: 2\n"),
        ("a: [{n: 1}, {n: 2}]\n", "a[1].n", "3", "a: [{n: 1}, {n: 3}]\n"),
        ("a: [1, 2]\n", "a[0]", "9", "a: [9, 2]\n"),
        ("s: {\n\ta: 1\n}\n", "s.a", "{\n\tb: 1\n}", "s: {\n\ta: {\n\t\tb: 1\n\t}\n}\n"),
        (
            "s: {\n\ta: 1\n}\n",
            "s.a",
            "\"\"\"\n\tx\n\n\ty\n\t\"\"\"",
            "s: {\n\ta: \"\"\"\n\t\tx\n\n\t\ty\n\t\t\"\"\"\n}\n",
        ),
        ("a: 1\n", "a", "[1, // one\n\t2]", "a: [1, 2]\n"),
        ("a: 1\r\nb: 2\r\n", "a", "3", "a: 3\r\nb: 2\r\n"),
        ("\ta: 1\r\n", "a", "{\n\tb: 1\n\n}", "\ta: {\r\n\t\tb: 1\r\n\r\n\t}\r\n"),
        ("null: 1\ntrue: 2\n", "true", "3", "null: 1\ntrue: 3\n"),
    ]);
}

#[test]
fn new_fields_go_into_the_innermost_struct_that_is_written() {
    check(&[
        ("", "a", "1", "a: 1\n"),
        ("package p\n", "a.b", "1", "package p\n\na: b: 1\n"),
        ("a: 1\n", "b", "2", "a: 1\nb: 2\n"),
        ("a: 1 // one\n\n// end\n", "b", "2", "a: 1 // one\nb: 2\n\n// end\n"),
        ("a: 1", "b", "2", "a: 1\nb: 2"),
        ("a: {\n\tb: 1 // one\n}\nc: 1\n", "a.d", "2", "a: {\n\tb: 1 // one\n\td: 2\n}\nc: 1\n"),
        ("a: {\n  b: {\n    c: 1\n  }\n}\n", "a.b.d.e", "2", "a: {\n  b: {\n    c: 1\n    d: e: 2\n  }\n}\n"),
        ("a: {b: 1}\n", "a.c", "2", "a: {b: 1, c: 2}\n"),
        ("a: {b: 1,}\n", "a.c", "2", "a: {b: 1, c: 2,}\n"),
        ("a: {}\n", "a.c", "2", "a: {c: 2}\n"),
        ("a: {\n}\n", "a.c", "2", "a: {\n\tc: 2\n}\n"),
        ("\ta: {\n\t\t// why\n\t}\n", "a.c", "2", "\ta: {\n\t\tc: 2\n\t\t// why\n\t}\n"),
        ("a: b: 1\nc: 2\n", "a.d", "3", "a: b: 1\na: d: 3\nc: 2\n"),
        ("a: b: c: 1\n", "a.b.d", "3", "a: b: c: 1\na: b: d: 3\n"),
        ("x: {\n\ta: b: c: 1 // k\n}\n", "x.a.b.d", "3", "x: {\n\ta: b: c: 1 // k\n\ta: b: d: 3\n}\n"),
        ("x: {a: b: 1}\n", "x.a.c", "3", "x: {a: b: 1, a: c: 3}\n"),
        ("a: b: {c: 1}\n", "a.b.d", "3", "a: b: {c: 1, d: 3}\n"),
        ("a: b: 1\na: {\n\tc: 1\n}\n", "a.d", "2", "a: b: 1\na: {\n\tc: 1\n\td: 2\n}\n"),
        ("a: #S & {\n\tb: 1\n\t...\n}\n", "a.c", "2", "a: #S & {\n\tb: 1\n\tc: 2\n\t...\n}\n"),
        ("a: #S\n", "a.c", "2", "a: #S\na: c: 2\n"),
        ("a?: int\n", "a", "2", "a?: int\na: 2\n"),
        ("a: [{n: 1}]\n", "a[0].m", "2", "a: [{n: 1, m: 2}]\n"),
        ("a: {b: 1\n}\n", "a.c", "2", "a: {b: 1\nc: 2\n}\n"),
        ("a: {\n\tb: 1}\n", "a.c", "2", "a: {\n\tb: 1, c: 2}\n"),
        ("a: {\r\n\tb: 1\r\n}\r\n", "a.c", "2", "a: {\r\n\tb: 1\r\n\tc: 2\r\n}\r\n"),
        ("{\n\t\"a\": 1\n}\n", "b", "2", "{\n\t\"a\": 1\n\tb: 2\n}\n"),
        ("{\n\ta: 1\n}\nb: 2\n", "c", "3", "{\n\ta: 1\n}\nb: 2\nc: 3\n"),
        ("a: 1\n", "\"b c\".#d._e", "2", "a: 1\n\"b c\": #d: _e: 2\n"),
    ]);
}

#[test]
fn a_value_is_located() {
    let text = "a: {b: X=[1, {c: 2}]}\n";
    let (file, _) = shipway_cue::syntax::parse_file(FileId(0), text);
    let located = |path: &str| {
        let span = locate(&file, &parse_path(path).expect("a path")).expect("one declaration")?;
        text.get(span.start as usize..span.end as usize)
    };
    assert_eq!(located("a.b"), Some("[1, {c: 2}]"));
    assert_eq!(located("a.b[1].c"), Some("2"));
    assert_eq!(located("a.c"), None);
}
