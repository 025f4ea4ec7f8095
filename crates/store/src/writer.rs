//! The one writer: commits have one order, and those that wait together share one transaction of the database.

use shipway_core::{
    ports::Fault,
    store::{Commit, Committed},
};
use sqlx::{AnyConnection, AnyPool, Connection, Row};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{revisions::Revisions, rows::Rows, sql::sql_fault};

/// Commits that wait for the writer.
const QUEUE_MAX: usize = 1024;
/// Commits that share a transaction.
const GROUP_MAX: usize = 256;

type Answer = oneshot::Sender<Result<Committed, Fault>>;

pub(crate) struct Writer {
    queue: mpsc::Sender<(Commit, Answer)>,
}

impl Writer {
    pub(crate) async fn start(pool: AnyPool, newest: watch::Sender<u64>) -> Result<Self, Fault> {
        let mut connection = pool.acquire().await.map_err(|error| sql_fault("opening the database", &error))?.detach();
        let counters = Counters::read(&mut connection).await?;
        newest.send_replace(counters.event);
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(write(pool, connection, counters, waiting, newest));
        Ok(Self { queue })
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, Fault> {
        let gone = || Fault::unavailable("the store has stopped writing").with_hint("restart the server");
        let (answer, answered) = oneshot::channel();
        self.queue.send((commit, answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
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

async fn write(
    pool: AnyPool,
    mut connection: AnyConnection,
    mut counters: Counters,
    mut waiting: mpsc::Receiver<(Commit, Answer)>,
    newest: watch::Sender<u64>,
) {
    let mut group = Vec::new();
    while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
        let (commits, answers): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        let count = commits.len();
        let results = match write_group(&mut connection, counters, commits).await {
            Ok((after, results)) => {
                counters = after;
                results
            }
            Err(fault) => {
                // What a failed transaction left on the connection must not reach the next one; and whether it was
                // committed after all is only known by reading.
                if let Ok(fresh) = pool.acquire().await {
                    connection = fresh.detach();
                    counters = Counters::read(&mut connection).await.unwrap_or(counters);
                }
                vec![Err(fault); count]
            }
        };
        newest.send_replace(counters.event);
        for (answer, result) in answers.into_iter().zip(results) {
            // Whoever asked may be gone; the commit stands.
            let _ = answer.send(result);
        }
    }
}

type GroupResult = Result<(Counters, Vec<Result<Committed, Fault>>), Fault>;

async fn write_group(connection: &mut AnyConnection, counters: Counters, commits: Vec<Commit>) -> GroupResult {
    let fault = |error| sql_fault("writing", &error);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    let mut revisions = Revisions::read(&mut transaction, &commits).await?;
    let mut rows = Rows::after(counters);
    let results = commits.into_iter().map(|commit| revisions.admit(&commit).map(|()| rows.add(commit))).collect();
    revisions.write(&mut transaction).await?;
    let counters = rows.write(&mut transaction).await?;
    transaction.commit().await.map_err(fault)?;
    Ok((counters, results))
}
