//! One core's connections to upstreams. They never change cores.
//!
//! Not here: which upstream (`pick`), what is sent (`forward`).

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{
    body::RequestBody,
    limits::{
        CONNECT_MS_MAX, HEAD_BYTES_MAX, UPSTREAM_IDLE_CONNECTIONS_MAX, UPSTREAM_IDLE_MS_MAX, UPSTREAM_IDLE_ONCE_MS_MAX,
        ms,
    },
    upstream::{UpstreamState, now_ms},
};

/// A connection to an upstream that can take a request.
pub(crate) type Sender = http1::SendRequest<RequestBody>;

/// One core's view of an upstream.
#[derive(Debug)]
pub(crate) struct CoreUpstream {
    pub(crate) state: Arc<UpstreamState>,
    idle: RefCell<Vec<Idle>>,
    /// It has left the table: its connections close as soon as they are free.
    retired: Cell<bool>,
}

#[derive(Debug)]
struct Idle {
    sender: Sender,
    since: Instant,
}

impl CoreUpstream {
    pub(crate) fn new(state: Arc<UpstreamState>) -> Self {
        Self { state, idle: RefCell::default(), retired: Cell::new(false) }
    }

    /// The connection that idled least, when it is good for the request.
    pub(crate) fn take_idle(&self, may_repeat: bool) -> Option<Sender> {
        let idle_ms_max = if may_repeat { UPSTREAM_IDLE_MS_MAX } else { UPSTREAM_IDLE_ONCE_MS_MAX };
        let mut idle = self.idle.borrow_mut();
        let good = |idle: &Idle| idle.sender.is_ready() && idle.since.elapsed() <= ms(idle_ms_max);
        let at = idle.iter().rposition(good)?;
        Some(idle.remove(at).sender)
    }

    /// Keeps a connection for the next request.
    pub(crate) fn give_back(&self, sender: Sender) {
        let mut idle = self.idle.borrow_mut();
        if !self.retired.get() && !sender.is_closed() && idle.len() < UPSTREAM_IDLE_CONNECTIONS_MAX {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }

    /// Closes what idled too long.
    pub(crate) fn sweep(&self) {
        let kept = |idle: &Idle| !idle.sender.is_closed() && idle.since.elapsed() <= ms(UPSTREAM_IDLE_MS_MAX);
        self.idle.borrow_mut().retain(kept);
    }

    pub(crate) fn retire(&self) {
        self.retired.set(true);
        self.idle.borrow_mut().clear();
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// When there is none within `CONNECT_MS_MAX`; not a byte was sent then.
    pub(crate) async fn connect(&self) -> io::Result<Sender> {
        let connecting = TcpStream::connect(self.state.address);
        let stream = match tokio::time::timeout(ms(CONNECT_MS_MAX), connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.failed(error)),
            Err(_) => return Err(self.failed(io::ErrorKind::TimedOut.into())),
        };
        self.state.connected();
        stream.set_nodelay(true)?;
        let mut builder = http1::Builder::new();
        builder.max_header_size(HEAD_BYTES_MAX);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::task::spawn_local(async move {
            // How it ends is told to whoever waits for an answer.
            let _ = connection.with_upgrades().await;
        });
        Ok(sender)
    }

    fn failed(&self, error: io::Error) -> io::Error {
        // A machine without free ports or descriptors says nothing about the upstream.
        let is_ours = matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::PermissionDenied)
            || matches!(error.raw_os_error(), Some(EMFILE | ENFILE | ENOBUFS | ENOMEM));
        if !is_ours {
            self.state.connect_failed(now_ms());
        }
        error
    }
}

const EMFILE: i32 = rustix::io::Errno::MFILE.raw_os_error();
const ENFILE: i32 = rustix::io::Errno::NFILE.raw_os_error();
const ENOBUFS: i32 = rustix::io::Errno::NOBUFS.raw_os_error();
const ENOMEM: i32 = rustix::io::Errno::NOMEM.raw_os_error();

/// A request in flight at an upstream; counted from when the upstream was chosen until this is dropped.
#[derive(Debug)]
pub(crate) struct Flight(Rc<CoreUpstream>);

impl Flight {
    pub(crate) fn enter(upstream: Rc<CoreUpstream>) -> Self {
        upstream.state.enter();
        Self(upstream)
    }

    pub(crate) fn upstream(&self) -> &CoreUpstream {
        &self.0
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.state.leave();
    }
}
