//! Backups of a real server, put back into another data folder where everything lives again; and damaged ones.

mod support;

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use support::{HOST, Server, fixture, http::request, shipway, wait_for};

const SPEC: &str = r#"
[project]
name = "app"

[environments.test]
type = "testing"

[environments.live]
type = "staging"

[services.web]
source = "app"
kind = "process"
run = ["./fixture"]
run_as = "@server"
instances = 2
data = ["uploads"]
routes = [{ host = "app.{environment}.localhost" }]
health = { liveness = { http = "/live" } }

[services.site]
source = "site"
kind = "static"
routes = [{ host = "site.{environment}.localhost" }]
"#;

/// A process with data and a static site, in two environments.
fn shop(server: &Server) -> PathBuf {
    let folder = server.home.path().join("project");
    fs::create_dir_all(folder.join("app")).expect("a folder");
    fs::create_dir_all(folder.join("site")).expect("a folder");
    fs::copy(fixture(), folder.join("app/fixture")).expect("the fixture");
    fs::write(folder.join("site/index.html"), "the site").expect("a page");
    server.register(&folder, SPEC);
    server.deploy_well(json!({ "version": "1" }));
    server.deploy_well(json!({ "version": "1", "environment": "live" }));
    server.deploy_well(json!({ "version": "2" }));
    let uploads = server.data.join("volumes/app/test/web/uploads");
    fs::write(uploads.join("photo"), "what a user sent").expect("data");
    folder
}

fn page_of(server: &Server, host: &str, path: &str) -> String {
    request(server.proxy(), "GET", host, path, &[], b"").map(|answer| answer.body).unwrap_or_default()
}

/// Everything that users of the shop meet.
fn met(server: &Server) -> Vec<String> {
    let web = |environment: &str| {
        let page = page_of(server, &format!("app.{environment}.localhost"), "/");
        page.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    let site = |environment: &str| page_of(server, &format!("site.{environment}.localhost"), "/");
    vec![web("test"), web("live"), site("test"), site("live")]
}

fn expected() -> Vec<String> {
    ["web 2", "web 1", "the site", "the site"].map(str::to_owned).to_vec()
}

/// Runs the command line on a data folder.
fn run(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(shipway());
    command.arg("--data").arg(data).args(arguments).env_remove("SHIPWAY_TOKEN").env_remove("SHIPWAY_SERVER");
    command.output().expect("the binary runs")
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run_well(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    told(&output)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            match entry.file_type().expect("its type").is_dir() {
                true => open.push(entry.path()),
                false => found.push(entry.path()),
            }
        }
    }
    found
}

/// Looks until nothing is left to complain of: what a start has yet to do takes a moment.
fn sound(server: &Server) {
    wait_for("everything to agree", || {
        let found = server.get("/api/doctor");
        (found["sound"] == true && found["complaints"] == json!([])).then_some(())
    });
}

#[test]
fn a_backup_is_put_back_elsewhere_and_everything_lives_again() {
    let server = Server::start();
    shop(&server);
    assert_eq!(met(&server), expected());
    let events = server.last_event();
    let folder = server.home.path().join("backup");
    let first = run_well(&server.data, &["backup", text(&folder)]);
    assert!(first.contains("✓") && first.contains("restore"), "{first}");
    let second: Value =
        serde_json::from_str(&run_well(&server.data, &["backup", text(&folder), "--json"])).expect("JSON");
    let (new, all) = (second["newBytes"].as_u64().expect("bytes"), second["bytes"].as_u64().expect("bytes"));
    assert!(new < all / 4, "only the database is new: {second}");
    keys_are_not_in(&server, &folder);
    let data = server.data.join("volumes/app/test/web/uploads/photo");
    let before = fs::metadata(&data).expect("data");
    // The machine is lost.
    let home = tempfile::tempdir().expect("a temporary folder");
    fs::rename(&folder, home.path().join("backup")).expect("the backup was elsewhere");
    drop(server);
    let restored = home.path().join("other");
    let said = run_well(&restored, &["restore", text(&home.path().join("backup"))]);
    assert!(said.contains("is back in"), "{said}");
    let backup = home.path().join("backup");
    let again = run(&restored, &["restore", text(&backup)]);
    assert!(!again.status.success() && told(&again).contains("is not empty"), "{}", told(&again));
    let server = Server::start_on(home, restored);
    wait_for("everything to be live again", || (met(&server) == expected()).then_some(()));
    sound(&server);
    let after = fs::metadata(server.data.join("volumes/app/test/web/uploads/photo")).expect("the data is back");
    assert_eq!((before.uid(), before.mode(), before.len()), (after.uid(), after.mode(), after.len()));
    let event = server.event("STORE_RESTORED", events);
    assert!(event["message"].as_str().is_some_and(|message| message.contains("epoch 2")), "{event}");
    let audit = server.get("/api/audit?limit=200");
    let commands: Vec<_> = audit["items"].as_array().expect("entries").iter().map(|one| &one["command"]).collect();
    assert_eq!(commands[0], "restore", "who put it back, and when, is on record: {commands:?}");
    assert_eq!(server.get("/api/projects/app/statistics")["total"]["byStatus"]["success"], 3, "history came along");
    // Life goes on: what comes next, and the way back to what was before.
    let back = server.roll_back(json!({}));
    assert_eq!(back["phase"], "completed", "{back}");
    wait_for("the version before", || met(&server)[0].contains("web 1").then_some(()));
}

