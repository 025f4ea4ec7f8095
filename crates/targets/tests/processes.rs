//! The driver of this machine with real shims and real processes.

mod support;

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use serde_json::json;
use shipway_core::{
    id::InstanceId,
    ports::{Driver, FaultKind, Life, LogPosition},
};
use support::*;

#[tokio::test]
async fn every_verb_may_be_repeated() {
    let world = World::new();
    let driver = &world.driver;
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    driver.stage(&release).await.expect("staged again");
    let id = InstanceId::from("dev-web-1");
    assert_eq!(driver.observe(&id).await.expect("a life"), Life::Absent);
    driver.stop(&id, &stop_in(1)).await.expect("nothing to stop");

    let address = driver.start(launch("dev-web-1", &release)).await.expect("started");
    assert_eq!(get(address, "/").await, "hello");
    let pid = pid_of(driver, &id).await;
    assert_eq!(driver.start(launch("dev-web-1", &release)).await.expect("found"), address);
    assert_eq!(pid_of(driver, &id).await, pid);
    assert_eq!(driver.forget(&id).await.expect_err("it runs").kind, FaultKind::Conflict);
    assert_eq!(driver.unstage(&release.id).await.expect_err("it runs").kind, FaultKind::Conflict);

    driver.stop(&id, &stop_in(10)).await.expect("stopped");
    driver.stop(&id, &stop_in(10)).await.expect("stopped still");
    assert!(!lives(pid));
    assert_eq!(exit_of(driver, &id).await, (None, Some(15)));
    driver.forget(&id).await.expect("forgotten");
    driver.forget(&id).await.expect("forgotten still");
    assert_eq!(driver.observe(&id).await.expect("a life"), Life::Absent);
    driver.unstage(&release.id).await.expect("unstaged");
    driver.unstage(&release.id).await.expect("unstaged still");
    assert!(!world.data().join("releases").join(release.id.as_str()).exists());
}

#[tokio::test]
async fn starts_at_once_are_one_start() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let starts = (0..5).map(|_| world.driver.start(launch("one", &release)));
    let addresses = futures_util::future::join_all(starts).await;
    let first = addresses[0].as_ref().expect("started");
    assert!(addresses.iter().all(|address| address.as_ref() == Ok(first)));
    let others = (0..5).map(|n| world.driver.start(launch(&format!("other-{n}"), &release)));
    let mut all: Vec<_> =
        futures_util::future::join_all(others).await.into_iter().map(|a| a.expect("started")).collect();
    all.push(*first);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6, "every instance has a port of its own");
    clean(&world.driver).await;
}

#[tokio::test]
async fn an_instance_that_ends_at_once_leaves_its_status_and_its_log() {
    let world = World::new();
    let release = world.release("1", &["sh", "-c", "echo last words; printf 'no end'; exit 7"], json!({})).await;
    let id = InstanceId::from("short");
    world.driver.start(launch("short", &release)).await.expect("started");
    assert_eq!(exit_of(&world.driver, &id).await, (Some(7), None));
    let page = world.driver.log(&id, LogPosition(0), 10).await.expect("a log");
    let words: Vec<&str> = page.lines.iter().filter_map(|line| line.split_once("Z ")).map(|(_, text)| text).collect();
    assert_eq!(words, ["last words", "no end"]);
    assert!(page.lines[0].starts_with("20") && page.lines[0].contains('T'), "{}", page.lines[0]);
    // It can be started again, and is given another port.
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(world.driver.start(launch("short", &release)).await.expect("started again"));
        exit_of(&world.driver, &id).await;
    }
    assert_ne!(seen[0], seen[1]);
    clean(&world.driver).await;
}

