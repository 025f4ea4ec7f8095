//! What is said through `instances/ID/control.sock`: one line of JSON each way. Not here: doing it.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    os::{
        fd::AsRawFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use shipway_core::spec::{ReloadSignal, StopSignal};

use crate::launch::PROTOCOL;

const SOCKET: &str = "control.sock";
/// The longest request, in bytes.
const REQUEST_BYTES_MAX: u64 = 4 * 1024;
/// How long a peer may take to write its request or read its answer, in milliseconds.
const PEER_MS_MAX: u64 = 1000;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) v: u32,
    #[serde(flatten)]
    pub(crate) verb: Verb,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "do")]
pub(crate) enum Verb {
    /// Stop the application with all its processes; answered when they are gone.
    Stop { signal: StopSignal, grace_ms: u64 },
    /// Have the application read its configuration anew; answered when its process has been sent the signal.
    Reload { signal: ReloadSignal },
    /// Say how the application is.
    Status,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reply {
    pub(crate) ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<u32>,
}

/// The socket by a path that fits into an address however long the folder's own path is. Valid while `folder` is open.
pub(crate) fn path(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()))
}

/// Listens; an earlier shim's socket is replaced.
pub(super) fn listen(folder: &Path) -> io::Result<UnixListener> {
    close(folder);
    let folder = File::open(folder)?;
    let listener = UnixListener::bind(path(&folder))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Removes the socket.
pub(super) fn close(folder: &Path) {
    let _ = fs::remove_file(folder.join(SOCKET));
}

/// Reads a request; one that can't be understood is answered with why.
pub(super) fn read(peer: &UnixStream) -> io::Result<Option<Request>> {
    peer.set_nonblocking(false)?;
    peer.set_read_timeout(Some(Duration::from_millis(PEER_MS_MAX)))?;
    peer.set_write_timeout(Some(Duration::from_millis(PEER_MS_MAX)))?;
    let mut line = String::new();
    BufReader::new(peer.take(REQUEST_BYTES_MAX)).read_line(&mut line)?;
    let version = serde_json::from_str::<serde_json::Value>(&line).ok().and_then(|value| value.get("v")?.as_u64());
    let refusal = match (version, serde_json::from_str::<Request>(&line)) {
        (Some(version), _) if version != u64::from(PROTOCOL) => {
            format!("version {version} is asked for, and this shim speaks version {PROTOCOL}")
        }
        (_, Ok(request)) => return Ok(Some(request)),
        (_, Err(error)) => format!("the request can't be understood: {error}"),
    };
    answer(peer, &Reply { error: Some(refusal), ..Reply::default() });
    Ok(None)
}

/// Answers; a peer that has gone misses it.
pub(super) fn answer(mut peer: &UnixStream, reply: &Reply) {
    if let Ok(mut line) = serde_json::to_vec(reply) {
        line.push(b'\n');
        let _ = peer.write_all(&line);
    }
}

/// The kernel's signal for a reload.
pub(super) fn reload_signal(signal: ReloadSignal) -> Signal {
    match signal {
        ReloadSignal::Hup => Signal::HUP,
        ReloadSignal::Usr1 => Signal::USR1,
        ReloadSignal::Usr2 => Signal::USR2,
    }
}

/// The kernel's signal.
pub(crate) fn kernel_signal(signal: StopSignal) -> Signal {
    match signal {
        StopSignal::Term => Signal::TERM,
        StopSignal::Int => Signal::INT,
        StopSignal::Quit => Signal::QUIT,
        StopSignal::Hup => Signal::HUP,
        StopSignal::Usr1 => Signal::USR1,
        StopSignal::Usr2 => Signal::USR2,
    }
}
