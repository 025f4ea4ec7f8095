//! The values that are known, and the ports through which text leaves: events, logs of deployments, answers of checks.
//! The output of instances is masked where it is read (`breakers::GuardedDriver`).

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    event::Event,
    history::{self, Range, Sums},
    id::EnvironmentName,
    ports::{Answer, Fault, LogPage, LogPosition, Logs, Prober, Question},
    secret::{Secret, SecretText, mask::Masker},
    store::{Body, Commit, Committed, DocumentKind, Listing, Snapshot, Store},
};
use tracing::warn;

use crate::Engine;

/// The values of all secrets, as far as they can be opened.
#[derive(Default)]
pub(crate) struct Known(RwLock<Arc<Masker>>);

impl Known {
    pub(crate) fn masker(&self) -> Arc<Masker> {
        // It is replaced whole.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, masker: Masker) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(masker);
    }
}

/// Reads all values anew. One that can't be opened can't be given to anybody either, and is passed over.
pub(crate) async fn learn(engine: &Engine) -> Result<(), Fault> {
    let secrets: Vec<Secret> = engine.ports.store.below("").await?;
    let mut values: Vec<(String, SecretText)> = Vec::new();
    // Newest first: past the masker's bound it is old versions that are left out.
    for secret in &secrets {
        for version in secret.versions.iter().rev() {
            if let Ok(value) = engine.ports.secrets.open(&secret.about(version.number), &version.envelope) {
                values.push((secret.address.name.clone(), value));
            }
        }
    }
    engine.known.set(Masker::new(values.iter().map(|(name, value)| (name.as_str(), value))));
    let troubles = super::uses::troubles(engine, &secrets);
    for trouble in &troubles {
        warn!(secret = %trouble.secret, "{}", trouble.message);
    }
    Ok(())
}

/// A store that writes no value into an event.
pub(crate) struct MaskedStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) known: Arc<Known>,
}

impl Store for MaskedStore {
    fn commit(&self, mut commit: Commit) -> BoxFuture<'_, Result<Committed, Fault>> {
        let masker = self.known.masker();
        if !masker.is_empty() {
            for event in &mut commit.events {
                event.message = masker.text(&event.message).into_owned();
                masker.tree(&mut event.details);
            }
        }
        self.inner.commit(commit)
    }

    fn get<'a>(&'a self, kind: DocumentKind, key: &'a str) -> BoxFuture<'a, Result<Option<Body>, Fault>> {
        self.inner.get(kind, key)
    }

    fn list(&self, kind: DocumentKind, listing: Listing) -> BoxFuture<'_, Result<Vec<Body>, Fault>> {
        self.inner.list(kind, listing)
    }

    fn snapshot<'a>(&'a self, kinds: &'a [DocumentKind]) -> BoxFuture<'a, Result<Snapshot, Fault>> {
        self.inner.snapshot(kinds)
    }

    fn events<'a>(
        &'a self,
        after: u64,
        deployment: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        self.inner.events(after, deployment, limit)
    }

    fn history<'a>(&'a self, question: &'a history::Question) -> BoxFuture<'a, Result<history::Page, Fault>> {
        self.inner.history(question)
    }

    fn sums<'a>(&'a self, range: &'a Range) -> BoxFuture<'a, Result<BTreeMap<EnvironmentName, Sums>, Fault>> {
        self.inner.sums(range)
    }

    fn last_event(&self) -> BoxFuture<'_, Result<u64, Fault>> {
        self.inner.last_event()
    }

    fn wait_event(&self, after: u64) -> BoxFuture<'_, ()> {
        self.inner.wait_event(after)
    }
}

/// Logs of deployments into which no value is written.
pub(crate) struct MaskedLogs {
    pub(crate) inner: Arc<dyn Logs>,
    pub(crate) known: Arc<Known>,
}

impl Logs for MaskedLogs {
    fn append(&self, name: &str, lines: &[String]) -> Result<(), Fault> {
        let masker = self.known.masker();
        if masker.is_empty() {
            return self.inner.append(name, lines);
        }
        let mut lines = lines.to_vec();
        masker.lines(&mut lines);
        self.inner.append(name, &lines)
    }

    fn read(&self, name: &str, from: LogPosition, lines_max: usize) -> Result<LogPage, Fault> {
        self.inner.read(name, from, lines_max)
    }

    fn tail(&self, name: &str, lines_max: usize) -> Result<Vec<String>, Fault> {
        self.inner.tail(name, lines_max)
    }

    fn holds(&self, folder: &str) -> Result<bool, Fault> {
        self.inner.holds(folder)
    }

    fn remove(&self, folder: &str) -> Result<bool, Fault> {
        self.inner.remove(folder)
    }
}

/// Questions whose answers are told without values.
pub(crate) struct MaskedProber {
    pub(crate) inner: Arc<dyn Prober>,
    pub(crate) known: Arc<Known>,
}

impl Prober for MaskedProber {
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer> {
        async move {
            let mut answer = self.inner.ask(question).await;
            let masker = self.known.masker();
            if !masker.is_empty() {
                answer.got = masker.text(&answer.got).into_owned();
                answer.expected = masker.text(&answer.expected).into_owned();
            }
            answer
        }
        .boxed()
    }
}