#[tokio::test]
async fn an_application_outlives_its_shim_and_nothing_it_says_is_lost() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let id = InstanceId::from("orphan");
    let address = world.driver.start(launch("orphan", &release)).await.expect("started");
    get(address, "/say/before").await;
    let pid = pid_of(&world.driver, &id).await;
    let shim = shim_of(&world.instance_folder(&id));
    kill(shim);
    until("the shim is dead", async || (!lives(shim)).then_some(())).await;
    // Nobody looks after it now, and it goes on.
    get(address, "/say/between").await;
    let driver = world.restarted();
    assert_eq!(pid_of(&driver, &id).await, pid);
    get(address, "/say/after").await;
    let lines = log_holds(&driver, &id, "after").await;
    for text in ["before", "between", "after"] {
        assert!(lines.iter().any(|line| line.ends_with(text)), "{text} is missing in {lines:?}");
    }
    assert_eq!(driver.start(launch("orphan", &release)).await.expect("found"), address);
    driver.stop(&id, &stop_in(5)).await.expect("stopped");
    assert!(!lives(pid));
    clean(&driver).await;
}

#[tokio::test]
async fn an_end_that_nobody_saw_is_still_an_end() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let id = InstanceId::from("unseen");
    let address = world.driver.start(launch("unseen", &release)).await.expect("started");
    get(address, "/").await;
    let pid = pid_of(&world.driver, &id).await;
    kill(shim_of(&world.instance_folder(&id)));
    kill(pid);
    assert_eq!(exit_of(&world.driver, &id).await, (None, None));
    let address = world.driver.start(launch("unseen", &release)).await.expect("started again");
    assert_eq!(get(address, "/").await, "hello");
    clean(&world.driver).await;
}

#[tokio::test]
async fn a_state_of_an_earlier_boot_is_no_life() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let id = InstanceId::from("rebooted");
    world.driver.start(launch("rebooted", &release)).await.expect("started");
    let pid = pid_of(&world.driver, &id).await;
    kill(shim_of(&world.instance_folder(&id)));
    let file = world.instance_folder(&id).join("state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&file).expect("a state")).expect("json");
    state["boot"] = json!("another");
    fs::write(&file, state.to_string()).expect("written");
    assert_eq!(exit_of(&world.driver, &id).await, (None, None));
    // What still carries the instance's mark is not left behind.
    assert!(!lives(pid));
    clean(&world.driver).await;
}

#[tokio::test]
async fn a_shim_that_hangs_does_not_keep_its_instance_alive() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let id = InstanceId::from("hung");
    world.driver.start(launch("hung", &release)).await.expect("started");
    let pid = pid_of(&world.driver, &id).await;
    let folder = world.instance_folder(&id);
    // A socket that nobody listens to is what a shim in trouble looks like from outside.
    fs::remove_file(folder.join("control.sock")).expect("removed");
    world.driver.stop(&id, &stop_in(0)).await.expect("stopped");
    assert!(!lives(pid));
    exit_of(&world.driver, &id).await;
    clean(&world.driver).await;
}

#[tokio::test]
async fn the_log_of_a_talker_stays_bounded_and_readable() {
    const LINES: u64 = 300_000;
    let world = World::new();
    let release = world.release("1", &["./app", "print", &LINES.to_string()], json!({})).await;
    let id = InstanceId::from("talker");
    world.driver.start(launch("talker", &release)).await.expect("started");
    assert_eq!(exit_of(&world.driver, &id).await, (Some(0), None));
    let sizes = fs::read_dir(world.instance_folder(&id)).expect("a folder").map(|entry| {
        let entry = entry.expect("an entry");
        let is_log = entry.file_name().to_string_lossy().starts_with("log.");
        if is_log { entry.metadata().expect("metadata").len() } else { 0 }
    });
    let kept: u64 = sizes.sum();
    assert!((8 * 1024 * 1024..=17 * 1024 * 1024).contains(&kept), "{kept} bytes are kept");

    let mut position = LogPosition(0);
    let mut numbers: Vec<u64> = Vec::new();
    loop {
        let page = world.driver.log(&id, position, 1000).await.expect("a page");
        if page.lines.is_empty() {
            assert_eq!(page.next, LogPosition(LINES * 125), "a position counts all output with its times");
            break;
        }
        assert!(page.next.0 > position.0);
        position = page.next;
        numbers.extend(page.lines.iter().map(|line| line[25..].parse::<u64>().expect("a number")));
    }
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "no line is lost or torn between the files");
    assert_eq!(numbers.last(), Some(&(LINES - 1)));
    let tail = world.driver.log_tail(&id, 3).await.expect("a tail");
    assert_eq!(tail.len(), 3);
    assert!(tail[2].ends_with(&(LINES - 1).to_string()));
    clean(&world.driver).await;
}

