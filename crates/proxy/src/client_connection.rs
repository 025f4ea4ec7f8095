//! One connection of a client: its requests one after another, and when it is closed.

use std::{
    cell::Cell,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    time::{Duration, Instant},
};

use http::{HeaderValue, StatusCode, header};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::sleep};

use crate::{
    core_state::{Core, OpenConnection},
    forward::{self, Peer},
    limits::{
        CLIENT_CHECK_MS, CLIENT_IDLE_MS_MAX, DRAIN_CHECK_MS, DRAIN_IDLE_MS_MAX, HEAD_BYTES_MAX, REQUEST_HEAD_MS_MAX, ms,
    },
};

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Which of the two ports a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Public,
    Link,
}

/// Serves a connection in the background.
pub(crate) fn serve(core: Rc<Core>, stream: TcpStream, from: SocketAddr, door: Door) {
    let open = OpenConnection::open(core.clone());
    tokio::task::spawn_local(async move {
        talk(&core, stream, from, door).await;
        drop(open);
    });
}

async fn talk(core: &Rc<Core>, stream: TcpStream, from: SocketAddr, door: Door) {
    let link = match (door, stream.local_addr().map(|address| address.ip().to_canonical())) {
        (Door::Public, _) => None,
        (Door::Link, Ok(IpAddr::V4(address))) => Some(address),
        (Door::Link, _) => return,
    };
    // Only costs latency where it fails.
    let _ = stream.set_nodelay(true);
    let peer = Peer { address: from.ip(), link };
    let pace = Rc::new(Pace::new());
    let service = service_fn(|request| {
        let answering = Answering::begin(&pace);
        let answer = forward::answer(core.clone(), peer, request);
        async move {
            let mut answer = answer.await;
            if core.draining.get() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                answer.headers_mut().insert(header::CONNECTION, CLOSE);
            }
            Ok::<_, Infallible>(answer.map(|body| body.until_sent(answering)))
        }
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_header_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let mut is_draining = core.draining.get();
    loop {
        let check_ms = if is_draining { DRAIN_CHECK_MS } else { CLIENT_CHECK_MS };
        tokio::select! {
            biased;
            // Its errors are those of a client that left.
            _ = connection.as_mut() => return,
            () = core.drain.notified(), if !is_draining => is_draining = core.draining.get(),
            // A client that is about to ask once more is not cut off: its answer says that it was the last.
            () = sleep(ms(check_ms)) => if pace.is_overdue(is_draining) { return },
        }
    }
}

/// When something last happened on a connection. One timer per connection looks at it: one per request costs more.
#[derive(Debug)]
struct Pace {
    answering: Cell<u32>,
    has_asked: Cell<bool>,
    last: Cell<Instant>,
}

impl Pace {
    fn new() -> Self {
        Self { answering: Cell::new(0), has_asked: Cell::new(false), last: Cell::new(Instant::now()) }
    }

    fn is_overdue(&self, is_draining: bool) -> bool {
        let idle_ms_max = match (is_draining, self.has_asked.get()) {
            (true, _) => DRAIN_IDLE_MS_MAX,
            (false, true) => CLIENT_IDLE_MS_MAX,
            (false, false) => REQUEST_HEAD_MS_MAX,
        };
        self.answering.get() == 0 && self.last.get().elapsed() > Duration::from_millis(idle_ms_max)
    }
}

/// A request that is being answered, until the answer's last byte.
#[derive(Debug)]
pub(crate) struct Answering(Rc<Pace>);

impl Answering {
    fn begin(pace: &Rc<Pace>) -> Self {
        pace.answering.update(|count| count + 1);
        pace.has_asked.set(true);
        Self(pace.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.update(|count| count - 1);
        self.0.last.set(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_ago(span_ms: u64) -> Instant {
        Instant::now().checked_sub(ms(span_ms)).expect("the machine runs that long")
    }

    #[test]
    fn a_first_request_is_waited_for_less_long_than_another() {
        let pace = Rc::new(Pace::new());
        assert!(!pace.is_overdue(false));
        pace.last.set(long_ago(REQUEST_HEAD_MS_MAX + 1));
        assert!(pace.is_overdue(false));
        let answering = Answering::begin(&pace);
        assert!(!pace.is_overdue(false), "an answer may take as long as it takes");
        drop(answering);
        assert!(!pace.is_overdue(false) && !pace.is_overdue(true));
        pace.last.set(long_ago(REQUEST_HEAD_MS_MAX + 1));
        assert!(!pace.is_overdue(false) && pace.is_overdue(true));
        pace.last.set(long_ago(CLIENT_IDLE_MS_MAX + 1));
        assert!(pace.is_overdue(false));
    }
}
