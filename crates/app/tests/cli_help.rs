//! The command line as it is documented, and what it refuses without a server. Not here: verbs that need a server
//! (`cli_server.rs`).

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

const VERBS: [&str; 51] = [
    "up",
    "down",
    "serve",
    "check",
    "plan",
    "deploy",
    "promote",
    "scale",
    "decommission",
    "config",
    "env",
    "status",
    "ps",
    "history",
    "statistics",
    "logs",
    "events",
    "explain",
    "pause",
    "resume",
    "advance",
    "gates",
    "approve",
    "reject",
    "break-glass",
    "schedule",
    "abort",
    "cancel",
    "rollback",
    "repair",
    "retry",
    "skip",
    "resolve",
    "combination",
    "hold",
    "unhold",
    "leases",
    "breakers",
    "quarantine",
    "quota",
    "secret",
    "snapshot",
    "flag",
    "token",
    "audit",
    "backup",
    "restore",
    "retention",
    "doctor",
    "completions",
    "cue",
];

/// Verbs of a verb.
const BELOW: [&[&str]; 50] = [
    &["cue", "export"],
    &["cue", "eval"],
    &["cue", "def"],
    &["cue", "vet"],
    &["cue", "fmt"],
    &["cue", "why"],
    &["cue", "lint"],
    &["cue", "set"],
    &["cue", "import"],
    &["history", "archive"],
    &["retention", "show"],
    &["retention", "run"],
    &["env", "compare"],
    &["env", "sync"],
    &["combination", "list"],
    &["combination", "name"],
    &["breakers", "reset"],
    &["schedule", "list"],
    &["schedule", "create"],
    &["schedule", "pause"],
    &["schedule", "resume"],
    &["schedule", "delete"],
    &["snapshot", "list"],
    &["snapshot", "restore"],
    &["flag", "list"],
    &["flag", "set"],
    &["flag", "delete"],
    &["token", "create"],
    &["token", "list"],
    &["token", "revoke"],
    &["config", "show"],
    &["config", "set"],
    &["config", "history"],
    &["config", "diff"],
    &["config", "rollback"],
    &["config", "deploy"],
    &["config", "fetch"],
    &["env", "list"],
    &["env", "show"],
    &["env", "create"],
    &["env", "set"],
    &["env", "delete"],
    &["env", "usage"],
    &["env", "can"],
    &["secret", "set"],
    &["secret", "list"],
    &["secret", "rotate"],
    &["secret", "revoke"],
    &["secret", "delete"],
    &["secret", "rekey"],
];

/// Runs the binary where no server is, and no environment variable says anything.
fn shipway(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Command::new(env!("CARGO_BIN_EXE_shipway"))
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("SHIPWAY_DATA", folder.path().join("data"))
        // Port 1 has no server.
        .env("SHIPWAY_SERVER", "http://127.0.0.1:1")
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the output is UTF-8")
}

fn help(verb: &[&str]) -> String {
    let arguments: Vec<_> = verb.iter().copied().chain(["--help"]).collect();
    let output = shipway(&arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    text(&output.stdout)
}

fn reference() -> String {
    let mut page = String::from(
        "# The command line\n\nEvery verb with its options, as `--help` says it. This page is made by a test: \
         `SHIPWAY_RENEW=1 cargo test -p shipway-app --test cli_help`.\n",
    );
    let below = |verb: &'static str| BELOW.into_iter().filter(move |words| words[0] == verb).map(<[_]>::to_vec);
    let sections = VERBS.into_iter().flat_map(|verb| std::iter::once(vec![verb]).chain(below(verb)));
    for verb in std::iter::once(Vec::new()).chain(sections) {
        let title = verb.iter().map(|word| format!(" {word}")).collect::<String>();
        page.push_str(&format!("\n## `shipway{title}`\n\n```text\n{}\n```\n", help(&verb).trim_end()));
    }
    page
}

#[test]
fn the_documented_command_line_is_the_real_one() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/CLI.md");
    let wanted = reference();
    if std::env::var_os("SHIPWAY_RENEW").is_some() {
        fs::write(&file, &wanted).expect("docs/CLI.md can be written");
    }
    let documented = fs::read_to_string(&file).unwrap_or_default();
    let renew = "SHIPWAY_RENEW=1 cargo test -p shipway-app --test cli_help";
    assert!(documented == wanted, "docs/CLI.md is stale; renew it with `{renew}`");
}

