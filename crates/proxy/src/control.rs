//! The control socket's server: who may connect to it may steer the proxy.

use std::{convert::Infallible, net::SocketAddr, rc::Rc, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use shipway_core::{
    ports::{Fault, FaultKind},
    route::RouteTable,
};
use tokio::{net::UnixListener, sync::Semaphore};

use crate::{
    limits::{ACCEPT_REST_MS, CONTROL_CONNECTIONS_MAX, PROTOCOL_VERSION, TABLE_BYTES_MAX, ms},
    plane::{From, Plane, Refused},
    wire::{PASS_ON_PATH, ProxyStatus, Refusal},
};

/// What the server answers from.
pub(crate) struct Control {
    pub(crate) plane: Plane,
    pub(crate) boot: String,
    pub(crate) workers: usize,
    pub(crate) address: SocketAddr,
    pub(crate) link_port: u16,
}

/// Serves for ever, on a `LocalSet`.
pub(crate) async fn serve(control: Rc<Control>, listener: UnixListener) {
    let places = Arc::new(Semaphore::new(CONTROL_CONNECTIONS_MAX));
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "no control connection could be taken");
                tokio::time::sleep(ms(ACCEPT_REST_MS)).await;
                continue;
            }
        };
        let control = control.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| {
                let control = control.clone();
                async move { Ok::<_, Infallible>(answer(&control, request).await) }
            });
            let mut server = http1::Builder::new();
            server.header_read_timeout(None);
            // Its errors are those of a client that left.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

async fn answer(control: &Control, request: Request<Incoming>) -> Response<Full<Bytes>> {
    match (request.method().clone(), request.uri().path()) {
        (Method::PUT, "/table") => put_table(control, request, From::ControlPlane).await,
        (Method::PUT, PASS_ON_PATH) => put_table(control, request, From::Successor).await,
        (Method::GET, "/traffic") => match control.plane.traffic().await {
            Ok(traffic) => json(StatusCode::OK, &traffic),
            Err(fault) => refusal(fault),
        },
        (Method::GET, "/status") => json(StatusCode::OK, &status(control).await),
        (method, path) => refusal(Fault::not_found(format!("the proxy knows no {method} {path}"))),
    }
}

async fn put_table(control: &Control, request: Request<Incoming>, from: From) -> Response<Full<Bytes>> {
    let body = match Limited::new(request.into_body(), TABLE_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return refusal(Fault::invalid(format!("the table can't be read: {error}"))),
    };
    let table: RouteTable = match serde_json::from_slice(&body) {
        Ok(table) => table,
        Err(error) => return refusal(Fault::invalid(format!("the table can't be understood: {error}"))),
    };
    match control.plane.publish(table, &body, from).await {
        Ok(()) => json(StatusCode::OK, &control.plane.stamp().await),
        Err(Refused::Fault(fault)) => refusal(fault),
        Err(Refused::Older(present)) => {
            let (epoch, generation) = (present.epoch, present.generation);
            let message = format!("the table is older than epoch {epoch}, generation {generation}, which is followed");
            let fault = Fault::new(FaultKind::Conflict, message).with_hint("derive it again from the newest commit");
            json(StatusCode::CONFLICT, &Refusal { fault, present: Some(present) })
        }
    }
}

async fn status(control: &Control) -> ProxyStatus {
    let stamp = control.plane.stamp().await;
    ProxyStatus {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").into(),
        protocol: PROTOCOL_VERSION,
        boot: control.boot.clone(),
        epoch: stamp.epoch,
        generation: stamp.generation,
        workers: control.workers,
        address: control.address,
        link_port: control.link_port,
    }
}

fn refusal(fault: Fault) -> Response<Full<Bytes>> {
    let status = match fault.kind {
        FaultKind::NotFound => StatusCode::NOT_FOUND,
        FaultKind::Invalid | FaultKind::Corrupt => StatusCode::BAD_REQUEST,
        FaultKind::Conflict => StatusCode::CONFLICT,
        FaultKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        FaultKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    json(status, &Refusal { fault, present: None })
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(value).expect("these types have string keys only");
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer
}
