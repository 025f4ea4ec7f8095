//! A large file on its way to a client, read in chunks by threads that may block.

use std::{
    io,
    os::fd::OwnedFd,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::task::JoinHandle;

use crate::limits::FILE_CHUNK_BYTES;

/// A part of a file.
#[derive(Debug)]
pub(crate) struct FileSource {
    file: Arc<OwnedFd>,
    at: u64,
    left: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileSource {
    pub(crate) fn new(file: OwnedFd, at: u64, bytes: u64) -> Self {
        Self { file: Arc::new(file), at, left: bytes, reading: None }
    }

    /// That part of a file of which nothing was read yet.
    pub(crate) fn part(self, at: u64, bytes: u64) -> Self {
        Self { at, left: bytes, ..self }
    }

    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let reading = self.reading.get_or_insert_with(|| {
            let (file, at) = (self.file.clone(), self.at);
            let bytes = self.left.min(FILE_CHUNK_BYTES as u64) as usize;
            tokio::task::spawn_blocking(move || read_at(&file, at, bytes))
        });
        let chunk = ready!(reading.poll_unpin(cx)).unwrap_or_else(|error| Err(io::Error::other(error)));
        self.reading = None;
        if let Ok(chunk) = &chunk {
            self.at += chunk.len() as u64;
            self.left -= chunk.len() as u64;
        }
        Poll::Ready(Some(chunk))
    }
}

/// Reads at least one byte, and at most that many.
pub(crate) fn read_at(file: &OwnedFd, at: u64, bytes_max: usize) -> io::Result<Bytes> {
    let mut buffer = vec![0; bytes_max];
    let read = rustix::io::pread(file, &mut buffer, at)?;
    if read == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was sent"));
    }
    buffer.truncate(read);
    Ok(buffer.into())
}
