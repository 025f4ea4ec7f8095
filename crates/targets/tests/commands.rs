//! One-off commands with real processes.

mod support;

use std::{fs, path::Path, sync::Arc};

use futures_util::StreamExt;
use shipway_core::{
    command_line::CommandLine,
    ports::{COMMAND_LINE_BYTES_MAX, CommandEnd, CommandEvent, CommandRun, Fault, FaultKind, Runner},
};
use shipway_targets::{LocalRunner, MEMORY_FOLDER};
use support::*;
use tempfile::TempDir;

/// The longest that a command of these tests may take, in milliseconds.
const LONG_MS: u64 = 60_000;

struct Place {
    home: TempDir,
    runner: Arc<LocalRunner>,
}

impl Place {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder");
        let runner = LocalRunner::new(home.path().to_path_buf(), example("shim"), MEMORY_FOLDER.as_ref());
        Self { home, runner }
    }

    fn command(&self, words: &[&str]) -> CommandRun {
        let words = words.iter().map(|word| word.to_string()).collect();
        CommandRun {
            command: CommandLine::new(words).expect("a command"),
            folder: self.home.path().to_path_buf(),
            variables: variables(&[("PATH", "/usr/bin:/bin")]),
            run_as: None,
            timeout_ms: LONG_MS,
            input: Vec::new(),
            secret_files: Default::default(),
        }
    }

    fn shell(&self, script: &str) -> CommandRun {
        self.command(&["sh", "-c", script])
    }
}

fn app() -> String {
    example("echo_app").to_string_lossy().into_owned()
}

async fn run(place: &Place, run: CommandRun) -> Result<(Vec<String>, CommandEnd), Fault> {
    let mut lines = Vec::new();
    let mut events = place.runner.run(run);
    while let Some(event) = events.next().await {
        match event? {
            CommandEvent::Line(line) => lines.push(line),
            CommandEvent::Ended(end) => {
                assert!(events.next().await.is_none(), "the end is the last event");
                return Ok((lines, end));
            }
        }
    }
    panic!("no end after {lines:?}")
}

#[tokio::test]
async fn a_command_hears_what_its_server_ignores() {
    let home = TempDir::new().expect("a temporary folder");
    let exec = ignoring(home.path(), "INT QUIT HUP TERM");
    let place = Place { runner: LocalRunner::new(home.path().to_path_buf(), exec, MEMORY_FOLDER.as_ref()), home };
    for (name, number) in [("INT", 2), ("HUP", 1), ("TERM", 15)] {
        let signalled = place.shell(&format!("kill -{name} $$; echo deaf"));
        let (lines, end) = run(&place, signalled).await.expect("it ran");
        assert_eq!((lines, end), (Vec::new(), CommandEnd::Signalled(number)), "{name}");
    }
}

#[tokio::test]
async fn output_and_status_come_as_they_are() {
    let place = Place::new();
    let (lines, end) =
        run(&place, place.shell("echo out; echo err >&2; printf 'no end'; exit 3")).await.expect("it ran");
    assert_eq!((lines, end), (["out", "err", "no end"].map(String::from).to_vec(), CommandEnd::Exited(3)));
    let (lines, end) = run(&place, place.shell("kill -KILL $$")).await.expect("it ran");
    assert_eq!((lines, end), (vec![], CommandEnd::Signalled(9)));
}

#[tokio::test]
async fn a_command_reads_its_input_and_sees_its_end() {
    let place = Place::new();
    let input = (0..20_000).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
    let copy = CommandRun { input: input.clone().into_bytes(), ..place.command(&[&app(), "copy"]) };
    let (lines, end) = run(&place, copy).await.expect("it ran");
    assert_eq!((lines.join("\n"), end), (input.clone(), CommandEnd::Exited(0)));
    // One that doesn't care for its input is none the worse.
    let deaf = CommandRun { input: input.into_bytes(), ..place.shell("exit 0") };
    assert_eq!(run(&place, deaf).await.expect("it ran"), (vec![], CommandEnd::Exited(0)));
}

