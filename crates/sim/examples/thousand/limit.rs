//! SQLite's own commit limit on this disk: one row, one durable commit, the next, with the pragmas that the store sets.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{AnyConnection, Connection, Executor, any::install_default_drivers};

/// As in the store.
const PRAGMAS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS row (number INTEGER PRIMARY KEY, body TEXT NOT NULL)";
/// About what an event's row holds.
const BODY_BYTES: usize = 200;

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
