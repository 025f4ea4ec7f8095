//! The audit record: every command leaves an entry, in the commit of what it changes where there is one, else alone.
//!
//! A command commits wherever it decides, so its entry is not handed from function to function: while the command's
//! future is polled the entry lies beside it (`Pending::while_asked`), and the store that the engine was given is
//! wrapped (`AuditedStore`) to take it into the first commit that changes anything. What the command leaves to a task of
//! its own, such as carrying a deployment, commits without it.
//!
//! Not here: what an entry says (`core::audit`), who may do what (`core::policy`).

use std::{
    cell::RefCell,
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    audit::{AuditEntry, AuditOutcome},
    command::Meaning,
    event::Event,
    history::{Page, Question, Range, Sums},
    id::{Actor, EnvironmentName},
    ports::Fault,
    store::{Body, Commit, Committed, DocumentKind, Listing, Snapshot, Store},
    time::Timestamp,
};
use tracing::error;

use crate::{Engine, Refusal, Reply, authorization::Where};

thread_local! {
    /// The entry of the command whose future is being polled on this thread.
    static ASKED: RefCell<Option<Arc<Pending>>> = const { RefCell::new(None) };
}

/// The entry of a command, as long as no commit has taken it.
pub(crate) struct Pending {
    entry: Mutex<Option<AuditEntry>>,
}

impl Pending {
    fn new(entry: AuditEntry) -> Arc<Self> {
        Arc::new(Self { entry: Mutex::new(Some(entry)) })
    }

    fn entry(&self) -> MutexGuard<'_, Option<AuditEntry>> {
        // The entry is there or not; there is nothing that could be half done.
        self.entry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a future; what it commits takes the entry with it.
    fn while_asked<F: Future>(self: &Arc<Self>, inner: F) -> Asked<F> {
        Asked { pending: Some(self.clone()), inner: Box::pin(inner) }
    }
}

/// Runs a part of a command whose commits are not what was asked for: they leave the entry where it is.
pub(crate) fn beside<F: Future>(inner: F) -> impl Future<Output = F::Output> {
    Asked { pending: None, inner: Box::pin(inner) }
}

/// A future beside which an entry lies while it is polled.
struct Asked<F> {
    pending: Option<Arc<Pending>>,
    inner: Pin<Box<F>>,
}

impl<F: Future> Future for Asked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        /// Puts back what lay there before, also when the poll panics.
        struct Back(Option<Arc<Pending>>);
        impl Drop for Back {
            fn drop(&mut self) {
                ASKED.set(self.0.take());
            }
        }
        let _back = Back(ASKED.replace(self.pending.clone()));
        self.inner.as_mut().poll(cx)
    }
}

/// A store that takes the entry of the command under way into its commit.
pub(crate) struct AuditedStore(pub(crate) Arc<dyn Store>);

impl Store for AuditedStore {
    fn commit(&self, mut commit: Commit) -> BoxFuture<'_, Result<Committed, Fault>> {
        let changes = !commit.puts.is_empty() || !commit.deletes.is_empty() || !commit.events.is_empty();
        let asked = ASKED.with_borrow(Clone::clone).filter(|_| changes);
        let taken = asked.and_then(|pending| Some((pending.entry().take()?, pending.clone())));
        let Some((entry, pending)) = taken else { return self.0.commit(commit) };
        // The event says which deployment it became, and where; the command itself could not know.
        let told = commit.events.iter().find(|event| event.deployment.is_some());
        let full = AuditEntry {
            project: entry.project.clone().or_else(|| told.and_then(|event| event.project.clone())),
            environment: entry.environment.clone().or_else(|| told.and_then(|event| event.environment.clone())),
            deployment: told.and_then(|event| event.deployment.clone()).or_else(|| entry.deployment.clone()),
            correlation_id: told.and_then(|event| event.correlation_id.clone()),
            ..entry.clone()
        };
        commit = commit.put(&full);
        let committed = self.0.commit(commit);
        async move {
            let committed = committed.await;
            if committed.is_err() {
                // Nothing has changed, or nobody knows: the next to commit, or the end of the command, writes it.
                *pending.entry() = Some(entry);
            }
            committed
        }
        .boxed()
    }

    fn get<'a>(&'a self, kind: DocumentKind, key: &'a str) -> BoxFuture<'a, Result<Option<Body>, Fault>> {
        self.0.get(kind, key)
    }

    fn list(&self, kind: DocumentKind, listing: Listing) -> BoxFuture<'_, Result<Vec<Body>, Fault>> {
        self.0.list(kind, listing)
    }

    fn snapshot<'a>(&'a self, kinds: &'a [DocumentKind]) -> BoxFuture<'a, Result<Snapshot, Fault>> {
        self.0.snapshot(kinds)
    }

    fn events<'a>(
        &'a self,
        after: u64,
        deployment: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        self.0.events(after, deployment, limit)
    }

    fn history<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Page, Fault>> {
        self.0.history(question)
    }

    fn sums<'a>(&'a self, range: &'a Range) -> BoxFuture<'a, Result<BTreeMap<EnvironmentName, Sums>, Fault>> {
        self.0.sums(range)
    }

    fn last_event(&self) -> BoxFuture<'_, Result<u64, Fault>> {
        self.0.last_event()
    }

    fn wait_event(&self, after: u64) -> BoxFuture<'_, ()> {
        self.0.wait_event(after)
    }
}

