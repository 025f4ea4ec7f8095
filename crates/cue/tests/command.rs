//! The command line: what is printed, what is written, and with which status it ends.

use std::path::Path;

use shipway_cue::command::{DONE, REFUSED, Streams, USAGE, WRONG, run};
use shipway_cue::load::{Disk, Variables};
use shipway_cue::report::Colours;

struct Ran {
    status: u8,
    out: String,
    err: String,
}

fn cue(folder: &Path, arguments: &[&str]) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let variables = Variables([("os".to_owned(), "linux".to_owned())].into());
    let folder = folder.to_path_buf();
    let mut streams = Streams { files: &Disk, folder, variables, out: &mut out, err: &mut err, colours: Colours::None };
    let arguments = ["cue"].iter().chain(arguments).map(Into::into);
    let status = run(arguments, &mut streams);
    let text = |bytes| String::from_utf8(bytes).expect("reports are text");
    Ran { status, out: text(out), err: text(err) }
}

/// A folder of files, written one after another with a line `-- name --` before each.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for part in text.split("-- ").skip(1) {
        let (name, content) = part.split_once(" --\n").expect("a file starts with `-- name --`");
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("folders can be made");
        std::fs::write(path, content).expect("files can be written");
    }
    folder
}

/// Runs and compares status and output.
fn check(files: &str, table: &[(&[&str], u8, &str)]) {
    let folder = folder(files);
    for (arguments, status, expected) in table {
        let ran = cue(folder.path(), arguments);
        assert_eq!((ran.status, ran.out.as_str()), (*status, *expected), "{arguments:?}\n{}", ran.err);
    }
}

/// Runs and compares status and report.
fn check_report(files: &str, table: &[(&[&str], u8, &str)]) {
    let folder = folder(files);
    for (arguments, status, expected) in table {
        let ran = cue(folder.path(), arguments);
        assert_eq!((ran.status, ran.err.as_str()), (*status, *expected), "{arguments:?}\n{}", ran.out);
    }
}

