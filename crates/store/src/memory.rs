//! The store in memory: for simulations and tests that make more commits than a disk takes. It keeps every promise of
//! the port but one: nothing survives the process.
//!
//! Not here: faults (whoever wants a store that fails puts something around it).

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    event::Event,
    history::{Entry, Page, Question, Range, Sums, day_of},
    id::{EnvironmentName, ProjectId},
    ports::Fault,
    store::{Body, Commit, Committed, Document, DocumentKind, Guarded, Listing, Snapshot, Store, entry_of},
};
use tokio::sync::Notify;

use crate::shelves::{Shelves, refuse_past};

/// Everything that a store holds at one commit. Cheap to take and to keep: documents are shared.
#[derive(Clone, Default)]
pub struct MemoryState {
    shelves: Shelves,
    revisions: BTreeMap<Guarded, u64>,
    events: BTreeMap<u64, Arc<Event>>,
    newest_event: u64,
    /// What deployments that were removed count, by project, environment and day.
    past_sums: BTreeMap<(ProjectId, EnvironmentName, i64), Sums>,
    generation: u64,
}

impl MemoryState {
    /// The number of the commit that it was taken at.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The events, in their order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.values().map(|event| &**event)
    }

    /// The documents of a kind, in the order of a listing.
    pub fn documents(&self, kind: DocumentKind) -> impl Iterator<Item = &Document> {
        self.shelves.all(kind)
    }

    /// One document's body.
    pub fn body(&self, kind: DocumentKind, key: &str) -> Option<&Body> {
        self.shelves.get(kind, key)
    }

    fn newest_event(&self) -> u64 {
        self.newest_event
    }

    /// Everything is looked through: simulations keep few deployments.
    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.documents(DocumentKind::Deployment).filter_map(|document| entry_of(&document.body).ok())
    }

    fn page(&self, question: &Question) -> Page {
        let behind = |entry: &Entry| question.after.as_ref().is_none_or(|after| entry.place() < *after);
        let mut entries: Vec<_> = self.entries().filter(|entry| question.fits(entry) && behind(entry)).collect();
        entries.sort_by_key(|entry| Reverse(entry.place()));
        let more = entries.len() > question.limit as usize;
        entries.truncate(question.limit as usize);
        Page { next: entries.last().filter(|_| more).map(Entry::place), entries }
    }

    fn sums(&self, range: &Range) -> BTreeMap<EnvironmentName, Sums> {
        let mut all: BTreeMap<EnvironmentName, Sums> = BTreeMap::new();
        let wanted = |name: &EnvironmentName| range.environment.as_ref().is_none_or(|wanted| wanted == name);
        for entry in self.entries().filter(|entry| entry.project == range.project && wanted(&entry.environment)) {
            let day = entry.completed_at.map(day_of);
            if day.is_some_and(|day| (range.first..=range.last).contains(&day)) {
                all.entry(entry.environment.clone()).or_default().add(&entry);
            }
        }
        for ((project, environment, day), sums) in &self.past_sums {
            if *project == range.project && wanted(environment) && (range.first..=range.last).contains(day) {
                all.entry(environment.clone()).or_default().merge(sums);
            }
        }
        all
    }

    /// Keeps what a deployment that goes counts for.
    fn sum_up(&mut self, key: &str) {
        let body = self.shelves.get(DocumentKind::Deployment, key);
        let Some(entry) = body.and_then(|body| entry_of(body).ok()) else { return };
        let Some(day) = entry.completed_at.map(day_of) else { return };
        let sums = self.past_sums.entry((entry.project.clone(), entry.environment.clone(), day));
        sums.or_default().add(&entry);
    }

    fn apply(&mut self, commit: Commit) -> Result<Committed, Fault> {
        self.expect(&commit)?;
        for (what, revision) in commit.raise {
            self.revisions.insert(what, revision + 1);
        }
        for document in commit.puts {
            self.shelves.put(document);
        }
        for (kind, key) in &commit.deletes {
            if *kind == DocumentKind::Deployment {
                self.sum_up(key);
            }
            self.shelves.remove(*kind, key);
        }
        for forgotten in &commit.forgets {
            self.events.remove(forgotten);
        }
        for body in commit.events {
            self.newest_event += 1;
            let seq = self.newest_event;
            self.events.insert(seq, Arc::new(Event { seq, id: format!("evt-{seq}"), at: commit.at, body }));
        }
        self.generation += 1;
        Ok(Committed { generation: self.generation, last_event: self.newest_event() })
    }

    fn expect(&self, commit: &Commit) -> Result<(), Fault> {
        for (what, expected) in commit.raise.iter().chain(&commit.fences) {
            if self.revisions.get(what).copied().unwrap_or(0) != *expected {
                return Err(Commit::conflict(&what.to_string(), *expected));
            }
        }
        Ok(())
    }
}

