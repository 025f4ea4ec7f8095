//! What CUE itself exports, against what this crate exports: the cases of the folder that `CUE_CASES` names, else of
//! `shared/cue-cases` beside the repository. Where neither is there, nothing is tested.
//!
//! Three outcomes are counted. Right: equal data (texts of `--out text` exactly), or a case that must fail failed.
//! Refused: status 4. Wrong: anything else. The table in `docs/CUE.md` says how many there are of each: fewer right or
//! more wrong than it says is a failure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;
use shipway_cue::command::{DONE, REFUSED, Streams, run};
use shipway_cue::data::Data;
use shipway_cue::decode;
use shipway_cue::load::{Disk, Variables};
use shipway_cue::report::Colours;
use shipway_cue::source::FileId;

/// How many of the checks of one group and tier came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Score {
    right: usize,
    refused: usize,
    wrong: usize,
}

type Scores = BTreeMap<(String, u64), Score>;

enum Outcome {
    Right,
    Refused,
    Wrong,
}

fn cases() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CUE_CASES") {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/cue-cases"));
    beside.into_iter().find(|folder| folder.is_dir())
}

/// The folders of all cases, two levels down.
fn folders(root: &Path) -> Vec<PathBuf> {
    let inside = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir())
    };
    let mut found: Vec<PathBuf> =
        inside(root.to_path_buf()).flat_map(inside).filter(|folder| folder.join("case.json").is_file()).collect();
    found.sort();
    found
}

fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One value of JSON as data: the numbers as exact decimals.
fn data(json: &str) -> Option<Data> {
    decode::expr_to_data(&decode::json(FileId(0), json).ok()?)
}

/// All values of a text that holds one after another.
fn json_values(text: &str) -> Option<Vec<Data>> {
    decode::json_lines(FileId(0), text).ok()?.iter().map(decode::expr_to_data).collect()
}

fn yaml_values(text: &str) -> Option<Vec<Data>> {
    decode::yaml(FileId(0), text).ok()?.iter().map(decode::expr_to_data).collect()
}

fn export(folder: &Path, arguments: &[String], more: &[&str]) -> (u8, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (folder, variables) = (folder.to_path_buf(), Variables::default());
    let mut streams = Streams { files: &Disk, folder, variables, out: &mut out, err: &mut err, colours: Colours::None };
    let arguments =
        ["cue", "export"].into_iter().chain(arguments.iter().map(String::as_str)).chain(more.iter().copied());
    let status = run(arguments.map(Into::into), &mut streams);
    (status, String::from_utf8_lossy(&out).into_owned())
}

fn judge((status, out): (u8, String), good: impl FnOnce(&str) -> bool) -> Outcome {
    match status {
        REFUSED => Outcome::Refused,
        DONE if good(&out) => Outcome::Right,
        _ => Outcome::Wrong,
    }
}

fn must_fail((status, _): (u8, String)) -> Outcome {
    match status {
        REFUSED => Outcome::Refused,
        DONE => Outcome::Wrong,
        _ => Outcome::Right,
    }
}

/// The checks of one case, each with the path that it asks for.
fn checks(folder: &Path, case: &Value) -> Vec<(String, Outcome)> {
    let inside = folder.join("in").join(case["cwd"].as_str().unwrap_or("."));
    let strings = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
    };
    let arguments = strings(&case["args"]);
    match case["kind"].as_str() {
        Some("error") => vec![(String::new(), must_fail(export(&inside, &arguments, &[])))],
        Some("export") => {
            let ran = export(&inside, &arguments, &[]);
            vec![(String::new(), judge(ran, |out| as_expected(folder, case, out)))]
        }
        _ => {
            let paths: Value = serde_json::from_str(&text(folder.join("paths.json"))).expect("paths.json is JSON");
            let ask = |path: &str| export(&inside, &arguments, &["-e", path, "--out", "json"]);
            let expected = expected_values(folder);
            let values = expected.iter().map(|(path, value)| {
                (path.clone(), judge(ask(path), |out| json_values(out).as_deref() == Some(std::slice::from_ref(value))))
            });
            let errors = paths["errors"].as_object().into_iter().flatten().map(|(path, _)| path.clone());
            let failing = strings(&paths["errors"]).into_iter().chain(errors).chain(strings(&paths["incomplete"]));
            values.chain(failing.map(|path| (path.clone(), must_fail(ask(&path))))).collect()
        }
    }
}

