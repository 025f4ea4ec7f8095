//! The control plane's side: a `TrafficRouter` that steers the proxy's process.

use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Instant};

use futures_util::future::BoxFuture;
use shipway_core::{
    ports::{Fault, FaultKind, Traffic, TrafficRouter},
    route::RouteTable,
};
use tokio::time::{sleep, timeout};

use crate::{
    control_call,
    limits::{CLIENT_ANSWER_MS_MAX, CLIENT_RETRY_MS_MAX, CLIENT_RETRY_REST_MS, ms},
    wire::{CONTROL_SOCKET, ProxyStatus},
};

/// Steers the proxy in a folder.
#[derive(Clone, Debug)]
pub struct ProxyClient {
    folder: PathBuf,
    address: SocketAddr,
    link_port: u16,
}

impl ProxyClient {
    /// A client for the proxy of a folder, which takes requests at `address` and links at `link_port`. Nothing is
    /// connected to before it is asked something.
    pub fn new(folder: impl Into<PathBuf>, address: SocketAddr, link_port: u16) -> Self {
        Self { folder: folder.into(), address, link_port }
    }

    /// Who the proxy is and what it follows.
    ///
    /// # Errors
    ///
    /// When it doesn't answer within `CLIENT_RETRY_MS_MAX`, which is long enough for a restart.
    pub async fn status(&self) -> Result<ProxyStatus, Fault> {
        patiently(|| control_call::get(&self.folder, "/status")).await
    }
}

impl TrafficRouter for ProxyClient {
    fn publish(&self, table: Arc<RouteTable>) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let json = serde_json::to_vec(&*table)
                .map_err(|error| Fault::invalid(format!("the route table can't be written: {error}")))?;
            patiently(|| control_call::put_table(&self.folder, CONTROL_SOCKET, json.clone())).await
        })
    }

    fn traffic(&self) -> BoxFuture<'_, Result<Traffic, Fault>> {
        Box::pin(patiently(|| control_call::get(&self.folder, "/traffic")))
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn link_port(&self) -> u16 {
        self.link_port
    }
}

/// Asks until there is an answer: a proxy that died is back within a second. Every question may be asked twice.
async fn patiently<T, F: Future<Output = Result<T, Fault>>>(mut ask: impl FnMut() -> F) -> Result<T, Fault> {
    let deadline = Instant::now() + ms(CLIENT_RETRY_MS_MAX);
    loop {
        let answer = match timeout(ms(CLIENT_ANSWER_MS_MAX), ask()).await {
            Ok(answer) => answer,
            Err(_) => return Err(silent()),
        };
        match answer {
            Err(fault) if fault.kind == FaultKind::Unavailable && Instant::now() < deadline => {
                sleep(ms(CLIENT_RETRY_REST_MS)).await;
            }
            answer => return answer,
        }
    }
}

fn silent() -> Fault {
    Fault::new(FaultKind::Timeout, format!("the proxy did not answer within {CLIENT_ANSWER_MS_MAX} ms"))
        .with_hint("the machine is overloaded, or the proxy hangs: see its log")
}
