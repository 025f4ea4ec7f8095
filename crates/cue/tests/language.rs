//! Every construct of the language, input and expected output side by side, in the files of `language/`.
//!
//! A file holds cases. `=== title` begins one; then comes its text, or several files, each after a line `--> name`; then
//! `--- ` and the value as JSON, or `--- error Code place`, where the place is the path in the result, or the line and
//! column in the file where no path exists. What was expected comes from the language specification.

mod evaluation;

use evaluation::{Outcome, evaluate};
use shipway_cue::error::Error;
use shipway_cue::source::{FileId, SourceMap};
use shipway_cue::{Limits, decode, encode};

struct Case<'a> {
    title: &'a str,
    files: Vec<(&'a str, &'a str)>,
    expected: &'a str,
}

fn case(text: &str) -> Case<'_> {
    let (title, rest) = text.split_once('\n').expect("a title is a line");
    let (input, expected) = rest.rsplit_once("\n--- ").unwrap_or_else(|| panic!("{title}: nothing is expected"));
    let files = match input.strip_prefix("--> ") {
        None => vec![("in.cue", input)],
        Some(files) => files.split("\n--> ").filter_map(|file| file.split_once('\n')).collect(),
    };
    Case { title, files, expected: expected.trim() }
}

/// The same JSON on one line, its fields in the order of their names.
fn canonical(json: &str) -> String {
    let expr = decode::json(FileId(0), json).unwrap_or_else(|error| panic!("{error} in the expected {json}"));
    let data = decode::expr_to_data(&expr).expect("JSON is data");
    encode::json_compact(&evaluation::sorted(data), false)
}

fn shown(error: &Error, sources: &SourceMap) -> String {
    let place = || error.labels.first().map(|label| sources.place(label.span)).unwrap_or_default();
    let path = if error.path.is_empty() { place().replace("in.cue:", "") } else { error.path.clone() };
    format!("{:?} {path}", error.code)
}

/// What differs from the expected, if something does.
fn difference(case: &Case<'_>) -> Option<String> {
    let (sources, mut outcomes) = evaluate(&case.files, &[], Limits::default());
    let outcome: Outcome = outcomes.remove(0);
    let got = match (&outcome, case.expected.strip_prefix("error ")) {
        (Ok(json), None) if *json == canonical(case.expected) => return None,
        (Err(errors), Some(expected)) if errors.iter().any(|error| shown(error, &sources) == expected) => return None,
        (Ok(json), _) => json.clone(),
        (Err(errors), _) => {
            errors.iter().map(|error| format!("{} ({error})", shown(error, &sources))).collect::<Vec<_>>().join("; ")
        }
    };
    Some(format!("{}\n  expected {}\n  got      {got}\n", case.title, case.expected.replace('\n', " ")))
}

fn check(text: &str) {
    let cases: Vec<Case<'_>> = text.split("=== ").skip(1).map(case).collect();
    let differences: Vec<String> = cases.iter().filter_map(difference).collect();
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.concat());
}

macro_rules! files {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("language/", stringify!($name), ".txt")));
        })*
    };
}

/// What is known to come out otherwise than it should (docs/CUE.md). A case that comes out right moves to the others.
#[test]
fn what_is_known_to_differ_still_does() {
    let text = include_str!("language/known_to_differ.txt");
    let right = text.split("=== ").skip(1).map(case).filter(|case| difference(case).is_none());
    assert_eq!(right.map(|case| case.title).collect::<Vec<_>>(), Vec::<&str>::new());
}

files!(structs closedness disjunctions lists scalars text comprehensions references cycles builtins packages layers attempts reclosed);
