//! Uploads: a project folder as a tar stream.

mod support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{Server, fixture, more::problem, project, spec, wait_for};

const HEALTH: &str = "health = { startup = { http = \"/healthz\" } }\n";
const TAR: (&str, &str) = ("Content-Type", "application/x-tar");

fn tar(fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    fill(&mut builder);
    builder.into_inner().expect("a tar")
}

/// A file whose name is written as it is: no library lets one say `..`.
fn raw_entry(builder: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str, link: &str, body: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(body.len() as u64);
    header.set_cksum();
    builder.append(&header, body).expect("an entry");
}

fn the_project(builder: &mut tar::Builder<Vec<u8>>, service: &str) {
    let text = spec(service);
    raw_entry(builder, tar::EntryType::Regular, "shipway.toml", "", text.as_bytes());
    builder.append_path_with_name(fixture(), "app/fixture").expect("the fixture");
}

fn upload(server: &Server, body: &[u8]) -> support::http::Answer {
    server.raw("POST", "/api/uploads", true, &[TAR], body)
}

#[test]
fn an_uploaded_project_is_deployed_as_it_came() {
    let server = Server::start();
    let text = spec(HEALTH);
    server.post("/api/projects", json!({ "file": "shipway.toml", "text": text }));
    let refused = server.refused(409, "POST", "/api/deployments", json!({ "project": "app", "environment": "test" }));
    assert!(refused["hint"].as_str().expect("a hint").contains("upload"), "{refused}");
    let service = format!("{HEALTH}variables = {{ STRANGE = \"uploaded\" }}\n");
    let answer = upload(&server, &tar(|builder| the_project(builder, &service)));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let known: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(known["file"], "shipway.toml");
    let source = json!({ "upload": known["id"] });
    server.deploy_well(json!({ "version": "v1", "source": source }));
    assert_eq!(server.version(), "v1");
    assert_eq!(server.page("/variable?STRANGE").1, "uploaded", "its own spec holds");
    // Tidied after its end is told.
    let left = || fs::read_dir(server.data.join("uploads")).expect("the uploads").count();
    wait_for("an upload to go with its deployment", || (left() == 0).then_some(()));
}

#[test]
fn what_leaves_the_folder_is_refused() {
    let server = Server::start();
    let outside = server.home.path().join("outside");
    fs::create_dir_all(&outside).expect("a folder");
    let away = outside.to_str().expect("text").to_owned();
    let (file, link, hard) = (tar::EntryType::Regular, tar::EntryType::Symlink, tar::EntryType::Link);
    let secret = server.data.join("admin.token");
    let bad = [
        tar(|builder| raw_entry(builder, file, "../evil", "", b"x")),
        tar(|builder| raw_entry(builder, file, "app/../../evil", "", b"x")),
        tar(|builder| raw_entry(builder, file, "/tmp/shipway-evil", "", b"x")),
        tar(|builder| {
            raw_entry(builder, link, "door", &away, b"");
            raw_entry(builder, file, "door/evil", "", b"x");
        }),
        tar(|builder| raw_entry(builder, hard, "token", secret.to_str().expect("text"), b"")),
        b"this is no tar at all, and never was one".repeat(40),
    ];
    for (number, body) in bad.iter().enumerate() {
        let answer = upload(&server, body);
        assert!((400..500).contains(&answer.status), "{number}: {answer:?}");
        problem(&answer, answer.status);
    }
    assert_eq!(fs::read_dir(&outside).expect("the folder").count(), 0, "nothing was written outside");
    assert!(!Path::new("/tmp/shipway-evil").exists());
    assert!(!server.data.join("evil").exists() && !server.data.join("uploads/evil").exists());
    assert_eq!(fs::read_dir(server.data.join("uploads")).expect("the uploads").count(), 0, "nothing stays");
}

#[test]
fn a_symlink_that_leaves_the_source_fails_the_deployment() {
    let server = Server::start();
    project(&server, HEALTH);
    server.deploy_well(json!({ "version": "v1" }));
    let body = tar(|builder| {
        the_project(builder, HEALTH);
        raw_entry(builder, tar::EntryType::Symlink, "app/door", "/etc", b"");
    });
    let answer = upload(&server, &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let known: Value = serde_json::from_str(&answer.body).expect("JSON");
    let failed = server.deploy(json!({ "version": "v2", "source": { "upload": known["id"] } }));
    assert_eq!(failed["phase"], "failed", "{failed}");
    assert!(failed["errors"][0]["message"].as_str().expect("words").contains("door"), "{}", failed["errors"]);
    assert_eq!(server.version(), "v1");
}

/// The id of an upload is a name, never a path: what it names is removed when its deployment has ended.
#[test]
fn an_upload_that_is_not_there_is_refused() {
    let server = Server::start();
    let folder = project(&server, HEALTH);
    server.deploy_well(json!({ "version": "v1" }));
    let none = "0".repeat(32);
    for id in [none.as_str(), "", ".", "..", "../artifacts", folder.to_str().expect("text")] {
        let body = json!({ "project": "app", "environment": "test", "source": { "upload": id } });
        server.refused(404, "POST", "/api/deployments", body.clone());
        let mut plan = body;
        plan["dryRun"] = json!(true);
        server.refused(404, "POST", "/api/deployments", plan);
    }
    assert!(folder.join("shipway.toml").exists() && server.data.join("artifacts").exists());
    server.deploy_well(json!({ "version": "v2" }));
}

#[test]
fn the_same_upload_sent_twice_with_a_key_is_one() {
    let server = Server::start();
    let body = tar(|builder| raw_entry(builder, tar::EntryType::Regular, "a", "", b"x"));
    let send = |body: &[u8]| server.raw("POST", "/api/uploads", true, &[TAR, ("Idempotency-Key", "up")], body);
    let (first, second) = (send(&body), send(&body));
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(first.body, second.body);
    assert_eq!(fs::read_dir(server.data.join("uploads")).expect("the uploads").count(), 1);
}

#[test]
fn an_upload_that_nobody_deployed_goes_after_a_day() {
    let server = Server::start();
    let sent = || {
        let answer = upload(&server, &tar(|builder| the_project(builder, HEALTH)));
        let known: Value = serde_json::from_str(&answer.body).expect("JSON");
        known["id"].as_str().expect("an id").to_owned()
    };
    let (old, young) = (sent(), sent());
    let folder = |id: &str| server.data.join("uploads").join(id);
    let at = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 3600);
    fs::File::open(folder(&old)).and_then(|folder| folder.set_modified(at)).expect("it is a day older");
    let newest = sent();
    assert!(!folder(&old).exists(), "nobody wants it any more");
    assert!(folder(&young).exists() && folder(&newest).exists(), "these may still be deployed");
}
