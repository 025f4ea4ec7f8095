//! `vet`: what holds, and which data fits.

use shipway_cue::command::{DONE, WRONG};

use super::run::{check, check_report, cue, folder};

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
fn where_it_closes_is_shown_and_no_package_clause() {
    check_report(
        "-- s.cue --\npackage s\n#Config\n#Config: {name?: string}\n-- slip.json --\n{\"nmae\": 1}\n",
        &[(
            &["vet", "s.cue", "slip.json"],
            WRONG,
            "error: nmae: field not allowed\n --> slip.json:1:2\n  |\n1 | {\"nmae\": 1}\n  |  ^^^^^^ this field\n \
             --> s.cue:3:10\n  |\n3 | #Config: {name?: string}\n  |          ^^^^^^^^^^^^^^^ closed here\n  \
             help: did you mean name?\n",
        )],
    );
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