fn as_expected(folder: &Path, case: &Value, out: &str) -> bool {
    let values = |read: fn(&str) -> Option<Vec<Data>>, name: &str| {
        let expected = read(&text(folder.join(name)));
        expected.is_some() && read(out) == expected
    };
    match case["format"].as_str() {
        Some("json") => values(json_values, "expected.json"),
        Some("yaml") => values(yaml_values, "expected.yaml"),
        _ => text(folder.join("expected.txt")) == out,
    }
}

fn expected_values(folder: &Path) -> Vec<(String, Data)> {
    let paths = data(&text(folder.join("paths.json")));
    let Some(Data::Struct(mut fields)) = paths else { panic!("{}: no paths", folder.display()) };
    match fields.swap_remove("values") {
        Some(Data::Struct(values)) => values.into_iter().map(|(path, value)| (path.to_string(), value)).collect(),
        _ => Vec::new(),
    }
}

/// Runs all cases on all processors; gives back the scores and what isn't right.
fn scores(root: &Path) -> (Scores, Vec<String>) {
    let (queue, results) = (Mutex::new(folders(root)), Mutex::new((Scores::new(), Vec::new())));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || loop {
        let Some(folder) = queue.lock().expect("no worker panics").pop() else { return };
        let case: Value = serde_json::from_str(&text(folder.join("case.json"))).expect("case.json is JSON");
        let (id, tier) =
            (case["id"].as_str().unwrap_or_default().to_owned(), case["tier"].as_u64().unwrap_or_default());
        let group = id.split('/').next().unwrap_or_default().to_owned();
        let outcomes = checks(&folder, &case);
        let mut results = results.lock().expect("no worker panics");
        for (path, outcome) in outcomes {
            let score = results.0.entry((group.clone(), tier)).or_default();
            match outcome {
                Outcome::Right => score.right += 1,
                Outcome::Refused => score.refused += 1,
                Outcome::Wrong => score.wrong += 1,
            }
            if matches!(outcome, Outcome::Wrong) {
                results.1.push(format!("{id} {path}"));
            }
        }
    };
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    results.into_inner().expect("no worker panics")
}

/// The rows `| group | tier | checks | right | refused | wrong |` of the document.
fn documented() -> Scores {
    let document = text(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CUE.md"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, group, tier, _, right, refused, wrong, _] = cells[..] else { return None };
        let number = |cell: &str| cell.parse().ok();
        let score = Score { right: number(right)?, refused: number(refused)?, wrong: number(wrong)? };
        Some(((group.to_owned(), tier.parse().ok()?), score))
    };
    document.lines().filter_map(row).collect()
}

#[test]
fn what_cue_exports_is_exported() {
    let Some(root) = cases() else { return eprintln!("skipped: there are no cases; CUE_CASES names their folder") };
    let documented = documented();
    assert!(!documented.is_empty(), "docs/CUE.md has no table of scores");
    let (scores, mut wrong) = scores(&root);
    wrong.sort();
    let worse = |(key, known): &(&(String, u64), &Score)| {
        let now = scores.get(*key).copied().unwrap_or_default();
        now.right < known.right || now.wrong > known.wrong
    };
    let worse: Vec<_> = documented.iter().filter(worse).collect();
    let new: Vec<_> = scores.keys().filter(|key| !documented.contains_key(*key)).collect();
    let table: String = scores
        .iter()
        .map(|((group, tier), s)| {
            let checks = s.right + s.refused + s.wrong;
            format!("| {group} | {tier} | {checks} | {} | {} | {} |\n", s.right, s.refused, s.wrong)
        })
        .collect();
    assert!(worse.is_empty() && new.is_empty(), "{worse:?} {new:?}\n{table}wrong:\n{}", wrong.join("\n"));
}
