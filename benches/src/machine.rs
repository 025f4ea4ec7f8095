//! The facts of the machine and of the versions that were measured.

use std::{fs, io::Write, path::Path, process::Command};

/// Prints them, one by one.
pub fn print(shipway: &Path) {
    let cpu = field("/proc/cpuinfo", "model name");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let facts = [
        ("date", said(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))),
        ("processor", format!("{cpu}, {cores} cores")),
        ("memory", field("/proc/meminfo", "MemTotal")),
        ("kernel", said(Command::new("uname").arg("-sr"))),
        ("load average at the end", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()),
        ("shipway", format!("{}, {} bytes", said(Command::new(shipway).arg("--version")), size(shipway))),
        ("node", said(Command::new("node").arg("--version"))),
    ];
    let mut out = std::io::stdout().lock();
    for (name, value) in facts {
        // Whoever closed the output doesn't want the facts.
        let _ = writeln!(out, "- {name}: {value}");
    }
    let _ = writeln!(out);
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
    line.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or("not there").to_owned()
}