#[tokio::test]
async fn the_environment_is_exactly_the_given_one() {
    let place = Place::new();
    let odd = "$(id) `id` ; \"'*";
    let mut tell = place.command(&[&app(), "tell", odd]);
    tell.variables = variables(&[("ODD", odd)]);
    let (lines, _) = run(&place, tell).await.expect("it ran");
    assert_eq!(lines[0], format!("arg {odd}"));
    let mut names: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("env ")?.split_once('=')).map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["ODD", "SHIPWAY_FOLDER", "SHIPWAY_RUN"]);
    assert!(lines.contains(&format!("env ODD={odd}")));
}

#[tokio::test]
async fn a_program_is_found_in_the_folder_or_on_the_path() {
    let place = Place::new();
    fs::copy(example("echo_app"), place.home.path().join("mine")).expect("a program");
    for words in [["mine", "tell"], ["./mine", "tell"]] {
        assert_eq!(run(&place, place.command(&words)).await.expect("it ran").1, CommandEnd::Exited(0));
    }
    let fault = run(&place, place.command(&["no-such-program"])).await.expect_err("it isn't there");
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.message.contains("no-such-program") && fault.message.contains("/usr/bin:/bin"), "{fault:?}");
    let nowhere = CommandRun { folder: place.home.path().join("gone"), ..place.shell("true") };
    assert_eq!(run(&place, nowhere).await.expect_err("no folder").kind, FaultKind::NotFound);
}

/// A command that hangs beside a daemon of its own.
fn hanging(place: &Place, file: &Path) -> CommandRun {
    place.command(&[&app(), "daemon", &file.to_string_lossy()])
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_its_daemons() {
    let place = Place::new();
    let file = place.home.path().join("daemon.pid");
    // Long enough for the daemon on a busy machine; the test waits for no less.
    let (_, end) = run(&place, CommandRun { timeout_ms: 1500, ..hanging(&place, &file) }).await.expect("it ran");
    assert_eq!(end, CommandEnd::TimedOut);
    assert!(!lives(pid_in(&file).await));
    assert_eq!(place.runner.sweep().await.expect("swept"), 0, "nothing is left");
}

#[tokio::test]
async fn dropping_the_stream_kills_the_command_with_its_daemons() {
    let place = Place::new();
    let file = place.home.path().join("daemon.pid");
    let events = place.runner.run(hanging(&place, &file));
    let daemon = pid_in(&file).await;
    assert!(lives(daemon));
    drop(events);
    until("the daemon is gone", async || (!lives(daemon)).then_some(())).await;
}

#[tokio::test]
async fn a_daemon_that_a_command_leaves_is_killed_and_does_not_hold_up_its_end() {
    let place = Place::new();
    let script = "sleep 1000 & echo $!";
    let (lines, end) = run(&place, place.shell(script)).await.expect("it ran");
    assert_eq!(end, CommandEnd::Exited(0));
    assert!(!lives(lines[0].parse().expect("a number")));
}

#[test]
fn a_runtime_that_ends_takes_its_commands_with_it() {
    let place = Place::new();
    let file = place.home.path().join("daemon.pid");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let daemon = runtime.block_on(async {
        let events = place.runner.run(hanging(&place, &file));
        let daemon = pid_in(&file).await;
        // The server ends while somebody still listens.
        std::mem::forget(events);
        daemon
    });
    drop(runtime);
    assert!(!lives(daemon));
}

#[tokio::test]
async fn a_sweep_kills_what_an_earlier_server_left_and_spares_its_own() {
    let place = Place::new();
    let files = ["left", "own"].map(|name| place.home.path().join(name));
    // What a server that was killed leaves looks like this: the same folder, another server's run.
    let folder = fs::canonicalize(place.home.path()).expect("a path");
    let mut left = std::process::Command::new(example("echo_app"));
    left.arg("daemon").arg(&files[0]).env("SHIPWAY_FOLDER", &folder).env("SHIPWAY_RUN", "1-1-0");
    let mut left = left.spawn().expect("started");
    let events = place.runner.run(hanging(&place, &files[1]));
    let (left_daemon, own_daemon) = (pid_in(&files[0]).await, pid_in(&files[1]).await);
    assert!(place.runner.sweep().await.expect("swept") >= 2);
    assert!(!lives(left_daemon) && lives(own_daemon));
    left.wait().expect("ended");
    drop(events);
    until("the own one is gone", async || (!lives(own_daemon)).then_some(())).await;
}

#[tokio::test]
async fn a_hundred_megabytes_pass_in_order_with_little_memory() {
    const LINES: u64 = 1_000_000;
    let place = Place::new();
    let mut events = place.runner.run(place.command(&[&app(), "print", &LINES.to_string()]));
    let mut next = 0;
    let mut end = None;
    while let Some(event) = events.next().await {
        match event.expect("no fault") {
            CommandEvent::Line(line) => {
                assert_eq!(line.parse(), Ok(next));
                next += 1;
            }
            CommandEvent::Ended(how) => end = Some(how),
        }
    }
    assert_eq!((next, end), (LINES, Some(CommandEnd::Exited(0))));
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(peak_kib < 80 * 1024, "{peak_kib} KiB");
}

#[tokio::test]
async fn who_prints_to_a_reader_that_waits_waits_too() {
    let place = Place::new();
    let file = place.home.path().join("done");
    let script = format!("{} print 100000; echo done > {}", app(), file.display());
    let mut events = place.runner.run(place.shell(&script));
    let first = events.next().await.expect("an event").expect("no fault");
    assert!(matches!(first, CommandEvent::Line(line) if line.parse() == Ok(0)));
    assert!(!file.exists(), "10 MB can't have gone anywhere yet");
    while events.next().await.is_some() {}
    assert!(file.exists());
}

#[tokio::test]
async fn a_line_without_end_is_cut() {
    let place = Place::new();
    let (lines, end) = run(&place, place.shell("head -c 3000000 /dev/zero | tr '\\0' x")).await.expect("it ran");
    assert_eq!(end, CommandEnd::Exited(0));
    assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [COMMAND_LINE_BYTES_MAX]);
}

