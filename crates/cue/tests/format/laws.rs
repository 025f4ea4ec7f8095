//! Laws: the layout changes no tree and no comment, and laying out twice is laying out once.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use shipway_cue::format::{format_expr, format_expr_on_one_line, format_file};
use shipway_cue::source::FileId;
use shipway_cue::syntax::ast::File;
use shipway_cue::syntax::{parse_expr, parse_file};

/// A tree without places.
fn scrubbed(tree: &impl std::fmt::Debug) -> String {
    let spans = regex::Regex::new(r"Span \{ file: FileId\(\d+\), start: \d+, end: \d+ \}").expect("a constant pattern");
    let shown = format!("{tree:?}");
    // A number may be spelled with one zero more: `1.` as `1.0`.
    let numbers =
        regex::Regex::new(r"Number \{ coefficient: -?\d+, exponent: -?\d+, int: false \}").expect("a constant pattern");
    numbers.replace_all(&spans.replace_all(&shown, ""), "float").into_owned()
}

fn tree(file: &File) -> String {
    let comments: Vec<&str> = file.comments.iter().map(|comment| comment.text.trim_end()).collect();
    let imports = scrubbed(&file.imports);
    format!("{} {imports} {} {comments:?}", scrubbed(&file.package), scrubbed(&file.decls))
}

/// Checks the laws for a text without errors; others are none of this test's.
fn check(text: &str) -> Result<(), TestCaseError> {
    let (file, errors) = parse_file(FileId(0), text);
    if !errors.is_empty() {
        return Ok(());
    }
    let once = format_file(&file, text);
    let (again, errors) = parse_file(FileId(0), &once);
    prop_assert!(errors.is_empty(), "{errors:?} in\n{once}\nfrom\n{text}");
    prop_assert_eq!(format_file(&again, &once), once.clone(), "from\n{}", text);
    prop_assert_eq!(tree(&again), tree(&file), "{}\nfrom\n{}", once, text);
    Ok(())
}

/// Values on one line.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1".to_owned()),
        Just("2.5".to_owned()),
        Just("\"s\"".to_owned()),
        Just("'b'".to_owned()),
        Just("a".to_owned()),
        Just("#D.e".to_owned()),
        Just("_|_".to_owned()),
        Just("x[1:2]".to_owned()),
        Just("\"i\\(a+1)j\"".to_owned()),
        Just("\"\"\"\n   l\n\n     m\n   \"\"\"".to_owned()),
        Just("\"\"\"\n l \\(a)\n m\n \"\"\"".to_owned()),
        Just("null".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let space = prop_oneof![Just(""), Just(" "), Just("\n"), Just(" // c\n"), Just("\n\n")];
        let gap = prop_oneof![Just(", "), Just(","), Just("\n"), Just(" // d\n"), Just(",\n\n"), Just(", // e\n")];
        let op = select(&["+", "*", "&", "|", "&&", "==", " =~ ", " - ", "|\n", "& // f\n"][..]);
        let prefix = select(&["-", "!", "*", "<", ">=", "=~", "!= "][..]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(left, op, right)| format!("{left} {op}{right}")),
            (prefix, inner.clone()).prop_map(|(prefix, of)| format!("{prefix} {of}")),
            inner.clone().prop_map(|of| format!("f({of}, 1)[{of}].g")),
            inner.clone().prop_map(|of| format!("(1 + {of})")),
            (space.clone(), vec((inner.clone(), gap.clone()), 0..4))
                .prop_map(|(space, items)| format!("[{space}{}]", joined(&items))),
            (space.clone(), vec((decl(inner), gap), 0..4))
                .prop_map(|(space, items)| format!("{{{space}{}}}", joined(&items))),
        ]
    })
}

fn joined(items: &[(String, &str)]) -> String {
    items.iter().map(|(item, gap)| format!("{item}{gap}")).collect()
}