#[tokio::test]
async fn values_arrive_as_they_are_and_nothing_else_does() {
    let world = World::new();
    let odd = "$HOME `id` $(id); rm -rf / && \"quotes\" 'more' * ? \\ | > <";
    let release = world.release("1", &["./app", "tell", odd, "", "--flag=ä"], json!({})).await;
    let id = InstanceId::from("odd");
    let given = launch_with("odd", &release, &[("ODD", odd), ("LANG", "de_DE")]);
    let address = world.driver.start(given).await.expect("started");
    assert_eq!(exit_of(&world.driver, &id).await, (Some(0), None));
    let log = world.driver.log_tail(&id, 100).await.expect("a log");
    let lines: Vec<&str> = log.iter().map(|line| &line[25..]).collect();
    let port = format!("env PORT={}", address.port());
    for line in [&format!("arg {odd}"), "arg ", "arg --flag=ä", &format!("env ODD={odd}"), &port, "env LANG=de_DE"] {
        assert!(lines.contains(&line), "{line:?} is missing in {lines:?}");
    }
    let mut names: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("env ")?.split_once('=')).map(|(name, _)| name).collect();
    names.sort_unstable();
    let expected = [
        "HOME",
        "LANG",
        "ODD",
        "PATH",
        "PORT",
        "SHIPWAY_ENVIRONMENT",
        "SHIPWAY_FOLDER",
        "SHIPWAY_INSTANCE",
        "SHIPWAY_PROJECT",
        "SHIPWAY_RELEASE",
        "SHIPWAY_SERVICE",
        "SHIPWAY_VERSION",
    ];
    assert_eq!(names, expected, "the server's own environment is not inherited");
    clean(&world.driver).await;
}

#[tokio::test]
async fn what_can_not_start_says_why() {
    let world = World::new();
    for (run, words) in [
        (["./no-such-program", ""], "./no-such-program"),
        (["no-such-program-anywhere", ""], "no-such-program-anywhere"),
        (["./page.html", ""], "isn't executable"),
    ] {
        let release = world.release("1", &run, json!({})).await;
        let fault = world.driver.start(launch("never", &release)).await.expect_err("it can't start");
        assert!(fault.message.contains(words) && fault.hint.is_some(), "{fault:?}");
    }
    let unstaged = world.unstaged("2", &["./app", "serve"], json!({})).await;
    let fault = world.driver.start(launch("never", &unstaged)).await.expect_err("it isn't staged");
    assert_eq!(fault.kind, FaultKind::NotFound);
    let stranger = json!({ "run_as": "no-such-user-here" });
    let release = world.unstaged("3", &["./app", "serve"], stranger).await;
    let fault = world.driver.stage(&release).await.expect_err("nobody has that name");
    assert!(fault.message.contains("no-such-user-here"), "{fault:?}");
    assert_eq!(world.driver.observe(&"never".into()).await.expect("a life"), Life::Absent);
}

#[tokio::test]
async fn a_program_that_the_kernel_refuses_says_why() {
    let world = World::new();
    let source = world.home.path().join("source-broken");
    fs::create_dir(&source).expect("a source");
    fs::copy(example("echo_app"), source.join("app")).expect("the application");
    fs::write(source.join("script"), "#!/no/such/interpreter\n").expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(source.join("script"), mode).expect("permissions");
    let release = world.release("broken", &["./script"], json!({})).await;
    let fault = world.driver.start(launch("refused", &release)).await.expect_err("it can't start");
    assert!(fault.message.contains("refused") && fault.message.contains("script"), "{fault:?}");
    assert_eq!(exit_of(&world.driver, &"refused".into()).await, (None, None));
    log_holds(&world.driver, &"refused".into(), "can't start").await;
    clean(&world.driver).await;
}

