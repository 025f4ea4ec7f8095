//! What is said to a keeper: one line each way over `keeper.sock`.
//!
//! `status`, `stop` and `upgrade PATH` are answered with a line of JSON. Not here: what they do (`keeper`).

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use shipway_core::ports::{Fault, FaultKind};

use crate::{
    limits::{KEEPER_LINE_BYTES_MAX, READY_MS_MAX, STOP_MS_MAX, ms},
    socket_path,
    wire::{CONTROL_SOCKET, ProxyStatus},
};

pub(crate) const KEEPER_SOCKET: &str = "keeper.sock";
/// How much longer than the keeper itself the one who asked waits.
const ANSWER_SLACK_MS: u64 = 5_000;

/// How a keeper and its proxy are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeeperStatus {
    /// The keeper's process.
    pub pid: u32,
    /// The proxy's process; none between its death and its restart.
    pub proxy_pid: Option<u32>,
    /// How often the proxy was started again since the keeper began.
    pub restarts: u64,
    /// The version of the protocol between keeper, proxy and control plane.
    pub protocol: u32,
    /// The program that the proxy runs.
    pub program: PathBuf,
    /// Where the proxy takes requests.
    pub address: SocketAddr,
    /// Where the proxy takes links.
    pub link_port: u16,
}

/// What a keeper answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Reply {
    Done,
    Status(KeeperStatus),
    Fault(Fault),
}

pub(crate) fn ask(folder: &Path, line: &str) -> Result<Reply, Fault> {
    let gone = |error: io::Error| {
        let at = folder.join(KEEPER_SOCKET);
        Fault::unavailable(format!("the proxy's keeper can't be reached at {}: {error}", at.display()))
            .with_hint("`shipway serve` starts it")
    };
    let answer = exchange(folder, line).map_err(gone)?;
    let reply = serde_json::from_str(&answer)
        .map_err(|error| Fault::new(FaultKind::Corrupt, format!("the keeper answered `{answer}`: {error}")))?;
    match reply {
        Reply::Fault(fault) => Err(fault),
        reply => Ok(reply),
    }
}

fn exchange(folder: &Path, line: &str) -> io::Result<String> {
    let mut stream = socket_path::connect(folder, KEEPER_SOCKET)?;
    stream.set_read_timeout(Some(ms(STOP_MS_MAX + READY_MS_MAX + ANSWER_SLACK_MS)))?;
    stream.write_all(format!("{line}\n").as_bytes())?;
    read_line(&stream)
}

/// Reads one line without its end.
pub(crate) fn read_line(stream: impl Read) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(stream.take(KEEPER_LINE_BYTES_MAX)).read_line(&mut line)?;
    match line.pop() {
        Some('\n') => Ok(line),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Asks the proxy who it is, without a runtime.
pub(crate) fn proxy_status(folder: &Path, span_ms_max: u64) -> io::Result<ProxyStatus> {
    let mut stream = socket_path::connect(folder, CONTROL_SOCKET)?;
    stream.set_read_timeout(Some(ms(span_ms_max)))?;
    stream.write_all(b"GET /status HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(KEEPER_LINE_BYTES_MAX).read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(serde_json::from_str(body)?)
}
