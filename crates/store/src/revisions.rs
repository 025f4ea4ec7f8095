//! The revisions that commits are compared with: read together, compared in memory, written together. As there is one
//! writer, what was read or written once stays known.
//!
//! Not here: what else commits write (`rows`).

use std::collections::{BTreeMap, BTreeSet};

use shipway_core::{ports::Fault, store::Commit};
use sqlx::{AnyConnection, Row};

use crate::{rows::chunks, sql::sql_fault, statement::Statement};

static READ: Statement = Statement::list("SELECT key, revision FROM revision WHERE key IN (", ")");
static WRITE: Statement = Statement::rows(
    "INSERT INTO revision (key, revision) VALUES ",
    2,
    " ON CONFLICT (key) DO UPDATE SET revision = excluded.revision",
);

/// Revisions that are remembered: more, and all are read anew.
const KNOWN_MAX: usize = 16_384;

/// Revisions by what has them; 0 was never written.
#[derive(Default)]
pub(crate) struct Revisions {
    known: BTreeMap<String, u64>,
    raised: BTreeSet<String>,
}

impl Revisions {
    /// Reads all that these commits ask for and that is not known yet.
    pub(crate) async fn learn(&mut self, connection: &mut AnyConnection, commits: &[Commit]) -> Result<(), Fault> {
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        let asked = commits.iter().flat_map(|commit| commit.fences.iter().chain(&commit.raise));
        let asked: BTreeSet<String> = asked.map(|(what, _)| what.to_string()).collect();
        let keys: Vec<String> = asked.into_iter().filter(|key| !self.known.contains_key(key)).collect();
        let fault = |error| sql_fault("reading revisions", &error);
        for keys in chunks(&keys) {
            let query = keys.iter().fold(READ.query(keys.len()), |query, key| query.bind(key.clone()));
            self.known.extend(keys.iter().map(|key| (key.clone(), 0)));
            for row in query.fetch_all(&mut *connection).await.map_err(fault)? {
                let revision: i64 = row.try_get(1).map_err(fault)?;
                self.known.insert(row.try_get(0).map_err(fault)?, revision.unsigned_abs());
            }
        }
        Ok(())
    }

    /// Lets a commit pass when everything has the revision that it expects, and raises what it raises; else nothing
    /// has changed.
    pub(crate) fn admit(&mut self, commit: &Commit) -> Result<(), Fault> {
        for (what, expected) in commit.fences.iter().chain(&commit.raise) {
            let what = what.to_string();
            if self.known.get(&what).copied().unwrap_or(0) != *expected {
                return Err(Commit::conflict(&what, *expected));
            }
        }
        for (what, expected) in &commit.raise {
            self.known.insert(what.to_string(), expected + 1);
            self.raised.insert(what.to_string());
        }
        Ok(())
    }

    /// Writes what was raised.
    pub(crate) async fn write(&mut self, connection: &mut AnyConnection) -> Result<(), Fault> {
        let keys: Vec<String> = std::mem::take(&mut self.raised).into_iter().collect();
        for keys in chunks(&keys) {
            let query = keys.iter().fold(WRITE.query(keys.len()), |query, key| {
                let revision = self.known.get(key).copied().unwrap_or(0);
                query.bind(key.clone()).bind(i64::try_from(revision).unwrap_or(i64::MAX))
            });
            query.execute(&mut *connection).await.map_err(|error| sql_fault("raising revisions", &error))?;
        }
        Ok(())
    }
}
