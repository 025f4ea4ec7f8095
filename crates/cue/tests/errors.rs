//! What is wrong, as people read it: configuration and report side by side, in the file `errors.txt`.
//!
//! A file holds cases. `=== title` begins one; then come files, each after a line `--> name`, then `---` and the report.

mod evaluation;

use evaluation::evaluate;
use shipway_cue::Limits;
use shipway_cue::report::{Colours, all};

fn report(input: &str) -> String {
    let files: Vec<(&str, &str)> = input.split("--> ").filter_map(|file| file.split_once('\n')).collect();
    let (sources, outcomes) = evaluate(&files, &[], Limits::default());
    outcomes.into_iter().map(|outcome| all(&outcome.err().unwrap_or_default(), &sources, Colours::None)).collect()
}

#[test]
fn reports_are_as_written() {
    let text = include_str!("errors.txt");
    let mut others = String::new();
    for case in text.split("=== ").skip(1) {
        let (title, rest) = case.split_once('\n').expect("a title is a line");
        let (input, expected) = rest.split_once("---\n").unwrap_or_else(|| panic!("{title}: nothing is expected"));
        let got = report(input);
        if got.trim_end() != expected.trim_end() {
            others += &format!("=== {title}\n{input}---\n{got}\n");
        }
    }
    assert!(others.is_empty(), "other reports than expected:\n{others}");
}
