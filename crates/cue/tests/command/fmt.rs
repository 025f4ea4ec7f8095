//! `fmt`: what is written, and what is only told.

use shipway_cue::command::{DONE, WRONG};

use super::run::{check, cue, folder};

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
fn what_would_change_is_shown() {
    let folder = folder("-- a.cue --\na:   1\nb: 2\n-- b.cue --\nc: 3\n");
    let shown = "--- a.cue.orig\n+++ a.cue\n@@ -1,2 +1,2 @@\n-a:   1\n+a: 1\n b: 2\n";
    let table: [(&[&str], u8, &str); 4] = [
        (&["fmt", "-d", "."], DONE, shown),
        (&["fmt", "--diff", "--check", "a.cue"], WRONG, shown),
        (&["fmt", "-d", "b.cue"], DONE, ""),
        (&["fmt", "--check", "."], WRONG, "a.cue\n"),
    ];
    for (arguments, status, expected) in table {
        let ran = cue(folder.path(), arguments);
        assert_eq!((ran.status, ran.out.as_str()), (status, expected), "{arguments:?}\n{}", ran.err);
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("a.cue")).expect("it is there"), "a:   1\nb: 2\n");
}

#[test]
fn braces_and_quotes_that_are_not_needed_are_left_out() {
    let folder = folder("-- a.cue --\n\"a\": {\n\tb: 1\n}\n");
    assert_eq!(cue(folder.path(), &["fmt", "--check", "a.cue"]).status, DONE);
    assert_eq!(cue(folder.path(), &["fmt", "-s", "a.cue"]).status, DONE);
    assert_eq!(std::fs::read_to_string(folder.path().join("a.cue")).expect("it is there"), "a: b: 1\n");
}

#[test]
fn folders_are_gone_into() {
    let files = "-- a.cue --\na:1\n-- sub/b.cue --\nb:1\n-- sub/_c.cue --\nc:1\n-- _no/d.cue --\nd:1\n\
                 -- .no/e.cue --\ne:1\n-- m/cue.mod/module.cue --\nmodule:\"x.test\"\n-- m/f.cue --\nf:1\n\
                 -- sub/g.json --\n{}\n";
    check(
        files,
        &[
            (&["fmt", "--check", "--files"], WRONG, "a.cue\nm/f.cue\nsub/_c.cue\nsub/b.cue\n"),
            (&["fmt", "--check", "--files", "sub", "_no"], WRONG, "sub/_c.cue\nsub/b.cue\n_no/d.cue\n"),
            (&["fmt", "--check", "./..."], WRONG, "a.cue\nsub/b.cue\n"),
            (&["fmt", "--check", "sub"], WRONG, "sub/b.cue\n"),
            (&["fmt", "--files", "none"], WRONG, ""),
            (&["fmt", "sub/g.json"], WRONG, ""),
            (&["fmt", "--files", "sub/g.json"], WRONG, ""),
        ],
    );
}

#[cfg(unix)]
#[test]
fn links_to_folders_are_not_followed() {
    let folder = folder("-- sub/a.cue --\na:1\n");
    for name in ["x", "y"] {
        std::os::unix::fs::symlink("..", folder.path().join("sub").join(name)).expect("links can be made");
    }
    for arguments in [&["fmt", "--check", "--files"][..], &["fmt", "--check", "./..."]] {
        assert_eq!(cue(folder.path(), arguments).out, "sub/a.cue\n", "{arguments:?}");
    }
}
