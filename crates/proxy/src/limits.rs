//! Every bound of the data plane, by name and with its unit. Not here: what happens when one is reached.

use std::time::Duration;

/// The version of the control protocol and of the files that the proxy and its keeper leave behind.
pub const PROTOCOL_VERSION: u32 = 1;

/// How many further upstreams a request tries after one that could not be connected to.
pub const RETRIES_MAX: usize = 3;
/// How long a connection to an upstream may take.
pub const CONNECT_MS_MAX: u64 = 1_000;
/// How long an upstream may take for the head of its answer, counted from the last byte of the request.
pub const RESPONSE_HEAD_MS_MAX: u64 = 60_000;
/// How long a client may take for the head of its first request.
pub const REQUEST_HEAD_MS_MAX: u64 = 20_000;
/// How long a client's connection may be without a request.
pub const CLIENT_IDLE_MS_MAX: u64 = 75_000;
/// How often a client's connection is looked at for the two bounds above.
pub const CLIENT_CHECK_MS: u64 = 5_000;
/// The largest head of a request or an answer, in bytes. It has at most 100 lines, which is hyper's own bound: another
/// one would cost an allocation per request.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most client connections of one core; further ones wait in the kernel's queue.
pub const CONNECTIONS_PER_CORE_MAX: usize = 16_384;
/// How long accepting rests when the process is out of file descriptors or memory.
pub const ACCEPT_REST_MS: u64 = 10;

/// How long a connection to an upstream may idle; shorter than what applications allow.
pub const UPSTREAM_IDLE_MS_MAX: u64 = 1_500;
/// How long it may idle to be good for a request that must not be sent twice.
pub const UPSTREAM_IDLE_ONCE_MS_MAX: u64 = 500;
/// How many idle connections one core keeps to one upstream.
pub const UPSTREAM_IDLE_CONNECTIONS_MAX: usize = 256;
/// How often idle connections are swept.
pub const UPSTREAM_SWEEP_MS: u64 = 500;

/// How many connect failures in a row eject an upstream.
pub const EJECT_FAILURES: u32 = 3;
/// The first ejection's length; each further one doubles it.
pub const EJECT_MS_MIN: u64 = 1_000;
/// The longest ejection.
pub const EJECT_MS_MAX: u64 = 10_000;

/// The largest file that is kept in memory, in bytes.
pub const FILE_BYTES_CACHED_MAX: u64 = 1024 * 1024;
/// What all files in memory may take together, in bytes.
pub const FILE_CACHE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How much of a large file is read at a time, in bytes.
pub const FILE_CHUNK_BYTES: usize = 128 * 1024;
/// How many threads of one core read files.
pub const FILE_THREADS_MAX: usize = 8;

/// How many (pool, release) pairs keep their numbers.
pub const NUMBERS_KEYS_MAX: usize = 4_096;

/// How many orders wait for one core.
pub const ORDERS_MAX: usize = 64;
/// How long all cores may take to follow a table or to report.
pub const CORES_MS_MAX: u64 = 5_000;
/// How long a process that is being replaced may take to follow a table or to report.
pub const PREDECESSOR_MS_MAX: u64 = 6_000;
/// The largest table, in bytes of JSON.
pub const TABLE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The largest answer on the control socket, in bytes.
pub const CONTROL_ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How many control connections are served at a time.
pub const CONTROL_CONNECTIONS_MAX: usize = 64;
/// How often a changed number of requests in flight is written down.
pub const IN_FLIGHT_WRITE_MS: u64 = 20;

/// How long requests in flight may take to end when the process is told to stop.
pub const DRAIN_MS_MAX: u64 = 30_000;
/// How long a client's idle connection is still good for one request when the process is told to stop.
pub const DRAIN_IDLE_MS_MAX: u64 = 2_000;
/// How often a client's connection is looked at for that.
pub const DRAIN_CHECK_MS: u64 = 250;

/// How long the client waits for the proxy to come back, which its keeper sees to.
pub const CLIENT_RETRY_MS_MAX: u64 = 5_000;
/// How long the client rests between two attempts.
pub const CLIENT_RETRY_REST_MS: u64 = 50;
/// How long one question of the client may take.
pub const CLIENT_ANSWER_MS_MAX: u64 = 15_000;

/// The length of the kernel's queue of each listening socket.
pub const LISTEN_BACKLOG: i32 = 4_096;
/// The most workers, each with two listening sockets; all of them fit into one message.
pub const WORKERS_MAX: usize = 64;
/// How long handing down listening sockets may take.
pub const HAND_OVER_MS_MAX: u64 = 5_000;

/// How soon the keeper starts a proxy again that lived for `STEADY_MS`.
pub const RESTART_MS_MIN: u64 = 10;
/// The longest rest between two starts of a proxy that keeps dying.
pub const RESTART_MS_MAX: u64 = 1_000;
/// How long a proxy must live for its next restart to be quick again.
pub const STEADY_MS: u64 = 5_000;
/// How long a new proxy may take until it is ready.
pub const READY_MS_MAX: u64 = 10_000;
/// How long it takes until something is looked at again that can't be waited for.
pub const LOOK_MS: u64 = 10;
/// How long a line to the keeper may take to arrive.
pub const KEEPER_LINE_MS_MAX: u64 = 2_000;
/// The longest line to the keeper, in bytes.
pub const KEEPER_LINE_BYTES_MAX: u64 = 8 * 1024;
/// How long the keeper waits for a proxy that was told to stop before it kills it.
pub const STOP_MS_MAX: u64 = DRAIN_MS_MAX + 5_000;

/// Milliseconds as the runtime wants them.
pub(crate) const fn ms(span_ms: u64) -> Duration {
    Duration::from_millis(span_ms)
}