fn decl(value: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = String> + Clone {
    let label = select(
        &[
            "a: ",
            "b?:",
            "#c: ",
            "\"d e\": ",
            "f: g: ",
            "f:\n h: ",
            "[string]: ",
            "(i): ",
            "X=j: ",
            "k: Y=",
            "\"l\\(1)\" :",
        ][..],
    );
    let head = select(&["if x ", "for k, v in y if v ", "for v in y\nlet w = v ", "if x // g\n"][..]);
    prop_oneof![
        4 => (label, value.clone()).prop_map(|(label, value)| format!("{label}{value}")),
        1 => (head, value.clone()).prop_map(|(head, value)| format!("{head}{{a: {value}}}")),
        1 => value.clone().prop_map(|value| format!("let z = {value}")),
        1 => value.prop_map(|value| format!("a: {value} @b(c) @d()")),
        1 => Just("@e(f)".to_owned()),
        1 => Just("// g\n\n// h\n#D: 1".to_owned()),
    ]
}

fn file() -> impl Strategy<Value = String> {
    let head = select(&["", "package p\n", "// c\n\npackage p // d\nimport \"a\"\n", "import (\"a\", b \"c\")\n"][..]);
    let gap = select(&["\n", "\n\n\n", ", ", " // e\n", "\n// f\n", "\n\n// g\n\n"][..]);
    (head, vec((decl(value().boxed()), gap), 0..6)).prop_map(|(head, decls)| format!("{head}{}\n", joined(&decls)))
}

/// Pieces of text that together are sometimes CUE.
const PIECES: [&str; 40] = [
    "a",
    "b: ",
    "#A",
    "_",
    "1",
    "2.5",
    "\"s\"",
    "'b'",
    "\"\\(",
    ")",
    "\"\"\"\n",
    "\n\"\"\"",
    "#\"",
    "\"#",
    "{",
    "}",
    "[",
    "]",
    "(",
    ", ",
    "\n",
    "\n\n\n",
    ":",
    "?",
    "!",
    "=",
    "...",
    ".",
    " | ",
    "&",
    "<",
    "=~",
    "-",
    "for v in ",
    "if ",
    "let x = ",
    "@a(",
    "// c\n",
    "\t",
    "package p\n",
];

/// Valid text for mutations.
const VALID: &str = "package p\n\nimport \"list\"\n\n#A: {\n\tname!: string // a\n\tport?: *8080 | int\n\t...\n}\n\
    x: [for i, v in [1, 2.5, 3Ki] if v > 1 {\"\\(i)-\\(v)\"}, ...int]\n\"q r\": x[0:1] & {a: b: 'c'}\n\
    s: \"\"\"\n\tl \\(x)\n\tm\n\t\"\"\"\nX=y: [Z=string]: {X.n, m: -list.Max(x)} @tag(t, type=int)\n";

#[test]
fn trees_as_high_as_may_be_are_laid_out() {
    let shapes = [
        format!("a: b{}", " + 1".repeat(1990)),
        format!("a: b{}", ".c".repeat(1990)),
        format!("a: {}1{}", "[".repeat(240), "]".repeat(240)),
        format!("{}1{}", "{a: ".repeat(160), "}".repeat(160)),
        format!("{}1", "a: ".repeat(240)),
        format!("a: {}1{}", "-(".repeat(240), ")".repeat(240)),
        format!("a: {}1{}", "\"\\(".repeat(400), ")\"".repeat(400)),
    ];
    for text in shapes {
        let (file, errors) = parse_file(FileId(0), &text);
        assert!(errors.is_empty(), "{errors:?}");
        let once = format_file(&file, &text);
        assert!(parse_file(FileId(0), &once).1.is_empty());
        let _ = shipway_cue::format::format_decls(&file.decls);
        let _ = shipway_cue::format::format_simplified(&file, &text);
        let _ = shipway_cue::lint::lint(&[file]);
    }
}

proptest! {
    #[test]
    fn any_tokens_keep_their_trees(pieces in vec(select(&PIECES[..]), 0..30)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn mutations_keep_their_trees(
        places in vec((any::<Index>(), select(&PIECES[..])), 1..4),
    ) {
        let mut text: Vec<char> = VALID.chars().collect();
        for (place, piece) in places {
            let at = place.index(text.len());
            text.splice(at..at + usize::from(at % 2 == 0), piece.chars());
        }
        check(&text.iter().collect::<String>())?;
    }

    #[test]
    fn files_keep_their_trees_and_comments(text in file()) {
        check(&text)?;
    }

    #[test]
    fn generated_files_are_mostly_valid(texts in vec(file(), 20)) {
        let valid = texts.iter().filter(|text| parse_file(FileId(0), text).1.is_empty()).count();
        prop_assert!(valid >= 10, "{} of 20", valid);
    }

    #[test]
    fn expressions_are_what_they_were(text in value()) {
        let (expr, errors) = parse_expr(FileId(0), &text);
        if errors.is_empty() {
            for again in [format_expr(&expr), format_expr_on_one_line(&expr)] {
                let (read, errors) = parse_expr(FileId(0), &again);
                prop_assert!(errors.is_empty(), "{:?} in\n{}\nfrom\n{}", errors, again, text);
                prop_assert_eq!(scrubbed(&read), scrubbed(&expr), "{}\nfrom\n{}", again, text);
            }
        }
    }
}
