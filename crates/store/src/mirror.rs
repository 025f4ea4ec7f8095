//! What the database holds, in memory too: everything that is, and of what was, what was used last. The one writer
//! keeps it equal to the database, so whoever reads it waits for no disk.
//!
//! Not here: events, and long listings of what was: these are read where they lie (`sql`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;
use shipway_core::{
    ports::Fault,
    store::{Body, Document, DocumentKind, Listing, Snapshot},
};
use sqlx::{AnyConnection, Row};

use crate::{
    rows::Written,
    shelves::{Shelves, refuse_past},
    sql::sql_fault,
};

/// How many documents of what was are kept, those that were used last.
const PAST_MAX: usize = 2048;

/// Documents of the database, as they are at one commit.
pub(crate) struct Mirror(Mutex<Held>);

struct Held {
    present: Shelves,
    past: LruCache<(DocumentKind, String), Body>,
    generation: u64,
}

/// What is known of a document.
pub(crate) enum Known {
    /// All.
    Document(Option<Body>),
    /// Nothing, as of a commit.
    Nothing(u64),
}

impl Mirror {
    /// Reads everything that is.
    pub(crate) async fn read(connection: &mut AnyConnection, generation: u64) -> Result<Self, Fault> {
        Ok(Self(Mutex::new(Held { present: present(connection).await?, past: LruCache::new(PAST_MAX), generation })))
    }

    /// Reads everything that is again: what was held may not be so.
    pub(crate) async fn reread(&self, connection: &mut AnyConnection, generation: u64) -> Result<(), Fault> {
        let fresh = Self::read(connection, generation).await?;
        *self.held() = fresh.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(())
    }

    /// Takes over what was committed.
    pub(crate) fn follow(&self, written: Written, generation: u64) {
        let mut held = self.held();
        for ((kind, key), document) in written {
            match (kind.is_past(), document) {
                (true, Some(document)) => drop(held.past.insert((kind, key), document.body)),
                (true, None) => drop(held.past.remove(&(kind, key))),
                (false, Some(document)) => held.present.put(document),
                (false, None) => held.present.remove(kind, &key),
            }
        }
        held.generation = generation;
    }

    /// One document.
    pub(crate) fn get(&self, kind: DocumentKind, key: &str) -> Known {
        let mut held = self.held();
        if !kind.is_past() {
            return Known::Document(held.present.get(kind, key).cloned());
        }
        match held.past.get(&(kind, key.to_owned())) {
            Some(body) => Known::Document(Some(body.clone())),
            None => Known::Nothing(held.generation),
        }
    }

    /// Keeps a document that was read from the database after a commit, unless there was another commit since.
    pub(crate) fn keep(&self, kind: DocumentKind, key: &str, body: &Body, after: u64) {
        let mut held = self.held();
        if held.generation == after {
            held.past.insert((kind, key.to_owned()), body.clone());
        }
    }

    /// Documents of what was that are held, in place of those that were read.
    pub(crate) fn prefer_held(&self, kind: DocumentKind, read: Vec<(String, String)>) -> Vec<Body> {
        let mut held = self.held();
        let body = |(key, text)| held.past.get(&(kind, key)).cloned().unwrap_or_else(|| Body::text(text));
        read.into_iter().map(body).collect()
    }

    /// Documents of a kind that is.
    pub(crate) fn list(&self, kind: DocumentKind, listing: &Listing) -> Vec<Body> {
        self.held().present.list(kind, listing)
    }

    /// All documents of kinds that are.
    pub(crate) fn snapshot(&self, kinds: &[DocumentKind]) -> Result<Snapshot, Fault> {
        refuse_past(kinds)?;
        let held = self.held();
        let bodies = |kind: &DocumentKind| held.present.all(*kind).map(|document| document.body.clone()).collect();
        Ok((held.generation, kinds.iter().map(bodies).collect()))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing that is done under the lock can panic half way but for want of memory.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn present(connection: &mut AnyConnection) -> Result<Shelves, Fault> {
    let fault = |error: sqlx::Error| sql_fault("reading what is recorded", &error);
    let mut shelves = Shelves::default();
    for kind in DocumentKind::ALL.into_iter().filter(|kind| !kind.is_past()) {
        let query = sqlx::query("SELECT key, scope, position, body FROM present WHERE kind = $1").bind(kind.name());
        for row in query.fetch_all(&mut *connection).await.map_err(fault)? {
            let body: String = row.try_get(3).map_err(fault)?;
            shelves.put(Document {
                kind,
                key: row.try_get(0).map_err(fault)?,
                scope: row.try_get(1).map_err(fault)?,
                order: row.try_get(2).map_err(fault)?,
                body: Body::text(body),
            });
        }
    }
    Ok(shelves)
}
