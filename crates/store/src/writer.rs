//! The one writer: commits have one order, and those that wait together share one transaction of the database.

use shipway_core::{
    event::EventBody,
    ports::{Fault, FaultKind},
    store::{Commit, Committed},
    time::Timestamp,
};
use sqlx::{AnyConnection, AnyPool, Connection, Row};
use tokio::sync::{mpsc, oneshot, watch};

use crate::sql::sql_fault;

/// Commits that wait for the writer.
const QUEUE_MAX: usize = 256;
/// Commits that share a transaction.
const GROUP_MAX: usize = 64;

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

#[derive(Clone, Copy)]
struct Counters {
    generation: u64,
    event: u64,
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
        let results = match write_group(&mut connection, counters, &commits).await {
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
                commits.iter().map(|_| Err(fault.clone())).collect()
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

async fn write_group(connection: &mut AnyConnection, mut counters: Counters, commits: &[Commit]) -> GroupResult {
    let fault = |error| sql_fault("writing", &error);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    let mut results = Vec::with_capacity(commits.len());
    for commit in commits {
        run(&mut transaction, "SAVEPOINT one").await?;
        match write_one(&mut transaction, counters, commit).await {
            Ok(after) => {
                counters = after;
                results.push(Ok(Committed { generation: after.generation, last_event: after.event }));
                run(&mut transaction, "RELEASE SAVEPOINT one").await?;
            }
            Err(conflict) if conflict.kind == FaultKind::Conflict => {
                results.push(Err(conflict));
                run(&mut transaction, "ROLLBACK TO SAVEPOINT one").await?;
            }
            Err(fault) => return Err(fault),
        }
    }
    transaction.commit().await.map_err(fault)?;
    Ok((counters, results))
}

async fn run(connection: &mut AnyConnection, sql: &'static str) -> Result<(), Fault> {
    sqlx::query(sql).execute(connection).await.map(|_| ()).map_err(|error| sql_fault("writing", &error))
}

async fn write_one(connection: &mut AnyConnection, counters: Counters, commit: &Commit) -> Result<Counters, Fault> {
    for (what, revision) in &commit.fences {
        keep_revision(connection, &what.to_string(), *revision).await?;
    }
    for (what, revision) in &commit.raise {
        raise_revision(connection, &what.to_string(), *revision).await?;
    }
    for document in &commit.puts {
        sqlx::query(
            "INSERT INTO document (kind, key, scope, position, body) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (kind, key) DO UPDATE SET scope = $3, position = $4, body = $5",
        )
        .bind(document.kind.name())
        .bind(document.key.clone())
        .bind(document.scope.clone())
        .bind(document.order)
        .bind(document.body.clone())
        .execute(&mut *connection)
        .await
        .map_err(|error| sql_fault("writing a document", &error))?;
    }
    for (kind, key) in &commit.deletes {
        sqlx::query("DELETE FROM document WHERE kind = $1 AND key = $2")
            .bind(kind.name())
            .bind(key.clone())
            .execute(&mut *connection)
            .await
            .map_err(|error| sql_fault("removing a document", &error))?;
    }
    let mut counters = Counters { generation: counters.generation + 1, ..counters };
    for event in &commit.events {
        counters.event += 1;
        append(connection, counters.event, commit.at, event).await?;
    }
    set_counter(connection, "generation", counters.generation).await?;
    set_counter(connection, "event", counters.event).await?;
    Ok(counters)
}

async fn raise_revision(connection: &mut AnyConnection, what: &str, expected: u64) -> Result<(), Fault> {
    const FIRST: &str = "INSERT INTO revision (key, revision) VALUES ($1, $2 + 1) ON CONFLICT (key) DO NOTHING";
    const NEXT: &str = "UPDATE revision SET revision = $2 + 1 WHERE key = $1 AND revision = $2";
    let revision = i64::try_from(expected).unwrap_or(i64::MAX - 1);
    let done = sqlx::query(if expected == 0 { FIRST } else { NEXT })
        .bind(what.to_owned())
        .bind(revision)
        .execute(connection)
        .await
        .map_err(|error| sql_fault("raising a revision", &error))?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Commit::conflict(what, expected)) }
}

async fn keep_revision(connection: &mut AnyConnection, what: &str, expected: u64) -> Result<(), Fault> {
    let fault = |error| sql_fault("reading a revision", &error);
    let row = sqlx::query("SELECT revision FROM revision WHERE key = $1").bind(what.to_owned());
    let row = row.fetch_optional(connection).await.map_err(fault)?;
    let revision: i64 = row.map_or(Ok(0), |row| row.try_get(0)).map_err(fault)?;
    if revision.unsigned_abs() == expected { Ok(()) } else { Err(Commit::conflict(what, expected)) }
}

async fn append(connection: &mut AnyConnection, seq: u64, at: Timestamp, event: &EventBody) -> Result<(), Fault> {
    let body = serde_json::to_string(event).expect("an event holds nothing that JSON can't");
    sqlx::query("INSERT INTO event (seq, at, deployment, body) VALUES ($1, $2, $3, $4)")
        .bind(i64::try_from(seq).unwrap_or(i64::MAX))
        .bind(at.0)
        .bind(event.deployment.as_ref().map(ToString::to_string))
        .bind(body)
        .execute(connection)
        .await
        .map_err(|error| sql_fault("writing an event", &error))?;
    Ok(())
}

async fn set_counter(connection: &mut AnyConnection, name: &'static str, value: u64) -> Result<(), Fault> {
    sqlx::query("UPDATE counter SET value = $2 WHERE name = $1")
        .bind(name)
        .bind(i64::try_from(value).unwrap_or(i64::MAX))
        .execute(connection)
        .await
        .map_err(|error| sql_fault("writing a counter", &error))?;
    Ok(())
}
