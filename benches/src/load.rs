//! Open-loop load: requests are due by a schedule, whatever became of the ones before, and their latency counts from
//! when they were due. Nothing is tried again.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    http::{Answer, Connection, Request},
    stats::Values,
};

const TIMEOUT_MS: u64 = 10_000;
/// Requests in flight; more than that, and the generator itself is what failed.
const IN_FLIGHT_MAX: usize = 4000;
/// A kept connection that idled longer is not used again, as a server may be closing it.
const IDLE_MS_MAX: u64 = 400;
const UPLOAD_BYTES: usize = 100_000;
const UPLOAD_REST_MS: u64 = 50;
const SLOW_PATH: &str = "/?ms=200";
const FAILURES_KEPT_MAX: usize = 200;

/// The sorts of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// On a kept connection.
    Kept,
    /// On a connection of its own.
    New,
    /// Takes its time to be answered.
    Slow,
    /// Sends 100 kB in two parts.
    Upload,
}

/// One dozen of requests: eight kept, two new, one slow, one upload.
const CYCLE: [Sort; 12] = [
    Sort::Kept,
    Sort::New,
    Sort::Kept,
    Sort::Kept,
    Sort::Slow,
    Sort::Kept,
    Sort::Kept,
    Sort::New,
    Sort::Kept,
    Sort::Kept,
    Sort::Upload,
    Sort::Kept,
];

/// What became of the requests.
#[derive(Default)]
pub struct Tally {
    /// Sent, by sort.
    pub sent: BTreeMap<Sort, u64>,
    /// How many failed.
    pub failed: u64,
    /// The first failures, in words with their time.
    pub failures: Vec<String>,
    /// The versions that answered.
    pub versions: BTreeSet<String>,
    /// Latencies of kept and new requests, in microseconds from when they were due.
    latencies: Vec<u32>,
    in_flight: usize,
}

impl Tally {
    /// All requests.
    pub fn total(&self) -> u64 {
        self.sent.values().sum()
    }

    /// The latencies of kept and new requests, in milliseconds.
    pub fn latencies_ms(&self) -> Values {
        self.latencies.iter().map(|us| f64::from(*us) / 1000.0).collect()
    }
}

struct Shared {
    proxy: SocketAddr,
    host: String,
    begin: Instant,
    tally: Mutex<Tally>,
    kept: Mutex<Vec<(Connection, Instant)>>,
    upload: Vec<u8>,
}

/// Load that goes on until it is stopped.
pub struct Load {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Load {
    /// Starts it with so many requests a second.
    pub fn start(proxy: SocketAddr, host: &str, per_second: u32) -> Self {
        let shared = Arc::new(Shared {
            proxy,
            host: host.to_owned(),
            begin: Instant::now(),
            tally: Mutex::default(),
            kept: Mutex::default(),
            upload: vec![b'x'; UPLOAD_BYTES],
        });
        let task = tokio::spawn(generate(shared.clone(), per_second));
        Self { shared, task }
    }

    /// Seconds since it began.
    pub fn seconds(&self) -> f64 {
        self.shared.begin.elapsed().as_secs_f64()
    }

    /// How many have failed by now.
    pub fn failed(&self) -> u64 {
        lock(&self.shared.tally).failed
    }

