//! Sends a project folder to a server on another machine: without what version control ignores, as a tar stream.

use std::{
    io::{self, Write},
    path::Path,
};

use bytes::Bytes;
use futures_util::stream;
use shipway_api::UploadView;
use shipway_config::read::{FILES, is_cue};
use shipway_core::ports::{Fault, Sources};
use shipway_store::FolderSources;
use tokio::sync::mpsc;

use super::{errors::CliError, remote::Remote};
use crate::spec_text::{self, Reach};

/// Chunks that are on their way; a slow network slows the reading.
const CHUNKS_MAX: usize = 16;
const CHUNK_BYTES: usize = 64 * 1024;

/// Sends a folder, and gives the upload's id.
///
/// # Errors
/// The folder can't be read, or the server says no.
pub async fn send(remote: &Remote, folder: &Path) -> Result<String, CliError> {
    let place = tempfile::tempdir().map_err(|error| Fault::io("making a temporary folder", &error))?;
    let copy = place.path().join("source");
    // Copied first, so that what is sent is just what a build on the server would take, and doesn't change meanwhile.
    FolderSources::default().copy(folder, &copy).await?;
    write_spec(folder, &copy)?;
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(CHUNKS_MAX);
    let packing = tokio::task::spawn_blocking(move || pack(&copy, sender));
    let chunks = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let sent: Result<UploadView, CliError> = remote.upload("/api/uploads", chunks).await;
    // A failure to pack has been sent as the stream's end, and is told by the call.
    let _ = packing.await;
    Ok(sent?.id)
}

/// Puts all that a spec in CUE draws in into its copy: some of it may lie outside of the folder, or be ignored.
fn write_spec(folder: &Path, copy: &Path) -> Result<(), CliError> {
    for name in FILES.into_iter().filter(|name| is_cue(name)) {
        if let Some(text) = spec_text::read(folder, name, Reach::Module)? {
            let file = copy.join(name);
            std::fs::write(&file, text).map_err(|error| Fault::io(format!("writing {}", file.display()), &error))?;
        }
    }
    Ok(())
}

fn pack(folder: &Path, sender: mpsc::Sender<io::Result<Bytes>>) {
    let chunks = Chunks { sender: sender.clone(), buffer: Vec::with_capacity(CHUNK_BYTES) };
    let mut tar = tar::Builder::new(chunks);
    tar.follow_symlinks(false);
    let packed = tar.append_dir_all(".", folder).and_then(|()| tar.into_inner()).and_then(|mut chunks| chunks.flush());
    if let Err(error) = packed {
        // When nobody listens any more, the call has failed and says why.
        let _ = sender.blocking_send(Err(error));
    }
}

/// Writes bytes as chunks into a channel.
struct Chunks {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        self.sender.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