#[tokio::test]
async fn commands_run_as_whom_they_are_told() {
    let place = Place::new();
    let stranger = CommandRun { run_as: Some("no-such-user".into()), ..place.shell("id -u") };
    assert!(run(&place, stranger).await.expect_err("nobody has that name").message.contains("no-such-user"));
    if !is_root() {
        return;
    }
    let as_nobody = CommandRun { run_as: Some("nobody".into()), folder: "/".into(), ..place.shell("id -u; id -G") };
    let (lines, _) = run(&place, as_nobody).await.expect("it ran");
    assert_eq!(lines, ["65534", "65534"]);
    // The folder belongs to somebody else: the command says so itself, and did not run.
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(place.home.path(), closed).expect("permissions");
    let barred = CommandRun { run_as: Some("nobody".into()), ..place.shell("echo ran") };
    let (lines, end) = run(&place, barred).await.expect("it ran");
    assert_eq!(end, CommandEnd::Exited(126));
    assert!(lines.len() == 1 && lines[0].contains("can't start"), "{lines:?}");
}

#[tokio::test]
async fn a_share_of_the_processor_leaves_the_command_what_it_is() {
    let place = Place::new();
    let runner =
        LocalRunner::with_cpu_share(place.home.path().to_path_buf(), example("shim"), MEMORY_FOLDER.as_ref(), 0.5);
    let place = Place { runner, ..place };
    let (lines, end) = run(&place, place.shell("cat /proc/self/cgroup; nice")).await.expect("it ran");
    assert_eq!(end, CommandEnd::Exited(0));
    let grouped = lines.iter().any(|line| line.contains("cpu") && line.contains("shipway-"));
    let unified = lines.iter().any(|line| line.starts_with("0::") && line.contains("shipway-"));
    let nice = lines.last().expect("a line") == "10";
    assert!(grouped || unified || nice, "{lines:?}");
}
