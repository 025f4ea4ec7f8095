//! Errors as people read them.

use proptest::prelude::*;
use shipway_cue::error::{Code, Error};
use shipway_cue::report::{Colours, MAX_ERRORS, all, one};
use shipway_cue::source::{FileId, SourceMap, Span};

fn sources(text: &str) -> SourceMap {
    let mut sources = SourceMap::default();
    sources.add("x.cue", text);
    sources.add("y.cue", "b: 2\n");
    sources
}

fn span(start: u32, end: u32) -> Span {
    Span::new(FileId(0), start, end)
}

#[test]
fn places_are_drawn_with_carets() {
    let sources = sources("\ta: é + 1 // c\nb: {\n\tc: 1\n}\n");
    let table = [
        (Error::new(Code::Conflict, "m", None), "error: m\n"),
        (
            Error::new(Code::Conflict, "m", Some(span(4, 6))).help("do it"),
            "error: m\n --> x.cue:1:5\n  |\n1 |     a: é + 1 // c\n  |        ^\n  help: do it\n",
        ),
        (
            Error::new(Code::Incomplete, "m", None).at(span(4, 6), "one").at(span(9, 10), "two"),
            "incomplete: m\n --> x.cue:1:5\n  |\n1 |     a: é + 1 // c\n  |        ^ one\n  |            ^ two\n",
        ),
        (
            Error::new(Code::Unsupported, "m", Some(span(19, 26))),
            "not supported: m\n --> x.cue:2:4\n  |\n2 | b: {\n  |    ^\n",
        ),
        (
            Error::new(Code::Conflict, "m", None).at(span(1, 2), "left").at(Span::new(FileId(1), 3, 4), "right"),
            "error: m\n --> x.cue:1:2\n  |\n1 |     a: é + 1 // c\n  |     ^ left\n \
             --> y.cue:1:4\n  |\n1 | b: 2\n  |    ^ right\n",
        ),
        (
            Error::new(Code::Conflict, "m", Some(span(1, 2))).at(span(1, 2), "said").at(span(1, 2), "said"),
            "error: m\n --> x.cue:1:2\n  |\n1 |     a: é + 1 // c\n  |     ^ said\n",
        ),
        (Error::new(Code::Conflict, "m", Some(Span::new(FileId(9), 0, 1))), "error: m\n"),
    ];
    for (error, expected) in table {
        assert_eq!(one(&error, &sources, Colours::None), expected);
    }
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let text = format!("a: \"{}\" & 3", "x".repeat(500));
    let start = text.len() as u32 - 1;
    let drawn = one(&Error::new(Code::Conflict, "m", Some(span(start, start + 1))), &sources(&text), Colours::None);
    let lines: Vec<&str> = drawn.lines().collect();
    assert!(lines[3].starts_with("1 | …xxx") && lines[3].ends_with("x\" & 3"), "{drawn}");
    assert_eq!(lines[3].chars().count(), lines[4].chars().count(), "{drawn}");
}

#[test]
fn many_errors_are_counted() {
    let errors = vec![Error::new(Code::Conflict, "m", None); MAX_ERRORS + 2];
    let drawn = all(&errors, &SourceMap::default(), Colours::None);
    assert_eq!(drawn.matches("error: m").count(), MAX_ERRORS);
    assert!(drawn.ends_with("… and 2 more errors\n"));
}

#[test]
fn colours_change_nothing_else() {
    let error = Error::new(Code::Conflict, "m", Some(span(0, 1))).help("h");
    let coloured = one(&error, &sources("a: 1"), Colours::Ansi);
    let mut plain = String::new();
    for (index, part) in coloured.split('\u{1b}').enumerate() {
        plain.push_str(if index == 0 { part } else { part.split_once('m').expect("an escape ends").1 });
    }
    assert_eq!(plain, one(&error, &sources("a: 1"), Colours::None));
}

proptest! {
    #[test]
    fn any_place_in_any_text_is_drawn(
        text in "[a-zé\\t\\n\\r ]{0,40}|\\PC{0,200}",
        places in proptest::collection::vec((0u32..60, 0u32..60, "[a-z]{0,3}"), 0..12),
    ) {
        let mut error = Error::new(Code::Conflict, "m", None);
        for (start, end, label) in places {
            error = error.at(span(start, end), label);
        }
        prop_assert!(one(&error, &sources(&text), Colours::None).starts_with("error: m\n"));
    }
}
