//! `import`: data as files of CUE.

use shipway_cue::command::{DONE, USAGE, WRONG};

use super::run::{cue, folder};

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
