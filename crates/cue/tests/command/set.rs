//! `set`: what is written, and what is left as it was.

use shipway_cue::command::{DONE, USAGE, WRONG};

use super::run::{cue, folder};

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
