//! Nesting is bounded: an error, not an overflow of the stack. Test threads have a small stack, as callers may.

use shipway_cue::error::Code;
use shipway_cue::source::FileId;
use shipway_cue::syntax::parse_file;

fn codes(text: &str) -> Vec<Code> {
    parse_file(FileId(0), text).1.iter().map(|error| error.code).collect()
}

#[test]
fn deep_nesting_is_refused() {
    const DEEP: usize = 100_000;
    let openings = [
        "[",
        "{",
        "(",
        "-",
        "a:",
        "{a:",
        "a: {",
        "[for x in ",
        "f(",
        "a[",
        "for x in y {",
        "if x {a: [",
        "\"\\(",
        "\"\\({a: [",
        "1 + (",
        "*",
    ];
    for opening in openings {
        let text = opening.repeat(DEEP);
        assert!(!codes(&text).is_empty(), "{opening}");
    }
}

#[test]
fn long_chains_are_refused() {
    const LONG: usize = 100_000;
    for link in [" + 1", ".a", "()", "[0]", " | 1", " & a"] {
        let text = format!("a{}", link.repeat(LONG));
        assert_eq!(codes(&text), [Code::Limit], "{link}");
    }
}

#[test]
fn what_people_write_is_not_refused() {
    let disjunction = format!("a: {}", (0..1500).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(" | "));
    let nested = format!("{}1{}", "{a: [".repeat(60), "]}".repeat(60));
    let flat = "a: [1, 2, {b: c}]\n".repeat(20_000);
    for text in [disjunction, nested, flat] {
        assert_eq!(codes(&text), []);
    }
}

#[test]
fn mistakes_without_end_are_told_in_bounds() {
    const MANY: usize = 100_000;
    for mistake in ["}", ")", "a b ", ": ", "\\", "\"\\q\" ", "1 1\n", "\"\n", "@", "' "] {
        let errors = codes(&mistake.repeat(MANY));
        assert!((1..=100).contains(&errors.len()), "{mistake}: {}", errors.len());
    }
}
