//! The proxy and its keeper as processes: one dies, the other goes on.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Request, Response, StatusCode};
use shipway_core::{ports::TrafficRouter, strategy::Recreate};
use shipway_proxy::{ProxyClient, keeper, keeper::KeeperStatus};
use tempfile::TempDir;

use crate::{bench::*, load::Load};

fn program() -> PathBuf {
    let own = std::env::current_exe().expect("this test's path");
    let target = own.parent().and_then(|deps| deps.parent()).expect("the folder of builds");
    target.join("examples/proxy")
}

/// A keeper with its proxy; both are gone when this is.
struct Kept {
    folder: TempDir,
    keeper: Child,
    status: KeeperStatus,
}

impl Kept {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let keeper = start_keeper(&folder, local(), 0);
        let status = serving(&folder, None).await;
        Self { folder, keeper, status }
    }

    fn client(&self) -> ProxyClient {
        ProxyClient::new(self.folder.path(), self.status.address, self.status.link_port)
    }

    async fn publish(&self, generation: u64, app: &App) {
        let table = one_service(pool(vec![backend("r1", 1, &[app.address])]));
        let table = shipway_core::route::RouteTable { generation, ..table };
        self.client().publish(Arc::new(table)).await.expect("the table is followed");
    }

    /// Requests from arrival to answer, as the proxy's process writes their number down.
    fn in_flight_written(&self) -> u64 {
        let files = fs::read_dir(self.folder.path().join("in-flight")).expect("a folder");
        let numbers = files.filter_map(|file| fs::read(file.ok()?.path()).ok());
        numbers.map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes)).sum()
    }

    /// The keeper's status once its proxy serves and is another than before.
    async fn serving_anew(&self) -> KeeperStatus {
        serving(&self.folder, self.status.proxy_pid).await
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = keeper::stop(self.folder.path());
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn keeper_command(folder: &TempDir, address: SocketAddr, link_port: u16) -> Command {
    let mut command = Command::new(program());
    command.arg("keeper").arg(folder.path()).args([address.to_string(), link_port.to_string(), "2".into()]);
    command
}

fn start_keeper(folder: &TempDir, address: SocketAddr, link_port: u16) -> Child {
    keeper_command(folder, address, link_port).stdin(Stdio::null()).spawn().expect("`cargo test` builds the example")
}

async fn serving(folder: &TempDir, before: Option<u32>) -> KeeperStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(status) = keeper::status(folder.path())
            && status.proxy_pid.is_some()
            && status.proxy_pid != before
        {
            let client = ProxyClient::new(folder.path(), status.address, status.link_port);
            if client.status().await.is_ok_and(|proxy| Some(proxy.pid) == status.proxy_pid) {
                return status;
            }
        }
        assert!(Instant::now() < deadline, "no proxy serves");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn kill(pid: u32) {
    let done = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    assert!(done.success(), "kill -9 {pid}");
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn session_of(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields = stat.rsplit_once(')').expect("a name").1;
    fields.split_whitespace().nth(3).expect("a session").parse().expect("a number")
}

fn get() -> http::request::Builder {
    Request::get("/x").header("host", "a")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_proxy_comes_back_with_its_table_and_no_connection_is_refused() {
    let app = named_app("web").await;
    let kept = Kept::start().await;
    kept.publish(7, &app).await;
    let address = kept.status.address;
    let (stop, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (stopped, counted) = (stop.clone(), refused.clone());
    let knocking = tokio::spawn(async move {
        let mut knocks = 0;
        while !stopped.load(Ordering::Relaxed) {
            // Whoever connects while there is no proxy waits, and is answered.
            match tokio::net::TcpStream::connect(address).await {
                Ok(_) => knocks += 1,
                Err(_) => drop(counted.fetch_add(1, Ordering::Relaxed)),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        knocks
    });
    for _ in 0..3 {
        let before = keeper::status(kept.folder.path()).expect("a keeper").proxy_pid.expect("a proxy");
        kill(before);
        let answer = tokio::time::timeout(PATIENCE, async {
            loop {
                let mut sender = connect(address).await;
                // A connection that the dying proxy had taken is cut; one that waits in the queue is not.
                if let Ok(answer) = ask_on(&mut sender, get().body(full("")).expect("a request")).await {
                    return answer;
                }
            }
        });
        assert_eq!(answer.await.expect("an answer").text(), "web /x");
        let after = serving(&kept.folder, Some(before)).await;
        let status = kept.client().status().await.expect("a status");
        assert_eq!((status.generation, Some(status.pid)), (7, after.proxy_pid));
    }
    stop.store(true, Ordering::Relaxed);
    assert!(knocking.await.expect("a task") > 0);
    assert_eq!(refused.load(Ordering::Relaxed), 0);
    assert_eq!(keeper::status(kept.folder.path()).expect("a keeper").restarts, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_outlives_its_keeper_and_is_adopted() {
    let app = named_app("web").await;
    let mut kept = Kept::start().await;
    kept.publish(1, &app).await;
    let proxy = kept.status.proxy_pid.expect("a proxy");
    kill(kept.status.pid);
    kept.keeper.wait().expect("it was killed");
    assert_eq!(ask(kept.status.address, get()).await.text(), "web /x");
    // It may not be given other addresses than those it has.
    let mut misled = start_keeper(&kept.folder, "127.0.0.2:1".parse().expect("an address"), 0);
    assert!(!misled.wait().expect("it ends").success());
    kept.keeper = start_keeper(&kept.folder, kept.status.address, kept.status.link_port);
    let status = serving(&kept.folder, None).await;
    assert_eq!((status.proxy_pid, status.address), (Some(proxy), kept.status.address));
    // A second one finds the folder taken.
    let mut second = start_keeper(&kept.folder, kept.status.address, kept.status.link_port);
    assert!(!second.wait().expect("it ends").success());
    kill(proxy);
    assert_ne!(kept.serving_anew().await.proxy_pid, Some(proxy));
    assert_eq!(ask(kept.status.address, get()).await.text(), "web /x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_cuts_nothing_and_counts_what_the_old_one_has_in_flight() {
    let (release, held) = tokio::sync::watch::channel(false);
    let slow = app(move |request| {
        let mut held = held.clone();
        async move {
            if request.uri().path() == "/slow" {
                held.wait_for(|free| *free).await.expect("the test frees it");
            }
            Response::new(full("done"))
        }
    })
    .await;
    let kept = Kept::start().await;
    kept.publish(1, &slow).await;
    let address = kept.status.address;
    let waiting = tokio::spawn(async move { ask(address, Request::get("/slow").header("host", "a")).await });
    let in_flight = || async {
        let traffic = kept.client().traffic().await.expect("numbers");
        traffic.in_flight.values().sum::<u64>()
    };
    eventually("it is in flight", || async { in_flight().await == 1 }).await;
    let folder = kept.folder.path().to_owned();
    let upgraded = tokio::task::spawn_blocking(move || keeper::upgrade(&folder, &program()));
    upgraded.await.expect("a task").expect("the upgrade");
    let status = serving(&kept.folder, kept.status.proxy_pid).await;
    assert_eq!(in_flight().await, 1, "the old process' request still counts");
    kept.publish(2, &slow).await;
    assert_eq!(ask(address, get()).await.text(), "done");
    assert!(is_alive(kept.status.proxy_pid.expect("a proxy")), "it has a request in flight");
    release.send(true).expect("somebody waits");
    assert_eq!(waiting.await.expect("a task").status, StatusCode::OK);
    eventually("the old process ends", || async { !is_alive(kept.status.proxy_pid.expect("a proxy")) }).await;
    assert_eq!(in_flight().await, 0);
    assert_eq!(kept.client().traffic().await.expect("numbers").lost_in_flight, 0, "nothing was cut");
    assert_eq!(status.restarts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_a_replaced_process_holds_follows_the_next_table() {
    let app = named_app("web").await;
    let kept = Kept::start().await;
    let mut held = pool(Vec::new());
    held.hold = Some(Recreate { hold_ms_max: 60_000, held_requests_max: 1 });
    let held = shipway_core::route::RouteTable { generation: 1, ..one_service(held) };
    kept.client().publish(Arc::new(held)).await.expect("the table is followed");
    let address = kept.status.address;
    let waiting = tokio::spawn(async move { ask(address, get()).await });
    eventually("it is held", || async { kept.in_flight_written() == 1 }).await;
    let folder = kept.folder.path().to_owned();
    let upgraded = tokio::task::spawn_blocking(move || keeper::upgrade(&folder, &program()));
    upgraded.await.expect("a task").expect("the upgrade");
    kept.publish(2, &app).await;
    assert_eq!(waiting.await.expect("a task").text(), "web /x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upgrades_and_switches_under_load_fail_nothing() {
    let apps = [named_app("one").await, named_app("two").await];
    let kept = Kept::start().await;
    kept.publish(1, &apps[0]).await;
    let load = Load::start(kept.status.address);
    for round in 1..=4u64 {
        load.until_asked(100).await;
        let before = keeper::status(kept.folder.path()).expect("a keeper").proxy_pid;
        let folder = kept.folder.path().to_owned();
        let upgraded = tokio::task::spawn_blocking(move || keeper::upgrade(&folder, &program()));
        upgraded.await.expect("a task").expect("the upgrade");
        assert_ne!(keeper::status(kept.folder.path()).expect("a keeper").proxy_pid, before);
        // The process that is being replaced follows this one too.
        kept.publish(1 + round, &apps[round as usize % 2]).await;
        let left = &apps[(round as usize + 1) % 2];
        eventually("nothing is in flight at what was left", || async { left.connections.load(Ordering::SeqCst) == 0 })
            .await;
        load.until_asked(100).await;
        assert_eq!(left.connections.load(Ordering::SeqCst), 0);
    }
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_to_a_program_that_does_not_serve_leaves_the_old_one() {
    let app = named_app("web").await;
    let kept = Kept::start().await;
    kept.publish(1, &app).await;
    let folder = kept.folder.path().to_owned();
    let fault = tokio::task::spawn_blocking(move || keeper::upgrade(&folder, "/bin/false".as_ref()));
    let fault = fault.await.expect("a task").expect_err("it does not serve");
    assert!(fault.message.contains("the old one goes on"), "{fault}");
    kept.publish(2, &app).await;
    assert_eq!(keeper::status(kept.folder.path()).expect("a keeper").proxy_pid, kept.status.proxy_pid);
    assert_eq!(ask(kept.status.address, get()).await.text(), "web /x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sudden_death_tells_how_many_requests_it_cost() {
    let app = app(|_| std::future::pending()).await;
    let kept = Kept::start().await;
    kept.publish(1, &app).await;
    let address = kept.status.address;
    let asking: Vec<_> = (0..3)
        .map(|_| {
            tokio::spawn(async move {
                let mut sender = connect(address).await;
                ask_on(&mut sender, get().body(full("")).expect("a request")).await
            })
        })
        .collect();
    eventually("it is written down", || async { kept.in_flight_written() == 3 }).await;
    let boot = kept.client().traffic().await.expect("numbers").boot;
    kill(kept.status.proxy_pid.expect("a proxy"));
    for one in asking {
        assert!(one.await.expect("a task").is_err(), "it was cut");
    }
    kept.serving_anew().await;
    let traffic = kept.client().traffic().await.expect("numbers");
    assert_eq!(traffic.lost_in_flight, 3);
    assert_ne!(traffic.boot, boot);
    assert!(traffic.releases.is_empty(), "it counts from 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_proxy_finishes_and_leaves_nothing_running() {
    let app = named_app("web").await;
    let mut kept = Kept::start().await;
    kept.publish(1, &app).await;
    // An idle connection does not hold it up.
    let mut idle = connect(kept.status.address).await;
    let request = get().body(full("")).expect("a request");
    ask_on(&mut idle, request).await.expect("an answer");
    let folder = kept.folder.path().to_owned();
    let stopped = tokio::task::spawn_blocking(move || keeper::stop(&folder)).await.expect("a task");
    stopped.expect("it stops");
    assert!(!is_alive(kept.status.proxy_pid.expect("a proxy")));
    assert!(kept.keeper.wait().expect("it ends").success());
    assert!(tokio::net::TcpStream::connect(kept.status.address).await.is_err(), "its sockets are closed");
    let fault = keeper::status(kept.folder.path()).expect_err("no keeper");
    assert!(fault.hint.is_some(), "{fault}");
}

#[test]
fn a_keeper_is_started_once_and_says_why_it_could_not() {
    /// Leaves no process behind when the test fails.
    struct Stop<'a>(&'a TempDir);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            let _ = keeper::stop(self.0.path());
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let _stop = Stop(&folder);
    let status = keeper::ensure(folder.path(), &mut keeper_command(&folder, local(), 0)).expect("a keeper");
    let again = keeper::ensure(folder.path(), &mut Command::new("/bin/false")).expect("the same keeper");
    assert_eq!(status, again);
    for pid in [status.pid, status.proxy_pid.expect("a proxy")] {
        assert_eq!(session_of(pid), status.pid, "in a session of their own");
    }
    let other = tempfile::tempdir().expect("a folder");
    let taken = keeper::ensure(other.path(), &mut keeper_command(&other, status.address, 0));
    let fault = taken.expect_err("its port is taken");
    assert!(fault.message.contains(&status.address.to_string()), "{fault}");
    assert!(fault.to_string().contains("--proxy-listen"), "{fault}");
}
