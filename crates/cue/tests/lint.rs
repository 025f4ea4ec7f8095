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
    let table: [(&str, &[&str]); 21] = [
        ("import \"time\"\nx: time.Duration | *\"5s\"", &[]),
        ("import \"a.b/lib@v0:base\"\nx: base.Port | *80", &[]),
        ("let Mode = \"a\" | \"b\"\nx: Mode | *\"a\"", &[]),
        ("let Port = int & >0\nx: Port | *80", &[]),
        ("let Name = string\nx: Name | *\"a\"", &[]),
        ("let n = spec.n\nx: n | *1", &["fallback-never-used x a:2:4"]),
        ("_Port: >0 & <100\nx: _Port | *80", &[]),
        ("_port: int\nx: _port | *80", &["fallback-never-used x a:2:4"]),
        ("_port: *80 | int\nx: _port | *90", &["fallback-never-used x a:2:4"]),
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
    let table: [(&[&str], &[&str]); 22] = [
        (&["a: 1K", "a: 1000"], &[]),
        (&["a: #\"x\"#", "a: \"x\""], &[]),
        (&["a: *1 | int", "a: *2 | int", "a: 3"], &[]),
        (&["a: *b | int", "a: *c | int"], &[]),
        (&["a: [int, string]", "a: [1, \"x\"]"], &[]),
        (&["a: [int, string]", "a: [1]"], &[]),
        (&["a: [{n: 1}]", "a: [{m: 2}]"], &[]),
        (&["a: [{n: 1}]", "a: [{n: 2}]"], &["list-in-two-layers a a:1:4 b:1:4"]),
        (&["a: [1, 2]", "a: [1]"], &["list-in-two-layers a a:1:4 b:1:4"]),
        (&["a: [1]", "a: [for x in y {x}]"], &[]),
        (&["a: *[1] | [...int]", "a: [2]"], &[]),
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
    let version = "spec: selector: {app: name, \"app.kubernetes.io/version\": image.tag}";
    let table: [(&str, &[&str]); 14] = [
        (version, &["selector-from-labels spec.selector a:1:58"]),
        ("selector: {app: \"x\", version: \"v1\"}", &[]),
        ("selector: matchLabels: version: \"v\\(major)\"", &["selector-from-labels selector.matchLabels a:1:33"]),
        ("selector: {version: string, app: string}", &[]),
        ("selector: {for k, v in metadata.labels {(k): v}}", &["selector-from-labels selector a:1:24"]),
        ("selector: {for k, v in metadata.labels if k != \"version\" {(k): v}}", &[]),
        ("selector: matchLabels: #Labels", &[]),
        ("selector: {conversion: n, stage: tag}", &[]),
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

/// `rule path places` of each finding in the text and the values of files that are written one after another, a line
/// `-- name --` before each. Those below `cue.mod` and in folders are there to be imported.
fn found_in_values(files: &str) -> Vec<String> {
    let (mut memory, mut names) = (Memory::default(), Vec::new());
    for part in files.split("-- ").skip(1) {
        let (name, text) = part.split_once(" --\n").expect("a file starts with `-- name --`");
        memory = memory.with(format!("/w/{name}"), text);
        names.extend((!name.contains('/')).then(|| name.to_owned()));
    }
    let options = Options { folder: "/w".into(), ..Options::default() };
    let build = load(&memory, &options, &names).expect("it loads");
    let main = build.instances[0];
    let trees = |index: usize| build.packages[index].files.iter().map(|file| &*file.tree).collect::<Vec<_>>();
    let imported: Vec<_> = (0..build.packages.len()).filter(|index| *index != main).flat_map(trees).collect();
    let instance = build.instance(main, &[], Limits::default());
    let explained = instance.and_then(|instance| instance.why(None, "")).unwrap_or_default();
    let places = |finding: &shipway_cue::lint::Finding| {
        finding.error.labels.iter().map(|label| build.sources.place(label.span)).collect::<Vec<_>>().join(" ")
    };
    lint_values(trees(main), imported, &explained)
        .iter()
        .map(|finding| format!("{} {} {}", finding.rule.name(), finding.error.path, places(finding)))
        .collect()
}

#[test]
fn what_only_values_show_is_found() {
    let table: [(&str, &[&str]); 6] = [
        ("x: a.b | *1\na: b: 2", &["fallback-never-used x x:1:4"]),
        ("a: \"b\": *\"c\" | string\na: b: \"d\"", &[]),
        ("#A: {n: #N, m: *1 | #N}\n#N: 2\nx: #A", &[]),
        ("_a: n: *1 | int\n_b: n: *2 | int\nx: _a & _b", &["two-defaults x.n x:1:9 x:2:9"]),
        ("_a: n: *1 | int\n_b: n: *2 | int\nx: _a & _b & {n: 3}", &[]),
        ("a: *1 | 2\na: *2 | 3", &[]),
    ];
    for (text, findings) in table {
        assert_eq!(
            found_in_values(&format!("-- x --\n{text}").replace("-- x --", "-- x.cue --")),
            expected(findings),
            "{text}"
        );
    }
}

/// The same with the whole names of files.
fn expected(findings: &[&str]) -> Vec<String> {
    findings.iter().map(|finding| finding.replace(" x:", " x.cue:")).collect()
}

const MODULE: &str = "-- cue.mod/module.cue --\nmodule: \"a.b/m\"\nlanguage: version: \"v0.17.0\"\n";

#[test]
fn layers_that_come_by_an_import_are_found() {
    let table: [(&str, &str, &[&str]); 11] = [
        ("ports: [80]", "ports: [80, 443]", &["list-in-two-layers app.ports lib/lib.cue:2:14 env.cue:3:14"]),
        ("ports: [80]", "ports: [81]", &["list-in-two-layers app.ports lib/lib.cue:2:14 env.cue:3:14"]),
        (
            "hosts: [{name: \"a\"}]",
            "hosts: [{name: \"b\"}]",
            &["list-in-two-layers app.hosts lib/lib.cue:2:14 env.cue:3:14"],
        ),
        ("ports: *[80] | [...int]", "ports: [81]", &[]),
        ("ports: [int]", "ports: [\"a\"]", &[]),
        ("ports: [80]", "ports: [80]", &[]),
        ("port: 80", "port: 81", &["not-overridable app.port lib/lib.cue:2:13 env.cue:3:13"]),
        (
            "port: 80, url: \"x:\\(port)\", n: port",
            "port: 81",
            &["not-overridable app.port lib/lib.cue:2:13 env.cue:3:13"],
        ),
        ("port: *80 | int", "port: 81", &[]),
        ("#S\n#S: kind: \"A\"", "kind: \"B\"", &[]),
        ("port: \"80\" | \"81\"", "port: \"82\"", &[]),
    ];
    for (lib, env, findings) in table {
        let lib = format!("-- lib/lib.cue --\npackage lib\nApp: {{{lib}}}\n");
        let env = format!("-- env.cue --\nimport \"a.b/m/lib\"\napp: lib.App\napp: {{{env}}}\n");
        assert_eq!(found_in_values(&format!("{MODULE}{lib}{env}")), findings, "{lib}{env}");
    }
}

#[test]
fn what_cant_be_evaluated_has_findings_in_its_text() {
    let text = "-- x.cue --\nx: spec.n | *1\nspec: n: 2\ny: missing\n";
    assert_eq!(found_in_values(text), ["fallback-never-used x x.cue:1:4"]);
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
