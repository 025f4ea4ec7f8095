//! Having an instance that runs read another configuration: the file that it reads is written, what is recorded of it
//! says so, then its process is told. Doing it again does the same.
//!
//! Not here: who may take a change so (`core::plan`), whether the instance is well afterwards (`engine`).

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Request, StatusCode,
    client::conn::http1,
    header::{CONNECTION, CONTENT_LENGTH, HOST, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use shipway_core::{
    ports::{Fault, Launch},
    release::variable,
    spec::ReloadSpec,
};
use tokio::{net::TcpStream, time::timeout};

use crate::{
    driver::{LocalDriver, look},
    launch::Intent,
    shim_client::{self, Sight},
};

/// How long an instance may take to answer that it has read its configuration, in milliseconds.
const ANSWER_MS_MAX: u64 = 10_000;
/// Variables that its process was given at its start, whatever its release says now.
const OF_ITS_START: [&str; 5] = [variable::PORT, variable::SECRETS, "PATH", "HOME", "LANG"];

impl LocalDriver {
    pub(crate) async fn reload_instance(&self, launch: Launch) -> Result<(), Fault> {
        let id = &launch.instance;
        let how = launch.release.serve.reload.clone();
        let how = how.ok_or_else(|| Fault::invalid(format!("{} asks for no reloads", launch.release.slot)))?;
        // One that lost its shim is adopted first.
        self.settle(id).await?;
        let turn = self.turn(id).await;
        let folder = self.folder(id);
        let Sight::Running(intent, _) = look(&folder)? else {
            return Err(Fault::not_found(format!("instance {id} does not run: it can't read anything")));
        };
        let (user, address) = (intent.execution.user, intent.address());
        self.configured.write(&launch, user)?;
        let intent = self.reloaded(&launch, intent);
        intent.write(&folder).map_err(|error| Fault::io(format_args!("writing to {}", folder.display()), &error))?;
        drop(turn);
        match &how {
            ReloadSpec { http: Some(path), .. } => post(address, path).await,
            ReloadSpec { signal, .. } => {
                let sent = shim_client::reload(&folder, signal.unwrap_or_default()).await;
                sent.map_err(|error| Fault::io(format_args!("sending {how} to instance {id}"), &error))
            }
        }
        .map_err(|fault| Fault { message: format!("instance {id}: {}", fault.message), ..fault })
    }

    /// What is recorded of an instance that reads another release's configuration.
    fn reloaded(&self, launch: &Launch, earlier: Intent) -> Intent {
        let mut variables = self.variables(launch);
        for name in OF_ITS_START {
            match earlier.execution.variables.get(name) {
                Some(value) => drop(variables.insert(name.into(), value.clone())),
                None => drop(variables.remove(name)),
            }
        }
        let reloaded = Some(launch.release.id.clone()).filter(|release| *release != earlier.release);
        let mut intent = Intent { reloaded, ..earlier };
        intent.execution.variables = variables;
        intent
    }
}

/// Asks an instance to read its configuration. What it answers is its own word; that it says nothing in time is, too.
async fn post(address: SocketAddr, path: &str) -> Result<(), Fault> {
    let begin = Instant::now();
    let answer = timeout(Duration::from_millis(ANSWER_MS_MAX), answer(address, path)).await;
    let took_ms = begin.elapsed().as_millis();
    match answer {
        Ok(Ok(status)) if status.is_success() => Ok(()),
        Ok(Ok(status)) => Err(Fault::invalid(format!("POST {path} was answered with status {}", status.as_u16()))
            .with_hint("it did not take the new configuration: its log may say why")),
        Ok(Err(error)) => Err(Fault::invalid(format!("POST {path} was not answered: {error}"))
            .with_hint("it must answer it on the port in `PORT`; its log may say more")),
        Err(_) => Err(Fault::invalid(format!("POST {path} was not answered within {took_ms} ms"))
            .with_hint("answer when the configuration is read, and do slow work afterwards")),
    }
}

async fn answer(address: SocketAddr, path: &str) -> Result<StatusCode, Box<dyn std::error::Error + Send + Sync>> {
    let request = Request::post(path)
        .header(HOST, address.to_string())
        .header(CONNECTION, "close")
        .header(CONTENT_LENGTH, "0")
        .header(USER_AGENT, "shipway-reload")
        .body(Empty::<Bytes>::new())?;
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // The connection is driven here, so that it ends with the question. Its own end comes as the answer's error.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        response = sender.send_request(request) => Ok(response?.status()),
        () = driven => Err("the connection was closed".into()),
    }
}
