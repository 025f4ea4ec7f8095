//! CUE by the binary: values, checks, refusals and wrong usage, each with its exit code and without a server. Not here:
//! what CUE means (crate `cue`), what a spec in it says (`config/tests/in_cue.rs`), and the flags of each verb (`cli_help.rs`).

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const SHOP: &str = "#Port: int & >0 & <65536
name: \"shop\"
port: #Port | *8080
url: \"http://\\(name).localhost:\\(port)\"
";

/// Runs the binary in a folder of its own where no server can be.
fn cue(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shipway"))
        .arg("cue")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("SHIPWAY_SERVER", "http://127.0.0.1:1")
        .output()
        .expect("the binary runs")
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("files can be written");
    }
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the output is UTF-8")
}

/// Runs and asks for the exit code; gives back what was printed and what was reported.
fn ran(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = cue(folder, arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
    (out, err)
}

#[test]
fn values_are_exported() {
    let folder = folder(&[("shop.cue", SHOP)]);
    let (out, err) = ran(folder.path(), &["export", "shop.cue"], 0);
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(value, serde_json::json!({ "name": "shop", "port": 8080, "url": "http://shop.localhost:8080" }));
    assert_eq!(err, "");
    let (out, _) = ran(folder.path(), &["export", "shop.cue", "-e", "url", "--out", "text"], 0);
    assert_eq!(out, "http://shop.localhost:8080\n");
    // What every verb prints with --json is JSON; a value is one already.
    let (out, _) = ran(folder.path(), &["export", "shop.cue", "--json"], 0);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).expect("JSON"), value);
}

#[test]
fn values_are_explained() {
    let folder = folder(&[("shop.cue", "port: *80 | int\n"), ("prod.cue", "port: 8080\n")]);
    let asked = ["why", "shop.cue", "prod.cue", "-e", "port"];
    let (out, _) = ran(folder.path(), &asked, 0);
    assert_eq!(out, "port = 8080\n  → prod.cue:1:7  8080\n    shop.cue:1:7  *80 | int\n");
    let (out, _) = ran(folder.path(), &[&asked[..], &["--json"]].concat(), 0);
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(found[0]["said"][0]["file"], "prod.cue");
}

#[test]
fn data_is_checked_and_the_place_is_said() {
    let folder = folder(&[("shop.cue", SHOP), ("good.json", "{\"port\": 80}\n"), ("bad.json", "{\"port\": 70000}\n")]);
    assert_eq!(ran(folder.path(), &["vet", "shop.cue", "good.json"], 0), (String::new(), String::new()));
    let (out, err) = ran(folder.path(), &["vet", "shop.cue", "bad.json"], 1);
    assert_eq!(out, "");
    assert!(err.contains("port") && err.contains("bad.json:1:"), "{err}");

    let (out, err) = ran(folder.path(), &["--json", "vet", "shop.cue", "bad.json"], 1);
    let problem: serde_json::Value = serde_json::from_str(&out).expect("a problem");
    assert_eq!(problem["title"], "findings");
    assert!(problem["detail"].as_str().expect("a detail").contains("bad.json:1:"), "{out}");
    assert_eq!(err, "");
}

#[test]
fn files_are_put_in_order_and_changed_in_place() {
    let folder = folder(&[("a.cue", "// the port\nport:   80 // plain\n")]);
    let (out, _) = ran(folder.path(), &["fmt", "--check", "a.cue"], 1);
    assert_eq!(out, "a.cue\n");
    ran(folder.path(), &["fmt", "a.cue"], 0);
    ran(folder.path(), &["fmt", "--check", "a.cue"], 0);
    ran(folder.path(), &["set", "a.cue", "port", "8443"], 0);
    let changed = fs::read_to_string(folder.path().join("a.cue")).expect("the file is there");
    assert_eq!(changed, "// the port\nport: 8443 // plain\n");
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let folder = folder(&[("a.cue", "import \"tool/http\"\n\nx: http.Get\n")]);
    let (out, err) = ran(folder.path(), &["export", "a.cue"], 4);
    assert_eq!(out, "");
    assert!(err.contains("tool/http") && err.contains("a.cue:1:"), "{err}");
    let (out, _) = ran(folder.path(), &["export", "a.cue", "--json"], 4);
    let problem: serde_json::Value = serde_json::from_str(&out).expect("a problem");
    assert_eq!(problem["title"], "unsupported");
}

#[test]
fn wrong_usage_says_what_is_right() {
    let folder = folder(&[("a.cue", "x: 1\n")]);
    for arguments in [&["evaluate"][..], &["export", "--frob"], &["export", "a.cue", "--out", "xml"]] {
        let (out, err) = ran(folder.path(), arguments, 2);
        assert_eq!(out, "", "{arguments:?}");
        assert!(err.contains("--help"), "{err}");
    }
    // Flags that are right one by one, and can't be combined.
    let (_, err) = ran(folder.path(), &["export", "a.cue", "-d", "x", "--list"], 2);
    assert!(err.contains("-d"), "{err}");
}

const SPEC: &str = "#Site: {kind: \"static\", source: \"web\", routes: [{host: \"shop.localhost\", path: \"/\"}]}
project: name: \"shop\"
services: web: #Site
environments: staging: type: \"staging\"
";

/// Runs `shipway check` in a folder; gives back the exit code and everything it said.
fn checked(folder: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shipway"));
    command.arg("check").current_dir(folder).env_clear();
    let output = command
        .env("SHIPWAY_DATA", folder.join("data"))
        .env("SHIPWAY_SERVER", "http://127.0.0.1:1")
        .output()
        .expect("the binary runs");
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn the_schema_is_printed_as_cue() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shipway"));
    let output = command.args(["check", "--schema=cue"]).env_clear().output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let documented = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/shipway.schema.cue");
    assert_eq!(text(&output.stdout), fs::read_to_string(documented).expect("the documented schema"));
}

#[test]
fn a_spec_in_cue_is_checked_where_it_is_alone() {
    let folder = folder(&[("shipway.cue", SPEC)]);
    let (code, said) = checked(folder.path());
    assert_eq!(code, Some(0), "{said}");

    fs::write(folder.path().join("shipway.cue"), SPEC.replace("\"staging\"\n", "\"stagin\"\n")).expect("it is written");
    let (code, said) = checked(folder.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("shipway.cue:4") && said.contains("environments.staging.type"), "{said}");

    fs::write(folder.path().join("shipway.toml"), "").expect("it is written");
    let (code, said) = checked(folder.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("shipway.toml and shipway.cue") && said.contains("keep one"), "{said}");
}
