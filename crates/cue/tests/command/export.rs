//! `export`: what is printed and written, and where data goes.

use shipway_cue::command::{DONE, REFUSED, USAGE, WRONG};

use super::run::{check, cue, folder};

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
fn what_came_from_something_wrong_is_no_value_in_either_order() {
    let lines = ["n: (int | string) & 3", "n: <2", "m: *{if n > 3 {a: 1}} | 2", "total: n * 2", "other: 1"];
    let backwards: Vec<&str> = lines.iter().rev().copied().collect();
    for lines in [&lines[..], &backwards[..]] {
        let files = format!("-- x.cue --\n{}\n", lines.join("\n"));
        check(
            &files,
            &[
                (&["export", "x.cue"], WRONG, ""),
                (&["export", "x.cue", "-e", "m"], REFUSED, ""),
                (&["export", "x.cue", "-e", "total"], REFUSED, ""),
                (&["export", "x.cue", "-e", "other"], DONE, "1\n"),
            ],
        );
    }
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
    let unknown = cue(folder.path(), &["export", "x.cue", "-o", "nope:z.yaml"]);
    let report = "not supported: the format `nope` is not supported\n  \
                  help: there are json, jsonl, yaml, toml, cue, text, binary\n";
    assert_eq!((unknown.status, unknown.err.as_str()), (REFUSED, report));
    assert_eq!(cue(folder.path(), &["export", "x.cue", "-o", "json:z.yaml", "--out", "yaml"]).status, USAGE);
    assert!(!folder.path().join("z.yaml").exists());
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
            (&["export", "s.cue", "-d", "#S"], USAGE, ""),
            (&["export", "s.cue", "e.json", "-d", "#S", "-e", "kind"], REFUSED, ""),
        ],
    );
}

#[test]
fn values_of_data_may_be_taken_one_by_one() {
    let files = "-- s.cue --\nkind: string\nn: *1 | int\n#S: {kind: \"a\", n?: int}\n\
                 -- d.yaml --\nkind: a\n---\nkind: b\nn: 2\n-- e.json --\n{\"kind\": \"c\"}\n\
                 -- closed.cue --\nclose({kind: string})\n";
    let one_by_one = "{\"kind\":\"a\",\"n\":1}\n{\"kind\":\"b\",\"n\":2}\n{\"kind\":\"c\",\"n\":1}\n";
    check(
        files,
        &[
            (&["export", "s.cue", "d.yaml", "e.json", "--merge=false", "--out", "jsonl"], DONE, one_by_one),
            (&["export", "s.cue", "e.json", "--merge=true", "--out", "jsonl"], DONE, "{\"kind\":\"c\",\"n\":1}\n"),
            (&["export", "s.cue", "e.json", "--merge", "--out", "jsonl"], DONE, "{\"kind\":\"c\",\"n\":1}\n"),
            (&["export", "d.yaml", "--merge=false", "-e", "kind"], REFUSED, ""),
            (&["export", "d.yaml", "--merge=false", "--list"], USAGE, ""),
            (&["export", "closed.cue", "d.yaml", "--merge=false"], WRONG, ""),
            (&["export", "s.cue", "--merge=false", "-d", "#S", "d.yaml"], WRONG, ""),
        ],
    );
}

#[test]
fn what_cue_has_and_this_has_not_is_refused_by_name() {
    let folder = folder("-- x.cue --\na: 1\n-- d.json --\n{}\n");
    let all: [(&[&str], &str); 5] = [
        (&["export", "x.cue"], "-i -s -v -n=*.json -I=. --ignore --simplify --strict --trace --verbose --name=x"),
        (&["eval", "x.cue"], "-i --proto_path=. --proto_enum=int"),
        (&["def", "x.cue"], "--inline-imports --strict -d=x --schema=x --merge=false"),
        (&["vet", "x.cue"], "--merge -s --trace --proto_enum=int"),
        (&["import", "d.json"], "-R --recursive --ext=json --out=cue -d=x --schema=x --merge=false -n=x -v"),
    ];
    for (arguments, flags) in all {
        for flag in flags.split(' ') {
            let ran = cue(folder.path(), &[arguments, &[flag]].concat());
            assert_eq!((ran.status, ran.out.as_str()), (REFUSED, ""), "{arguments:?} {flag}\n{}", ran.err);
        }
    }
    let named = cue(folder.path(), &["fmt", "-v", "x.cue"]);
    assert_eq!(named.err, "not supported: `--verbose` is not supported\n");
    assert!(!folder.path().join("d.cue").exists());
}
