//! Secrets on a real server: what is set reaches the application that wants it, and is found nowhere else.

mod support;

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use support::{Server, project, shipway, wait_for};

const FIRST: &str = "first-value-hunter2-aaaa";
const SECOND: &str = "second-value-hunter3-bbbb";
const KEY: &str = "/api/master-key";
const SECRETS: &str = "/api/projects/app/secrets";

/// A service that wants one secret.
const WANTS_TOKEN: &str = "[services.web.secrets]\nTOKEN = {}\n";

fn set(server: &Server, name: &str, value: &str, more: Value) -> Value {
    let (status, answer) = put(server, name, value, more);
    assert_eq!(status, 200, "{answer}");
    answer
}

fn put(server: &Server, name: &str, value: &str, more: Value) -> (u16, Value) {
    let mut body = json!({ "name": name, "value": value });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    server.call("PUT", SECRETS, Some(&body)).expect("the server answers")
}

fn in_test() -> Value {
    json!({ "environment": "test" })
}

fn token(server: &Server) -> String {
    server.page("/variable?TOKEN").1
}

/// The command line, with an input.
fn run(server: &Server, words: &[&str], input: &str) -> Output {
    let mut command = Command::new(shipway());
    command.args(words).arg("--data").arg(&server.data).args(["--project", "app"]).current_dir(server.home.path());
    command.env_remove("SHIPWAY_TOKEN").env_remove("SHIPWAY_SERVER");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // One that reads no input has perhaps ended by now.
    let _ = child.stdin.take().expect("it has an input").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn said(server: &Server, words: &[&str], input: &str) -> String {
    let output = run(server, words, input);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("it is text");
    assert!(output.status.success(), "{words:?}: {text}");
    text
}

/// Every file below a folder that holds a text.
fn files_with(folder: &Path, text: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let kind = entry.file_type().expect("its type");
        if kind.is_dir() {
            files_with(&entry.path(), text, found);
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(entry.path());
            }
        }
    }
}

/// No value is in the server's home, its log and data folder included, nor in what the API answers.
fn nothing_leaks(server: &Server) {
    let answers = [
        SECRETS,
        KEY,
        "/api/events?limit=1000",
        "/api/projects/app",
        "/api/projects/app/releases",
        "/api/projects/app/instances",
        "/api/projects/app/environments",
        "/api/projects/app/deployments",
    ];
    for value in [FIRST, SECOND] {
        let mut found = Vec::new();
        files_with(server.home.path(), value, &mut found);
        assert!(found.is_empty(), "{value} is in {found:?}");
        for path in answers {
            assert!(!server.get(path).to_string().contains(value), "{path}");
        }
    }
}