    /// Ends it, waits for what is in flight, and tells what became of all requests, and the seconds that it took.
    pub async fn stop(self) -> (Tally, f64) {
        self.task.abort();
        let seconds = self.seconds();
        while lock(&self.shared.tally).in_flight > 0 {
            sleep(Duration::from_millis(5)).await;
        }
        (std::mem::take(&mut *lock(&self.shared.tally)), seconds)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn generate(shared: Arc<Shared>, per_second: u32) {
    let pause = Duration::from_secs(1) / per_second;
    let mut number: u32 = 0;
    loop {
        while shared.begin + pause * number <= Instant::now() {
            launch(&shared, CYCLE[number as usize % CYCLE.len()], shared.begin + pause * number);
            number += 1;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

fn launch(shared: &Arc<Shared>, sort: Sort, due: Instant) {
    let mut tally = lock(&shared.tally);
    *tally.sent.entry(sort).or_default() += 1;
    if tally.in_flight >= IN_FLIGHT_MAX {
        record(&mut tally, shared, sort, Err("not sent: too many are in flight".into()), due);
        return;
    }
    tally.in_flight += 1;
    drop(tally);
    let shared = shared.clone();
    tokio::spawn(async move {
        let limit = Duration::from_millis(TIMEOUT_MS);
        let outcome = timeout(limit, send(&shared, sort)).await.unwrap_or_else(|_| Err("timed out".into()));
        let mut tally = lock(&shared.tally);
        tally.in_flight -= 1;
        record(&mut tally, &shared, sort, outcome, due);
    });
}

fn record(tally: &mut Tally, shared: &Shared, sort: Sort, outcome: Result<String, String>, due: Instant) {
    match outcome {
        Ok(version) => {
            if !tally.versions.contains(&version) {
                tally.versions.insert(version);
            }
            if matches!(sort, Sort::Kept | Sort::New) {
                tally.latencies.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
        }
        Err(why) => {
            tally.failed += 1;
            if tally.failures.len() < FAILURES_KEPT_MAX {
                let (due, took) = (due.duration_since(shared.begin).as_secs_f64(), due.elapsed().as_millis());
                tally.failures.push(format!("{sort:?} due at {due:.3} s, failed after {took} ms: {why}"));
            }
        }
    }
}

/// Gives the version that answered, or what went wrong.
async fn send(shared: &Shared, sort: Sort) -> Result<String, String> {
    let get = Request::get(&shared.host, "/");
    let answer = match sort {
        Sort::Kept => return kept(shared, &get).await,
        Sort::New => alone(shared, &get).await,
        Sort::Slow => alone(shared, &Request { path: SLOW_PATH, ..get }).await,
        Sort::Upload => {
            let rest = Duration::from_millis(UPLOAD_REST_MS);
            alone(shared, &Request { method: "POST", path: "/upload", body: &shared.upload, rest, ..get }).await
        }
    };
    let expected = if sort == Sort::Upload { UPLOAD_BYTES } else { 0 };
    version(&answer?, expected)
}

async fn alone(shared: &Shared, request: &Request<'_>) -> Result<Answer, String> {
    let mut connection = Connection::open(shared.proxy).await.map_err(|error| format!("connect: {error}"))?;
    connection.request(request).await.map_err(|error| error.to_string())
}

async fn kept(shared: &Shared, request: &Request<'_>) -> Result<String, String> {
    let idle_max = Duration::from_millis(IDLE_MS_MAX);
    let idle = lock(&shared.kept).pop().filter(|(_, since)| since.elapsed() < idle_max);
    let (mut connection, used) = match idle {
        Some((connection, _)) => (connection, true),
        None => (Connection::open(shared.proxy).await.map_err(|error| format!("connect: {error}"))?, false),
    };
    let answer = connection.request(request).await.map_err(|error| format!("{error} (used before: {used})"))?;
    if !answer.closes {
        lock(&shared.kept).push((connection, Instant::now()));
    }
    version(&answer, 0)
}

/// An answer counts when the application itself gave it, to the whole request.
fn version(answer: &Answer, bytes: usize) -> Result<String, String> {
    let text = answer.text();
    let field = |name: &str| text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    if answer.status != 200 || !text.starts_with("bench ") {
        return Err(format!("status {} not by the application: {text:.200}", answer.status));
    }
    if field("bytes") != Some(bytes.to_string().as_str()) {
        return Err(format!("{bytes} bytes were sent, and it answered: {text}"));
    }
    field("version").map(str::to_owned).ok_or_else(|| format!("no version: {text}"))
}