#[tokio::test]
async fn instances_run_as_whom_the_release_says() {
    if !is_root() {
        return;
    }
    let world = World::new();
    let more = json!({ "run_as": "nobody", "data": ["uploads"] });
    let script = "id -u; id -G; echo again >/dev/stdout; echo kept > uploads/file && echo written; \
                  echo x > new-file || echo sealed";
    let release = world.release("1", &["sh", "-c", script], more).await;
    let id = InstanceId::from("nobody");
    world.driver.start(launch("nobody", &release)).await.expect("started");
    assert_eq!(exit_of(&world.driver, &id).await, (Some(0), None));
    let log = world.driver.log_tail(&id, 100).await.expect("a log");
    let lines: Vec<&str> = log.iter().map(|line| &line[25..]).collect();
    assert_eq!(lines[0], "65534");
    assert_eq!(lines[1], "65534");
    for text in ["again", "written", "sealed"] {
        assert!(lines.contains(&text), "{text} is missing in {lines:?}");
    }
    clean(&world.driver).await;
}

#[tokio::test]
async fn a_way_that_the_user_can_not_go_is_told_at_staging() {
    if !is_root() {
        return;
    }
    let world = World::new();
    fs::set_permissions(world.home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("permissions");
    let release = world.unstaged("1", &["./app", "serve"], json!({ "run_as": "nobody" })).await;
    let fault = world.driver.stage(&release).await.expect_err("nobody can't pass");
    let barrier = fs::canonicalize(world.home.path()).expect("a path");
    assert!(fault.hint.as_ref().is_some_and(|hint| hint.ends_with(&barrier.display().to_string())), "{fault:?}");
}

#[tokio::test]
async fn data_folders_outlive_releases_in_both_directions() {
    let world = World::new();
    let more = json!({ "data": ["data", "var/uploads"] });
    let read = "cat data/note var/uploads/note $SHIPWAY_DATA_DIR/data/note || echo nothing; \
                echo $0 > data/note; echo $0 > var/uploads/note";
    for (id, version, expected) in [("a", "1", "nothing"), ("b", "2", "one"), ("c", "1", "two")] {
        let word = if version == "1" { "one" } else { "two" };
        let release = world.release(version, &["sh", "-c", read, word], more.clone()).await;
        world.driver.start(launch(id, &release)).await.expect("started");
        assert_eq!(exit_of(&world.driver, &id.into()).await, (Some(0), None));
        let log = world.driver.log_tail(&id.into(), 10).await.expect("a log");
        let hits = log.iter().filter(|line| line.ends_with(expected)).count();
        assert_eq!(hits, if expected == "nothing" { 1 } else { 3 }, "{log:?}");
        world.driver.forget(&id.into()).await.expect("forgotten");
        world.driver.unstage(&release.id).await.expect("unstaged");
    }
    assert!(world.data().join("volumes/shop/dev/web/var/uploads/note").is_file());
}

#[tokio::test]
async fn a_data_folder_must_not_hide_what_the_artifact_has() {
    let world = World::new();
    for (version, name) in [("1", "page.html"), ("2", "../out"), ("3", "/etc"), ("4", "page.html/inner")] {
        let release = world.unstaged(version, &["./app", "serve"], json!({ "data": [name] })).await;
        let fault = world.driver.stage(&release).await.expect_err("that can't be a data folder");
        assert!(fault.message.contains(name), "{fault:?}");
        assert!(!world.data().join("releases").join(release.id.as_str()).exists());
    }
    let left = fs::read_dir(world.data().join("releases")).expect("releases").count();
    assert_eq!(left, 0, "nothing unfinished is left");
}

#[tokio::test]
async fn static_sites_are_staged_read_only() {
    let world = World::new();
    let release = world.release("1", &[], json!({ "kind": "static", "run": null })).await;
    let folder = world.data().join("releases").join(release.id.as_str());
    assert_eq!(fs::read_to_string(folder.join("page.html")).expect("a page"), "version 1");
    let mode = |path: &Path| fs::metadata(path).expect("metadata").mode() & 0o777;
    assert_eq!(mode(&folder), 0o555);
    assert_eq!(mode(&folder.join("page.html")), 0o444);
    assert_eq!(mode(&folder.join("app")), 0o555);
    assert_eq!(world.driver.start(launch("site", &release)).await.expect_err("no command").kind, FaultKind::Invalid);
    world.driver.unstage(&release.id).await.expect("unstaged");
    assert!(!folder.exists());
}

#[tokio::test]
async fn what_was_left_unfinished_is_removed_at_the_next_start() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let unfinished = world.data().join("releases").join(format!("{}.tmp-1-1", release.id));
    fs::create_dir_all(unfinished.join("deep")).expect("a folder");
    let forgotten = world.data().join("instances/.gone-old");
    fs::create_dir_all(&forgotten).expect("a folder");
    let driver = world.restarted();
    assert!(!unfinished.exists() && !forgotten.exists());
    driver.stage(&release).await.expect("there still");
}

