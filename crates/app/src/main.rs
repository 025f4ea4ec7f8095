//! Shipway: one binary. This file only says which part of it runs.
//!
//! The parts that must stay small, or must not touch their own arguments, are told apart before the command line is
//! parsed: the shim of an instance, the proxy and the keeper of its sockets.

mod archive;
mod backup;
mod cli;
mod compare_page;
mod place;
mod proxy_process;
mod server;
mod spec_text;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|word| word.to_str()) {
        Some("shim") => status(shipway_targets::shim::main(args)),
        Some("keeper") => proxy_process::keeper(args),
        Some("proxy") => proxy_process::proxy(args),
        _ => {
            // It fails only when one is installed already, and then there is one.
            let _ = rustls::crypto::ring::default_provider().install_default();
            cli::main()
        }
    }
}

fn status(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
