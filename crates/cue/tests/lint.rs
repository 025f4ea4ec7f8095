//! Lint: what is found, where, and what is left alone.

use shipway_cue::Limits;
use shipway_cue::lint::{lint, lint_values};
use shipway_cue::load::{Memory, Options, load};
use shipway_cue::source::SourceMap;
use shipway_cue::syntax::parse_file;

/// `rule path file:line:column` of each finding in a package of files named a, b, c, ….
fn found(files: &[&str]) -> Vec<String> {
    let mut sources = SourceMap::default();
    let mut parsed = Vec::new();
    for (name, text) in ["a", "b", "c"].iter().zip(files) {
        let id = sources.add(*name, *text);
        let (file, errors) = parse_file(id, text);
        assert!(errors.is_empty(), "{errors:?} in {text}");
        parsed.push(file);
    }
    let place = |error: &shipway_cue::error::Error| {
        error.labels.iter().map(|label| sources.place(label.span)).collect::<Vec<_>>().join(" ")
    };
    lint(&parsed)
        .iter()
        .map(|finding| format!("{} {} {}", finding.rule.name(), finding.error.path, place(&finding.error)))
        .collect()
}

#[test]
fn a_marked_fallback_is_found() {
    let table: [(&str, &[&str]); 12] = [
        ("x: a | *1", &["fallback-never-used x a:1:4"]),
        ("x: y: spec.replicas | *1", &["fallback-never-used x.y a:1:7"]),
        ("x: *1 | a.b[0]", &["fallback-never-used x a:1:4"]),
        ("x: (a | *1)", &["fallback-never-used x a:1:4"]),
        ("x: [{y: a | *1}]", &["fallback-never-used x[0].y a:1:9"]),
        ("x: int | *1", &[]),
        ("x: #A | *1", &[]),
        ("x: k8s.#Probe | *null", &[]),
        ("x: #A.b | *1", &[]),
        ("x: *a | 1", &[]),
        ("x: 1 | *2 | 3", &[]),
        ("x: a | b", &[]),
    ];
    for (text, findings) in table {
        assert_eq!(found(&[text]), findings, "{text}");
    }
}

#[test]
fn values_that_layers_disagree_on_are_found() {
    let table: [(&[&str], &[&str]); 11] = [
        (&["a: 1", "a: 2"], &["not-overridable a a:1:4 b:1:4"]),
        (&["a: b: {c: \"x\"}", "a: {b: c: \"y\"}"], &["not-overridable a.b.c a:1:11 b:1:11"]),
        (&["a: 1", "a: 1"], &[]),
        (&["a: *1 | int", "a: 2"], &[]),
        (&["a: *1 | int", "a: *2 | int"], &["two-defaults a a:1:5 b:1:5"]),
        (&["a: *1 | int", "a: *1 | number"], &[]),
        (&["a: *1 | *2"], &["two-defaults a a:1:5 a:1:10"]),
        (&["a: [1]", "a: [2]"], &["list-in-two-layers a a:1:4 b:1:4"]),
        (&["a: [1]", "a: [...int]"], &[]),
        (&["if x {a: 1}", "a: 2"], &[]),
        (&["[string]: a: 1", "x: a: 2"], &[]),
    ];
    for (files, findings) in table {
        assert_eq!(found(files), findings, "{files:?}");
    }
}

#[test]
fn selectors_from_labels_are_found() {
    let table: [(&str, &[&str]); 6] = [
        ("spec: selector: matchLabels: metadata.labels", &["selector-from-labels spec.selector.matchLabels a:1:30"]),
        ("spec: selector: _labels", &["selector-from-labels spec.selector a:1:17"]),
        ("spec: selector: {#commonLabels, app: \"x\"}", &["selector-from-labels spec.selector a:1:18"]),
        ("spec: selector: matchLabels: app: name", &[]),
        ("spec: selector: matchLabels: app: metadata.labels.app", &[]),
        ("metadata: labels: _labels", &[]),
    ];
    for (text, findings) in table {
        assert_eq!(found(&[text]), findings, "{text}");
    }
}

/// `rule path line:column` of each finding in the values of a file.
fn found_in_values(text: &str) -> Vec<String> {
    let memory = Memory::default().with("/w/a.cue", text);
    let options = Options { folder: "/w".into(), ..Options::default() };
    let build = load(&memory, &options, &["a.cue".to_owned()]).expect("it loads");
    let instance = build.instance(build.instances[0], &[], Limits::default()).expect("names are bound");
    let places = |finding: &shipway_cue::lint::Finding| {
        let place = |span| build.sources.place(span).trim_start_matches("a.cue:").to_owned();
        finding.error.labels.iter().map(|label| place(label.span)).collect::<Vec<_>>().join(" ")
    };
    lint_values(&instance.why(None, "").expect("it can be explained"))
        .iter()
        .map(|finding| format!("{} {} {}", finding.rule.name(), finding.error.path, places(finding)))
        .collect()
}

#[test]
fn what_only_values_show_is_found() {
    let table: [(&str, &[&str]); 9] = [
        ("x: a.b | *1\na: b: 2", &["fallback-never-used x 1:4 1:4"]),
        ("#A: {n: 5, m: n | *1}\nx: #A", &["fallback-never-used x.m 1:15 1:15"]),
        ("x: a.b | *1\na: b: int", &[]),
        ("x: a.b | *1\na: b: 1", &[]),
        ("x: #P | *#D\n#P: \"p\"\n#D: \"d\"", &[]),
        ("x: 1 | *2 | 3", &[]),
        ("x: a.b | *1\nx: 2\na: b: 2", &[]),
        ("_a: n: *1 | int\n_b: n: *2 | int\nx: _a & _b", &["two-defaults x.n 1:9 2:9"]),
        ("_a: n: *1 | int\n_b: n: *2 | int\nx: _a & _b & {n: 3}", &[]),
    ];
    for (text, findings) in table {
        assert_eq!(found_in_values(text), findings, "{text}");
    }
}

#[test]
fn findings_say_what_to_do() {
    let (file, _) = parse_file(shipway_cue::source::FileId(0), "x: spec.n | *1");
    let findings = lint(&[file]);
    let error = &findings.first().expect("a finding").error;
    assert_eq!(error.message, "this is 1 even where spec.n has a value: a mark wins over what is not marked");
    let help = "to use spec.n and 1 only where it is missing, write: *spec.n | 1";
    assert_eq!(error.help.as_deref(), Some(help));
}
