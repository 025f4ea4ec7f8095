//! Uploads: a project folder as a tar stream, unpacked below the data folder.

use std::{
    fs::DirEntry,
    io::{ErrorKind, Read},
    path::{Component, Path, PathBuf},
    time::{Duration, SystemTime},
};

use axum::{Extension, Json, body::Body, http::HeaderMap};
use futures_util::StreamExt;
use shipway_api::UploadView;
use shipway_config::read::FILES;
use shipway_core::{
    command::{About, Meaning},
    deployment::Source,
    id::Actor,
    policy::Act,
    ports::Fault,
};
use tokio::sync::mpsc;
use tracing::warn;

use super::{
    Shared, State,
    answer::{Answer, Rejected},
    time_and_ids::random_hex,
};

/// An id is the hex of that many bytes.
const ID_BYTES: usize = 16;
const ENTRIES_MAX: usize = 500_000;
const UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Pieces of the body that wait to be unpacked.
const PIECES_MAX: usize = 16;
/// How long an upload waits for somebody to deploy it.
const UNUSED_MAX: Duration = Duration::from_secs(24 * 3600);
/// Uploads that are removed at a time.
const SWEPT_MAX: usize = 100;

pub(super) async fn upload(
    shared: State,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Body,
) -> Answer<UploadView> {
    shared.engine.permit(&Meaning::new("upload", Act::Upload, About::Server), &actor).await?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    // The same key of the same caller names the same folder, so a repeated upload replaces itself and is not kept twice.
    let named = |key: &str| {
        let whose = format!("{} {key}", actor.token.as_deref().unwrap_or_default());
        blake3::hash(whose.as_bytes()).to_hex()[..ID_BYTES * 2].to_owned()
    };
    let id = key.map_or_else(random_hex::<ID_BYTES>, named);
    let folder = folder_of(&shared, &id);
    shared.engine.forget_folder(&folder).await?;
    if let Err(rejected) = receive(body, &folder).await {
        // Nobody can name an upload that was refused or broke off.
        let _ = tokio::fs::remove_dir_all(&folder).await;
        return Err(rejected);
    }
    sweep(&shared).await;
    let mut files = FILES.into_iter().filter(|name| folder.join(name).is_file());
    let file = files.next().map(str::to_owned);
    if files.next().is_some() {
        // Nobody can name it either.
        let _ = tokio::fs::remove_dir_all(&folder).await;
        return Err(Rejected::bad_request(format!("the upload holds {}: send one of them", FILES.join(" and "))));
    }
    Ok(Json(UploadView { id, file }))
}

/// Removes uploads that nobody deployed. What can't be removed now is tried again with the next upload.
pub(super) async fn sweep(shared: &Shared) {
    let wanted = match shared.engine.uploads_in_use().await {
        Ok(wanted) => wanted,
        Err(fault) => return warn!(%fault, "old uploads stay: what is in use can't be read"),
    };
    let folder = shared.data.join("uploads");
    let now = SystemTime::now();
    let is_old = |entry: &DirEntry| {
        let changed = entry.metadata().and_then(|data| data.modified());
        changed.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > UNUSED_MAX))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().filter(is_old);
    let unwanted = |entry: &DirEntry| entry.file_name().to_str().is_some_and(|id| !wanted.contains(id));
    for entry in entries.filter(unwanted).take(SWEPT_MAX) {
        if let Err(fault) = shared.engine.forget_folder(&entry.path()).await {
            warn!(%fault, "an old upload stays");
        }
    }
}

fn folder_of(shared: &Shared, id: &str) -> PathBuf {
    shared.data.join("uploads").join(id)
}

/// Refuses a source that names an upload which isn't there.
pub(super) fn known(shared: &Shared, source: &Source) -> Result<(), Rejected> {
    let Source::Upload(id) = source else { return Ok(()) };
    // An id is a name and never a path: what it names is removed when its deployment has ended.
    let named = id.len() == ID_BYTES * 2 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if named && folder_of(shared, id).is_dir() {
        return Ok(());
    }
    let hint = "send it again with POST /api/uploads; an upload goes when a deployment of it has ended";
    Err(Rejected::not_found(format!("there is no upload `{id}`")).hint(hint))
}

/// Unpacks the body as it comes.
async fn receive(body: Body, folder: &Path) -> Result<(), Rejected> {
    let (pieces, incoming) = mpsc::channel(PIECES_MAX);
    let into = folder.to_owned();
    let unpacked = tokio::task::spawn_blocking(move || unpack(Incoming { incoming, piece: Vec::new(), at: 0 }, &into));
    let mut body = body.into_data_stream();
    let mut broken = None;
    while let Some(piece) = body.next().await {
        match piece {
            // One that takes no more has refused it already: the rest is read so that the client hears why.
            Ok(piece) => drop(pieces.send(piece.to_vec()).await),
            Err(error) => {
                broken = Some(Rejected::bad_request(format!("the upload broke off: {error}")));
                break;
            }
        }
    }
    drop(pieces);
    let result = unpacked.await.unwrap_or_else(|error| Err(Fault::unavailable(format!("unpacking: {error}"))));
    match broken {
        Some(rejected) => Err(rejected),
        None => result.map_err(Rejected::from),
    }
}

/// The body as something that blocks.
struct Incoming {
    incoming: mpsc::Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Incoming {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.piece.len() {
            let Some(piece) = self.incoming.blocking_recv() else { return Ok(0) };
            (self.piece, self.at) = (piece, 0);
        }
        let count = into.len().min(self.piece.len() - self.at);
        into[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn unpack(body: impl Read, folder: &Path) -> Result<(), Fault> {
    let doing = |error: std::io::Error| Fault::io("unpacking the upload", &error);
    std::fs::create_dir_all(folder).map_err(doing)?;
    let mut archive = tar::Archive::new(body);
    let mut bytes = 0;
    for (count, entry) in archive.entries().map_err(not_tar)?.enumerate() {
        let mut entry = entry.map_err(not_tar)?;
        bytes += entry.size();
        if count >= ENTRIES_MAX || bytes > UNPACKED_BYTES_MAX {
            return Err(Fault::invalid("the upload holds too much").with_hint("leave files out with .gitignore"));
        }
        let path = entry.path().map_err(not_tar)?.into_owned();
        plain(&path)?;
        // `unpack_in` follows no link out of the folder.
        if !entry.unpack_in(folder).map_err(|error| not_unpacked(&path, &error))? {
            return Err(leaves(&path));
        }
    }
    Ok(())
}

/// What the archive itself is to blame for is told by no error of the system.
fn not_unpacked(path: &Path, error: &std::io::Error) -> Fault {
    let doing = format!("unpacking {} of the upload", path.display());
    match error.kind() {
        ErrorKind::Other | ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            Fault::invalid(format!("{doing}: {error}"))
        }
        _ => Fault::io(doing, error),
    }
}

fn not_tar(error: std::io::Error) -> Fault {
    Fault::invalid(format!("the upload is not a tar stream: {error}"))
}

fn leaves(path: &Path) -> Fault {
    Fault::invalid(format!("the upload holds {}, which leaves its folder", path.display()))
}

fn plain(path: &Path) -> Result<(), Fault> {
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if inside { Ok(()) } else { Err(leaves(path)) }
}
