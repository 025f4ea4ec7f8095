//! The proxy on real sockets: with applications, clients and processes of the tests' own.

mod bench;
mod files;
mod load;
mod processes;
mod routing;
mod streaming;
mod switching;
