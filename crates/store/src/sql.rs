//! The store over SQL: reading, from memory what can be (`mirror`). Writing is the writer's (`writer`), so that commits
//! have one order.

use std::{
    collections::BTreeMap, fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc, time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    event::{Event, EventBody},
    history::{Page, Question, Range, Sums},
    id::EnvironmentName,
    ports::{Fault, FaultKind},
    store::{Body, Commit, Committed, DocumentKind, Listing, Snapshot, Store},
    time::Timestamp,
};
use sqlx::{
    AnyConnection, AnyPool, Connection, Executor, Row,
    any::{AnyConnectOptions, AnyPoolOptions, AnyRow},
    migrate::{Migration, MigrationType, Migrator},
};
use tokio::sync::watch;

use crate::{
    history_read,
    mirror::{Known, Mirror},
    writer::Writer,
};

const READERS_MAX: u32 = 4;
const ACQUIRE_S_MAX: u64 = 10;
/// FULL: a commit that was answered survives the loss of power.
const PRAGMAS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000; \
     PRAGMA cache_size=-8000; PRAGMA wal_autocheckpoint=4000;";

/// Documents and events in an SQL database.
pub struct SqlStore {
    pool: AnyPool,
    writer: Writer,
    mirror: Arc<Mirror>,
    newest_event: watch::Receiver<u64>,
}

impl SqlStore {
    /// Opens the SQLite database at a path, making or migrating it as needed.
    ///
    /// # Errors
    /// The file can't be opened, is no database, or was written by a newer version.
    pub async fn open(path: &Path) -> Result<Arc<Self>, Fault> {
        sqlx::any::install_default_drivers();
        private(path)?;
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let fault = |error: sqlx::Error| {
            Fault::unavailable(format!("the database {} can't be opened: {error}", path.display()))
                .with_hint("check the folder's rights and free space; restore a backup when the file is damaged")
        };
        let options: AnyConnectOptions = url.parse().map_err(fault)?;
        try_file(&options).await.map_err(fault)?;
        let pool = AnyPoolOptions::new()
            .max_connections(READERS_MAX)
            // They are all in this process: none goes away by itself.
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_secs(ACQUIRE_S_MAX))
            .after_connect(|connection, _| async move { connection.execute(PRAGMAS).await.map(|_| ()) }.boxed())
            .connect_with(options)
            .await
            .map_err(fault)?;
        migrations().run(&pool).await.map_err(|error| {
            Fault::new(FaultKind::Corrupt, format!("the database {} does not fit: {error}", path.display()))
                .with_hint("it was probably written by a newer Shipway: use that version")
        })?;
        let (writer, mirror, newest_event) = Writer::start(pool.clone()).await?;
        Ok(Arc::new(Self { pool, writer, mirror, newest_event }))
    }

    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    async fn read(&self, kind: DocumentKind, key: &str) -> Result<Option<Body>, Fault> {
        let fault = |error| sql_fault("reading a document", &error);
        let query = sqlx::query("SELECT body FROM past WHERE kind = $1 AND key = $2").bind(kind.name());
        let row = query.bind(key.to_owned()).fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| row.try_get::<String, _>(0).map(Body::text).map_err(fault)).transpose()
    }

    /// Keys and bodies.
    async fn read_listing(&self, kind: DocumentKind, listing: Listing) -> Result<Vec<(String, String)>, Fault> {
        let rows = sqlx::query(listing_sql(&listing))
            .bind(kind.name())
            .bind(listing.before.unwrap_or(i64::MAX))
            .bind(i64::from(listing.limit))
            .bind(listing.scope.clone())
            .bind(format!("{}/", listing.scope))
            // What comes after the slash: everything below lies between the two.
            .bind(format!("{}0", listing.scope))
            .fetch_all(&self.pool)
            .await
            .map_err(|error| sql_fault("listing documents", &error))?;
        bodies(&rows)
    }
}

/// Opens the file once by itself: a pool would try again until its time is over, and then not say why.
async fn try_file(options: &AnyConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = AnyConnection::connect_with(options).await?;
    connection.execute(PRAGMAS).await?;
    connection.close().await
}

/// Makes the file for its owner's eyes only: it holds the variables of services. The journal beside it takes its rights.
fn private(path: &Path) -> Result<(), Fault> {
    let made = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    made.map(|_| ()).map_err(|error| {
        Fault::unavailable(format!("the database {} can't be opened: {error}", path.display()))
            .with_hint("check the folder's rights and free space")
    })
}

fn migrations() -> Migrator {
    const MIGRATIONS: [(i64, &str, &str); 1] = [(1, "documents", include_str!("../migrations/1_documents.sql"))];
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        let sql = sqlx::SqlStr::from_static(sql);
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(MIGRATIONS.into_iter().map(migration).collect())
}

/// An SQL error, with what was being done.
pub(crate) fn sql_fault(doing: &str, error: &sqlx::Error) -> Fault {
    let text = error.to_string();
    let fault = Fault::unavailable(format!("{doing}: {text}"));
    if text.contains("disk is full") || text.contains("disk I/O") {
        return fault.with_hint("free some space on the data folder's disk; what was running goes on");
    }
    fault
}

