//! The data plane, and the client that steers it.
//!
//! A process of its own ([`serve`]) takes HTTP/1.1 requests on one thread per core and passes them on by a route table.
//! The control plane publishes tables and reads numbers through [`client::ProxyClient`]; while it is away, the proxy
//! goes on with the last table. A [`keeper`] holds the listening sockets and starts the process again when it dies.
//!
//! A request's way through one core: `client_connection` -> `forward` -> `core_state` (the choice, by `table` and
//! `pick`) -> `connections` or `files` -> `body` -> `account` (the numbers). A table's way: `client` -> `control` ->
//! `plane` -> `core_thread`.
//!
//! Not here: TLS, HTTP/2 and HTTP/3 (something in front may end them), compression, caching of answers, and every
//! decision about where traffic should go (`shipway_core::route`, the engine).

mod account;
mod answers;
mod arrival;
mod body;
pub mod client;
mod client_connection;
mod connections;
mod control;
mod control_call;
mod core_state;
mod core_thread;
mod file_body;
mod file_cache;
mod file_range;
mod file_root;
mod file_write;
mod files;
mod forward;
mod headers;
mod in_flight_file;
pub mod keeper;
mod keeper_start;
mod keeper_wire;
pub mod limits;
pub mod listeners;
mod numbers;
mod pick;
mod plane;
mod process;
pub mod serve;
mod socket_path;
mod table;
mod upgrade;
mod upstream;
mod wire;

pub use client::ProxyClient;
pub use wire::ProxyStatus;
