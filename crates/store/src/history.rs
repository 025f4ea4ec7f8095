//! The history of deployments in tables of its own, written in the transaction that writes the deployments' documents:
//! a row for each of them, and sums of those that ended, for each day and each block of days. Sums stay when the
//! deployments go that they count.
//!
//! Not here: how it is asked (`history_read`), and what an entry and a sum are (`core::history`).

use std::collections::BTreeMap;

use shipway_core::{
    history::{BLOCK_DAYS, Entry, Sums, day_of},
    ports::{Fault, FaultKind},
    store::{DocumentKind, entry_of},
};
use sqlx::{AnyConnection, Row};

use crate::{
    rows::{Written, chunks},
    sql::sql_fault,
    statement::Statement,
};

static READ: Statement = Statement::list("SELECT id, body FROM history WHERE id IN (", ")");
static PUT: Statement = Statement::rows(
    "INSERT INTO history (id, project, environment, kind, phase, status, actor, cause, created, body) VALUES ",
    10,
    " ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, status = excluded.status, cause = excluded.cause, \
     body = excluded.body",
);
static REMOVE: Statement = Statement::list("DELETE FROM history WHERE id IN (", ")");
static PUT_SERVICES: Statement = Statement::rows(
    "INSERT INTO history_service (project, service, created, id) VALUES ",
    4,
    " ON CONFLICT (project, service, created, id) DO NOTHING",
);
static REMOVE_SERVICES: Statement =
    Statement::rows("DELETE FROM history_service WHERE (project, service, created, id) IN (VALUES ", 4, ")");

/// Deployments under way whose rows are remembered: more, and they are read anew.
const KNOWN_MAX: usize = 4096;

/// What the rows of deployments under way say.
#[derive(Default)]
pub(crate) struct Histories(BTreeMap<String, Entry>);

/// A day's or a block's sum: project, span, start, environment.
type Bucket = (String, &'static str, i64, String);

/// What changes in a row.
struct Change {
    id: String,
    before: Option<Entry>,
    after: Option<Entry>,
}

impl Histories {
    /// Writes what these documents say of deployments.
    pub(crate) async fn follow(&mut self, connection: &mut AnyConnection, written: &Written) -> Result<(), Fault> {
        let deployments = written.iter().filter(|((kind, _), _)| *kind == DocumentKind::Deployment);
        let mut after: BTreeMap<String, Option<Entry>> = BTreeMap::new();
        for ((_, key), document) in deployments {
            // What nobody can read can't be found by what it says either.
            after.insert(key.clone(), document.as_ref().and_then(|document| entry_of(&document.body).ok()));
        }
        if after.is_empty() {
            return Ok(());
        }
        let mut before = self.before(connection, after.keys()).await?;
        let change = |(id, after): (String, Option<Entry>)| Change { before: before.remove(&id), id, after };
        let changes: Vec<_> = after.into_iter().map(change).filter(|one| one.before != one.after).collect();
        write_rows(connection, &changes).await?;
        write_services(connection, &changes).await?;
        write_sums(connection, &changes).await?;
        self.remember(changes);
        Ok(())
    }

    /// What the rows say so far; what is not known is read.
    async fn before(
        &self,
        connection: &mut AnyConnection,
        ids: impl Iterator<Item = &String>,
    ) -> Result<BTreeMap<String, Entry>, Fault> {
        let fault = |error| sql_fault("reading the history", &error);
        let mut found = BTreeMap::new();
        let mut unknown = Vec::new();
        for id in ids {
            match self.0.get(id) {
                Some(entry) => drop(found.insert(id.clone(), entry.clone())),
                None => unknown.push(id.clone()),
            }
        }
        for ids in chunks(&unknown) {
            let query = ids.iter().fold(READ.query(ids.len()), |query, id| query.bind(id.clone()));
            for row in query.fetch_all(&mut *connection).await.map_err(fault)? {
                let id: String = row.try_get(0).map_err(fault)?;
                let body: String = row.try_get(1).map_err(fault)?;
                found.insert(id, read(&body)?);
            }
        }
        Ok(found)
    }

    fn remember(&mut self, changes: Vec<Change>) {
        if self.0.len() > KNOWN_MAX {
            self.0.clear();
        }
        for Change { id, after, .. } in changes {
            match after.filter(|entry| !entry.phase.is_end()) {
                Some(entry) => drop(self.0.insert(id, entry)),
                None => drop(self.0.remove(&id)),
            }
        }
    }
}

/// A row's or a sum's body.
pub(crate) fn read<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, Fault> {
    serde_json::from_str(body)
        .map_err(|error| Fault::new(FaultKind::Corrupt, format!("the history holds what can't be read: {error}")))
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("the history holds nothing that JSON can't")
}

async fn write_rows(connection: &mut AnyConnection, changes: &[Change]) -> Result<(), Fault> {
    let fault = |error| sql_fault("writing the history", &error);
    let gone: Vec<_> = changes.iter().filter(|change| change.after.is_none()).map(|change| &change.id).collect();
    for ids in chunks(&gone) {
        let query = ids.iter().fold(REMOVE.query(ids.len()), |query, id| query.bind((*id).clone()));
        query.execute(&mut *connection).await.map_err(fault)?;
    }
    let put: Vec<_> = changes.iter().filter_map(|change| Some((&change.id, change.after.as_ref()?))).collect();
    for entries in chunks(&put) {
        let query = entries.iter().fold(PUT.query(entries.len()), |query, (id, entry)| {
            let query = query.bind((*id).clone()).bind(entry.project.to_string()).bind(entry.environment.to_string());
            let query = query.bind(entry.kind.clone()).bind(entry.phase.name()).bind(entry.status.clone());
            let cause = entry.cause.map_or("", shipway_core::deployment::Cause::name);
            query.bind(entry.actor.clone()).bind(cause).bind(entry.created_at.0).bind(text(entry))
        });
        query.execute(&mut *connection).await.map_err(fault)?;
    }
    Ok(())
}

async fn write_services(connection: &mut AnyConnection, changes: &[Change]) -> Result<(), Fault> {
    let (mut put, mut gone) = (Vec::new(), Vec::new());
    for Change { before, after, .. } in changes {
        let services = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.services.clone()).unwrap_or_default();
        let (old, new) = (services(before), services(after));
        put.extend(after.iter().flat_map(|entry| new.difference(&old).map(move |service| (entry, service.clone()))));
        gone.extend(before.iter().flat_map(|entry| old.difference(&new).map(move |service| (entry, service.clone()))));
    }
    for (statement, rows) in [(&REMOVE_SERVICES, &gone), (&PUT_SERVICES, &put)] {
        for rows in chunks(rows) {
            let query = rows.iter().fold(statement.query(rows.len()), |query, (entry, service)| {
                let query = query.bind(entry.project.to_string()).bind(service.to_string());
                query.bind(entry.created_at.0).bind(entry.id.to_string())
            });
            query.execute(&mut *connection).await.map_err(|error| sql_fault("writing the history", &error))?;
        }
    }
    Ok(())
}

