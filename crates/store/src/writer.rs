//! The one writer: commits have one order, and those that wait together share one transaction of the database.

use std::sync::Arc;

use shipway_core::{
    ports::Fault,
    store::{Commit, Committed},
};
use sqlx::{AnyConnection, AnyPool, Connection, Executor, Row};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{history::Histories, mirror::Mirror, revisions::Revisions, rows::Rows, sql::sql_fault};

/// Commits that wait for the writer.
const QUEUE_MAX: usize = 1024;
/// Commits that share a transaction.
const GROUP_MAX: usize = 512;
/// What the writer keeps of the database's pages: those that it writes again and again.
const CACHE: &str = "PRAGMA cache_size=-32000";

type Answer = oneshot::Sender<Result<Committed, Fault>>;

/// Where commits are handed in.
pub(crate) struct Writer {
    queue: mpsc::Sender<(Commit, Answer)>,
}

impl Writer {
    /// Starts writing; with what the database holds, and what tells its newest event.
    pub(crate) async fn start(pool: AnyPool) -> Result<(Self, Arc<Mirror>, watch::Receiver<u64>), Fault> {
        let mut connection = detached(&pool).await?;
        let counters = Counters::read(&mut connection).await?;
        let mirror = Arc::new(Mirror::read(&mut connection, counters.generation).await?);
        let (newest, newest_event) = watch::channel(counters.event);
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let writing = Writing {
            pool,
            connection,
            counters,
            mirror: mirror.clone(),
            revisions: Revisions::default(),
            histories: Histories::default(),
            newest,
            unsure: false,
        };
        tokio::spawn(writing.run(waiting));
        Ok((Self { queue }, mirror, newest_event))
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, Fault> {
        let gone = || Fault::unavailable("the store has stopped writing").with_hint("restart the server");
        let (answer, answered) = oneshot::channel();
        self.queue.send((commit, answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

async fn detached(pool: &AnyPool) -> Result<AnyConnection, Fault> {
    let fault = |error| sql_fault("opening the database", &error);
    let mut connection = pool.acquire().await.map_err(fault)?.detach();
    connection.execute(CACHE).await.map_err(fault)?;
    Ok(connection)
}

/// The numbers of the newest commit and of the newest event.
#[derive(Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) generation: u64,
    pub(crate) event: u64,
}

impl Counters {
    async fn read(connection: &mut AnyConnection) -> Result<Self, Fault> {
        Ok(Self { generation: counter(connection, "generation").await?, event: counter(connection, "event").await? })
    }
}

async fn counter(connection: &mut AnyConnection, name: &'static str) -> Result<u64, Fault> {
    let fault = |error| sql_fault("reading a counter", &error);
    let row = sqlx::query("SELECT value FROM counter WHERE name = $1").bind(name).fetch_one(connection).await;
    let value: i64 = row.map_err(fault)?.try_get(0).map_err(fault)?;
    Ok(value.unsigned_abs())
}

/// What the writer holds. Between two groups it is what the database holds, unless that is not sure.
struct Writing {
    pool: AnyPool,
    connection: AnyConnection,
    counters: Counters,
    mirror: Arc<Mirror>,
    revisions: Revisions,
    histories: Histories,
    newest: watch::Sender<u64>,
    /// Whether a transaction failed since: only by reading is it known whether it was committed after all.
    unsure: bool,
}

type Results = Vec<Result<Committed, Fault>>;

impl Writing {
    async fn run(mut self, mut waiting: mpsc::Receiver<(Commit, Answer)>) {
        let mut group = Vec::new();
        while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
            let (commits, answers): (Vec<_>, Vec<_>) = group.drain(..).unzip();
            let count = commits.len();
            let results = self.write(commits).await.unwrap_or_else(|fault| vec![Err(fault); count]);
            self.newest.send_replace(self.counters.event);
            for (answer, result) in answers.into_iter().zip(results) {
                // Whoever asked may be gone; the commit stands.
                let _ = answer.send(result);
            }
        }
    }

    async fn write(&mut self, commits: Vec<Commit>) -> Result<Results, Fault> {
        if self.unsure {
            self.make_sure().await?;
        }
        let written = self.write_group(commits).await;
        self.unsure = written.is_err();
        if self.unsure {
            // At once, so that nobody reads what no longer holds; if it can't be, before the next group.
            let _ = self.make_sure().await;
        }
        written
    }

    async fn write_group(&mut self, commits: Vec<Commit>) -> Result<Results, Fault> {
        let fault = |error| sql_fault("writing", &error);
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
        self.revisions.learn(&mut transaction, &commits).await?;
        let mut rows = Rows::after(self.counters);
        let mut admit = |commit: Commit| self.revisions.admit(&commit).map(|()| rows.add(commit));
        let results = commits.into_iter().map(&mut admit).collect();
        self.revisions.write(&mut transaction).await?;
        rows.write(&mut transaction).await?;
        self.histories.follow(&mut transaction, rows.documents()).await?;
        transaction.commit().await.map_err(fault)?;
        let (documents, counters) = rows.end();
        self.counters = counters;
        self.mirror.follow(documents, counters.generation);
        Ok(results)
    }

    /// Reads again what is held, over a connection that nothing failed on.
    async fn make_sure(&mut self) -> Result<(), Fault> {
        self.connection = detached(&self.pool).await?;
        self.revisions = Revisions::default();
        self.histories = Histories::default();
        self.counters = Counters::read(&mut self.connection).await?;
        self.mirror.reread(&mut self.connection, self.counters.generation).await?;
        self.unsure = false;
        Ok(())
    }
}