/// Places are found in an index alone, and only those that are wanted are read. Scopes compare byte by byte: what is
/// below `a` lies between `a/` and `a0`, as `0` follows `/`. Every text takes the same parameters, so the first two look
/// at those that they have no use for.
fn listing_sql(listing: &Listing) -> &'static str {
    const UP: &str = "SELECT key, body FROM past WHERE kind = $1 AND position < $2 AND $4 || $5 || $6 <> '' \
         ORDER BY position, key LIMIT $3";
    const DOWN: &str = "SELECT key, body FROM past WHERE kind = $1 AND position < $2 AND $4 || $5 || $6 <> '' \
         ORDER BY position DESC, key DESC LIMIT $3";
    const BELOW_UP: &str = "SELECT past.key, past.body FROM (SELECT kind, key, position FROM past WHERE kind = $1 \
         AND position < $2 AND scope >= $4 AND scope < $6 AND (scope = $4 OR scope >= $5) ORDER BY position, key LIMIT $3) \
         AS place JOIN past ON past.kind = place.kind AND past.key = place.key \
         ORDER BY place.position, place.key";
    const BELOW_DOWN: &str = "SELECT past.key, past.body FROM (SELECT kind, key, position FROM past WHERE kind = $1 \
         AND position < $2 AND scope >= $4 AND scope < $6 AND (scope = $4 OR scope >= $5) \
         ORDER BY position DESC, key DESC LIMIT $3) \
         AS place JOIN past ON past.kind = place.kind AND past.key = place.key \
         ORDER BY place.position DESC, place.key DESC";
    match (listing.scope.is_empty(), listing.newest_first) {
        (true, false) => UP,
        (true, true) => DOWN,
        (false, false) => BELOW_UP,
        (false, true) => BELOW_DOWN,
    }
}

fn bodies(rows: &[AnyRow]) -> Result<Vec<(String, String)>, Fault> {
    let fault = |error| sql_fault("reading a document", &error);
    rows.iter().map(|row| Ok((row.try_get(0).map_err(fault)?, row.try_get(1).map_err(fault)?))).collect()
}

fn event(row: &AnyRow) -> Result<Event, Fault> {
    let fault = |error: &sqlx::Error| sql_fault("reading an event", error);
    let seq: i64 = row.try_get(0).map_err(|error| fault(&error))?;
    let at: i64 = row.try_get(1).map_err(|error| fault(&error))?;
    let body: String = row.try_get(2).map_err(|error| fault(&error))?;
    let body: EventBody = serde_json::from_str(&body)
        .map_err(|error| Fault::new(FaultKind::Corrupt, format!("event {seq} can't be read: {error}")))?;
    Ok(Event { seq: seq.unsigned_abs(), id: format!("evt-{seq}"), at: Timestamp(at), body })
}

impl Store for SqlStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, Fault>> {
        self.writer.commit(commit).boxed()
    }

    fn get<'a>(&'a self, kind: DocumentKind, key: &'a str) -> BoxFuture<'a, Result<Option<Body>, Fault>> {
        async move {
            match self.mirror.get(kind, key) {
                Known::Document(document) => Ok(document),
                Known::Nothing(after) => {
                    let body = self.read(kind, key).await?;
                    if let Some(body) = &body {
                        self.mirror.keep(kind, key, body, after);
                    }
                    Ok(body)
                }
            }
        }
        .boxed()
    }

    fn list(&self, kind: DocumentKind, listing: Listing) -> BoxFuture<'_, Result<Vec<Body>, Fault>> {
        async move {
            match kind.is_past() {
                true => Ok(self.mirror.prefer_held(kind, self.read_listing(kind, listing).await?)),
                false => Ok(self.mirror.list(kind, &listing)),
            }
        }
        .boxed()
    }

    fn snapshot<'a>(&'a self, kinds: &'a [DocumentKind]) -> BoxFuture<'a, Result<Snapshot, Fault>> {
        async move { self.mirror.snapshot(kinds) }.boxed()
    }

    fn events<'a>(
        &'a self,
        after: u64,
        deployment: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        async move {
            let rows = sqlx::query(
                "SELECT seq, at, body FROM event WHERE seq > $1 AND ($2 = '' OR deployment = $2) ORDER BY seq LIMIT $3",
            )
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(deployment.unwrap_or_default().to_owned())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(|error| sql_fault("reading events", &error))?;
            rows.iter().map(event).collect()
        }
        .boxed()
    }

    fn history<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Page, Fault>> {
        history_read::page(&self.pool, question).boxed()
    }

    fn sums<'a>(&'a self, range: &'a Range) -> BoxFuture<'a, Result<BTreeMap<EnvironmentName, Sums>, Fault>> {
        history_read::sums(&self.pool, range).boxed()
    }

    fn last_event(&self) -> BoxFuture<'_, Result<u64, Fault>> {
        let newest = *self.newest_event.borrow();
        async move { Ok(newest) }.boxed()
    }

    fn wait_event(&self, after: u64) -> BoxFuture<'_, ()> {
        let mut newest = self.newest_event.clone();
        async move {
            // The sender lives as long as the store; when it is gone, nothing will come, and nobody waits.
            let _ = newest.wait_for(|seq| *seq > after).await;
        }
        .boxed()
    }
}
