//! Browsers as plain HTTP clients: each has its cookie, asks several routes of a group one after the other, and tells
//! whom its requests met. Not here: one client that only counts (`load`).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{
    HOST,
    http::{Answer, Connection, request},
    wait_for,
};

/// Between two requests of a thread.
const PAUSE_MS: u64 = 4;

/// What is asked, and of whom the answer may tell.
#[derive(Clone, Default)]
pub struct Habits {
    /// The paths that every client asks for, in turn.
    pub paths: Vec<String>,
    /// The services whose versions must be one and the same in every answer.
    pub members: BTreeSet<String>,
    /// How many clients there are.
    pub clients: usize,
    /// How many of them ask at a time.
    pub threads: usize,
}

/// What is known by now.
#[derive(Default)]
struct Seen {
    count: AtomicU64,
    /// By client: the versions of the group that it met, one entry for each change.
    sides: Vec<Mutex<Vec<String>>>,
    /// How often every client of a thread has asked for every path.
    rounds: Vec<AtomicU64>,
    /// Answers in which the versions of members differ.
    crossed: Mutex<Vec<String>>,
    failures: Mutex<Vec<String>>,
    /// How often who of a side met which stamp of a service that is no member.
    outside: Mutex<BTreeMap<(String, String), u64>>,
    /// Answers of the application that were broken on purpose.
    broken: AtomicU64,
}

/// Clients that ask without a pause until they are told to stop.
pub struct Clients {
    stop: Arc<AtomicBool>,
    seen: Arc<Seen>,
    threads: Vec<JoinHandle<()>>,
    habits: Habits,
}

impl Clients {
    pub fn start(proxy: SocketAddr, habits: Habits) -> Self {
        let seen = Arc::new(Seen {
            sides: (0..habits.clients).map(|_| Mutex::default()).collect(),
            rounds: (0..habits.threads).map(|_| AtomicU64::default()).collect(),
            ..Seen::default()
        });
        let mut all = Self { stop: Arc::default(), seen, threads: Vec::new(), habits };
        for number in 0..all.habits.threads {
            let (stop, seen, habits) = (all.stop.clone(), all.seen.clone(), all.habits.clone());
            let mut thread = Thread { proxy, number, kept: None, seen, habits };
            all.threads.push(std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    thread.round(&stop);
                }
            }));
        }
        all
    }

    pub fn count(&self) -> u64 {
        self.seen.count.load(Ordering::Relaxed)
    }

    /// Answers that were broken on purpose, by now.
    pub fn broken(&self) -> u64 {
        self.seen.broken.load(Ordering::Relaxed)
    }

    /// Waits until every client has asked for every path once more, from now on.
    pub fn whole_round(&self) {
        let rounds = || -> Vec<u64> { self.seen.rounds.iter().map(|one| one.load(Ordering::Relaxed)).collect() };
        // The round that is under way began before.
        let from = rounds();
        wait_for("a whole round of all clients", || {
            rounds().iter().zip(&from).all(|(now, from)| *now >= from + 2).then_some(())
        });
    }

    /// By client: the versions that it has met since its sides were forgotten.
    pub fn sides(&self) -> Vec<Vec<String>> {
        self.seen.sides.iter().map(|one| one.lock().expect("the sides").clone()).collect()
    }

    /// Forgets the changes of side; where each client stands stays known.
    pub fn forget_changes(&self) {
        for one in &self.seen.sides {
            let mut sides = one.lock().expect("the sides");
            let last = sides.pop();
            *sides = last.into_iter().collect();
        }
    }

    /// How often a side of the group met that stamp of a service outside.
    pub fn met_outside(&self, side: &str, stamp: &str) -> u64 {
        let outside = self.seen.outside.lock().expect("the counts");
        outside.get(&(side.to_owned(), stamp.to_owned())).copied().unwrap_or_default()
    }

    /// The clients whose newest answer came from that version.
    pub fn on_side(&self, version: &str) -> BTreeSet<usize> {
        let sides = self.sides();
        (0..sides.len()).filter(|client| sides[*client].last().is_some_and(|last| last == version)).collect()
    }

    /// No request failed, and none met both sides.
    pub fn assert_unharmed(&self, what: &str) {
        let count = self.count();
        for (list, words) in [(&self.seen.failures, "failed"), (&self.seen.crossed, "met both sides")] {
            let found = list.lock().expect("a list").clone();
            let first = &found[..found.len().min(5)];
            assert!(found.is_empty(), "{what}: {} of {count} requests {words}: {first:#?}", found.len());
        }
    }

    /// Ends them, and gives how many requests there were.
    pub fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a thread of clients");
        }
        self.seen.count.load(Ordering::Relaxed)
    }
}

