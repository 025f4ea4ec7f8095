//! Bad days of builds: they fail, hang, or never stop talking.

mod support;

use std::fs;

use serde_json::json;
use support::day::{Day, assert_cause, built, text};

/// Bytes that one log of a deployment may take on the disk, with room for its last line.
const LOG_BYTES_MAX: u64 = 17 * 1024 * 1024;
/// Memory of the server's process, in KiB, whatever a build prints.
const SERVER_KIB_MAX: u64 = 300 * 1024;

#[test]
fn a_build_that_fails_tells_its_status_and_its_last_words() {
    let day = Day::begin("");
    let script = "for i in $(seq 40); do echo line $i; done; echo 'error: a semicolon is missing' >&2; exit 7";
    let deployment = day.deploy_to_end(built("v2", script, json!({})), "failed");
    assert_cause(&deployment, "exited with status 7", "`shipway logs test-2`");
    assert_eq!(deployment["errors"][0]["phase"], "preparing");
    assert_eq!(deployment["errors"][0]["service"], "web");
    assert_eq!(deployment["cause"], "release");
    let tail = deployment["errors"][0]["logTail"].as_array().expect("a tail");
    assert_eq!(tail.last(), Some(&json!("error: a semicolon is missing")), "{tail:?}");
    assert!(tail.contains(&json!("line 40")) && !tail.contains(&json!("line 1")), "{tail:?}");
    day.unharmed("v1");
    let deployment = day.deploy_to_end(built("v3", "kill -9 $$", json!({})), "failed");
    assert_cause(&deployment, "was ended by signal 9", "");
    let deployment = day.deploy_to_end(built("v4", "rm -r ./*", json!({})), "failed");
    assert_cause(&deployment, "left nothing in its output folder", "`output`");
    day.unharmed("v1");
}

#[test]
fn a_build_that_hangs_is_ended_with_everything_it_started() {
    let day = Day::begin("");
    let script = "echo begun; sleep 3600 & setsid sleep 3600 & setsid sh -c 'trap \"\" TERM; sleep 3600' & sleep 3600";
    let fields = json!({ "timeouts": { "build_s": 1 } });
    let deployment = day.deploy_to_end(built("v2", script, fields), "failed");
    assert_cause(&deployment, "did not end within 1 s", "timeouts.build_s");
    assert_eq!(deployment["errors"][0]["logTail"][1], "begun");
    day.unharmed("v1");
    // One that ends well takes what it left behind with it all the same.
    day.deploy_to_end(built("v3", "setsid sleep 3600 & echo done", json!({})), "completed");
    day.unharmed("v3");
}

#[test]
fn a_build_that_prints_100_mb_is_bounded() {
    let day = Day::begin("");
    let line = "x".repeat(999);
    let script = format!("yes {line} | head -c 100000000; echo the last word");
    let deployment = day.deploy_to_end(built("v2", &script, json!({})), "completed");
    let log = day.server.data.join("logs/deployments").join(text(&deployment, "/id")).join("build/web.log");
    let size = fs::metadata(log).expect("the build's log").len();
    assert!((1024 * 1024..LOG_BYTES_MAX).contains(&size), "{size} bytes");
    let logs = day.server.get(&format!("/api/deployments/{}/logs?tail=3", text(&deployment, "/id")));
    assert!(text(&logs, "/lines/2/line").contains("the log is full"), "{logs}");
    let peak = peak_kib(&day);
    assert!(peak < SERVER_KIB_MAX, "{peak} KiB");
    day.unharmed("v2");
}

/// The most memory that the server's process ever had.
fn peak_kib(day: &Day) -> u64 {
    let pid = day.server.get("/api/server")["pid"].as_u64().expect("a pid");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
