//! How long the history takes to answer: `cargo run --release -p shipway-store --example history_speed [COUNT]`.
//!
//! A project with ten environments and a million deployments over two years, in a database on disk; pages without and
//! with filters, at the newest end and deep inside, and statistics. Numbers only; nothing is judged here.

use std::{
    collections::BTreeMap,
    io::{Write, stdout},
    path::Path,
    sync::Arc,
    time::Instant,
};

use shipway_core::{
    deployment::{Cause, Deployment, Kind, Request, ServiceState},
    history::{Place, Question, Range},
    id::Actor,
    phase::Phase,
    store::{Commit, Store},
    time::Timestamp,
};
use shipway_store::SqlStore;

const COUNT: usize = 1_000_000;
/// Deployments that are written by one commit.
const TOGETHER: usize = 500;
/// A deployment each minute.
const EVERY_MS: i64 = 60_000;
const RUNS: usize = 21;

fn deployment(number: usize) -> Deployment {
    // Numbers that look like chance and are the same each time.
    let dice = number.wrapping_mul(2_654_435_761) >> 7;
    let environment = format!("env-{}", dice % 10);
    let kind = if dice.is_multiple_of(50) { Kind::Scale { instances: BTreeMap::new() } } else { Kind::Deploy };
    let actor = Actor { name: format!("person-{}", dice % 40), ..Actor::admin() };
    let at = Timestamp(number as i64 * EVERY_MS);
    let request = Request::new("shop".into(), environment.as_str().into(), kind);
    let id = format!("{number:012x}");
    let mut deployment = Deployment::new(id.as_str().into(), number as u64, request, actor, "c".into(), at);
    let services = (0..1 + dice % 3).map(|service| format!("service-{}", (dice / 3 + service * 7) % 100));
    deployment.services = services.map(|name| (name.as_str().into(), ServiceState::default())).collect();
    (deployment.phase, deployment.cause) = match dice % 20 {
        0 => (Phase::Failed, Some(Cause::Release)),
        1 => (Phase::RolledBack, Some(Cause::Release)),
        2 if dice.is_multiple_of(3) => (Phase::Failed, Some(Cause::Machinery)),
        _ => (Phase::Completed, None),
    };
    deployment.completed_at = Some(at.plus_ms(2000 + (dice % 90_000) as u64));
    deployment
}

fn say(line: &str) {
    // Nobody listens: nothing to tell.
    let _ = writeln!(stdout(), "{line}");
}

async fn fill(store: &SqlStore, count: usize) {
    let begin = Instant::now();
    for from in (0..count).step_by(TOGETHER) {
        let deployments = (from..(from + TOGETHER).min(count)).map(deployment);
        let commit = deployments.fold(Commit::default(), |commit, one| commit.put_record(&Arc::new(one)));
        store.commit(commit).await.expect("written");
    }
    say(&format!("{count} deployments written in {:.0} s", begin.elapsed().as_secs_f64()));
}

/// The first ask of a connection that has read nothing else of it; then the median and the worst of the others, in
/// milliseconds.
async fn measure<T>(what: &str, mut asked: impl AsyncFnMut() -> T) {
    let mut took = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        std::hint::black_box(asked().await);
        took.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    let first = took.remove(0);
    took.sort_by(f64::total_cmp);
    let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
    say(&format!("{first:>8.2} ms at first, then {median:>8.2} ms, at most {worst:>8.2}: {what}"));
}

fn questions(count: usize) -> Vec<(&'static str, Question)> {
    let all = || Question::of("shop".into(), 50);
    let deep = Place { at: Timestamp(count as i64 / 2 * EVERY_MS), id: "x".into() };
    let some = |text: &str| Some(text.to_owned());
    vec![
        ("the newest page", all()),
        ("a page in the middle", Question { after: Some(deep.clone()), ..all() }),
        ("of an environment", Question { environment: Some("env-3".into()), ..all() }),
        ("failed ones", Question { status: some("failed"), ..all() }),
        ("by cause", Question { cause: Some(Cause::Machinery), ..all() }),
        ("of a service", Question { service: Some("service-7".into()), ..all() }),
        (
            "by actor, in an environment",
            Question { actor: some("person-9"), environment: Some("env-9".into()), ..all() },
        ),
        (
            "failed ones of a service in an environment, from the middle",
            Question {
                service: Some("service-7".into()),
                environment: Some("env-3".into()),
                status: some("failed"),
                after: Some(deep),
                ..all()
            },
        ),
        (
            "what there is none of, among those of an actor",
            Question { actor: some("person-9"), environment: Some("env-3".into()), ..all() },
        ),
        (
            "what there is none of, among all",
            Question { kind: some("deploy"), environment: Some("env-3".into()), status: some("pending"), ..all() },
        ),
        (
            "a month of an environment",
            Question {
                environment: Some("env-3".into()),
                since: Some(Timestamp(86_400_000 * 300)),
                until: Some(Timestamp(86_400_000 * 330)),
                ..all()
            },
        ),
    ]
}

fn memory(path: &Path) -> String {
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let lines = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}

#[tokio::main]
async fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(COUNT);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("shipway.db");
    let store = SqlStore::open(&file).await.expect("the database opens");
    fill(&store, count).await;
    drop(store);
    let size = std::fs::metadata(&file).map_or(0, |data| data.len());
    say(&format!("the database holds {} MB", size / 1_000_000));
    let store = SqlStore::open(&file).await.expect("the database opens");
    say(&memory(Path::new("/proc/self/status")));
    for (what, question) in questions(count) {
        measure(what, async || store.history(&question).await.expect("a page")).await;
    }
    let last = count as i64 * EVERY_MS / 86_400_000;
    for (what, first) in [("statistics of 30 days", last - 29), ("of a year", last - 364), ("of everything", 0)] {
        let range = Range { project: "shop".into(), environment: None, first, last };
        measure(what, async || store.sums(&range).await.expect("sums")).await;
    }
    say(&memory(Path::new("/proc/self/status")));
}
