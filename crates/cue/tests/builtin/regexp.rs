//! `regexp`, and the syntax of patterns.

use proptest::prelude::*;
use shipway_cue::pattern;

use super::{check, i, s};

#[test]
fn searches() {
    check(
        "regexp",
        &[
            ("Find", &[s("a+b"), s("xaab ab")], r#""aab""#),
            ("Find", &[s("z"), s("x")], "!no match"),
            ("Find", &[s("("), s("x")], "!the regular expression is wrong"),
            ("FindAll", &[s("a*"), s("baaac"), i(-1)], r#"["", "aaa", ""]"#),
            ("FindAll", &[s("a"), s("aaa"), i(2)], r#"["a", "a"]"#),
            ("FindAll", &[s("a"), s("aaa"), i(0)], "!no match"),
            ("FindSubmatch", &[s("a(x*)b(y)?"), s("-axxb-")], r#"["axxb", "xx", ""]"#),
            ("FindAllSubmatch", &[s("a(x*)b"), s("-axxb-ab-"), i(-1)], r#"[["axxb", "xx"], ["ab", ""]]"#),
            ("FindNamedSubmatch", &[s("(?P<z>.)(?<a>.)(.)"), s("123")], r#"{a: "2", z: "1"}"#),
            ("FindNamedSubmatch", &[s("."), s("123")], "{}"),
            ("FindAllNamedSubmatch", &[s("(?P<n>.)"), s("12"), i(1)], r#"[{n: "1"}]"#),
            ("FindAllNamedSubmatch", &[s("(?P<n>.)"), s(""), i(-1)], "!no match"),
            ("Match", &[s("^[a-z]+$"), s("abc\n")], "false"),
            ("Match", &[s("b"), s("abc")], "true"),
            ("Valid", &[s("a|b")], "true"),
            ("Valid", &[s("a)")], "!the regular expression is wrong"),
            ("QuoteMeta", &[s("[a].*é-{}")], r#""\\[a\\]\\.\\*é-\\{\\}""#),
        ],
    );
}

#[test]
fn replacements() {
    check(
        "regexp",
        &[
            ("ReplaceAll", &[s("a(x*)b"), s("-ab-axxb-"), s("T")], r#""-T-T-""#),
            ("ReplaceAll", &[s("a(x*)b"), s("-ab-axxb-"), s("$1")], r#""--xx-""#),
            ("ReplaceAll", &[s("a(x*)b"), s("-ab-axxb-"), s("$1W")], r#""---""#),
            ("ReplaceAll", &[s("a(x*)b"), s("-ab-axxb-"), s("${1}W")], r#""-W-xxW-""#),
            ("ReplaceAll", &[s("(?P<n>.)"), s("ab"), s("$n$$${n}$")], r#""a$a$b$b$""#),
            ("ReplaceAll", &[s("(.)"), s("a"), s("${1 $01 $9 ${}")], r#""${1   ${}""#),
            ("ReplaceAll", &[s("a*"), s("baaac"), s("x")], r#""xbxcx""#),
            ("ReplaceAllLiteral", &[s("a(x*)b"), s("-ab-"), s("$1")], r#""-$1-""#),
        ],
    );
}

#[test]
fn classes_are_those_of_ascii() {
    let cases = [
        (r"^\d$", "٣", false),
        (r"^\w$", "é", false),
        (r"^\W$", "é", true),
        (r"^\s$", "\u{b}", false),
        (r"^\s$", "\u{a0}", false),
        (r"^[\w]$", "é", false),
        (r"^[^\w]$", "é", true),
        (r"^[a\D]$", "٣", true),
        (r"é\b", "éa", true),
        (r"^\pL$", "é", true),
        (r"^\p{Greek}$", "λ", true),
        (r"^\P{Greek}$", "λ", false),
        (r"^\p{^Greek}$", "λ", false),
        (r"^[[:alpha:]]$", "é", false),
        (r"^[[:^alpha:]]$", "é", true),
        (r"(?i)^É$", "é", true),
    ];
    for (source, text, expected) in cases {
        assert_eq!(pattern::compile(source).map(|found| found.is_match(text)), Ok(expected), "{source} on {text}");
        let for_bytes = pattern::compile_for_bytes(source).map(|found| found.is_match(text.as_bytes()));
        assert_eq!(for_bytes, Ok(expected), "{source} on the bytes of {text}");
    }
}

#[test]
fn classes_do_not_nest() {
    let cases = [
        ("^[a[b]]$", "a]", true),
        ("^[a&&b]$", "&", true),
        ("^[a--b]$", "-", false),
        ("^[]a]$", "]", true),
        ("^[^]a]$", "]", false),
        ("^[a-]$", "-", true),
        (r"^[\]\-x]$", "-", true),
        ("^[[:x]$", ":", true),
        (r"^[\x41-\x{43}]$", "B", true),
    ];
    for (source, text, expected) in cases {
        let found = pattern::compile(source).map(|found| found.is_match(text));
        if source == "^[a--b]$" {
            assert!(found.is_err(), "a to - is backwards");
        } else {
            assert_eq!(found, Ok(expected), "{source} on {text}");
        }
    }
}

#[test]
fn braces_that_count_nothing_stand_for_themselves() {
    let cases =
        [("^a{,5}$", "a{,5}"), ("^a{x}$", "a{x}"), ("^{a$", "{a"), ("^a{01}$", "a{01}"), (r"^a\b{start}$", "a{start}")];
    for (source, text) in cases {
        assert_eq!(pattern::compile(source).map(|found| found.is_match(text)), Ok(true), "{source}");
    }
}

#[test]
fn escapes_are_read() {
    let cases = [
        (r"^\a\f\t\n\r\v$", "\u{7}\u{c}\t\n\r\u{b}"),
        (r"^\x41\x{1F600}$", "A😀"),
        (r"^\101\0$", "A\0"),
        (r"^\Qa.b*\E+$", "a.b**"),
        (r"^\Q(", "("),
        (r"^\_\<\-\#\ $", "_<-# "),
    ];
    for (source, text) in cases {
        assert_eq!(pattern::compile(source).map(|found| found.is_match(text)), Ok(true), "{source}");
    }
}

#[test]
fn what_re2_refuses_is_refused() {
    let cases = [
        "a**",
        "a+*",
        "a{2}{3}",
        "a*??",
        "*a",
        "(*)",
        "a{1001}",
        "a{2,1}",
        r"\1",
        r"\8",
        r"\q",
        r"\u0041",
        r"\Z",
        r"\C",
        "(?x)a",
        "(?u)a",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?P=n)",
        "(?P<n",
        "(?P<>a)",
        "(?P<a-b>a)",
        "[a",
        "[z-a]",
        r"[a-\d]",
        r"[\b]",
        "[[:foo:]]",
        r"\p{Nope}",
        r"\p{Alphabetic}x",
        r"\p{IsGreek}",
        r"\p{sc=Greek}",
        r"\x{110000}",
        r"\xZ",
        "a)",
        "(a",
        r"\",
        "(?i",
    ];
    for source in cases {
        let error = pattern::compile(source).expect_err(source);
        assert!(!error.unsupported, "{source}: {error}");
    }
    for source in [r"\B", "(?P<1>a)", "(?P<n>a)(?P<n>b)", "(a){0}b", "(?P<n>a){0}", "((((a{1000}){1000}){1000}){1000})"]
    {
        assert!(pattern::compile(source).expect_err(source).unsupported, "{source}");
    }
}

proptest! {
    #[test]
    fn quoted_text_finds_itself(text in "\\PC{0,10}") {
        let found = pattern::compile(&format!("^{}$", pattern::quote_meta(&text))).map(|found| found.is_match(&text));
        prop_assert_eq!(found, Ok(true));
    }

    #[test]
    fn any_pattern_is_read_or_refused(source in r"[ab\\(\[\]){}*+?^$|.,:0-9PQxp<>\-]{0,14}") {
        let _ = pattern::compile(&source);
    }
}
