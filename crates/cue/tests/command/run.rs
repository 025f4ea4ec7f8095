//! Runs a command in a folder of files, and compares what comes of it.

use std::path::Path;

use shipway_cue::command::{Streams, run};
use shipway_cue::load::{Disk, Variables};
use shipway_cue::report::Colours;

/// What came of a command.
pub(super) struct Ran {
    pub(super) status: u8,
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs a command in a folder.
pub(super) fn cue(folder: &Path, arguments: &[&str]) -> Ran {
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
pub(super) fn folder(text: &str) -> tempfile::TempDir {
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
pub(super) fn check(files: &str, table: &[(&[&str], u8, &str)]) {
    let folder = folder(files);
    for (arguments, status, expected) in table {
        let ran = cue(folder.path(), arguments);
        assert_eq!((ran.status, ran.out.as_str()), (*status, *expected), "{arguments:?}\n{}", ran.err);
    }
}

/// Runs and compares status and report.
pub(super) fn check_report(files: &str, table: &[(&[&str], u8, &str)]) {
    let folder = folder(files);
    for (arguments, status, expected) in table {
        let ran = cue(folder.path(), arguments);
        assert_eq!((ran.status, ran.err.as_str()), (*status, *expected), "{arguments:?}\n{}", ran.out);
    }
}