#[test]
fn values_are_exported_in_every_format() {
    let files = "-- x.cue --\na: 1\nb: c: [\"x\", \"<y>\"]\ns: \"text\"\nt: string @tag(t)\nn: a + 1\n#D: 3\n_h: 4\n";
    let tag = ["export", "x.cue", "-t", "t=z"];
    let with = |more: &[&'static str]| [&tag[..], more].concat();
    check(
        files,
        &[
            (&with(&["-e", "b"]), DONE, "{\n    \"c\": [\n        \"x\",\n        \"<y>\"\n    ]\n}\n"),
            (&with(&["-e", "b.c[1]", "--escape"]), DONE, "\"\\u003cy\\u003e\"\n"),
            (&with(&["--out", "yaml"]), DONE, "a: 1\nb:\n  c:\n    - x\n    - <y>\ns: text\n\"t\": z\n\"n\": 2\n"),
            (&with(&["-e", "a", "-e", "b", "--out", "yaml"]), DONE, "1\n---\nc:\n  - x\n  - <y>\n"),
            (&with(&["-e", "a", "-e", "s"]), DONE, "1\n\"text\"\n"),
            (&with(&["-e", "s", "--out", "text"]), DONE, "text\n"),
            (&with(&["-e", "s", "--out", "binary"]), DONE, "text"),
            (&with(&["-e", "b", "--out", "toml"]), DONE, "c = ['x', '<y>']\n"),
            (&with(&["-e", "b", "--out", "jsonl"]), DONE, "{\"c\":[\"x\",\"<y>\"]}\n"),
            (&with(&["-e", "b", "--out", "cue"]), DONE, "c: [\"x\", \"<y>\"]\n"),
            (&with(&["-e", "strings.ToUpper(s)"]), DONE, "\"TEXT\"\n"),
            (&with(&["-e", "#D + _h"]), DONE, "7\n"),
            (&with(&["-o", "yaml:-", "-e", "a"]), DONE, "1\n"),
            (&["export", "x.cue"], WRONG, ""),
            (&["export", "x.cue", "--nope"], USAGE, ""),
            (&["export", "xml:", "x.cue"], REFUSED, ""),
        ],
    );
}

#[test]
fn results_are_written_to_files_once() {
    let folder = folder("-- x.cue --\na: 1\n");
    let content = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it was written");
    assert_eq!(cue(folder.path(), &["export", "x.cue", "-o", "y.yaml"]).status, DONE);
    assert_eq!(content("y.yaml"), "a: 1\n");
    let again = cue(folder.path(), &["export", "x.cue", "-o", "y.yaml"]);
    assert_eq!(again.err, "error: the file `y.yaml` is there already\n  help: write over it with `--force`\n");
    assert_eq!(cue(folder.path(), &["export", "x.cue", "-f", "-o", "json:y.yaml"]).status, DONE);
    assert_eq!(content("y.yaml"), "{\n    \"a\": 1\n}\n");
    assert_eq!(cue(folder.path(), &["export", "x.cue", "-o", "y"]).status, WRONG);
}

#[test]
fn data_is_placed() {
    let files = "-- d.yaml --\nkind: a\nname: x\n---\nkind: b\nname: y\n-- e.json --\n{\"kind\": \"a\", \"k\": 1}\n\
                 -- s.cue --\nkind: \"a\"\nname: string | *\"none\"\n#S: {kind: string, name: =~\"^x\"}\n";
    check(
        files,
        &[
            (&["export", "s.cue", "e.json", "--out", "jsonl"], DONE, "{\"kind\":\"a\",\"k\":1,\"name\":\"none\"}\n"),
            (
                &["export", "d.yaml", "-l", "kind", "-l", "strings.ToUpper(name)", "--out", "jsonl"],
                DONE,
                "{\"a\":{\"X\":{\"kind\":\"a\",\"name\":\"x\"}},\"b\":{\"Y\":{\"kind\":\"b\",\"name\":\"y\"}}}\n",
            ),
            (&["export", "d.yaml", "-l", "all: \"\\(kind)\":", "-e", "all.b.name"], DONE, "\"y\"\n"),
            (
                &["export", "d.yaml", "--list", "-e", "[for x in all {x.name}]", "-l", "\"all\"", "--out", "jsonl"],
                DONE,
                "[\"x\",\"y\"]\n",
            ),
            (
                &[
                    "export",
                    "d.yaml",
                    "--with-context",
                    "-l",
                    "filename",
                    "-l",
                    "\"\\(index+1)/\\(recordCount)\"",
                    "-e",
                    "\"d.yaml\"",
                    "--out",
                    "jsonl",
                ],
                DONE,
                "\"d.yaml\"\n",
            ),
            (&["export", "d.yaml", "--with-context"], USAGE, ""),
            (&["export", "s.cue", "d.yaml", "-d", "#S", "-l", "kind"], USAGE, ""),
            (&["export", "s.cue", "d.yaml", "-d", "#S"], WRONG, ""),
            (&["export", "s.cue", "d.yaml"], WRONG, ""),
        ],
    );
}

#[test]
fn configurations_are_checked() {
    let files = "-- ok.cue --\na: 1\n-- open.cue --\na: int\n-- wrong.cue --\na: 1\na: 2\n\
                 -- s.cue --\n#S: {n: int, m?: string}\n-- d.yaml --\nn: 1\n---\nn: x\n-- f.json --\n{\"n\": 1}\n\
                 -- open.json --\n{\"m\": \"a\"}\n";
    check(
        files,
        &[
            (&["vet", "ok.cue"], DONE, ""),
            (&["vet", "open.cue"], DONE, ""),
            (&["vet", "-c", "open.cue"], WRONG, ""),
            (&["vet", "wrong.cue"], WRONG, ""),
            (&["vet", "s.cue", "f.json", "-d", "#S"], DONE, ""),
            (&["vet", "s.cue", "d.yaml", "-d", "#S"], WRONG, ""),
            (&["vet", "s.cue", "open.json", "-d", "#S"], WRONG, ""),
            (&["vet", "ok.cue", "f.json"], DONE, ""),
        ],
    );
    check_report(
        files,
        &[
            (&["vet", "open.cue"], DONE, "some fields have no concrete value; `-c` shows them, `-c=false` is silent\n"),
            (&["vet", "-c=false", "open.cue"], DONE, ""),
        ],
    );
}

#[test]
fn values_are_explained() {
    let files = "-- a.cue --\na: *1 | int\n-- b.cue --\na: 2\n-- c.json --\n{\"b\": 3}\n";
    let a = "a = 2\n  → b.cue:1:4  2\n    a.cue:1:4  *1 | int\n";
    check(
        files,
        &[
            (&["why", "a.cue", "b.cue", "-e", "a"], DONE, a),
            (&["why", "a.cue", "b.cue", "c.json"], DONE, &format!("{a}\nb = 3\n  → c.json:1:7  3\n")),
            (&["why", "a.cue", "-e", "nope"], WRONG, ""),
            (&["why", "a.cue", "-e", "a", "--out", "yaml"], USAGE, ""),
        ],
    );
    let printed = cue(folder(files).path(), &["why", "a.cue", "-e", "a", "--out", "json"]);
    assert!(printed.out.starts_with("[\n    {\n        \"path\": \"a\",\n        \"value\": 1,\n"), "{}", printed.out);
}

#[test]
fn both_sides_of_a_conflict_are_shown() {
    let folder = folder("-- a.cue --\na: 1\n-- b.cue --\n\ta: 2\n");
    let ran = cue(folder.path(), &["vet", "a.cue", "b.cue"]);
    for expected in
        [" --> a.cue:1:4\n  |\n1 | a: 1\n  |    ^ 1 here\n", " --> b.cue:1:5\n  |\n1 |     a: 2\n  |        ^ 2 here\n"]
    {
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
}

#[test]
fn files_are_laid_out() {
    let folder = folder("-- a.cue --\na:   1\n-- sub/b.cue --\nb: 1\n-- sub/c_tool.cue --\n@if(x)\npackage y\nc:1\n");
    let listed = cue(folder.path(), &["fmt", "--check", "./..."]);
    assert_eq!((listed.status, listed.out.as_str()), (WRONG, "a.cue\nsub/c_tool.cue\n"));
    assert_eq!(cue(folder.path(), &["fmt", "./..."]).status, DONE);
    assert_eq!(std::fs::read_to_string(folder.path().join("a.cue")).expect("it is there"), "a: 1\n");
    assert_eq!(cue(folder.path(), &["fmt", "--check", "./..."]).status, DONE);
    assert_eq!(cue(folder.path(), &["fmt", "none.cue"]).status, WRONG);
}

#[test]
fn a_value_is_set_if_the_configuration_still_holds() {
    let files = "-- x.cue --\na: int & <10 // small\na: 1\nl: [1, 2]\ng: {k: 1}\n";
    let folder = folder(files);
    let content = || std::fs::read_to_string(folder.path().join("x.cue")).expect("it is there");
    let before = content();
    let wrong = cue(folder.path(), &["set", "x.cue", "g.k", "\"x\" & 3"]);
    assert_eq!(wrong.status, WRONG);
    assert!(wrong.err.contains("the file was left as it is"), "{}", wrong.err);
    assert_eq!(content(), before);
    assert_eq!(cue(folder.path(), &["set", "x.cue", "g.k", "2", "--dry-run"]).out, before.replace("k: 1", "k: 2"));
    assert_eq!(content(), before);
    assert_eq!(cue(folder.path(), &["set", "x.cue", "g.k", "2"]).status, DONE);
    assert_eq!(cue(folder.path(), &["set", "x.cue", "l", "3", "--append"]).status, DONE);
    assert_eq!(cue(folder.path(), &["set", "x.cue", "l", "0", "--insert", "0"]).status, DONE);
    assert_eq!(cue(folder.path(), &["set", "x.cue", "g", "--remove"]).status, DONE);
    assert_eq!(content(), "a: int & <10 // small\na: 1\nl: [0, 1, 2, 3]\n");
    assert_eq!(cue(folder.path(), &["set", "x.cue", "l"]).status, USAGE);
    assert_eq!(cue(folder.path(), &["set", "x.cue", "l", "3", "--append", "--insert", "1"]).status, USAGE);
}

#[test]
fn what_is_set_is_checked_whatever_the_path_to_the_file_looks_like() {
    let files = "-- sub/x.cue --\npackage p\na: int\n-- sub/y.cue --\npackage p\na: 1\nb: a\n\
                 -- m/cue.mod/module.cue --\nmodule: \"x.test/m\"\nlanguage: version: \"v0.15.0\"\n\
                 -- m/q/q.cue --\npackage q\nn: 1\n\
                 -- m/a.cue --\npackage m\nimport \"x.test/m/q\"\nc: q.n\n\
                 -- m/if.cue --\n@if(prod)\npackage m\nd: 1\n-- m/only_tool.cue --\npackage t\ne: 1\n";
    let folder = folder(files);
    let content = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it is there");
    let whole = folder.path().join("sub/y.cue").display().to_string();
    let table: &[(&str, &str, &str, u8)] = &[
        ("sub/y.cue", "a", "\"x\"", WRONG),
        ("./sub/../sub/y.cue", "a", "\"x\"", WRONG),
        ("sub/./y.cue", "a", "\"x\"", WRONG),
        (&whole, "a", "\"x\"", WRONG),
        (&whole, "a", "-2", DONE),
        ("m/a.cue", "c", "q.n & 2", WRONG),
        ("m/a.cue", "f", "q.n & 1", DONE),
        ("m/if.cue", "d", "2", WRONG),
        ("m/only_tool.cue", "e", "2", WRONG),
    ];
    for (file, path, value, status) in table {
        let before = [content("sub/y.cue"), content("m/a.cue")];
        let ran = cue(folder.path(), &["set", file, path, value]);
        assert_eq!(ran.status, *status, "{file} {path} {value}\n{}", ran.err);
        assert_eq!(before == [content("sub/y.cue"), content("m/a.cue")], *status == WRONG, "{file} {path} {value}");
    }
    assert_eq!(content("sub/y.cue"), "package p\na: -2\nb: a\n");
    let tagged = cue(folder.path(), &["set", "m/if.cue", "d", "2", "-t", "prod"]);
    assert_eq!((tagged.status, content("m/if.cue").as_str()), (DONE, "@if(prod)\npackage m\nd: 2\n"), "{}", tagged.err);
    let other = cue(folder.path(), &["set", "m/only_tool.cue", "e", "2", "--check", "./sub"]);
    assert_eq!((other.status, content("m/only_tool.cue").as_str()), (DONE, "package t\ne: 2\n"), "{}", other.err);
}

#[test]
fn data_is_imported() {
    let files = "-- a.yaml --\nk: x\nlong-name: |\n  one\n  two\n-- m.yaml --\nk: x\n---\nk: y\n-- b.json --\n[1, 2]\n";
    let folder = folder(files);
    let content = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it was written");
    assert_eq!(cue(folder.path(), &["import", "a.yaml", "b.json", "-p", "p"]).status, DONE);
    assert_eq!(content("a.cue"), "package p\n\nk: \"x\"\n\"long-name\": \"\"\"\n\tone\n\ttwo\n\n\t\"\"\"\n");
    assert_eq!(content("b.cue"), "package p\n\n[1, 2]\n");
    let again = cue(folder.path(), &["import", "a.yaml"]);
    assert_eq!(again.err, "`a.cue` is there already and was left as it is; `-f` writes over it\n");
    assert_eq!(cue(folder.path(), &["import", "m.yaml"]).status, WRONG);
    assert_eq!(cue(folder.path(), &["import", "m.yaml", "--files"]).status, DONE);
    assert_eq!((content("m.cue"), content("m-1.cue")), ("k: \"x\"\n".to_owned(), "k: \"y\"\n".to_owned()));
    let printed = cue(folder.path(), &["import", "m.yaml", "-o", "-", "-l", "k", "-l", "v:"]);
    assert_eq!(printed.out, "x: v: {\n\tk: \"x\"\n}\ny: v: {\n\tk: \"y\"\n}\n");
    assert_eq!(cue(folder.path(), &["import", "m.yaml", "-o", "-", "--list"]).out.lines().count(), 5);
    assert_eq!(cue(folder.path(), &["import", "a.cue"]).status, USAGE);
}

#[test]
fn an_error_shows_its_lines() {
    let files = "-- t.cue --\n\ta: 1 & 2 // tabs and é\n-- s.cue --\na: {\n-- u.cue --\nimport \"none\"\n\nx: none.y\n";
    check_report(
        files,
        &[(
            &["export", "u.cue"],
            WRONG,
            "error: there is no standard package `none`\n --> u.cue:1:8\n  |\n1 | import \"none\"\n  |        ^^^^^^\n",
        )],
    );
}

#[test]
fn what_a_package_closes_is_closed_for_data_all_the_way_down() {
    let folder = folder(concat!(
        "-- s.cue --\npackage s\n#Config\n#Config: {name: string, port?: int, sub?: {a: int}}\n",
        "-- m.cue --\npackage m\nclose({s!: {[string]: #S}})\n#S: close({k!: \"a\"})\n",
        "-- o.cue --\npackage o\nname: string\n",
        "-- name.json --\n{\"name\": \"x\", \"port\": 1}\n",
        "-- slip.json --\n{\"name\": \"x\", \"prot\": 1}\n",
        "-- below.json --\n{\"name\": \"x\", \"sub\": {\"a\": 1, \"b\": 2}}\n",
        "-- k.json --\n{\"s\": {\"w\": {\"k\": \"a\"}}}\n",
        "-- deep.json --\n{\"s\": {\"w\": {\"k\": \"a\", \"x\": 1}}}\n",
    ));
    let table = [
        ("s.cue", "name.json", DONE, ""),
        ("s.cue", "slip.json", WRONG, "prot: field not allowed"),
        ("s.cue", "below.json", WRONG, "sub.b: field not allowed"),
        ("m.cue", "k.json", DONE, ""),
        ("m.cue", "slip.json", WRONG, "name: field not allowed"),
        ("m.cue", "deep.json", WRONG, "s.w.x: field not allowed"),
        ("o.cue", "slip.json", DONE, ""),
    ];
    for (schema, data, status, says) in table {
        let ran = cue(folder.path(), &["vet", schema, data]);
        assert_eq!(ran.status, status, "{schema} {data}\n{}", ran.err);
        assert!(ran.err.contains(says), "{schema} {data}\n{}", ran.err);
    }
}

#[test]
fn json_schemas_are_imported_and_checked_against() {
    let files = "-- s.json --\n{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"type\": \"object\",\n\
                 \"properties\": {\"n\": {\"type\": \"integer\"}}, \"required\": [\"n\"]}\n\
                 -- t.yaml --\ntype: string\n-- ok.json --\n{\"n\": 1}\n-- bad.json --\n{\"n\": \"x\"}\n-- none.json --\n{}\n";
    check(
        files,
        &[
            (&["import", "s.json", "-o", "-", "-p", "p"], DONE, "package p\n\nn!: int\n...\n"),
            (&["import", "jsonschema:", "t.yaml", "-o", "-"], DONE, "string\n"),
            (&["vet", "s.json", "ok.json"], DONE, ""),
            (&["vet", "s.json", "bad.json"], WRONG, ""),
            (&["vet", "s.json", "none.json"], WRONG, ""),
            (&["export", "s.json", "ok.json", "--out", "jsonl"], DONE, "{\"n\":1}\n"),
        ],
    );
}