/// Ends the application of the one live instance, and waits until another takes requests.
fn replace_the_instance(server: &Server) -> Value {
    let old = server.live_instances().remove(0);
    let (_, app) = server.pids_of(&old);
    let pid = rustix::process::Pid::from_raw(i32::try_from(app).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it can be killed");
    wait_for("another instance", || {
        let new = server.live_instances().into_iter().find(|one| one["id"] != old["id"])?;
        (server.page("/variable?TOKEN").0 == 200).then_some(new)
    })
}

#[test]
fn a_secret_goes_with_its_release_and_nowhere_else() {
    let mut server = Server::start();
    project(&server, WANTS_TOKEN);
    // Missing: found before anything moves, with the command that helps.
    let failed = server.deploy(json!({}));
    assert_eq!(failed["phase"], "failed");
    assert!(failed["findings"].to_string().contains("shipway secret set TOKEN -e test"), "{failed}");

    let view = set(&server, "TOKEN", FIRST, in_test());
    assert_eq!((&view["newest"], &view["id"]), (&json!(1), &json!("app/test:TOKEN")));
    server.deploy_well(json!({}));
    assert_eq!(token(&server), FIRST);

    let rotated = said(&server, &["secret", "rotate", "TOKEN", "-e", "test"], &format!("{SECOND}\n"));
    assert!(rotated.contains("shipway deploy web -e test"), "{rotated}");
    assert_eq!(token(&server), FIRST, "what runs keeps what it has");
    server.deploy_well(json!({}));
    assert_eq!(token(&server), SECOND);
    let list = said(&server, &["secret", "list"], "");
    assert!(list.contains("app/test:TOKEN") && list.contains("@2") && list.contains("test/web"), "{list}");

    // Back: the old release, with the old version.
    assert_eq!(server.roll_back(json!({}))["phase"], "completed");
    assert_eq!(token(&server), FIRST);
    replace_the_instance(&server);
    assert_eq!(token(&server), FIRST, "also in an instance that came later");

    // Revoked: who starts from now on gets the newest that is not, and that is shown.
    said(&server, &["secret", "revoke", "TOKEN@1", "-e", "test", "--reason", "it was on a slide"], "");
    let instance = replace_the_instance(&server);
    assert_eq!(token(&server), SECOND);
    assert_eq!(instance["substituted"]["TOKEN"], "app/test:TOKEN@2");
    assert!(server.event("SECRET_SUBSTITUTED", 0)["message"].to_string().contains("TOKEN@2 for the revoked TOKEN@1"));
    assert!(said(&server, &["ps"], "").contains("has TOKEN@2"));

    // In use: not deleted by mistake.
    let refused = server.refused(
        409,
        "POST",
        "/api/projects/app/secrets/delete",
        json!({ "name": "TOKEN", "environment": "test" }),
    );
    assert!(refused["errors"].to_string().contains("app/test/web names TOKEN@1"), "{refused}");

    // A server that starts again knows it still, and what runs has it still.
    server.kill();
    server.boot(&[]);
    assert_eq!(token(&server), SECOND);
    replace_the_instance(&server);
    assert_eq!(token(&server), SECOND);
    nothing_leaks(&server);
}

#[test]
fn the_nearest_secret_wins_and_rotation_deploys_when_asked() {
    let server = Server::start();
    project(&server, WANTS_TOKEN);
    set(&server, "TOKEN", "of-the-project", json!({}));
    server.deploy_well(json!({ "version": "1.0" }));
    assert_eq!(token(&server), "of-the-project");
    set(&server, "TOKEN", FIRST, json!({ "environment": "test", "service": "web" }));
    server.deploy_well(json!({ "version": "1.0" }));
    assert_eq!(token(&server), FIRST);
    let words = ["secret", "rotate", "TOKEN", "-e", "test", "--service", "web", "--deploy"];
    said(&server, &words, SECOND);
    assert_eq!(token(&server), SECOND);
    assert_eq!(server.page("/variable?SHIPWAY_VERSION").1, "1.0", "the same version, with another secret");
    // Equal values show as equal, and only by their fingerprints.
    set(&server, "OTHER", SECOND, json!({}));
    let all = server.get(SECRETS);
    let print = |id: &str| {
        let found = all.as_array().expect("a list").iter().find(|one| one["id"] == id).expect("it is listed");
        found["versions"].as_array().expect("versions").last().expect("a version")["fingerprint"].clone()
    };
    assert_eq!(print("app:OTHER"), print("app/test/web:TOKEN"));
    assert_ne!(print("app:OTHER"), print("app:TOKEN"));
    // What can't be meant is refused.
    for (more, status) in [(json!({ "environment": "tset" }), 404), (json!({ "service": "web" }), 400)] {
        assert_eq!(put(&server, "TOKEN", "x", more).0, status);
    }
    assert_eq!(put(&server, "NEW", "x", json!({ "rotate": true })).0, 404, "a mistyped name makes no secret");
    assert_eq!(put(&server, "TOKEN", "", json!({})).0, 400);
}

/// One row of the secrets in a comparison of `test` and `prod`.
fn compared(server: &Server, project: &str, key: &str) -> Value {
    let comparison = server.get(&format!("/api/projects/{project}/compare?from=test&to=prod"));
    let secrets = comparison["services"]["web"]["secrets"].as_array().expect("keys").clone();
    secrets.into_iter().find(|one| one["key"] == key).unwrap_or_else(|| panic!("no {key}: {comparison}"))
}

#[test]
fn a_comparison_tells_equal_secrets_from_different_ones_and_shows_no_value() {
    let server = Server::start();
    let wants = format!("{WANTS_TOKEN}OTHER = {{}}\n[environments.prod]\ntype = \"production\"\n");
    project(&server, &wants);
    let folder = server.home.path().join("another");
    fs::create_dir_all(folder.join("app")).expect("a folder");
    fs::copy(support::fixture(), folder.join("app/fixture")).expect("the fixture");
    // A host belongs to one environment of one project.
    let another =
        support::spec(&wants).replace("\"app\"\n\n[env", "\"another\"\n\n[env").replace("\"app.{", "\"another.{");
    server.register(&folder, &another);
    for environment in ["test", "prod"] {
        // The same value twice, in two secrets that know nothing of each other, and in two projects.
        let other = json!({ "name": "OTHER", "value": SECOND, "environment": environment });
        let token = json!({ "name": "TOKEN", "value": format!("{FIRST}-{environment}"), "environment": environment });
        for (project, body) in [("app", &other), ("app", &token), ("another", &other), ("another", &token)] {
            let path = format!("/api/projects/{project}/secrets");
            let (status, answer) = server.call("PUT", &path, Some(body)).expect("the server answers");
            assert_eq!(status, 200, "{answer}");
        }
        for project in ["app", "another"] {
            server.deploy_well(json!({ "project": project, "environment": environment, "version": "1.0" }));
        }
    }
    let (other, token) = (compared(&server, "app", "OTHER"), compared(&server, "app", "TOKEN"));
    assert_eq!((&other["state"], &token["state"]), (&json!("same"), &json!("different")), "{other} {token}");
    let listed = server.get(SECRETS);
    let print = |id: &str| {
        let found = listed.as_array().expect("a list").iter().find(|one| one["id"] == id).expect("it is listed");
        found["versions"][0]["fingerprint"].as_str().expect("a fingerprint").to_owned()
    };
    assert_eq!(print("app/test:OTHER"), print("app/prod:OTHER"), "equal values of both environments");
    assert_ne!(token["from"], token["to"]);
    assert_eq!((&token["from"], &token["to"]), (&json!(print("app/test:TOKEN")), &json!(print("app/prod:TOKEN"))));
    assert!(print("app/test:TOKEN").chars().all(|c| c.is_ascii_hexdigit()), "{token}");
    let elsewhere = compared(&server, "another", "TOKEN");
    assert_eq!(elsewhere["state"], "different", "{elsewhere}");
    assert_ne!(elsewhere["from"], token["from"], "the same value in another project: nobody learns that it is");
    for format in [&[][..], &["--json"], &["--html"]] {
        let output = run(&server, &[&["env", "compare", "test", "prod"], format].concat(), "");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{format:?}: {said}");
        assert!(said.contains("TOKEN") && said.contains(token["to"].as_str().expect("a fingerprint")), "{said}");
        assert!(!said.contains(FIRST) && !said.contains(SECOND), "{format:?}: {said}");
    }
    nothing_leaks(&server);
}

/// All that lies in memory, beside an instance's files.
fn in_memory(files: &Path) -> Vec<PathBuf> {
    let room = files.parent().and_then(Path::parent).expect("the folder of all instances");
    fs::read_dir(room).expect("the folder").flatten().map(|entry| entry.path()).collect()
}

#[test]
fn files_lie_in_memory_and_what_prints_a_secret_prints_a_mask() {
    let server = Server::start();
    let hook = "[[services.web.hooks]]\nwhen = \"before-test\"\ncommand = [\"sh\", \"-c\", \"echo the token is $TOKEN\"]\n\
                [[services.web.hooks]]\nwhen = \"before-test\"\n\
                command = [\"sh\", \"-c\", \"echo in $SHIPWAY_SECRETS_DIR, $(wc -c < $SHIPWAY_SECRETS_DIR/tls.key) bytes; \
                stat -c '%a' $SHIPWAY_SECRETS_DIR/tls.key; cat $SHIPWAY_SECRETS_DIR/tls.key\"]\n\
                [[services.web.checks]]\nname = \"has-key\"\nphase = \"test\"\n\
                command = [\"sh\", \"-c\", \"test -r $SHIPWAY_SECRETS_DIR/tls.key -a -z $KEY\"]\n";
    let wants = "[services.web.secrets]\nTOKEN = {}\nSTRANGE = {}\nKEY = { secret = \"tls\", file = \"tls.key\" }\n";
    project(&server, &format!("{hook}{wants}"));
    let key = "-----BEGIN KEY-----\nabcdefghijkl\n-----END KEY-----\n";
    for (name, value) in [("TOKEN", FIRST), ("STRANGE", SECOND), ("tls", key)] {
        set(&server, name, value, in_test());
    }
    let deployment = server.deploy_well(json!({}));

    let folder = PathBuf::from(server.page("/variable?SHIPWAY_SECRETS_DIR").1);
    assert!(folder.starts_with("/dev/shm"), "{folder:?}");
    let file = folder.join("tls.key");
    assert_eq!(fs::read_to_string(&file).expect("the file"), key);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o400));
    assert_eq!(server.page("/variable?KEY").1, "", "a file is no variable");

    // The hook and the application say what they were given; nobody reads it.
    let id = deployment["id"].as_str().expect("an id");
    let logs = server.get(&format!("/api/deployments/{id}/logs")).to_string();
    assert!(logs.contains("the token is ••••TOKEN") && logs.contains("••••STRANGE"), "{logs}");
    assert!(!logs.contains(FIRST) && !logs.contains(SECOND), "{logs}");
    // A hook finds the files, too, in a folder of its own that ends with it; a command that checks does as well, or the
    // deployment had not come so far.
    let said = format!(", {} bytes", key.len());
    assert!(logs.contains("in /dev/shm") && logs.contains(&said) && logs.contains("\"400\""), "{logs}");
    assert!(!logs.contains("abcdefghijkl"), "{logs}");
    assert_eq!(in_memory(&folder), [folder.parent().expect("the instance's")]);
    let mut found = Vec::new();
    files_with(&server.data, FIRST, &mut found);
    files_with(&server.data, "abcdefghijkl", &mut found);
    assert!(found.is_empty(), "{found:?}");
    // A person who writes a value where everybody reads it.
    let reason = format!("trying {FIRST}");
    server.deploy_well(json!({ "reason": reason }));
    assert!(!server.get("/api/events?limit=1000").to_string().contains(FIRST));

    // What has ended leaves nothing in memory.
    let mut server = server;
    server.post("/api/shutdown", json!({ "applications": true }));
    server.wait_end();
    assert_eq!(in_memory(&folder), [] as [PathBuf; 0]);
}