fn keys_are_not_in(server: &Server, backup: &Path) {
    for file in files(backup) {
        let bytes = fs::read(&file).expect("a file of the backup");
        let token = server.token().as_bytes();
        assert!(!bytes.windows(token.len()).any(|window| window == token), "{} holds the token", file.display());
        assert_ne!(file.file_name().and_then(|name| name.to_str()), Some("admin.token"));
    }
}

#[test]
fn a_damaged_backup_is_named_file_by_file_and_changes_nothing() {
    let server = Server::start();
    shop(&server);
    let folder = server.home.path().join("backup");
    run_well(&server.data, &["backup", text(&folder)]);
    let mut objects = files(&folder.join("objects"));
    objects.sort();
    let (changed, missing) = (&objects[0], &objects[1]);
    let mut bytes = fs::read(changed).expect("an object");
    match bytes.first_mut() {
        Some(first) => *first ^= 1,
        None => bytes.push(1),
    }
    fs::write(changed, bytes).expect("it is damaged");
    fs::remove_file(missing).expect("it is gone");
    let elsewhere = server.home.path().join("elsewhere");
    let refused = run(&elsewhere, &["restore", text(&folder)]);
    let said = told(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    for word in
        ["is damaged in", "holds something else", "is missing", text(changed), text(missing), "nothing was changed"]
    {
        assert!(said.contains(word), "`{word}` is missing: {said}");
    }
    assert_eq!(fs::read_dir(&elsewhere).expect("the folder").count(), 0, "nothing was written");
    let list = files(&folder.join("copies")).into_iter().find(|file| file.ends_with("files.jsonl")).expect("a list");
    let shorter = fs::read(&list).expect("the list");
    fs::write(&list, &shorter[..shorter.len() / 2]).expect("it is cut");
    let refused = told(&run(&elsewhere, &["restore", text(&folder)]));
    assert!(refused.contains("files.jsonl is damaged"), "{refused}");
    let nothing = told(&run(&elsewhere, &["restore", text(&server.home.path().join("project"))]));
    assert!(nothing.contains("it holds none"), "{nothing}");
}

#[test]
fn the_schedule_takes_copies_keeps_some_and_status_shows_the_recovery_point() {
    let mut server = Server::start();
    shop(&server);
    let folder = server.home.path().join("backup");
    fs::create_dir_all(folder.join("copies/.new-cut-off")).expect("a backup that was cut off");
    server.kill();
    let every = [("SHIPWAY_BACKUP_TO", text(&folder)), ("SHIPWAY_BACKUP_EVERY", "1s"), ("SHIPWAY_BACKUP_KEEP", "2")];
    server.boot(&every);
    let first = wait_for("a copy", || {
        let status = server.get("/api/server")["backup"].clone();
        status["newest"]["name"].as_str().map(str::to_owned)
    });
    wait_for("old copies to go", || {
        let copies = server.get("/api/backups");
        let names: Vec<_> = copies.as_array()?.iter().filter_map(|copy| copy["name"].as_str()).collect();
        (names.len() <= 2 && !names.contains(&first.as_str())).then_some(())
    });
    assert!(!folder.join("copies/.new-cut-off").exists(), "what was cut off is no backup, and goes");
    let status = server.get("/api/server")["backup"].clone();
    assert!(status["ageMs"].as_u64().is_some() && status["fault"] == Value::Null, "{status}");
    let shown = run_well(&server.data, &["status"]);
    assert!(shown.contains("recovery point"), "{shown}");
    // A copy of which others took something away is still whole.
    let restored = server.home.path().join("restored");
    server.kill();
    run_well(&restored, &["restore", text(&folder)]);
    server.boot(&[]);
}

#[test]
fn doctor_names_what_does_not_agree_and_repairs_what_it_can() {
    let server = Server::start();
    shop(&server);
    sound(&server);
    let site = page_of(&server, "site.test.localhost", "/");
    assert_eq!(site, "the site");
    let releases = server.get("/api/projects/app/releases?service=site&environment=test");
    let release = releases[0]["id"].as_str().expect("a release").to_owned();
    let staged = server.data.join("releases").join(&release);
    run_chmod(&staged);
    fs::remove_dir_all(&staged).expect("somebody cleans up");
    let found = run(&server.data, &["doctor"]);
    assert_eq!(found.status.code(), Some(1), "{}", told(&found));
    assert!(told(&found).contains("not unpacked") && told(&found).contains("--repair"), "{}", told(&found));
    let repaired = run_well(&server.data, &["doctor", "--repair"]);
    assert!(repaired.contains("repaired"), "{repaired}");
    assert_eq!(page_of(&server, "site.test.localhost", "/"), "the site");
    sound(&server);
    let object = files(&server.data.join("artifacts/objects"))
        .into_iter()
        .max_by_key(|file| fs::metadata(file).map(|about| about.len()).unwrap_or(0));
    fs::remove_file(object.expect("the fixture's program")).expect("a damaged disk");
    let found = run(&server.data, &["doctor", "--repair"]);
    assert!(told(&found).contains("artifacts") && told(&found).contains("restore a backup"), "{}", told(&found));
    assert_eq!(server.page("/").0, 200, "what runs goes on at {HOST}");
}

/// Releases are read-only.
fn run_chmod(folder: &Path) {
    let done = Command::new("chmod").arg("-R").arg("u+w").arg(folder).status().expect("chmod runs");
    assert!(done.success());
}
