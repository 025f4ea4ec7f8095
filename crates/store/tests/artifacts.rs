//! Artifacts in a real folder.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use shipway_core::{
    artifact::TreeNode,
    id::ArtifactDigest,
    ports::{Artifacts, FaultKind},
};
use shipway_store::FolderArtifacts;
use tempfile::TempDir;

struct Place {
    folder: TempDir,
    store: FolderArtifacts,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = FolderArtifacts::new(folder.path().join("store"));
        Self { folder, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is left on the way into the store.
    fn incoming(&self) -> usize {
        fs::read_dir(self.path("store/incoming")).map_or(0, Iterator::count)
    }

    fn objects(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.path("store/objects")).expect("objects");
        let files = folders.flat_map(|folder| fs::read_dir(folder.expect("a folder").path()).expect("a folder"));
        files.map(|file| file.expect("a file").path()).collect()
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("written");
}

fn tree_in(folder: &Path) {
    write(&folder.join("index.html"), "<h1>Shop</h1>");
    write(&folder.join("bin/run.sh"), "#!/bin/sh\n");
    fs::set_permissions(folder.join("bin/run.sh"), fs::Permissions::from_mode(0o750)).expect("rights");
    write(&folder.join("assets/a.css"), "a {}");
    write(&folder.join("assets/b.css"), "a {}");
    write(&folder.join("assets/empty"), "");
    symlink("../bin/run.sh", folder.join("assets/start")).expect("a link");
    fs::create_dir_all(folder.join("cache/tmp")).expect("an empty folder");
}

#[tokio::test]
async fn a_tree_comes_back_as_it_was() {
    let place = Place::new();
    tree_in(&place.path("source"));
    let tree = place.store.put(&place.path("source")).await.expect("stored");
    let paths: Vec<_> = tree.entries.iter().map(|entry| entry.path.as_str()).collect();
    let expected =
        ["assets/a.css", "assets/b.css", "assets/empty", "assets/start", "bin/run.sh", "cache/tmp", "index.html"];
    assert_eq!(paths, expected);
    assert_eq!(place.store.tree(&tree.digest()).await.expect("stored"), tree);
    place.store.unpack(&tree.digest(), &place.path("out")).await.expect("unpacked");
    let out = place.path("out");
    assert_eq!(fs::read_to_string(out.join("index.html")).expect("a file"), "<h1>Shop</h1>");
    assert_eq!(fs::read_link(out.join("assets/start")).expect("a link"), Path::new("../bin/run.sh"));
    assert!(out.join("cache/tmp").is_dir());
    let mode = |name: &str| fs::metadata(out.join(name)).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode("bin/run.sh"), mode("index.html")), (0o755, 0o644));
    let again = place.store.read_tree(&out).await.expect("read");
    assert_eq!(again, tree, "what was unpacked is the same artifact");
}

#[tokio::test]
async fn times_do_not_change_the_digest_and_contents_are_stored_once() {
    let place = Place::new();
    tree_in(&place.path("one"));
    tree_in(&place.path("two"));
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let file = File::options().append(true).open(place.path("two/index.html")).expect("a file");
    file.set_modified(old).expect("a time");
    fs::set_permissions(place.path("two/index.html"), fs::Permissions::from_mode(0o600)).expect("rights");
    let one = place.store.put(&place.path("one")).await.expect("stored").digest();
    let objects = place.objects();
    assert_eq!(objects.len(), 4, "equal contents are one object: {objects:?}");
    assert_eq!(place.store.put(&place.path("two")).await.expect("stored").digest(), one);
    assert_eq!(place.objects(), objects);
    assert_eq!(place.incoming(), 0, "nothing is left on the way");
}

#[tokio::test]
async fn what_counts_changes_the_digest() {
    let place = Place::new();
    let digest_of = async |name: &str, change: &dyn Fn(&Path)| {
        tree_in(&place.path(name));
        change(&place.path(name));
        place.store.read_tree(&place.path(name)).await.expect("read").digest()
    };
    let plain = digest_of("plain", &|_| {}).await;
    let executable = digest_of("x", &|at| {
        fs::set_permissions(at.join("index.html"), fs::Permissions::from_mode(0o755)).expect("rights");
    });
    let renamed = digest_of("n", &|at| fs::rename(at.join("index.html"), at.join("index.htm")).expect("renamed"));
    let content = digest_of("c", &|at| write(&at.join("index.html"), "<h1>Shop!</h1>"));
    let emptied = digest_of("e", &|at| fs::remove_dir(at.join("cache/tmp")).expect("removed"));
    for other in [executable.await, renamed.await, content.await, emptied.await] {
        assert_ne!(other, plain);
    }
}

#[tokio::test]
async fn links_that_leave_the_folder_are_refused() {
    for target in ["/etc/passwd", "../outside", "sub/../../outside", "sub/up/../outside"] {
        let place = Place::new();
        write(&place.path("outside"), "secret");
        fs::create_dir_all(place.path("source/sub/deep")).expect("folders");
        // A link to the root itself stays inside; a path through it may not.
        symlink("..", place.path("source/sub/up")).expect("a link");
        symlink(target, place.path("source/link")).expect("a link");
        let fault = place.store.put(&place.path("source")).await.expect_err("it leaves the folder");
        assert_eq!(fault.kind, FaultKind::Invalid, "{target}: {fault}");
        assert!(fault.message.contains("link") && fault.hint.is_some(), "{fault}");
        assert!(!place.path("store/trees").exists(), "{target}: nothing is stored");
    }
}

