//! A spec in CUE by the binary and a real server: several files of one package, an imported package in a module above
//! the project's folder, an environment as a file of its own. Not here: what such a spec says (`config/tests/in_cue.rs`).

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{Server, people::Person, shipway};

const MODULE: &str = "module: \"platform.example\"\nlanguage: version: \"v0.17.0\"\n";

const KIT: &str = r#"package kit

#Site: {
	kind:   "static"
	source: "web"
	routes: [{host: "app.{environment}.localhost"}]
	variables: [string]: string
}
"#;

const SPEC: &str = r#"package app

import "platform.example/kit"

project: name: "app"
services: web: kit.#Site
"#;

const TEST: &str = r#"package app

environments: test: {
	type: "testing"
	services: web: variables: MOTTO: "quick"
}
"#;

/// A project in a module; its folder.
fn project(within: &Path) -> PathBuf {
    let folder = within.join("platform/app");
    for (path, text) in [
        ("../cue.mod/module.cue", MODULE),
        ("../kit/kit.cue", KIT),
        ("shipway.cue", SPEC),
        ("test.cue", TEST),
        ("web/index.html", "one"),
    ] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
        fs::write(path, text).expect("files can be written");
    }
    folder
}

/// Runs a verb in the project's folder; gives what it said.
fn ran(server: &Server, folder: &Path, token: &str, arguments: &[&str], code: i32) -> String {
    let mut command = Command::new(shipway());
    command.args(arguments).current_dir(folder).env_clear();
    command.env("SHIPWAY_DATA", &server.data).env("SHIPWAY_SERVER", format!("http://{}", server.address()));
    let output = command.env("SHIPWAY_TOKEN", token).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{text}\n{}", server.log());
    text
}

#[test]
fn a_spec_of_several_files_is_checked_shown_and_deployed() {
    let server = Server::start();
    let folder = project(server.home.path());
    let run = |arguments: &[&str], code| ran(&server, &folder, server.token(), arguments, code);
    run(&["check"], 0);
    run(&["deploy", "-e", "test"], 0);
    assert_eq!(server.page("/"), (200, "one".into()));
    let shown = run(&["config", "show", "web", "-e", "test", "--why"], 0);
    assert!(shown.contains("quick") && shown.contains("test.cue:5"), "the file and the line that say it: {shown}");

    // The server reads the files anew, those above the folder too.
    fs::write(folder.join("../kit/kit.cue"), KIT.replace("\"web\"", "\"pages\"")).expect("written");
    fs::create_dir(folder.join("pages")).expect("a folder");
    fs::write(folder.join("pages/index.html"), "two").expect("written");
    run(&["deploy", "-e", "test"], 0);
    assert_eq!(server.page("/"), (200, "two".into()));

    fs::write(folder.join("../kit/kit.cue"), KIT.replace("\"static\"", "\"static\" & \"process\"")).expect("written");
    let said = run(&["check"], 1);
    assert!(said.contains("../kit/kit.cue:4"), "the file and the line that are wrong: {said}");
    run(&["deploy", "-e", "test"], 1);
    assert_eq!(server.page("/"), (200, "two".into()), "what runs stays");
}

#[test]
fn what_a_spec_draws_in_is_sent_to_a_server_elsewhere() {
    let server = Server::start();
    let folder = project(server.home.path());
    let person = Person::new(&server, "ada", "admin");
    // Whoever comes with an access token has no folder in common with the server.
    ran(&server, &folder, &person.token, &["deploy", "-e", "test"], 0);
    assert_eq!(server.page("/"), (200, "one".into()));
    let registered = server.get("/api/projects/app");
    assert!(registered["folder"].is_null(), "{registered}");
}

#[test]
fn the_example_is_right() {
    let server = Server::start();
    let sites = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/sites");
    ran(&server, &sites, server.token(), &["check"], 0);
}
