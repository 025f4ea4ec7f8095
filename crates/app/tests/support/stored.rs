//! The database of a server that doesn't run: to put into it what only time or another version would.

use std::path::Path;

use shipway_core::store::{Commit, Store};
use shipway_store::SqlStore;

/// Reads the database of a data folder, and writes what comes of it.
pub fn rewrite(data: &Path, change: impl AsyncFnOnce(&dyn Store) -> Commit) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = SqlStore::open(&data.join("shipway.db")).await.expect("the database");
        let commit = change(&*store).await;
        store.commit(commit).await.expect("it is written");
    });
}
