//! As whom things run, and what a machine must have: users, and the version of Node.js.

mod support;

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use serde_json::{Value, json};
use support::{Server, fixture};

fn is_root() -> bool {
    fs::metadata("/proc/self").expect("/proc").uid() == 0
}

/// A project whose service has these settings and nothing else.
fn register(server: &Server, service: &str) {
    let folder = server.home.path().join("project");
    fs::create_dir_all(folder.join("app")).expect("a folder");
    fs::copy(fixture(), folder.join("app/fixture")).expect("the fixture");
    let head = "[project]\nname = \"app\"\n[environments.test]\ntype = \"testing\"\n[services.web]\n";
    let run = "source = \"app\"\nkind = \"process\"\nrun = [\"./fixture\"]\n";
    server.register(&folder, &format!("{head}{run}{service}"));
}

/// The owner of a process.
fn owner(pid: u32) -> u32 {
    fs::metadata(Path::new("/proc").join(pid.to_string())).expect("the process lives").uid()
}

#[test]
fn builds_hooks_and_instances_run_as_the_named_user() {
    if !is_root() {
        eprintln!("skipped: only root can run anything as somebody else");
        return;
    }
    let server = Server::start();
    // Temporary folders are closed to everybody else.
    fs::set_permissions(server.home.path(), Permissions::from_mode(0o755)).expect("its rights");
    let build = r#"build = ["sh", "-c", "id -un > built-by && touch $HOME/writable"]"#;
    let hook = r#"hooks = [{ when = "before-test", command = ["sh", "-c", "id -un > uploads/hook-by"] }]"#;
    register(&server, &format!("run_as = \"nobody\"\ndata = [\"uploads\"]\n{build}\n{hook}\n"));
    let deployment = server.deploy_well(json!({}));
    let release = deployment["services"]["web"]["release"].as_str().expect("a release");
    let folder = server.data.join("releases").join(release);
    for file in ["built-by", "uploads/hook-by"] {
        assert_eq!(fs::read_to_string(folder.join(file)).expect(file).trim(), "nobody", "{file}");
    }
    let nobody = fs::metadata(folder.join("uploads/hook-by")).expect("the hook's file").uid();
    let pids = server.application_pids();
    assert!(!pids.is_empty() && pids.iter().all(|pid| owner(*pid) == nobody), "{pids:?}");
}

#[test]
fn root_is_never_meant_by_silence() {
    if !is_root() {
        eprintln!("skipped: this server does not run as root");
        return;
    }
    let server = Server::start();
    register(&server, "");
    let deployment = server.deploy(json!({}));
    assert_eq!(deployment["phase"], "failed");
    let said = finding(&deployment, "security");
    assert!(said["message"].as_str().expect("words").contains("as root"), "{said}");
    assert!(said["recommendation"].as_str().expect("words").contains("@server"), "{said}");
    assert!(server.application_pids().is_empty());
}

#[test]
fn a_missing_version_of_node_is_said_before_anything_moves() {
    let server = Server::start();
    register(&server, "run_as = \"@server\"\nnode_version = \"999\"\n");
    let deployment = server.deploy(json!({}));
    assert_eq!(deployment["phase"], "failed");
    let said = finding(&deployment, "software");
    assert!(said["message"].as_str().expect("words").contains("Node.js 999"), "{said}");
    assert_eq!(said["severity"], "critical");
    assert_eq!(said["field"], "services.web.node_version");
}

fn finding(deployment: &Value, category: &str) -> Value {
    let findings = deployment["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["category"] == category);
    found.unwrap_or_else(|| panic!("{findings:?}")).clone()
}
