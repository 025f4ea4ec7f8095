//! What a group of commits writes, gathered so that each table is written by few statements: a document that several
//! commits write is written once, as the last of them says.
//!
//! Not here: whether a commit may be written (`revisions`).

use std::collections::BTreeMap;

use shipway_core::{
    event::EventBody,
    ports::Fault,
    store::{Commit, Committed, Document, DocumentKind},
    time::Timestamp,
};
use sqlx::AnyConnection;

use crate::{
    sql::sql_fault,
    statement::{ROWS, Statement},
    writer::Counters,
};

/// Where documents of a sort are.
struct Table {
    put: Statement,
    remove: Statement,
}

static PRESENT: Table = Table {
    put: Statement::rows(
        "INSERT INTO present (kind, key, scope, position, body) VALUES ",
        5,
        " ON CONFLICT (kind, key) DO UPDATE SET scope = excluded.scope, position = excluded.position, body = excluded.body",
    ),
    remove: Statement::rows("DELETE FROM present WHERE (kind, key) IN (VALUES ", 2, ")"),
};
/// Its indexes are left alone by a change of the body.
static PAST: Table = Table {
    put: Statement::rows(
        "INSERT INTO past (kind, key, scope, position, body) VALUES ",
        5,
        " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
    ),
    remove: Statement::rows("DELETE FROM past WHERE (kind, key) IN (VALUES ", 2, ")"),
};
static FORGET: Statement = Statement::list("DELETE FROM event WHERE seq IN (", ")");
static EVENTS: Statement = Statement::rows("INSERT INTO event (seq, at, deployment, body) VALUES ", 4, "");

/// Splits into pieces for which there are statements.
pub(crate) fn chunks<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    std::iter::from_fn(move || {
        let size = ROWS.iter().find(|size| **size <= rest.len())?;
        let (chunk, others) = rest.split_at(*size);
        rest = others;
        Some(chunk)
    })
}

/// Documents by kind and key; none where one goes.
pub(crate) type Written = BTreeMap<(DocumentKind, String), Option<Document>>;

/// Rows of a group.
pub(crate) struct Rows {
    counters: Counters,
    documents: Written,
    forgets: Vec<u64>,
    events: Vec<(u64, Timestamp, EventBody)>,
}

impl Rows {
    /// None yet, after what was written before.
    pub(crate) fn after(counters: Counters) -> Self {
        Self { counters, documents: BTreeMap::new(), forgets: Vec::new(), events: Vec::new() }
    }

    /// Adds a commit, and says where it stands.
    pub(crate) fn add(&mut self, commit: Commit) -> Committed {
        for document in commit.puts {
            self.documents.insert((document.kind, document.key.clone()), Some(document));
        }
        for removed in commit.deletes {
            self.documents.insert(removed, None);
        }
        self.counters.generation += 1;
        self.forgets.extend(commit.forgets);
        for event in commit.events {
            self.counters.event += 1;
            self.events.push((self.counters.event, commit.at, event));
        }
        Committed { generation: self.counters.generation, last_event: self.counters.event }
    }

    /// Writes all rows.
    pub(crate) async fn write(&self, connection: &mut AnyConnection) -> Result<(), Fault> {
        for (table, is_past) in [(&PRESENT, false), (&PAST, true)] {
            let mine = || self.documents.iter().filter(|((kind, _), _)| kind.is_past() == is_past);
            let gone: Vec<_> = mine().filter(|(_, document)| document.is_none()).map(|(name, _)| name).collect();
            remove(connection, &table.remove, &gone).await?;
            let written: Vec<_> = mine().filter_map(|(_, document)| document.as_ref()).collect();
            put(connection, &table.put, &written).await?;
        }
        forget_events(connection, &self.forgets).await?;
        write_events(connection, &self.events).await?;
        write_counters(connection, self.counters).await
    }

    /// What is written of documents.
    pub(crate) fn documents(&self) -> &Written {
        &self.documents
    }

    /// What is written then: documents by key, those that go as none, and the numbers of the last commit.
    pub(crate) fn end(self) -> (Written, Counters) {
        (self.documents, self.counters)
    }
}

async fn remove(
    connection: &mut AnyConnection,
    statement: &'static Statement,
    gone: &[&(DocumentKind, String)],
) -> Result<(), Fault> {
    for gone in chunks(gone) {
        let query = gone
            .iter()
            .fold(statement.query(gone.len()), |query, (kind, key)| query.bind(kind.name()).bind(key.clone()));
        query.execute(&mut *connection).await.map_err(|error| sql_fault("removing documents", &error))?;
    }
    Ok(())
}

async fn put(
    connection: &mut AnyConnection,
    statement: &'static Statement,
    documents: &[&Document],
) -> Result<(), Fault> {
    for documents in chunks(documents) {
        let query = documents.iter().fold(statement.query(documents.len()), |query, one| {
            let query = query.bind(one.kind.name()).bind(one.key.clone()).bind(one.scope.clone());
            query.bind(one.order).bind(one.body.to_text())
        });
        query.execute(&mut *connection).await.map_err(|error| sql_fault("writing documents", &error))?;
    }
    Ok(())
}

/// Removes events, and counts those that were there: so it is known later how many there should be.
async fn forget_events(connection: &mut AnyConnection, forgets: &[u64]) -> Result<(), Fault> {
    const COUNT: &str = "INSERT INTO counter (name, value) VALUES ('forgotten', $1) \
         ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value";
    let fault = |error| sql_fault("forgetting events", &error);
    let mut gone = 0;
    for forgets in chunks(forgets) {
        let seq = |seq: &u64| i64::try_from(*seq).unwrap_or(i64::MAX);
        let query = forgets.iter().fold(FORGET.query(forgets.len()), |query, forgotten| query.bind(seq(forgotten)));
        gone += query.execute(&mut *connection).await.map_err(fault)?.rows_affected();
    }
    if gone == 0 {
        return Ok(());
    }
    let gone = i64::try_from(gone).unwrap_or(i64::MAX);
    sqlx::query(COUNT).bind(gone).execute(connection).await.map(|_| ()).map_err(fault)
}

async fn write_events(connection: &mut AnyConnection, events: &[(u64, Timestamp, EventBody)]) -> Result<(), Fault> {
    for events in chunks(events) {
        let query = events.iter().fold(EVENTS.query(events.len()), |query, (seq, at, event)| {
            let body = serde_json::to_string(event).expect("an event holds nothing that JSON can't");
            let query = query.bind(i64::try_from(*seq).unwrap_or(i64::MAX)).bind(at.0);
            query.bind(event.deployment.as_ref().map(ToString::to_string)).bind(body)
        });
        query.execute(&mut *connection).await.map_err(|error| sql_fault("writing events", &error))?;
    }
    Ok(())
}

async fn write_counters(connection: &mut AnyConnection, counters: Counters) -> Result<(), Fault> {
    const BOTH: &str = "UPDATE counter SET value = CASE name WHEN 'generation' THEN $1 ELSE $2 END \
         WHERE name IN ('generation', 'event')";
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let query = sqlx::query(BOTH).bind(number(counters.generation)).bind(number(counters.event));
    query.execute(connection).await.map_err(|error| sql_fault("writing the counters", &error))?;
    Ok(())
}
