//! One core: its thread, its listening sockets, and the orders that it takes.
//!
//! Not here: connections (`client_connection`), who gives the orders (`plane`).

use std::{
    io,
    net::TcpListener as StdTcpListener,
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use shipway_core::ports::{Fault, ReleaseTraffic};
use tokio::{
    net::TcpListener,
    runtime,
    sync::{mpsc, oneshot},
    task::LocalSet,
    time::{Instant, interval, sleep, sleep_until},
};

use crate::{
    client_connection::{self, Door},
    core_state::Core,
    file_cache::FileCache,
    in_flight_file::InFlightFile,
    limits::{
        ACCEPT_REST_MS, CONNECTIONS_PER_CORE_MAX, DRAIN_MS_MAX, FILE_THREADS_MAX, IN_FLIGHT_WRITE_MS, ORDERS_MAX,
        UPSTREAM_SWEEP_MS, ms,
    },
    numbers::NumbersKey,
    table::Table,
};

/// What a core is told.
pub(crate) enum Order {
    /// Follow a table; answered when no request is chosen by an older one any more.
    Follow(Arc<Table>, oneshot::Sender<()>),
    /// Report the numbers.
    Report(oneshot::Sender<Vec<(NumbersKey, ReleaseTraffic)>>),
    /// Take no further connections, finish what is in flight, and end.
    Drain,
}

/// What a core begins with.
pub(crate) struct CoreStart {
    pub(crate) index: usize,
    pub(crate) table: Arc<Table>,
    pub(crate) files: Arc<FileCache>,
    pub(crate) seed: u64,
    pub(crate) listeners: Vec<(StdTcpListener, Door)>,
    /// Where the number of requests in flight is written down.
    pub(crate) in_flight_file: PathBuf,
}

/// A running core.
pub(crate) struct CoreHandle {
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) thread: JoinHandle<()>,
}

/// Starts a core; it takes connections at once.
pub(crate) fn start(start: CoreStart) -> Result<CoreHandle, Fault> {
    let index = start.index;
    let fault = |error: io::Error| Fault::io(format_args!("starting core {index} of the proxy"), &error);
    let in_flight = InFlightFile::create(&start.in_flight_file)?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(FILE_THREADS_MAX)
        .build()
        .map_err(fault)?;
    let (orders, taken) = mpsc::channel(ORDERS_MAX);
    let body = move || LocalSet::new().block_on(&runtime, run(start, taken, in_flight));
    let thread = Builder::new().name(format!("proxy-core-{index}")).spawn(body).map_err(fault)?;
    Ok(CoreHandle { orders, thread })
}

async fn run(start: CoreStart, mut orders: mpsc::Receiver<Order>, mut in_flight: InFlightFile) {
    let core = Rc::new(Core::new(start.table, start.files, start.seed));
    let accepting: Vec<_> = start
        .listeners
        .into_iter()
        .map(|(listener, door)| tokio::task::spawn_local(accept(core.clone(), listener, door)))
        .collect();
    let mut write_down = interval(ms(IN_FLIGHT_WRITE_MS));
    let mut sweep = interval(ms(UPSTREAM_SWEEP_MS));
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Drain) | None => break,
                Some(order) => obey(&core, order),
            },
            _ = write_down.tick() => in_flight.write(core.in_flight.get()),
            _ = sweep.tick() => core.sweep_connections(),
        }
    }
    accepting.iter().for_each(tokio::task::JoinHandle::abort);
    drain(&core, orders, &mut in_flight).await;
    in_flight.remove();
}

fn obey(core: &Rc<Core>, order: Order) {
    // Whoever asked may have given up waiting.
    match order {
        Order::Follow(table, done) => {
            core.follow(table);
            let _ = done.send(());
        }
        Order::Report(done) => {
            let _ = done.send(core.numbers.report());
        }
        Order::Drain => {}
    }
}

/// Ends the connections as they become free. Tables are still followed, as what is in flight may try again or wait.
async fn drain(core: &Rc<Core>, mut orders: mpsc::Receiver<Order>, in_flight: &mut InFlightFile) {
    core.draining.set(true);
    core.drain.notify_waiters();
    let deadline = Instant::now() + ms(DRAIN_MS_MAX);
    let mut write_down = interval(ms(IN_FLIGHT_WRITE_MS));
    let mut is_steered = true;
    while core.connections.get() > 0 && Instant::now() < deadline {
        tokio::select! {
            order = orders.recv(), if is_steered => match order {
                Some(order) => obey(core, order),
                None => is_steered = false,
            },
            () = core.connection_closed.notified() => {}
            () = sleep_until(deadline) => {}
            _ = write_down.tick() => in_flight.write(core.in_flight.get()),
        }
    }
    if core.connections.get() > 0 {
        tracing::warn!(connections = core.connections.get(), span_ms = DRAIN_MS_MAX, "cut what took too long to end");
    }
}

async fn accept(core: Rc<Core>, listener: StdTcpListener, door: Door) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "a listening socket can't be used"),
    };
    loop {
        while core.connections.get() >= CONNECTIONS_PER_CORE_MAX {
            core.connection_closed.notified().await;
        }
        match listener.accept().await {
            Ok((stream, from)) => client_connection::serve(core.clone(), stream, from, door),
            Err(error) => {
                // Out of descriptors or memory: what is open ends some time. A client that left costs nothing.
                if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
                    tracing::warn!(%error, "no connection could be taken");
                    sleep(ms(ACCEPT_REST_MS)).await;
                }
            }
        }
    }
}