#[tokio::test]
async fn a_damaged_artifact_is_noticed_and_can_be_stored_again() {
    let place = Place::new();
    write(&place.path("source/app"), "the real program");
    let digest = place.store.put(&place.path("source")).await.expect("stored").digest();
    fs::write(&place.objects()[0], "the fake program").expect("tampered with");
    let fault = place.store.unpack(&digest, &place.path("out")).await.expect_err("it was tampered with");
    assert_eq!(fault.kind, FaultKind::Corrupt);
    assert!(fault.message.contains(digest.short()) && fault.hint.is_some(), "{fault}");
    let gone = place.store.tree(&digest).await.expect_err("what is damaged is not stored");
    assert_eq!(gone.kind, FaultKind::NotFound);
    place.store.put(&place.path("source")).await.expect("stored again");
    place.store.unpack(&digest, &place.path("again")).await.expect("whole again");
    assert_eq!(fs::read_to_string(place.path("again/app")).expect("a file"), "the real program");
}

#[tokio::test]
async fn a_damaged_list_is_noticed() {
    let place = Place::new();
    write(&place.path("source/app"), "program");
    let digest = place.store.put(&place.path("source")).await.expect("stored").digest();
    let list = place.path("store/trees").join(format!("{digest}.json"));
    let body = fs::read_to_string(&list).expect("the list");
    for damaged in [body.replace("\"app\"", "\"../../app\""), body[..body.len() / 2].to_owned()] {
        fs::write(&list, damaged).expect("tampered with");
        let fault = place.store.unpack(&digest, &place.path("out")).await.expect_err("it was tampered with");
        assert_eq!(fault.kind, FaultKind::Corrupt, "{fault}");
    }
    place.store.put(&place.path("source")).await.expect("stored again");
    assert!(place.store.tree(&digest).await.is_ok(), "storing it again makes it whole");
}

#[tokio::test]
async fn an_unknown_digest_is_not_found_and_says_what_to_do() {
    let place = Place::new();
    let digest = ArtifactDigest::new("ab".repeat(32));
    for fault in [
        place.store.tree(&digest).await.expect_err("never stored"),
        place.store.unpack(&digest, &place.path("out")).await.expect_err("never stored"),
    ] {
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert!(fault.hint.expect("a hint").contains("from source"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_meanwhile_is_a_conflict() {
    let place = Place::new();
    let path = place.path("source/growing.log");
    write(&path, "begin\n");
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let stop = stop.clone();
        let mut file = File::options().append(true).open(&path).expect("a file");
        move || {
            while !stop.load(Ordering::Relaxed) {
                file.write_all(&[b'x'; 4096]).expect("written");
            }
        }
    });
    // Whether the file changes between its two readings is a matter of luck for one attempt, not for a hundred.
    let mut conflict = None;
    for _ in 0..100 {
        if let Err(fault) = place.store.put(&place.path("source")).await {
            conflict = Some(fault);
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().expect("no panic");
    let fault = conflict.expect("it changed all the time");
    assert_eq!(fault.kind, FaultKind::Conflict, "{fault}");
    assert!(fault.message.contains("growing.log"), "{fault}");
    assert_eq!(place.incoming(), 0);
}

#[tokio::test]
async fn what_is_neither_file_nor_folder_is_refused() {
    let place = Place::new();
    fs::create_dir_all(place.path("source")).expect("a folder");
    let _socket = std::os::unix::net::UnixListener::bind(place.path("source/socket")).expect("a socket");
    let fault = place.store.put(&place.path("source")).await.expect_err("a socket");
    assert!(fault.kind == FaultKind::Invalid && fault.message.contains("socket"), "{fault}");
}

/// Says how long a large tree takes; it asserts only that all of it is there.
#[tokio::test]
async fn a_large_tree_is_stored() {
    const FILES: usize = 5000;
    const FILE_BYTES: usize = 20 * 1024;
    let place = Place::new();
    for number in 0..FILES {
        let path = place.path(&format!("source/{}/{number}", number % 50));
        write(&path, &format!("{number} ").repeat(FILE_BYTES / 6));
    }
    let begun = Instant::now();
    let tree = place.store.put(&place.path("source")).await.expect("stored");
    println!("storing {FILES} files, {} MB: {:?}", tree.size_bytes() / 1_000_000, begun.elapsed());
    let begun = Instant::now();
    assert_eq!(place.store.put(&place.path("source")).await.expect("stored"), tree);
    println!("storing them again: {:?}", begun.elapsed());
    let begun = Instant::now();
    place.store.unpack(&tree.digest(), &place.path("out")).await.expect("unpacked");
    println!("unpacking them: {:?}", begun.elapsed());
    assert_eq!(tree.entries.len(), FILES);
    assert!(tree.entries.iter().all(|entry| matches!(entry.node, TreeNode::File { .. })));
}
