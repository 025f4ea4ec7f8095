//! A store that counts what it is asked, and how long each sort of question waits for its answer. Not here: the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    event::Event,
    history::{Page, Question, Range, Sums},
    id::EnvironmentName,
    ports::Fault,
    store::{Body, Commit, Committed, DocumentKind, Listing, Snapshot, Store},
};

/// How often, how long in all, and how many bytes of documents.
type Count = (u64, Duration, u64);

/// Counts what goes through it.
pub struct Counted {
    inner: Arc<dyn Store>,
    counts: Mutex<BTreeMap<String, Count>>,
}

impl Counted {
    /// Around a store.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, counts: Mutex::default() }
    }

    /// What was counted since it was asked last, the longest waits first, in lines.
    pub fn take(&self) -> Vec<String> {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, (_, waited, _))| std::cmp::Reverse(*waited));
        let line = |(name, (count, waited, bytes)): (String, Count)| {
            let each_ms = waited.as_secs_f64() * 1000.0 / count as f64;
            format!("    {count:>7} × {each_ms:>8.2} ms, {:>6} kB: {name}", bytes / 1000)
        };
        counts.into_iter().map(line).collect()
    }

    async fn count<T>(&self, name: String, bytes: usize, asked: impl Future<Output = T> + Send) -> T {
        let begin = Instant::now();
        let answer = asked.await;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(name).or_default();
        count.0 += 1;
        count.1 += begin.elapsed();
        count.2 += bytes as u64;
        answer
    }
}

impl Store for Counted {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, Fault>> {
        let kinds: BTreeSet<_> = commit.puts.iter().map(|document| document.kind.name()).collect();
        let deleted: BTreeSet<_> = commit.deletes.iter().map(|(kind, _)| kind.name()).collect();
        let events: BTreeSet<_> = commit.events.iter().map(|event| event.kind.name()).collect();
        let bytes = commit.puts.iter().map(|document| document.body.to_text().len()).sum();
        let name = format!("commit {kinds:?} less {deleted:?} with {events:?}");
        self.count(name, bytes, self.inner.commit(commit)).boxed()
    }

    fn get<'a>(&'a self, kind: DocumentKind, key: &'a str) -> BoxFuture<'a, Result<Option<Body>, Fault>> {
        self.count(format!("get {}", kind.name()), 0, self.inner.get(kind, key)).boxed()
    }

    fn list(&self, kind: DocumentKind, listing: Listing) -> BoxFuture<'_, Result<Vec<Body>, Fault>> {
        let depth = if listing.scope.is_empty() { 0 } else { listing.scope.split('/').count() };
        let name = format!("list {} below {depth} names, at most {}", kind.name(), listing.limit);
        self.count(name, 0, self.inner.list(kind, listing)).boxed()
    }

    fn snapshot<'a>(&'a self, kinds: &'a [DocumentKind]) -> BoxFuture<'a, Result<Snapshot, Fault>> {
        let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        self.count(format!("snapshot {names:?}"), 0, self.inner.snapshot(kinds)).boxed()
    }

    fn events<'a>(
        &'a self,
        after: u64,
        deployment: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        self.count("events".into(), 0, self.inner.events(after, deployment, limit)).boxed()
    }

    fn history<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Page, Fault>> {
        self.count("history".into(), 0, self.inner.history(question)).boxed()
    }

    fn sums<'a>(&'a self, range: &'a Range) -> BoxFuture<'a, Result<BTreeMap<EnvironmentName, Sums>, Fault>> {
        self.count("sums".into(), 0, self.inner.sums(range)).boxed()
    }

    fn last_event(&self) -> BoxFuture<'_, Result<u64, Fault>> {
        self.inner.last_event()
    }

    fn wait_event(&self, after: u64) -> BoxFuture<'_, ()> {
        self.inner.wait_event(after)
    }
}
