//! Files in `tests/format`: `name.in.cue` is laid out as `name.out.cue`.

use std::path::Path;

use shipway_cue::format::{format_file, format_simplified};
use shipway_cue::source::FileId;
use shipway_cue::syntax::parse_file;

/// The text in the canonical layout; it has no syntax errors.
fn formatted(text: &str) -> String {
    let (file, errors) = parse_file(FileId(0), text);
    assert!(errors.is_empty(), "{errors:?} in {text}");
    format_file(&file, text)
}

#[test]
fn files_are_laid_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder of this test") {
        let path = entry.expect("an entry of the folder").path();
        let Some(name) = path.to_str().and_then(|path| path.strip_suffix(".in.cue")) else { continue };
        let input = std::fs::read_to_string(&path).expect("the input");
        let expected = std::fs::read_to_string(format!("{name}.out.cue")).expect("the expected output");
        assert_eq!(formatted(&input), expected, "{name}");
        assert_eq!(formatted(&expected), expected, "{name} is laid out already");
        seen += 1;
    }
    assert!(seen >= 8, "the examples are there");
}

#[test]
fn small_things() {
    let table = [
        ("", ""),
        ("\n\n// only\n\n\n// comments\n\n", "// only\n\n// comments\n"),
        ("a:1", "a: 1\n"),
        ("{  }", "{}\n"),
        ("{\n\n}", "{}\n"),
        ("a: [ ]", "a: []\n"),
        ("a: ((1 + 2))", "a: (1 + 2)\n"),
        ("a: {b:1,c:2,}", "a: {b: 1, c: 2}\n"),
        ("a: [1,2,]", "a: [1, 2]\n"),
        ("[N= =~\"a\"]: < -1", "[N= =~\"a\"]: < -1\n"),
        ("#\"a\"b\"#: 1", "\"a\\\"b\": 1\n"),
        ("a: .5\nb: 1.E3\nc: 0XAB", "a: 0.5\nb: 1.0e3\nc: 0XAB\n"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
    ];
    for (text, expected) in table {
        assert_eq!(formatted(text), expected, "{text}");
    }
}

#[test]
fn a_file_with_errors_stays_as_it_is() {
    let text = "a:   {\n  b: \"x\n}";
    let (file, errors) = parse_file(FileId(0), text);
    assert!(!errors.is_empty());
    assert_eq!(format_file(&file, text), text);
}

#[test]
fn files_are_simplified() {
    let table = [
        ("a: {b: {c: 1}}\n", "a: b: c: 1\n"),
        ("a: {\n\tb: {\n\t\tc: 1\n\t\td: 2\n\t}\n}\n", "a: b: {\n\tc: 1\n\td: 2\n}\n"),
        ("a: {\n\t// why\n\tb: 1\n}\n", "a: {\n\t// why\n\tb: 1\n}\n"),
        ("a: {b: 1} @x()\n", "a: {b: 1} @x()\n"),
        ("a: {b: 1 @x()}\n", "a: {b: 1 @x()}\n"),
        ("a: {b: 1, ...}\n", "a: {b: 1, ...}\n"),
        ("a: #B & {b: 1}\n", "a: #B & {b: 1}\n"),
        ("\"a\": {\"b\": 1}\n", "a: b: 1\n"),
        ("\"a-b\": \"_c\": \"#d\": 1\n", "\"a-b\": \"_c\": \"#d\": 1\n"),
        ("\"a\": 1\nb: a\n", "\"a\": 1\nb:   a\n"),
        ("if x {\"a\": {\"c\": 1}}\n", "if x {a: c: 1}\n"),
    ];
    for (text, expected) in table {
        let (file, errors) = parse_file(FileId(0), text);
        assert!(errors.is_empty(), "{errors:?} in {text}");
        assert_eq!(format_simplified(&file, text), expected, "{text}");
    }
}
