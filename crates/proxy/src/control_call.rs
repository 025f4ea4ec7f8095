//! One question over a control socket. Not here: patience (`client`), answers (`control`).

use std::{fs, io, os::unix::fs::symlink, path::Path};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use shipway_core::ports::{Fault, FaultKind, Traffic};
use tokio::net::UnixStream;

use crate::{
    file_write::beside,
    limits::CONTROL_ANSWER_BYTES_MAX,
    socket_path::ShortPath,
    wire::{CONTROL_SOCKET, PASS_ON_PATH, Refusal},
};

/// The control socket of one process; `control.sock` is a link to the one in charge.
pub(crate) fn control_socket_of(boot: &str) -> String {
    format!("control-{boot}.sock")
}

/// Makes the known name lead to a process' own socket.
pub(crate) fn take_charge(folder: &Path, name: &str) -> io::Result<()> {
    let known = folder.join(CONTROL_SOCKET);
    let beside = beside(&known);
    let _ = fs::remove_file(&beside);
    symlink(name, &beside)?;
    fs::rename(&beside, &known)
}

/// After a process died that had just taken charge: whoever still answers has it again.
pub(crate) fn give_control_back(folder: &Path) {
    for name in other_processes(folder, "") {
        if let Err(error) = take_charge(folder, &name) {
            tracing::error!(%error, "the control socket can't be given back");
        }
    }
}

/// The control sockets of other processes that still answer; what others left behind is removed.
pub(crate) fn other_processes(folder: &Path, boot: &str) -> Vec<String> {
    let own = control_socket_of(boot);
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let others = names.filter(|name| name.starts_with("control-") && name.ends_with(".sock") && *name != own);
    others.filter(|name| is_alive(folder, name)).collect()
}

/// Whether a process answers there.
pub(crate) fn is_alive(folder: &Path, name: &str) -> bool {
    match crate::socket_path::connect(folder, name) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            // Nobody listens there any more, and names are never used twice.
            let _ = fs::remove_file(folder.join(name));
            false
        }
        Err(_) => false,
        Ok(_) => true,
    }
}

/// Publishes a table.
pub(crate) async fn put_table(folder: &Path, name: &str, json: Vec<u8>) -> Result<(), Fault> {
    call::<serde_json::Value>(folder, name, Method::PUT, "/table", json).await.map(drop)
}

/// Hands a table on to a process that is being replaced.
pub(crate) async fn pass_table_on(folder: &Path, name: &str, json: Vec<u8>) -> Result<(), Fault> {
    call::<serde_json::Value>(folder, name, Method::PUT, PASS_ON_PATH, json).await.map(drop)
}

/// Asks for the numbers.
pub(crate) async fn traffic(folder: &Path, name: &str) -> Result<Traffic, Fault> {
    call(folder, name, Method::GET, "/traffic", Vec::new()).await
}

/// Asks the process in charge.
pub(crate) async fn get<T: DeserializeOwned>(folder: &Path, path: &str) -> Result<T, Fault> {
    call(folder, CONTROL_SOCKET, Method::GET, path, Vec::new()).await
}

async fn call<T: DeserializeOwned>(
    folder: &Path,
    name: &str,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<T, Fault> {
    let (status, answer) = exchange(folder, name, method, path, body).await?;
    let unreadable = |error: serde_json::Error| {
        let message = format!("the proxy answered {status} with something else than was agreed: {error}");
        Fault::new(FaultKind::Corrupt, message).with_hint("the proxy may be of another version: restart it")
    };
    if status == StatusCode::OK {
        return serde_json::from_slice(&answer).map_err(unreadable);
    }
    Err(serde_json::from_slice::<Refusal>(&answer).map_err(unreadable)?.fault)
}

async fn exchange(
    folder: &Path,
    name: &str,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<(StatusCode, Bytes), Fault> {
    let at = folder.join(name);
    let gone = |error: &dyn std::fmt::Display| {
        Fault::unavailable(format!("the proxy can't be reached at {}: {error}", at.display()))
            .with_hint("its keeper starts it again within a second; if it stays away, see the proxy's log")
    };
    let short = ShortPath::new(folder, name).map_err(|error| gone(&error))?;
    let stream = UnixStream::connect(short.as_path()).await.map_err(|error| gone(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| gone(&error))?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "proxy")
        .body(Full::<Bytes>::new(body.into()))
        .map_err(|error| Fault::invalid(format!("the question {path} can't be asked: {error}")))?;
    let asking = async {
        let answer = sender.send_request(request).await.map_err(|error| gone(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), CONTROL_ANSWER_BYTES_MAX).collect().await;
        body.map(|body| (status, body.to_bytes())).map_err(|error| gone(&error))
    };
    let mut asking = std::pin::pin!(asking);
    tokio::select! {
        biased;
        answer = &mut asking => answer,
        // The connection may end with the answer already in hand.
        _ = connection => asking.await,
    }
}
