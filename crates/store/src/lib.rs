//! Durable state: documents and events in SQL (or in memory, for simulations), artifacts and logs in folders.
//!
//! The only crate with SQL. Not here: what is written when, and what it means (`engine`, `core`). PostgreSQL and
//! S3-compatible storage come with deployments over many machines; the SQL text is already the part that both share.

mod archives;
mod artifacts;
mod batch;
mod history;
mod history_read;
mod logs;
mod memory;
mod mirror;
mod revisions;
mod rows;
mod secrets;
mod share;
mod shelves;
mod sources;
mod sql;
mod statement;
mod whole;
mod writer;

pub use self::{
    archives::FolderArchives,
    artifacts::FolderArtifacts,
    logs::FolderLogs,
    memory::{MemoryState, MemoryStore},
    secrets::{Chance, KEY_BYTES, KeySource, MASTER_KEYS_MAX, MasterKey, Sealer},
    share::Share,
    sources::FolderSources,
    sql::SqlStore,
};