/// The places that were given to entries; the last of them.
#[derive(Default)]
pub(crate) struct AuditPlaces(AtomicI64);

impl AuditPlaces {
    /// The next place: the time in microseconds, or right after the last one when the clock stands or was set back.
    fn next(&self, now: Timestamp) -> i64 {
        let wanted = now.0.saturating_mul(1000);
        let next = |last: i64| Some(wanted.max(last.saturating_add(1)));
        let last = self.0.try_update(Ordering::SeqCst, Ordering::SeqCst, next);
        last.unwrap_or_else(|last| last).saturating_add(1).max(wanted)
    }
}

/// Which entries somebody wants to see.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only of this project, or of an environment as `project/environment`; of everything when empty.
    pub scope: String,
    /// Only of whoever has this name.
    pub actor: Option<String>,
    /// Only since then.
    pub since: Option<Timestamp>,
    /// Only before this place.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: usize,
}

/// Entries that are read at a time.
const PAGE: u32 = 200;
/// Entries that are looked through for one page.
const LOOKED_THROUGH_MAX: u32 = 20_000;

impl Engine {
    /// Does what somebody asks, and records that they did.
    pub(crate) async fn record<T>(
        &self,
        meaning: &Meaning,
        actor: &Actor,
        at: &Where,
        doing: impl Future<Output = Result<T, Refusal>>,
        reply: impl Fn(&T) -> Option<&Reply>,
    ) -> Result<T, Refusal> {
        let pending = Pending::new(self.new_entry(meaning, actor, at));
        let done = pending.while_asked(doing).await;
        let left = pending.entry().take();
        let entry = match (&done, left) {
            (Ok(_), None) => None,
            (Ok(done), Some(entry)) => Some(with_reply(entry, reply(done))),
            (Err(refusal), left) => {
                let outcome = match refusal {
                    Refusal::Forbidden { .. } => AuditOutcome::Denied,
                    _ => AuditOutcome::Refused,
                };
                // A part of it may be done and recorded: then this is one more entry, and none is written over.
                let entry = left.unwrap_or_else(|| self.new_entry(meaning, actor, at));
                Some(entry.not_done(outcome, &refusal.to_string()))
            }
        };
        if let Some(entry) = entry {
            let commit = Commit::at(entry.at).put(&entry);
            if let Err(fault) = self.ports.store.commit(commit).await {
                error!(%fault, command = entry.command, actor = entry.actor, "a command is not in the audit record");
            }
        }
        done
    }

    fn new_entry(&self, meaning: &Meaning, actor: &Actor, at: &Where) -> AuditEntry {
        let now = self.ports.clock.now();
        let id = self.ports.ids.token();
        AuditEntry {
            project: at.project.clone(),
            environment: at.environment.clone(),
            deployment: at.deployment.clone(),
            ..AuditEntry::new(id, self.audit_places.next(now), actor, meaning, now)
        }
    }

    /// Entries of the audit record, the newest first, and the place from which the next page goes on.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<(Vec<AuditEntry>, Option<i64>), Fault> {
        let mut fitting: Vec<AuditEntry> = Vec::new();
        let (mut before, mut looked_through) = (filter.before, 0);
        while looked_through < LOOKED_THROUGH_MAX {
            let listing = Listing { scope: filter.scope.clone(), before, newest_first: true, limit: PAGE };
            let page: Vec<AuditEntry> = self.ports.store.all(listing).await?;
            let Some(last) = page.last() else { return Ok((fitting, None)) };
            (before, looked_through) = (Some(last.place), looked_through + PAGE);
            for entry in page {
                if filter.since.is_some_and(|since| entry.at < since) {
                    return Ok((fitting, None));
                }
                if filter.actor.as_ref().is_some_and(|actor| *actor != entry.actor) {
                    continue;
                }
                if fitting.len() == filter.limit {
                    let next = fitting.last().map(|last| last.place);
                    return Ok((fitting, next));
                }
                fitting.push(entry);
            }
        }
        Ok((fitting, before))
    }
}

/// An entry with the deployment that a command gave.
fn with_reply(entry: AuditEntry, reply: Option<&Reply>) -> AuditEntry {
    let Some(Reply::Deployment(deployment)) = reply else { return entry };
    let correlation_id = Some(deployment.correlation_id.clone());
    AuditEntry { deployment: Some(deployment.id.clone()), correlation_id, ..entry }
}
