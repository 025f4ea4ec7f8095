//! What commits cost on this disk: SQLite's own limit (one row, one durable commit, the next, with the pragmas that the
//! store sets), and what the store makes of it.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    ports::Fault,
    store::{Body, Commit, Document, DocumentKind, Store},
    time::Timestamp,
};
use shipway_store::SqlStore;
use sqlx::{AnyConnection, Connection, Executor, any::install_default_drivers};

/// As in the store.
const PRAGMAS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS row (number INTEGER PRIMARY KEY, body TEXT NOT NULL)";
/// About what an event's row holds.
const BODY_BYTES: usize = 200;
/// About what a deployment's document holds.
const DOCUMENT_BYTES: usize = 3000;

/// Commits a second, one after the other, for as long as that.
///
/// # Errors
/// The file can't be written.
pub async fn commits_per_s(folder: &Path, span: Duration) -> Result<f64, sqlx::Error> {
    install_default_drivers();
    let file = folder.join("limit.db");
    let mut connection = AnyConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await?;
    connection.execute(PRAGMAS).await?;
    connection.execute(TABLE).await?;
    let (begin, mut commits, body) = (Instant::now(), 0_u32, "x".repeat(BODY_BYTES));
    while begin.elapsed() < span {
        sqlx::query("INSERT INTO row (body) VALUES ($1)").bind(&body).execute(&mut connection).await?;
        commits += 1;
    }
    let rate = f64::from(commits) / begin.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(rate)
}

/// Commits a second of the store by so many that each commit a document with an event, one commit after the other.
///
/// # Errors
/// The store can't write.
pub async fn store_commits_per_s(folder: &Path, writers: usize, span: Duration) -> Result<f64, Fault> {
    let store = SqlStore::open(&folder.join(format!("limit-{writers}.db"))).await?;
    let begin = Instant::now();
    let writer = |number: usize| {
        let store = store.clone();
        tokio::spawn(async move { write(store, number, begin, span).await })
    };
    let ended = try_join_all((0..writers).map(writer)).await;
    let counts = ended.map_err(|error| Fault::unavailable(error.to_string()))?;
    let commits: u64 = counts.into_iter().sum::<Result<u64, Fault>>()?;
    Ok(commits as f64 / begin.elapsed().as_secs_f64())
}

async fn write(store: Arc<SqlStore>, number: usize, begin: Instant, span: Duration) -> Result<u64, Fault> {
    let mut commits = 0;
    while begin.elapsed() < span {
        let (key, scope, body) = (format!("d{number}"), "limit/limit".into(), "x".repeat(DOCUMENT_BYTES));
        let document = Document { kind: DocumentKind::Meta, key, scope, order: 0, body: Body::text(body) };
        let event = EventBody::new(EventKind::StepStarted, EventStatus::Running, "limit", "x".repeat(BODY_BYTES));
        let commit = Commit { puts: vec![document], ..Commit::at(Timestamp(0)) };
        store.commit(commit.event(event)).await?;
        commits += 1;
    }
    Ok(commits)
}
