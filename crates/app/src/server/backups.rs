//! Backups while the server runs: when somebody asks, and by the schedule that the server was told. Not here: what a
//! backup is (`backup`).

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Extension, Json, extract::rejection::JsonRejection, http::StatusCode};
use shipway_api::{BackupRequest, BackupStatus, BackupView};
use shipway_core::{
    command::{About as Where, Meaning},
    id::Actor,
    policy::Act,
    ports::{Clock, Fault},
    route::Epoch,
    store::Store,
    time::Timestamp,
};
use shipway_store::SqlStore;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{
    State,
    answer::{Answer, Rejected},
    time_and_ids::{SystemClock, random_hex},
};
use crate::{
    backup::{self, About, Source},
    place::BackupPlan,
};

/// How soon a backup that failed is tried again, unless the schedule is sooner.
const RETRY_MS: u64 = 30_000;

/// Takes backups of a server.
pub(super) struct Backups {
    store: Arc<SqlStore>,
    data: PathBuf,
    plan: Option<BackupPlan>,
    last: Mutex<Last>,
}

/// How the last ones by the schedule went.
#[derive(Default)]
struct Last {
    newest: Option<About>,
    took_ms: Option<u64>,
    fault: Option<String>,
}

impl Backups {
    /// Those of a data folder. What an earlier server took into the folder counts.
    pub(super) fn new(store: Arc<SqlStore>, data: PathBuf, plan: Option<BackupPlan>) -> Self {
        let newest = plan.as_ref().and_then(|plan| {
            let name = backup::names(&plan.to).ok()?.pop()?;
            backup::about(&plan.to, &name).ok()
        });
        Self { store, data, plan, last: Mutex::new(Last { newest, ..Last::default() }) }
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        // It is replaced field by field with what is true by itself: a panic elsewhere leaves nothing wrong.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one.
    async fn take(&self, folder: &Path) -> Result<About, Fault> {
        let begin = SystemClock.now();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| Fault::io(format!("making the backup folder {}", folder.display()), &error))?;
        let database = Passing(folder.join(format!("database-{}.new", random_hex::<8>())));
        self.store.copy_into(&database.0).await?;
        let store: &dyn Store = &*self.store;
        let epoch = store.find::<Epoch>(Epoch::KEY).await?.unwrap_or_default().number;
        let (data, into) = (self.data.clone(), folder.to_owned());
        let taken = tokio::task::spawn_blocking(move || {
            backup::take(&into, &Source { data: &data, database: &database.0, at: begin, epoch })
        });
        let about = taken.await.map_err(|error| Fault::unavailable(format!("the backup was cut off: {error}")))??;
        if self.plan.as_ref().is_some_and(|plan| plan.to == folder) {
            let took_ms = SystemClock.now().since_ms(begin);
            *self.last() = Last { newest: Some(about.clone()), took_ms: Some(took_ms), fault: None };
        }
        Ok(about)
    }

    /// How it goes; none without a schedule.
    pub(super) fn status(&self, now: Timestamp) -> Option<BackupStatus> {
        let plan = self.plan.as_ref()?;
        let last = self.last();
        Some(BackupStatus {
            folder: plan.to.clone(),
            every_ms: plan.every_ms,
            newest: last.newest.clone().map(|about| view(&plan.to, about)),
            age_ms: last.newest.as_ref().map(|about| now.since_ms(about.at)),
            took_ms: last.took_ms,
            fault: last.fault.clone(),
        })
    }

    /// Takes one whenever it is time, until the end.
    pub(super) async fn run(self: Arc<Self>, mut end: watch::Receiver<bool>) {
        let Some(plan) = self.plan.clone() else { return };
        loop {
            let since = self.last().newest.as_ref().map(|about| SystemClock.now().since_ms(about.at));
            let failed = self.last().fault.is_some();
            let due_ms = since.map_or(0, |since_ms| plan.every_ms.saturating_sub(since_ms));
            let wait_ms = if failed { due_ms.max(RETRY_MS.min(plan.every_ms)) } else { due_ms };
            let wait = Duration::from_millis(wait_ms);
            if tokio::time::timeout(wait, end.wait_for(|end| *end)).await.is_ok() {
                return;
            }
            if let Err(fault) = self.take_and_prune(&plan).await {
                warn!(%fault, "the backup failed");
                self.last().fault = Some(fault.to_string());
            }
        }
    }

    async fn take_and_prune(&self, plan: &BackupPlan) -> Result<(), Fault> {
        let about = self.take(&plan.to).await?;
        info!(copy = about.name, new_bytes = about.new_bytes, "took a backup");
        let (folder, keep) = (plan.to.clone(), plan.keep);
        let pruned = tokio::task::spawn_blocking(move || backup::prune(&folder, keep)).await;
        pruned.map_err(|error| Fault::unavailable(format!("removing old copies was cut off: {error}")))?.map(|_| ())
    }
}

/// A file that goes when nobody needs it any more.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // It may never have been written; one that stays is only untidy.
        let _ = fs::remove_file(&self.0);
    }
}

fn view(folder: &Path, about: About) -> BackupView {
    let About { name, at, files, bytes, new_bytes, .. } = about;
    BackupView { folder: folder.to_owned(), name, at, files, bytes, new_bytes }
}

/// Copies that a listing shows, the newest.
const LISTED_MAX: usize = 1000;

pub(super) async fn list(shared: State) -> Answer<Vec<BackupView>> {
    let Some(plan) = shared.backups.plan.clone() else { return Ok(Json(Vec::new())) };
    let listed = tokio::task::spawn_blocking(move || -> Result<Vec<BackupView>, Fault> {
        let names = backup::names(&plan.to)?;
        let newest = names.iter().rev().take(LISTED_MAX);
        Ok(newest.filter_map(|name| Some(view(&plan.to, backup::about(&plan.to, name).ok()?))).collect())
    });
    let listed = listed.await.map_err(|error| Fault::unavailable(format!("the listing was cut off: {error}")))?;
    Ok(Json(listed?))
}

pub(super) async fn create(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<BackupRequest>, JsonRejection>,
) -> Answer<BackupView> {
    let Json(body) = body?;
    shared.engine.permit(&Meaning::new("backup", Act::Administer, Where::Server), &actor).await?;
    if body.folder.is_some() && !actor.owner {
        let message = format!("{} may not name a folder on the server's machine", actor.name);
        return Err(Rejected::new(StatusCode::FORBIDDEN, message)
            .hint("leave it out: the backup goes where the server was told with --backup-to"));
    }
    let folder = match (body.folder, &shared.backups.plan) {
        (Some(folder), _) if !folder.is_absolute() => {
            return Err(Rejected::bad_request(format!("`{}` is no absolute path", folder.display())));
        }
        (Some(folder), _) if folder.starts_with(&shared.data) => {
            return Err(Rejected::bad_request(format!("{} is in the data folder itself", folder.display()))
                .hint("name a folder on another disk"));
        }
        (Some(folder), _) => folder,
        (None, Some(plan)) => plan.to.clone(),
        (None, None) => {
            return Err(Rejected::bad_request("no folder is named, and the server was told none")
                .hint("`shipway backup FOLDER`, or start the server with --backup-to FOLDER"));
        }
    };
    let about = shared.backups.take(&folder).await?;
    Ok(Json(view(&folder, about)))
}
