//! What the tests are built on: a proxy, applications behind it, clients before it, and tables.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{body::Incoming, client::conn::http1::SendRequest, service::service_fn};
use hyper_util::rt::TokioIo;
use shipway_core::{
    ports::{ReleaseTraffic, Traffic, TrafficRouter},
    route::{Backend, BackendTarget, Link, Pool, Route, RouteTable, Upstream},
};
use shipway_proxy::{
    ProxyClient, listeners,
    serve::{self, ProxyConfig},
};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// How long a test waits for what must happen; the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again and again until something is so.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn local() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// A proxy on two cores, in threads of the test's process.
pub struct Proxy {
    pub client: ProxyClient,
    _folder: TempDir,
    generation: AtomicU64,
}

impl Proxy {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listeners = listeners::open(local(), 0, 2).expect("sockets");
        let client = ProxyClient::new(folder.path(), listeners.address(), listeners.link_port());
        let config = ProxyConfig { folder: folder.path().into(), listeners, workers: 2 };
        std::thread::spawn(move || serve::run(config).expect("the proxy serves"));
        client.status().await.expect("the proxy is there");
        Self { client, _folder: folder, generation: AtomicU64::new(0) }
    }

    pub fn address(&self) -> SocketAddr {
        self.client.address()
    }

    /// Publishes a table as the next generation.
    pub async fn publish(&self, table: RouteTable) {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        self.client.publish(Arc::new(RouteTable { generation, ..table })).await.expect("the table is followed");
    }

    pub async fn traffic(&self) -> Traffic {
        self.client.traffic().await.expect("the numbers")
    }

    /// The numbers of a pool and release once that many requests are counted.
    pub async fn numbers(&self, pool: &str, release: &str, requests: u64) -> ReleaseTraffic {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let traffic = self.traffic().await;
            let found = traffic.releases.iter().find(|one| one.pool == pool && one.release == release).cloned();
            match found {
                Some(found) if found.requests >= requests => return found,
                found => assert!(Instant::now() < deadline, "{found:?} of {:?}", traffic.releases),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn get(&self, host: &str, path: &str) -> Answer {
        ask(self.address(), Request::get(path).header("host", host)).await
    }
}

/// What a client got.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("text")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

pub type ClientBody = BoxBody<Bytes, Infallible>;

pub fn full(body: impl Into<Bytes>) -> ClientBody {
    Full::new(body.into()).boxed()
}

pub async fn connect(to: SocketAddr) -> SendRequest<ClientBody> {
    let stream = TcpStream::connect(to).await.expect("a connection");
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(connection.with_upgrades());
    sender
}

pub async fn ask(to: SocketAddr, request: http::request::Builder) -> Answer {
    ask_with(to, request, "").await
}

pub async fn ask_with(to: SocketAddr, request: http::request::Builder, body: impl Into<Bytes>) -> Answer {
    let mut sender = connect(to).await;
    ask_on(&mut sender, request.body(full(body)).expect("a request")).await.expect("an answer")
}

/// Asks on a kept connection.
pub async fn ask_on(sender: &mut SendRequest<ClientBody>, request: Request<ClientBody>) -> hyper::Result<Answer> {
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    let (head, body) = answer.into_parts();
    Ok(Answer { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
}

/// An application.
pub struct App {
    pub address: SocketAddr,
    /// Its open connections.
    pub connections: Arc<AtomicUsize>,
    /// All connections that it ever had.
    pub accepted: Arc<AtomicUsize>,
}

/// An application that answers every request with a function.
pub async fn app<F, A>(answer: F) -> App
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<ClientBody>> + Send + 'static,
{
    let listener = TcpListener::bind(local()).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let accepted = Arc::new(AtomicUsize::new(0));
    let total = accepted.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let (answer, counted) = (answer.clone(), counted.clone());
            counted.fetch_add(1, Ordering::SeqCst);
            total.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answering = answer(request);
                    async move { Ok::<_, Infallible>(answering.await) }
                });
                let mut server = hyper::server::conn::http1::Builder::new();
                server.header_read_timeout(None);
                let _ = server.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
                counted.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    App { address, connections, accepted }
}

/// An application that says its name and the path that it sees.
pub async fn named_app(name: &'static str) -> App {
    app(move |request| async move { Response::new(full(format!("{name} {}", request.uri()))) }).await
}

/// An address at which nothing listens: its port stays taken as long as the result is kept.
pub fn dead_address() -> (SocketAddr, std::net::TcpStream) {
    // The local end of a connection is bound, and refuses connections.
    let listener = std::net::TcpListener::bind(local()).expect("a port");
    let stream = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    (stream.local_addr().expect("an address"), stream)
}

pub fn table() -> RouteTable {
    RouteTable::empty()
}

pub fn route(host: &str, path: &str, strip_prefix: bool, pool: &str) -> Route {
    Route { host: host.into(), path: path.into(), strip_prefix, pool: pool.into() }
}

pub fn pool(backends: Vec<Backend>) -> Pool {
    let slot = shipway_core::id::SlotKey { project: "p".into(), environment: "e".into(), service: "s".into() };
    Pool { slot, backends, cohort: None, hold: None }
}

pub fn backend(release: &str, weight: u32, addresses: &[SocketAddr]) -> Backend {
    let upstream = |(at, address): (usize, &SocketAddr)| Upstream {
        instance: format!("{release}-{at}").as_str().into(),
        address: *address,
    };
    let target = BackendTarget::Instances(addresses.iter().enumerate().map(upstream).collect());
    Backend { release: release.into(), weight, candidate: false, target }
}

pub fn file_backend(release: &str, folder: &Path) -> Backend {
    Backend { release: release.into(), weight: 1, candidate: false, target: BackendTarget::Files(folder.into()) }
}

/// A table of one service at host `a`.
pub fn one_service(pool: Pool) -> RouteTable {
    let pools = BTreeMap::from([("web".to_owned(), pool)]);
    RouteTable { routes: vec![route("a", "/", false, "web")], pools, ..RouteTable::empty() }
}

pub fn link(pool: &str, release: Option<&str>) -> Link {
    Link { pool: pool.into(), release: release.map(Into::into) }
}