/// The sums in which an ended deployment counts.
fn buckets(entry: &Entry) -> Vec<Bucket> {
    let Some(end) = entry.completed_at else { return Vec::new() };
    let (project, environment, day) = (entry.project.to_string(), entry.environment.to_string(), day_of(end));
    vec![
        (project.clone(), "day", day, environment.clone()),
        (project, "block", day.div_euclid(BLOCK_DAYS), environment),
    ]
}

async fn write_sums(connection: &mut AnyConnection, changes: &[Change]) -> Result<(), Fault> {
    let mut sums: BTreeMap<Bucket, Sums> = BTreeMap::new();
    for Change { before, after, .. } in changes.iter().filter(|change| change.after.is_some()) {
        for (entry, comes) in before.iter().map(|entry| (entry, false)).chain(after.iter().map(|entry| (entry, true))) {
            for bucket in buckets(entry) {
                if !sums.contains_key(&bucket) {
                    sums.insert(bucket.clone(), read_sum(connection, &bucket).await?);
                }
                let sum = sums.entry(bucket).or_default();
                if comes { sum.add(entry) } else { sum.take(entry) }
            }
        }
    }
    for (bucket, sum) in &sums {
        write_sum(connection, bucket, sum).await?;
    }
    Ok(())
}

async fn read_sum(connection: &mut AnyConnection, bucket: &Bucket) -> Result<Sums, Fault> {
    const ONE: &str =
        "SELECT body FROM history_sum WHERE project = $1 AND span = $2 AND start = $3 AND environment = $4";
    let fault = |error| sql_fault("reading the statistics", &error);
    let (project, span, start, environment) = bucket.clone();
    let query = sqlx::query(ONE).bind(project).bind(span).bind(start).bind(environment);
    let Some(row) = query.fetch_optional(connection).await.map_err(fault)? else { return Ok(Sums::default()) };
    read(&row.try_get::<String, _>(0).map_err(fault)?)
}

async fn write_sum(connection: &mut AnyConnection, bucket: &Bucket, sum: &Sums) -> Result<(), Fault> {
    const PUT: &str = "INSERT INTO history_sum (project, span, start, environment, body) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (project, span, start, environment) DO UPDATE SET body = excluded.body";
    const REMOVE: &str = "DELETE FROM history_sum WHERE project = $1 AND span = $2 AND start = $3 AND environment = $4";
    let (project, span, start, environment) = bucket.clone();
    let query = sqlx::query(if sum.is_empty() { REMOVE } else { PUT });
    let query = query.bind(project).bind(span).bind(start).bind(environment);
    let query = if sum.is_empty() { query } else { query.bind(text(sum)) };
    query.execute(connection).await.map(|_| ()).map_err(|error| sql_fault("writing the statistics", &error))
}
