//! Source folders, copied for real.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use shipway_core::ports::{FaultKind, Sources};
use shipway_store::FolderSources;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("written");
}

/// Every file and link below a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    fn below(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                below(root, &path, found);
            } else {
                found.push(path.strip_prefix(root).expect("below").to_str().expect("text").to_owned());
            }
        }
    }
    let mut found = Vec::new();
    below(folder, folder, &mut found);
    found.sort();
    found
}

#[tokio::test]
async fn ignored_files_and_version_control_stay_behind() {
    let folder = folder();
    let (from, into) = (folder.path().join("from"), folder.path().join("into"));
    write(&from.join(".gitignore"), "*.log\nnode_modules/\n/build\n!keep.log\n");
    write(&from.join("sub/.gitignore"), "secret*\n!secret.example\n");
    for name in ["main.js", "a.log", "keep.log", ".env.example", "node_modules/x/index.js", "build/out.js"] {
        write(&from.join(name), name);
    }
    for name in ["sub/secret.txt", "sub/secret.example", "sub/build/kept.js", "sub/b.log", "secret.txt"] {
        write(&from.join(name), name);
    }
    for name in [".git/HEAD", "sub/.git", ".hg/x", ".svn/x", ".jj/x"] {
        write(&from.join(name), name);
    }
    // A file of another tool: it is no concern of version control.
    write(&from.join(".ignore"), "main.js\n");
    FolderSources::default().copy(&from, &into).await.expect("copied");
    let expected = [
        ".env.example",
        ".gitignore",
        ".ignore",
        "keep.log",
        "main.js",
        "secret.txt",
        "sub/.gitignore",
        "sub/build/kept.js",
        "sub/secret.example",
    ];
    assert_eq!(files(&into), expected);
}

#[tokio::test]
async fn rights_links_and_empty_folders_are_kept() {
    let folder = folder();
    let (from, into) = (folder.path().join("from"), folder.path().join("into"));
    write(&from.join("bin/run"), "#!/bin/sh\n");
    fs::set_permissions(from.join("bin/run"), fs::Permissions::from_mode(0o755)).expect("rights");
    symlink("bin/run", from.join("start")).expect("a link");
    fs::create_dir_all(from.join("data/empty")).expect("a folder");
    FolderSources::default().copy(&from, &into).await.expect("copied");
    assert_eq!(fs::metadata(into.join("bin/run")).expect("a file").permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_link(into.join("start")).expect("a link"), Path::new("bin/run"));
    assert!(into.join("data/empty").is_dir());
}

#[tokio::test]
async fn a_link_that_leaves_the_source_is_refused() {
    for target in ["../outside", "/etc/passwd", "up/../../outside"] {
        let folder = folder();
        let (from, into) = (folder.path().join("from"), folder.path().join("into"));
        write(&folder.path().join("outside"), "secret");
        write(&from.join("a"), "a");
        fs::create_dir_all(from.join("sub")).expect("a folder");
        symlink("sub", from.join("up")).expect("a link");
        symlink(target, from.join("link")).expect("a link");
        let fault = FolderSources::default().copy(&from, &into).await.expect_err("it leaves the source");
        assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{target}: {fault}");
    }
}

#[tokio::test]
async fn a_copy_into_the_source_itself_ends() {
    let folder = folder();
    let from = folder.path().join("from");
    write(&from.join("a"), "a");
    FolderSources::default().copy(&from, &from.join("work/copy")).await.expect("copied");
    assert_eq!(files(&from.join("work/copy")), ["a"]);
}

#[tokio::test]
async fn a_source_that_is_not_there_is_named() {
    let folder = folder();
    let fault = FolderSources::default().copy(&folder.path().join("absent"), &folder.path().join("into")).await;
    let fault = fault.expect_err("there is no source");
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.message.contains("absent") && fault.hint.is_some(), "{fault}");
}

#[tokio::test]
async fn folders_are_made_and_removed_and_texts_are_read() {
    let folder = folder();
    let work = folder.path().join("a/b");
    FolderSources::default().make_folder(&work).await.expect("made");
    FolderSources::default().make_folder(&work).await.expect("made once more");
    assert_eq!(FolderSources::default().read_text(&work.join("x")).await.expect("read"), None);
    write(&work.join("x"), "text");
    assert_eq!(FolderSources::default().read_text(&work.join("x")).await.expect("read"), Some("text".into()));
    let large = fs::File::create(work.join("large")).expect("a file");
    large.set_len(5 * 1024 * 1024).expect("a length");
    assert!(FolderSources::default().read_text(&work.join("large")).await.is_err(), "more than a text may have");
    FolderSources::default().remove(&work).await.expect("removed");
    FolderSources::default().remove(&work).await.expect("what isn't there is fine");
    assert!(!work.exists());
}