#[test]
fn a_wrong_or_lost_master_key_stops_only_what_needs_it() {
    let mut server = Server::start();
    project(&server, WANTS_TOKEN);
    set(&server, "TOKEN", FIRST, in_test());
    server.deploy_well(json!({}));
    let key_file = PathBuf::from(server.get(KEY)["source"].as_str().expect("where the key is"));
    assert!(!key_file.starts_with(&server.data) && key_file.exists(), "{key_file:?}");
    assert_eq!(fs::metadata(&key_file).expect("the key").permissions().mode() & 0o777, 0o600);

    // Wrong: the server starts and says so, what runs goes on, and what needs the key fails with the reason.
    server.kill();
    server.boot(&[("SHIPWAY_MASTER_KEY", &"ab".repeat(32))]);
    let troubles = server.get(KEY)["troubles"].to_string();
    assert!(troubles.contains("is another one"), "{troubles}");
    assert_eq!(token(&server), FIRST);
    let status = said(&server, &["status"], "");
    assert!(status.contains("1 secret can't be opened"), "{status}");
    let failed = server.deploy(json!({}));
    assert_eq!(failed["phase"], "failed");
    assert!(failed["errors"].to_string().contains("master key"), "{}", failed["errors"]);
    let (refused, answer) = put(&server, "TOKEN", SECOND, in_test());
    assert_eq!(refused, 503, "nothing is sealed by a second key beside: {answer}");
    let spec = support::spec("");
    server.register(&server.home.path().join("project"), &spec);
    server.deploy_well(json!({}));

    // Lost for good: what it sealed is deleted, and set anew by a new key.
    server.kill();
    fs::remove_file(&key_file).expect("the key");
    server.boot(&[]);
    assert!(server.get(KEY)["troubles"].to_string().contains("no master key"));
    assert_eq!(put(&server, "TOKEN", SECOND, in_test()).0, 503);
    let delete = json!({ "name": "TOKEN", "environment": "test", "force": true });
    server.post("/api/projects/app/secrets/delete", delete);
    let view = set(&server, "TOKEN", SECOND, in_test());
    assert_eq!(view["newest"], 2, "a number is never used again");
    server.register(&server.home.path().join("project"), &support::spec(WANTS_TOKEN));
    server.deploy_well(json!({}));
    assert_eq!(token(&server), SECOND);
}

