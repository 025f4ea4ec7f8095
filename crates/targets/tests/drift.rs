//! Releases and records of instances that somebody changed by hand: found, and files put right.

mod support;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use shipway_core::{id::InstanceId, ports::Driver, release::Release};
use support::*;

struct Site {
    world: World,
    release: Arc<Release>,
    folder: PathBuf,
}

impl Site {
    async fn new(more: Value) -> Self {
        let world = World::new();
        let source = world.home.path().join("source-1");
        fs::create_dir_all(source.join("pages/old")).expect("folders");
        fs::copy(example("echo_app"), source.join("app")).expect("the application");
        for (path, text) in [("pages/a.html", "one"), ("pages/b.html", "two"), ("pages/old/c.html", "three")] {
            fs::write(source.join(path), text).expect("a page");
        }
        symlink("pages/a.html", source.join("index.html")).expect("a link");
        let release = world.release("1", &["./app", "serve"], more).await;
        let folder = world.data().join("releases").join(release.id.as_str());
        Self { world, release, folder }
    }

    /// What differs, in words.
    async fn drift(&self) -> Vec<String> {
        let found = self.world.driver.drift(&self.release, &[]).await.expect("looked at");
        found.iter().map(ToString::to_string).collect()
    }
}

/// Writes into a folder that is read-only, as a person with rights would.
fn write(path: &Path, text: &str) {
    let parent = path.parent().expect("a folder");
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("rights");
    open(parent, 0o755);
    if path.exists() {
        open(path, 0o644);
    }
    fs::write(path, text).expect("written");
    open(path, 0o444);
    open(parent, 0o555);
}

#[tokio::test]
async fn every_change_of_a_file_is_found_and_put_right() {
    let site = Site::new(json!({ "data": ["var/uploads"] })).await;
    assert_eq!(site.drift().await, [""; 0]);
    let (folder, driver) = (&site.folder, &site.world.driver);
    // As long as before, and with the times of before but for the one that nobody sets.
    let times = fs::metadata(folder.join("pages/a.html")).expect("a file").modified().expect("a time");
    write(&folder.join("pages/a.html"), "eno");
    let changed = fs::File::open(folder.join("pages/a.html")).expect("a file");
    changed.set_modified(times).expect("set back");
    assert_eq!(site.drift().await, ["the file pages/a.html was changed"]);
    write(&folder.join("pages/extra.html"), "four");
    fs::set_permissions(folder.join("pages/old"), fs::Permissions::from_mode(0o755)).expect("rights");
    fs::remove_file(folder.join("pages/old/c.html")).expect("removed");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("rights");
    fs::remove_file(folder.join("index.html")).expect("removed");
    symlink("pages/b.html", folder.join("index.html")).expect("another link");
    fs::set_permissions(folder.join("pages/b.html"), fs::Permissions::from_mode(0o555)).expect("rights");
    fs::create_dir(folder.join("mine")).expect("a folder");
    // What lies in data folders is no part of the release.
    fs::write(folder.join("var/uploads/mine"), "mine").expect("written");
    let found = [
        "the file index.html was changed",
        "the file mine was added",
        "the file pages/a.html was changed",
        "the file pages/b.html was changed",
        "the file pages/extra.html was added",
        "the file pages/old/c.html is missing",
    ];
    assert_eq!(site.drift().await, found);
    driver.mend(&site.release).await.expect("put right");
    assert_eq!(site.drift().await, [""; 0]);
    assert_eq!(fs::read_to_string(folder.join("index.html")).expect("a page"), "one");
    assert_eq!(fs::read_to_string(folder.join("pages/old/c.html")).expect("a page"), "three");
    assert_eq!(fs::read_to_string(folder.join("var/uploads/mine")).expect("kept"), "mine");
    let mode = |path: &str| fs::metadata(folder.join(path)).expect("there").permissions().mode() & 0o777;
    assert_eq!([mode(""), mode("pages"), mode("pages/a.html"), mode("app")], [0o555, 0o555, 0o444, 0o555]);
    assert!(!folder.join("mine").exists());
    let beside = fs::read_dir(folder.parent().expect("releases")).expect("a folder").count();
    assert_eq!(beside, 1, "nothing is left beside the release");
    // All of it gone is the worst of it.
    driver.unstage(&site.release.id).await.expect("unstaged");
    assert!(site.drift().await.contains(&"the file app is missing".to_owned()));
    driver.mend(&site.release).await.expect("staged again");
    assert_eq!(site.drift().await, [""; 0]);
}

#[tokio::test]
async fn what_was_changed_in_an_instances_record_is_found() {
    let site = Site::new(json!({ "variables": { "LEVEL": "info", "COLOUR": "red" } })).await;
    let driver = &site.world.driver;
    let launch = launch("one", &site.release);
    driver.start(launch.clone()).await.expect("started");
    let launches = [launch, support::launch("never", &site.release)];
    let words = async || {
        let found = driver.drift(&site.release, &launches).await.expect("looked at");
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(words().await, [""; 0]);
    let file = site.world.instance_folder(&InstanceId::from("one")).join("launch.json");
    let text = fs::read_to_string(&file).expect("a record");
    let mut record: Value = serde_json::from_str(&text).expect("JSON");
    let variables = record["execution"]["variables"].as_object_mut().expect("variables");
    variables["LEVEL"] = json!("debug");
    variables.remove("COLOUR");
    variables.insert("NODE_OPTIONS".into(), json!("--inspect"));
    // The server's own, and it may start with another one next time.
    variables["PATH"] = json!("/elsewhere");
    record["execution"]["arguments"] = json!(["serve", "--debug"]);
    fs::write(&file, record.to_string()).expect("written");
    let found = [
        "the variable COLOUR of one is missing",
        "the variable LEVEL of one was changed",
        "the variable NODE_OPTIONS of one was added",
        "the argument list of one was changed",
    ];
    assert_eq!(words().await, found);
    fs::write(&file, "{").expect("written");
    assert_eq!(words().await, ["the record of one was changed"]);
    fs::write(&file, text).expect("written");
    assert_eq!(words().await, [""; 0]);
    clean(driver).await;
}
