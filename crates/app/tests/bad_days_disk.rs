//! A full disk: deployments fail clearly, what runs goes on, and once there is room everything works again.
#![allow(clippy::print_stderr, reason = "a skipped test says why")]

mod support;

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use support::{
    Server,
    day::{Day, assert_cause, built, text},
};

/// The size of the disk that is filled, in MiB: more than a deployment wants to find free.
const DISK_MB: u64 = 420;

/// A small disk of its own; none where this machine does not let us mount one.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn mount(folder: PathBuf) -> Option<Self> {
        fs::create_dir_all(&folder).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={DISK_MB}m"), "shipway-test"]).arg(&folder);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self { folder }),
            Ok(output) => {
                eprintln!("skipped: no disk can be mounted here: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                eprintln!("skipped: no disk can be mounted here: {error}");
                None
            }
        }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Fills the disk until so many MiB are left; with 0 until nothing fits any more.
    fn fill(&self, left_mb: u64) {
        let mut file = File::create(self.filler()).expect("a file");
        let piece = vec![1; 1024 * 1024];
        while free_mb(&self.folder) > left_mb {
            if file.write_all(&piece).is_err() {
                break;
            }
        }
        // What is smaller than a piece still fits.
        while left_mb == 0 && file.write_all(&[1; 512]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.filler()).expect("the file goes");
    }
}

fn free_mb(folder: &Path) -> u64 {
    let output = Command::new("df").args(["--output=avail", "-m"]).arg(folder).output().expect("df");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().nth(1).and_then(|line| line.trim().parse().ok()).expect("a number")
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

#[test]
fn a_full_disk_fails_deployments_and_nothing_else() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let place = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = Disk::mount(place.path().join("disk")) else { return };
    // The server is dropped first: it stops what runs on the disk.
    let day = Day::begin_on(Server::start_on(home, disk.folder.join("data")), "");

    disk.fill(100);
    let deployment = day.deploy_to_end(json!({ "version": "v2" }), "failed");
    assert_cause(&deployment, "MiB left", "");
    assert!(text(&deployment, "/findings/0/recommendation").contains("free some space"), "{}", deployment["findings"]);
    day.unharmed("v1");

    disk.fill(0);
    let body = json!({ "project": "app", "environment": "test", "version": "v3" });
    let (status, refused) = day.server.call("POST", "/api/deployments", Some(&body)).expect("an answer");
    assert_eq!(status, 503, "{refused}");
    assert!(text(&refused, "/hint").contains("free some space"), "{refused}");
    day.unharmed("v1");

    disk.free();
    // A build fills the disk itself.
    let script = "head -c 1000000000 /dev/zero > big && echo it fits";
    let deployment = day.deploy_to_end(built("v4", script, json!({})), "failed");
    assert!(deployment["errors"].to_string().to_lowercase().contains("no space left"), "{}", deployment["errors"]);
    assert_eq!(deployment["errors"][0]["phase"], "preparing");
    day.unharmed("v1");

    day.deploy_to_end(json!({ "version": "v5" }), "completed");
    day.unharmed("v5");
}
