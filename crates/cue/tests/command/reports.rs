//! What is wrong, as it is reported, and `why`.

use shipway_cue::command::{DONE, USAGE, WRONG};

use super::run::{check, check_report, cue, folder};

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
fn more_errors_than_are_shown_are_counted_unless_all_are_wanted() {
    let wrong: String = (0..23).map(|number| format!("f{number}: {number} & \"x\"\n")).collect();
    let folder = folder(&format!("-- x.cue --\n{wrong}"));
    let shown = |arguments: &[&str]| {
        let report = cue(folder.path(), arguments).err;
        (report.matches("error: ").count(), report.lines().last().map(str::to_owned))
    };
    assert_eq!(shown(&["vet", "x.cue"]), (20, Some("… and 3 more errors".to_owned())));
    assert_eq!(shown(&["vet", "x.cue", "-E"]).0, 23);
    assert_eq!(shown(&["export", "x.cue", "--all-errors"]).0, 23);
}