/// A thread that plays every so manieth client.
struct Thread {
    proxy: SocketAddr,
    number: usize,
    kept: Option<Connection>,
    seen: Arc<Seen>,
    habits: Habits,
}

impl Thread {
    fn round(&mut self, stop: &AtomicBool) {
        for path in self.habits.paths.clone() {
            for client in (self.number..self.habits.clients).step_by(self.habits.threads) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                match self.ask(client, &path) {
                    Ok(answer) => self.judge(client, &path, &answer),
                    Err(error) => self.fail(format!("client {client}, {path}: {error}")),
                }
                self.seen.count.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(PAUSE_MS));
            }
        }
        self.seen.rounds[self.number].fetch_add(1, Ordering::Relaxed);
    }

    /// Half of the threads share one kept connection among their clients, the others open one for each request.
    fn ask(&mut self, client: usize, path: &str) -> std::io::Result<Answer> {
        let cookie = format!("shipway_client={client:032x}");
        let headers = [("Cookie", cookie.as_str())];
        if self.number % 2 == 1 {
            return request(self.proxy, "GET", HOST, path, &headers, b"");
        }
        let mut connection = match self.kept.take() {
            Some(connection) => connection,
            None => Connection::open(self.proxy)?,
        };
        let answer = connection.request("GET", HOST, path, &headers, b"")?;
        if answer.header("connection") != Some("close") {
            self.kept = Some(connection);
        }
        Ok(answer)
    }

    fn judge(&self, client: usize, path: &str, answer: &Answer) {
        let met: Vec<_> = answer.body.split_whitespace().filter_map(|stamp| stamp.split_once('@')).collect();
        let versions: BTreeSet<_> = met
            .iter()
            .filter(|(service, _)| self.habits.members.contains(*service))
            .map(|(_, version)| *version)
            .collect();
        if answer.body.contains("broken on purpose") {
            self.seen.broken.fetch_add(1, Ordering::Relaxed);
        } else if answer.status != 200 || versions.is_empty() {
            return self.fail(format!("client {client}, {path}: status {} {}", answer.status, answer.body));
        }
        if versions.len() > 1 {
            let crossed = format!("client {client}, {path}: {}", answer.body);
            return self.seen.crossed.lock().expect("the crossed").push(crossed);
        }
        self.note_outside(&met, &versions);
        let mut sides = self.seen.sides[client].lock().expect("the sides");
        for version in versions {
            if sides.last().is_none_or(|last| last != version) {
                sides.push(version.to_owned());
            }
        }
    }

    fn note_outside(&self, met: &[(&str, &str)], versions: &BTreeSet<&str>) {
        let mut outside = self.seen.outside.lock().expect("the counts");
        for (service, version) in met.iter().filter(|(service, _)| !self.habits.members.contains(*service)) {
            let side = versions.first().copied().unwrap_or_default().to_owned();
            *outside.entry((side, format!("{service}@{version}"))).or_default() += 1;
        }
    }

    fn fail(&self, why: String) {
        self.seen.failures.lock().expect("the failures").push(why);
    }
}
