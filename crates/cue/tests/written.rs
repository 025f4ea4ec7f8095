//! Values as CUE, input and expected output side by side, in the files of `written/`.
//!
//! A file holds cases. `=== title` begins one; then comes the input, then what is written of it: after `--- result` as
//! `cue eval` prints it, after `--- hidden` and `--- optional` with such fields,
//! after `--- attributes` with those, after `--- whole` all that it is, after
//! `--- package` its files as one, after `--- PATH` the value there. `error MESSAGE` stands for an error.

use shipway_cue::{Context, Failed, Style, Value};

fn cases(text: &str) -> impl Iterator<Item = (&str, &str, Vec<(&str, &str)>)> {
    text.split("=== ").skip(1).map(|case| {
        let (title, rest) = case.split_once('\n').expect("a title is a line");
        let mut parts = rest.split("--- ");
        let input = parts.next().unwrap_or_default();
        (title, input, parts.map(|part| part.split_once('\n').expect("a heading is a line")).collect())
    })
}

fn written(input: &str, what: &str) -> Result<String, Failed> {
    let value: Value = Context::default().compile_text(input)?;
    match what {
        "result" => value.to_cue(Style::RESULT),
        "hidden" => value.to_cue(Style { hidden: true, ..Style::RESULT }),
        "attributes" => value.to_cue(Style { attributes: true, ..Style::RESULT }),
        "optional" => value.to_cue(Style { optional: true, ..Style::RESULT }),
        "whole" => value.to_cue(Style::WHOLE),
        "package" => value.package_to_cue(),
        path => value.lookup(path)?.to_cue(Style::RESULT),
    }
}

fn check(text: &str) {
    let mut differences = String::new();
    for (title, input, expected) in cases(text) {
        for (what, expected) in expected {
            let got = match written(input, what) {
                Ok(text) => text,
                Err(failed) => failed.errors.iter().map(|error| format!("error {error}\n")).collect(),
            };
            if got != expected {
                differences.push_str(&format!("{title} ({what})\n{got}\n"));
            }
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}

macro_rules! files {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("written/", stringify!($name), ".txt")));
        })*
    };
}

files!(concrete constraints structs incomplete references packages remarks);