#[tokio::test]
async fn two_servers_on_one_machine_do_not_meet() {
    let (one, two) = (World::new(), World::new());
    let release_one = one.release("1", &["./app", "serve"], json!({})).await;
    let release_two = two.release("2", &["./app", "serve"], json!({})).await;
    let address_one = one.driver.start(launch("same", &release_one)).await.expect("started");
    let address_two = two.driver.start(launch("same", &release_two)).await.expect("started");
    assert_ne!(address_one, address_two);
    assert_eq!(get(address_one, "/env/SHIPWAY_VERSION").await, "1");
    assert_eq!(get(address_two, "/env/SHIPWAY_VERSION").await, "2");
    one.driver.stop(&"same".into(), &stop_in(5)).await.expect("stopped");
    assert_eq!(get(address_two, "/env/SHIPWAY_VERSION").await, "2");
    clean(&one.driver).await;
    assert_eq!(two.driver.instances().await.expect("instances").len(), 1);
    clean(&two.driver).await;
}

#[tokio::test]
async fn limits_that_are_held_are_held_and_others_are_named() {
    let world = World::new();
    let held = world.driver.held_limits();
    for (is_held, name) in [(held.memory, "memory"), (held.cpu, "cpu"), (held.processes, "processes")] {
        let not_limited = held.reason.split("not limited: ").nth(1).is_some_and(|rest| rest.contains(name));
        assert_ne!(is_held, not_limited, "{held:?}");
    }
    let limits = json!({ "limits": { "memory_mb": 256, "cpu": 0.5, "processes": 16 } });
    let script = "i=0; while [ $i -lt 40 ]; do sleep 100 & i=$((i+1)); done; echo all started";
    let release = world.release("1", &["sh", "-c", script], limits).await;
    let id = InstanceId::from("limited");
    world.driver.start(launch("limited", &release)).await.expect("started");
    let (status, _) = exit_of(&world.driver, &id).await;
    let log = world.driver.log_tail(&id, 100).await.expect("a log");
    let all = log.iter().any(|line| line.ends_with("all started"));
    assert_eq!(all, !held.processes, "status {status:?}, held {held:?}, log {log:?}");
    clean(&world.driver).await;
}

#[tokio::test]
async fn a_shim_needs_little_memory() {
    let world = World::new();
    let release = world.release("1", &["./app", "flood", "20000"], json!({})).await;
    let id = InstanceId::from("small");
    let address = world.driver.start(launch("small", &release)).await.expect("started");
    get(address, "/").await;
    let smaps =
        fs::read_to_string(format!("/proc/{}/smaps_rollup", shim_of(&world.instance_folder(&id)))).expect("smaps");
    let kib = |name: &str| -> u64 {
        let line = smaps.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
        line.split_whitespace().next().expect("a number").parse().expect("a number")
    };
    let private = kib("Private_Dirty:");
    assert!(private <= 3 * 1024, "{private} KiB");
    clean(&world.driver).await;
}

/// What the shim answers to a line.
fn say_to_shim(folder: &Path, line: &str) -> serde_json::Value {
    use std::{
        io::{BufRead, BufReader, Write},
        os::unix::net::UnixStream,
    };
    let mut stream = UnixStream::connect(folder.join("control.sock")).expect("connected");
    writeln!(stream, "{line}").expect("said");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("heard");
    serde_json::from_str(&answer).expect("json")
}

