//! `shipway restore`: a backup becomes a data folder again. No server runs meanwhile.

use std::path::PathBuf;

use serde::Serialize;
use shipway_core::{
    audit::AuditEntry,
    command::{About as Where, Meaning},
    event::{EventBody, EventKind, EventStatus},
    id::Actor,
    policy::Act,
    ports::Fault,
    route::Epoch,
    store::{Commit, Guarded, Store},
    time::Timestamp,
};
use shipway_store::SqlStore;

use super::{Exit, Outcome, context::Context, errors::CliError, words};
use crate::backup::{self, About, Restored};

/// Put a backup back into an empty data folder
///
/// Everything is checked before anything gets its place: a damaged backup is named file by file, and changes nothing.
/// Then start a server on the folder: everything that ran at the time of the backup runs again.
#[derive(clap::Args)]
pub struct Args {
    /// The backup folder
    folder: PathBuf,
    /// Which copy in it; the newest when absent
    #[arg(long, value_name = "NAME")]
    copy: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    data: PathBuf,
    copy: String,
    at: Timestamp,
    files: u64,
    bytes: u64,
    epoch: u64,
    took_ms: u64,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let data = context.data()?;
    let begin = words::now();
    let Restored { about, database } = put_back(args, data.clone()).await?;
    let epoch = next_epoch(&database, &about).await?;
    let took_ms = words::now().since_ms(begin);
    let About { name, at, files, bytes, .. } = about;
    let told = Told { data, copy: name, at, files, bytes, epoch, took_ms };
    context.terminal.show(&told, |_| lines(&told));
    Ok(Exit::Done)
}

async fn put_back(args: Args, data: PathBuf) -> Result<Restored, CliError> {
    let restored =
        tokio::task::spawn_blocking(move || backup::restore(&args.folder, args.copy.as_deref(), &data)).await;
    let restored = restored.map_err(|error| CliError::Failed(format!("the restore was cut off: {error}")))?;
    Ok(restored?)
}

/// Whatever was told by the machine that is gone is older than what this store says from now on.
async fn next_epoch(database: &std::path::Path, about: &About) -> Result<u64, Fault> {
    let store = SqlStore::open(database).await?;
    let store: &dyn Store = &*store;
    let before = store.find::<Epoch>(Epoch::KEY).await?.unwrap_or_default();
    let next = Epoch { number: before.number + 1, revision: before.revision + 1 };
    let message = format!("the backup of {} was restored; its routes hold in epoch {}", about.at, next.number);
    let event = EventBody::new(EventKind::StoreRestored, EventStatus::Warning, "server", message);
    let now = words::now();
    let restored = Meaning::new("restore", Act::Administer, Where::Server).of(about.name.clone());
    // Whoever can write the folder owns it. Nothing of the copy has a place after this one.
    let (id, place) = (format!("restore-{}-{}", about.name, next.number), now.0.saturating_mul(1000));
    let entry = AuditEntry::new(id, place, &Actor::admin(), &restored, now);
    let commit = Commit::at(now).put(&next).raise(Guarded::Epoch, before.revision).event(event).put(&entry);
    store.commit(commit).await?;
    Ok(next.number)
}

fn lines(told: &Told) -> Vec<String> {
    vec![
        format!(
            "✓ {} is back in {}: {}, {}, in {}",
            told.copy,
            told.data.display(),
            words::count(told.files, "file"),
            words::size(told.bytes),
            words::span(told.took_ms)
        ),
        "  it has a new token, and no key that was not in the backup".to_owned(),
        format!("→ `shipway serve --data {}`, then `shipway doctor`", told.data.display()),
    ]
}
