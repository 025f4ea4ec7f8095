//! Any text is read to an end, laid out and looked at. `PROPTEST_CASES` asks for more of it.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use shipway_cue::format::format_file;
use shipway_cue::lint::lint;
use shipway_cue::source::FileId;
use shipway_cue::syntax::{parse_expr, parse_file};

/// Pieces of text that together are nearly CUE.
const PIECES: [&str; 64] = [
    "a",
    "b: ",
    "#A",
    "_x",
    "_",
    "1",
    "2.5",
    "\"s\"",
    "'b'",
    "\"\\(",
    ")",
    "\"",
    "'",
    "\"\"\"\n",
    "#\"",
    "\"#",
    "{",
    "}",
    "[",
    "]",
    "(",
    ", ",
    "\n",
    ":",
    "?",
    "!",
    "~",
    "=",
    "...",
    ".",
    "|",
    "&",
    "||",
    "&&",
    "==",
    "!=",
    "<",
    "<=",
    "=~",
    "+",
    "-",
    "*",
    "/",
    "for k, v in ",
    "if ",
    "let x = ",
    "try ",
    "else ",
    "@a(",
    "@experiment(try)\n",
    "// c\n",
    "_|_",
    "null",
    "package p\n",
    "import \"x\"\n",
    " ",
    "\t",
    "\\",
    "\r\n",
    "0x",
    "1e",
    "é",
    "\u{0}",
    "X=",
];

/// Valid text for mutations.
const VALID: &str = "package p\n\nimport \"list\"\n\n#A: {\n\tname!: string // a\n\tport?: *8080 | int\n\t...\n}\n\
    x: [for i, v in [1, 2.5, 3Ki] if v > 1 {\"\\(i)-\\(v)\"}, ...int]\n\"q r\": (x[0:1] & {a: b: 'c'})...\n\
    s: \"\"\"\n\tl \\(x)\n\tm\n\t\"\"\"\nX=y: [Z=string]: {X.n, m: -list.Max(x)} @tag(t, type=int)\n";

fn read(text: &str) {
    let (file, errors) = parse_file(FileId(0), text);
    let end = text.len() as u32;
    for error in &errors {
        for label in &error.labels {
            assert!(label.span.start <= end && label.span.end <= end, "{error:?} is outside of {text:?}");
            assert!(text.is_char_boundary(label.span.start as usize), "{error:?} splits a character of {text:?}");
        }
    }
    for decl in &file.decls {
        assert!(decl.span().start <= decl.span().end && decl.span().end <= end, "{decl:?} is outside of {text:?}");
    }
    let _ = parse_expr(FileId(0), text);
    let _ = format_file(&file, text);
    let _ = lint(&[file]);
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn any_bytes_are_read(bytes in vec(any::<u8>(), 0..200)) {
        read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_tokens_are_read(pieces in vec(select(&PIECES[..]), 0..60)) {
        read(&pieces.concat());
    }

    #[test]
    fn mutations_are_read(
        changes in vec((any::<Index>(), select(&PIECES[..])), 1..6),
        cut in any::<Index>(),
    ) {
        let mut text: Vec<char> = VALID.chars().collect();
        for (place, piece) in changes {
            let at = place.index(text.len());
            text.splice(at..at + usize::from(at % 2 == 0), piece.chars());
        }
        let end = cut.index(text.len() * 4).min(text.len());
        read(&text[..end].iter().collect::<String>());
        read(&text.iter().collect::<String>());
    }
}