#[tokio::test]
async fn a_shim_refuses_what_it_does_not_understand() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let id = InstanceId::from("told");
    let address = world.driver.start(launch("told", &release)).await.expect("started");
    let folder = world.instance_folder(&id);
    for (line, word) in [
        (r#"{"v":2,"do":"stop","signal":"TERM","graceMs":0}"#, "version 2"),
        (r#"{"v":1,"do":"dance"}"#, "dance"),
        ("hello", "understood"),
    ] {
        let answer = say_to_shim(&folder, line);
        assert_eq!(answer["ok"], json!(false));
        assert!(answer["error"].as_str().is_some_and(|error| error.contains(word)), "{answer}");
    }
    assert_eq!(get(address, "/").await, "hello", "none of it stopped the instance");
    let pid = pid_of(&world.driver, &id).await;
    assert_eq!(say_to_shim(&folder, r#"{"v":1,"do":"status"}"#), json!({ "ok": true, "pid": pid }));
    let answer = say_to_shim(&folder, r#"{"v":1,"do":"stop","signal":"INT","graceMs":20000}"#);
    assert_eq!(answer, json!({ "ok": true, "pid": pid }));
    assert_eq!(exit_of(&world.driver, &id).await, (None, Some(2)));
    clean(&world.driver).await;
}

#[tokio::test]
async fn files_of_another_version_are_not_guessed_at() {
    let world = World::new();
    let release = world.release("1", &["sh", "-c", "exit 0"], json!({})).await;
    for id in ["newer", "fine"] {
        world.driver.start(launch(id, &release)).await.expect("started");
        exit_of(&world.driver, &id.into()).await;
    }
    let file = world.instance_folder(&"newer".into()).join("launch.json");
    let mut intent: serde_json::Value = serde_json::from_slice(&fs::read(&file).expect("an intent")).expect("json");
    intent["version"] = json!(99);
    fs::write(&file, intent.to_string()).expect("written");
    let fault = world.driver.observe(&"newer".into()).await.expect_err("unknown");
    assert!(fault.kind == FaultKind::Corrupt && fault.message.contains("99"), "{fault:?}");
    let others = world.driver.instances().await.expect("instances");
    assert_eq!(others.iter().map(|one| one.instance.as_str()).collect::<Vec<_>>(), ["fine"]);
}

#[tokio::test]
async fn a_link_in_a_data_folder_does_not_lead_the_server_astray() {
    let world = World::new();
    let elsewhere = world.home.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let place = world.data().join("volumes/shop/dev/web");
    fs::create_dir_all(&place).expect("a folder");
    std::os::unix::fs::symlink(&elsewhere, place.join("var")).expect("a link");
    let release = world.unstaged("1", &["./app", "serve"], json!({ "data": ["var/uploads"] })).await;
    let fault = world.driver.stage(&release).await.expect_err("a link is in the way");
    assert!(fault.message.contains("in the way"), "{fault:?}");
    assert!(!elsewhere.join("uploads").exists());
}

#[tokio::test]
async fn orphans_of_an_application_do_not_pile_up() {
    let world = World::new();
    // Each round leaves an orphan that ends at once, whose father is then the shim.
    let script = "for i in 1 2 3 4 5; do (sleep 0 &); done; echo done; exec sleep 1000";
    let release = world.release("1", &["sh", "-c", script], json!({})).await;
    let id = InstanceId::from("fertile");
    world.driver.start(launch("fertile", &release)).await.expect("started");
    log_holds(&world.driver, &id, "done").await;
    let shim = shim_of(&world.instance_folder(&id));
    until("the shim has only its application", async || {
        let children = fs::read_to_string(format!("/proc/{shim}/task/{shim}/children")).ok()?;
        (children.split_whitespace().count() == 1).then_some(())
    })
    .await;
    clean(&world.driver).await;
}

#[tokio::test]
async fn a_program_that_is_still_open_for_writing_is_waited_for() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let app = world.data().join("releases").join(release.id.as_str()).join("app");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&app, mode).expect("permissions");
    let writer = fs::OpenOptions::new().append(true).open(&app).expect("open for writing");
    let driver = world.driver.clone();
    let start = tokio::spawn(async move { driver.start(launch("busy", &release)).await });
    // The shim has written its first state when it is about to try.
    until("a start is tried", async || world.instance_folder(&"busy".into()).join("state.json").exists().then_some(()))
        .await;
    drop(writer);
    let address = start.await.expect("no panic").expect("started");
    assert_eq!(get(address, "/").await, "hello");
    clean(&world.driver).await;
}

/// The processes whose command line holds all of these words.
fn processes_with(words: &[&str]) -> Vec<u32> {
    let pids = fs::read_dir("/proc").expect("proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let has_words = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        words.iter().all(|word| line.contains(word))
    };
    pids.filter(has_words).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[tokio::test]
async fn a_shim_may_die_at_any_moment_of_a_start() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let releases = world.data().join("releases").to_string_lossy().into_owned();
    for delay_us in (0..12_000).step_by(400) {
        let name = format!("torn-{delay_us}");
        let id = InstanceId::from(name.as_str());
        let (driver, launched) = (world.driver.clone(), launch(&name, &release));
        let start = tokio::spawn(async move { driver.start(launched).await });
        let folder = world.instance_folder(&id).to_string_lossy().into_owned();
        let shims = until("a shim is there", async || {
            let shims = processes_with(&["--dir", &folder]);
            (!shims.is_empty() || start.is_finished()).then_some(shims)
        })
        .await;
        tokio::time::sleep(std::time::Duration::from_micros(delay_us)).await;
        // A process that it has just forked still looks like it, and may be the application by now.
        let first = shims.iter().find(|shim| parent_of(**shim).is_some_and(|parent| !shims.contains(&parent)));
        first.into_iter().copied().filter(|shim| lives(*shim)).for_each(kill);
        let started = start.await.expect("no panic");
        match world.driver.observe(&id).await.expect("a life") {
            // It got far enough, and another shim has it now.
            Life::Running { address, .. } => {
                assert_eq!(started.as_ref().unwrap_or(&address), &address);
                assert_eq!(get(address, "/").await, "hello");
            }
            Life::Exited { .. } => {
                let left = processes_with(&[&releases]);
                assert!(left.is_empty(), "after {delay_us} µs");
                let address = world.driver.start(launch(&name, &release)).await.expect("started again");
                assert_eq!(get(address, "/").await, "hello");
            }
            Life::Absent => panic!("an intent was written, so there is a trace: {started:?}"),
        }
        world.driver.stop(&id, &stop_in(5)).await.expect("stopped");
        assert!(processes_with(&[&releases]).is_empty(), "after {delay_us} µs");
    }
    clean(&world.driver).await;
}

#[tokio::test]
async fn a_start_that_was_cut_in_half_leaves_nothing() {
    for cgroups in [true, false] {
        let world = World::with_cgroups(cgroups);
        let release = world.release("1", &["./app", "serve"], json!({})).await;
        let app = world.data().join("releases").join(release.id.as_str()).join("app");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&app, mode).expect("permissions");
        // A program that is being written holds its start up in the middle.
        let writer = fs::OpenOptions::new().append(true).open(&app).expect("open for writing");
        let driver = world.driver.clone();
        let start = tokio::spawn(async move { driver.start(launch("half", &release)).await });
        let folder = world.instance_folder(&"half".into()).to_string_lossy().into_owned();
        let stage =
            until("the start is under way", async || processes_with(&["--exec", &folder]).first().copied()).await;
        let shim = parent_of(stage).expect("its shim");
        kill(shim);
        let fault = start.await.expect("no panic").expect_err("its shim died");
        assert!(fault.message.contains("half"), "{fault:?}");
        assert_eq!(exit_of(&world.driver, &"half".into()).await, (None, None));
        assert!(!lives(stage));
        drop(writer);
        clean(&world.driver).await;
    }
}

#[tokio::test]
async fn a_memory_limit_ends_who_goes_beyond_it() {
    let world = World::new();
    let held = world.driver.held_limits();
    let script = "head -c 200000000 /dev/zero | tail -c 150000000 > /dev/null; echo status $?";
    let release = world.release("1", &["sh", "-c", script], json!({ "limits": { "memory_mb": 64 } })).await;
    let id = InstanceId::from("greedy");
    world.driver.start(launch("greedy", &release)).await.expect("started");
    exit_of(&world.driver, &id).await;
    let log = world.driver.log_tail(&id, 100).await.expect("a log");
    let fine = log.iter().any(|line| line.ends_with("status 0"));
    assert_eq!(fine, !held.memory, "held {held:?}, log {log:?}");
    clean(&world.driver).await;
}