/// Documents and events in memory.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<MemoryState>,
    appended: Notify,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    fn state(&self) -> MutexGuard<'_, MemoryState> {
        // A commit is refused before it changes anything, so a panic elsewhere leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same as `commit`, at once.
    ///
    /// # Errors
    /// A slot has another revision than expected; then nothing has changed.
    pub fn apply(&self, commit: Commit) -> Result<Committed, Fault> {
        let committed = self.state().apply(commit)?;
        self.appended.notify_waiters();
        Ok(committed)
    }

    /// Everything that it holds now.
    pub fn copy(&self) -> MemoryState {
        self.state().clone()
    }

    /// Looks at what it holds, without a copy.
    pub fn look<T>(&self, at: impl FnOnce(&MemoryState) -> T) -> T {
        at(&self.state())
    }

    /// Keeps of every document its text alone, so that whoever reads it gets what a disk would give.
    pub fn reread(&self) {
        self.state().shelves.reread();
    }

    /// Puts it back to an earlier state, as a backup that is restored does.
    pub fn restore(&self, earlier: MemoryState) {
        *self.state() = earlier;
        self.appended.notify_waiters();
    }
}

impl Store for MemoryStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, Fault>> {
        async move { self.apply(commit) }.boxed()
    }

    fn get<'a>(&'a self, kind: DocumentKind, key: &'a str) -> BoxFuture<'a, Result<Option<Body>, Fault>> {
        async move { Ok(self.state().shelves.get(kind, key).cloned()) }.boxed()
    }

    fn list(&self, kind: DocumentKind, listing: Listing) -> BoxFuture<'_, Result<Vec<Body>, Fault>> {
        async move { Ok(self.state().shelves.list(kind, &listing)) }.boxed()
    }

    fn snapshot<'a>(&'a self, kinds: &'a [DocumentKind]) -> BoxFuture<'a, Result<Snapshot, Fault>> {
        async move {
            refuse_past(kinds)?;
            let state = self.state();
            let bodies = |kind: &DocumentKind| state.documents(*kind).map(|document| document.body.clone()).collect();
            Ok((state.generation, kinds.iter().map(bodies).collect()))
        }
        .boxed()
    }

    fn events<'a>(
        &'a self,
        after: u64,
        deployment: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        async move {
            let state = self.state();
            let mine = |event: &&Arc<Event>| {
                deployment.is_none_or(|wanted| event.body.deployment.as_ref().is_some_and(|id| id.as_str() == wanted))
            };
            let after = (Bound::Excluded(after), Bound::Unbounded);
            Ok(state
                .events
                .range(after)
                .map(|(_, event)| event)
                .filter(mine)
                .take(limit as usize)
                .map(|event| (**event).clone())
                .collect())
        }
        .boxed()
    }

    fn history<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Page, Fault>> {
        async move { Ok(self.state().page(question)) }.boxed()
    }

    fn sums<'a>(&'a self, range: &'a Range) -> BoxFuture<'a, Result<BTreeMap<EnvironmentName, Sums>, Fault>> {
        async move { Ok(self.state().sums(range)) }.boxed()
    }

    fn last_event(&self) -> BoxFuture<'_, Result<u64, Fault>> {
        async move { Ok(self.state().newest_event()) }.boxed()
    }

    fn wait_event(&self, after: u64) -> BoxFuture<'_, ()> {
        async move {
            loop {
                let mut appended = std::pin::pin!(self.appended.notified());
                // Listening begins before looking, so that nothing is missed in between.
                appended.as_mut().enable();
                if self.state().newest_event() > after {
                    return;
                }
                appended.await;
            }
        }
        .boxed()
    }
}