#[test]
fn every_verb_is_documented() {
    let listed = help(&[]);
    let listed = listed.split("Commands:").nth(1).expect("the help lists the commands");
    let listed = listed.split("Options:").next().expect("a list ends");
    let indented = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names: Vec<_> = listed.lines().filter(indented).filter_map(|line| line.split_whitespace().next()).collect();
    let wanted: Vec<_> = VERBS.into_iter().chain(["help"]).collect();
    assert_eq!(names, wanted);
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_right() {
    let wrong: [&[&str]; 22] = [
        &["deplyo"],
        &["deploy", "--frob"],
        &["scale"],
        &["scale", "catalog=many"],
        &["deploy", "--set", "NOVALUE"],
        &["deploy", "--strategy", "magic"],
        &["deploy", "--all", "web"],
        &["deploy", "--group", "shop", "web"],
        &["deploy", "--order", "web,/api"],
        &["deploy", "--artifact", "abc"],
        &["deploy", "--allow-quarantined"],
        &["rollback", "--force"],
        &["retry"],
        &["skip", "production-7", "3"],
        &["skip", "production-7", "three", "--reason", "x"],
        &["resolve", "production-7", "--reason", " "],
        &["breakers", "reset", "local"],
        &["snapshot", "restore"],
        &["cue", "guess"],
        &["cue", "export", "--out", "xml"],
        &["serve", "--cpu-share", "0"],
        &["serve", "--listen", "nowhere"],
    ];
    for arguments in wrong {
        let output = shipway(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("--help"), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn without_a_server_the_message_says_how_to_start_one() {
    for verb in ["status", "ps", "history", "events"] {
        let output = shipway(&["--project", "shop", verb]);
        assert_eq!(output.status.code(), Some(1), "{verb}");
        let said = text(&output.stderr);
        assert!(said.contains("no server answers at http://127.0.0.1:1"), "{said}");
        assert!(said.contains("`shipway up`"), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn errors_are_problems_when_json_is_wanted() {
    let output = shipway(&["--json", "status"]);
    assert_eq!(output.status.code(), Some(1));
    let problem: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a JSON document");
    assert_eq!(problem["title"], "unreachable");
    assert!(problem["hint"].as_str().expect("a hint").contains("shipway up"));
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = shipway(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(text(&output.stdout).contains("decommission"), "{shell}");
    }
}

#[test]
fn a_spec_is_checked_without_a_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("shipway.toml");
    let path = folder.path().to_str().expect("a plain path");
    let good = "[project]\nname = \"shop\"\n\n[services.web]\nkind = \"static\"\nsource = \"web\"\n\
                routes = [{ host = \"shop.localhost\", path = \"/\" }]\n\n[environments.staging]\ntype = \"staging\"\n";
    fs::write(&file, good).expect("the spec can be written");
    let output = shipway(&["check", path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));

    fs::write(&file, good.replace("kind =", "kidn =")).expect("the spec can be written");
    let output = shipway(&["check", path]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("critical:") && said.contains("shipway.toml:5"), "{said}");
    assert!(said.contains("`kind`"), "{said}");

    let output = shipway(&["check", path, "--json"]);
    let view: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a JSON document");
    assert_eq!(view["valid"], false);
}

#[test]
fn a_folder_without_a_spec_is_told_so() {
    for arguments in [&["check"][..], &["up", "."], &["check", "nowhere"]] {
        let output = shipway(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains("shipway.toml"), "{arguments:?}: {}", text(&output.stderr));
    }
}
