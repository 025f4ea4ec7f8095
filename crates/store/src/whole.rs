//! The database as a whole: a copy of it while it is written, and whether it is sound.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use shipway_core::ports::Fault;
use sqlx::Row;

use crate::sql::{SqlStore, sql_fault};

/// Faults that a check of the database names.
const FAULTS_MAX: usize = 20;

impl SqlStore {
    /// Writes a copy of the database, as of one commit, to where no file is. Commits go on meanwhile.
    ///
    /// # Errors
    /// There is a file, or no room.
    pub async fn copy_into(&self, file: &Path) -> Result<(), Fault> {
        let fault = |error| {
            sql_fault(&format!("copying the database to {}", file.display()), &error)
                .with_hint("check that folder's rights and free space: the copy is as large as the database")
        };
        let query = sqlx::query("VACUUM INTO $1").bind(file.to_string_lossy().into_owned());
        query.execute(self.pool()).await.map_err(fault)?;
        // It holds the variables of services.
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))
            .map_err(|error| Fault::io(format!("closing {} for others", file.display()), &error))
    }

    /// What is wrong with the database: its pages, its indexes, the sequence of events. Nothing when it is sound. It
    /// reads all of it.
    ///
    /// # Errors
    /// It can't be read at all.
    pub async fn faults(&self) -> Result<Vec<String>, Fault> {
        let fault = |error| sql_fault("checking the database", &error);
        let mut faults = Vec::new();
        let rows = sqlx::query("PRAGMA integrity_check").fetch_all(self.pool()).await.map_err(fault)?;
        for row in rows.iter().take(FAULTS_MAX) {
            let line: String = row.try_get(0).map_err(fault)?;
            faults.extend(Some(line).filter(|line| line != "ok"));
        }
        const EVENTS: &str = "SELECT count(*), coalesce(max(seq), 0), \
             (SELECT value FROM counter WHERE name = 'event'), \
             coalesce((SELECT value FROM counter WHERE name = 'forgotten'), 0) FROM event";
        let row = sqlx::query(EVENTS).fetch_one(self.pool()).await.map_err(fault)?;
        let number = |at: usize| row.try_get::<i64, _>(at).map_err(fault);
        let (count, last, counted, forgotten) = (number(0)?, number(1)?, number(2)?, number(3)?);
        if count + forgotten != counted {
            faults.push(format!("there are {count} events, and there should be {}", counted - forgotten));
        }
        if last > counted {
            faults.push(format!("the newest event is {last}, and {counted} were counted"));
        }
        Ok(faults)
    }
}
