//! A proxy and its keeper as processes, for tests: `proxy keeper FOLDER ADDRESS LINK_PORT WORKERS` and
//! `proxy serve FOLDER WORKERS`.

use std::{env, net::SocketAddr, path::PathBuf, process::ExitCode};

use shipway_core::ports::Fault;
use shipway_proxy::{
    keeper::{self, KeeperConfig},
    listeners,
    serve::{self, ProxyConfig},
};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["keeper", folder, address, link_port, workers] => keep(folder, address, link_port, workers),
        ["serve", folder, workers] => serve(folder, workers),
        _ => Err(Fault::invalid("see the head of examples/proxy.rs")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // The workspace keeps libraries from printing; a program may say why it ends.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{fault}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::invalid(format!("`{text}` is not what it should be")))
}

fn keep(folder: &str, address: &str, link_port: &str, workers: &str) -> Result<(), Fault> {
    let program = env::current_exe().map_err(|error| Fault::io("finding this program", &error))?;
    keeper::run(KeeperConfig {
        folder: PathBuf::from(folder),
        address: number::<SocketAddr>(address)?,
        link_port: number(link_port)?,
        workers: number(workers)?,
        program,
        arguments: vec!["serve".into(), folder.into(), workers.into()],
    })
}

fn serve(folder: &str, workers: &str) -> Result<(), Fault> {
    let folder = PathBuf::from(folder);
    let listeners = listeners::receive(&folder)?;
    serve::run(ProxyConfig { folder, listeners, workers: number(workers)? })
}