#[test]
fn another_master_key_takes_over_while_everything_runs() {
    let mut server = Server::start();
    project(&server, WANTS_TOKEN);
    set(&server, "TOKEN", FIRST, in_test());
    set(&server, "TOKEN", SECOND, in_test());
    server.deploy_well(json!({}));
    let told = said(&server, &["secret", "rekey", "--reason", "once a year"], "");
    assert!(told.contains("1 secret sealed"), "{told}");
    let keys = server.get(KEY);
    let key_file = PathBuf::from(keys["source"].as_str().expect("where the key is"));
    assert_eq!((keys["ids"].as_array().map(Vec::len), &keys["troubles"]), (Some(2), &json!([])));
    // The new key alone opens everything.
    let text = fs::read_to_string(&key_file).expect("the keys");
    let first = text.lines().next().expect("the new key").to_owned();
    server.kill();
    fs::write(&key_file, &first).expect("the key file");
    server.boot(&[]);
    assert_eq!(server.get(KEY)["troubles"], json!([]));
    replace_the_instance(&server);
    assert_eq!(token(&server), SECOND);

    // From a command: a new key in front, then the old one.
    server.kill();
    let program = server.home.path().join("keys");
    fs::write(&program, format!("#!/bin/sh\necho {}\necho {first}\n", "cd".repeat(32))).expect("a script");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("permissions");
    server.boot(&[("SHIPWAY_MASTER_KEY_COMMAND", program.to_str().expect("a path"))]);
    let done = server.post("/api/master-key/rekey", json!({}));
    assert_eq!((&done["made"], &done["secrets"]), (&json!(false), &json!(1)));
    let refused = server.refused(400, "POST", "/api/master-key/rekey", json!({}));
    assert!(refused["detail"].to_string().contains("can't put another"), "{refused}");
    server.kill();
    server.boot(&[("SHIPWAY_MASTER_KEY", &"cd".repeat(32))]);
    assert_eq!(server.get(KEY)["troubles"], json!([]));
}
