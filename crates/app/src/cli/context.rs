//! What every verb is given: the options that all verbs share, and how to reach a server. Not here: the calls
//! (`remote`), which project is meant (`scope`).

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use crate::place;

use super::{errors::CliError, remote::Remote, terminal::Terminal};

/// Options of every verb.
#[derive(clap::Args)]
#[command(next_help_heading = "Options of every verb")]
pub struct GlobalArgs {
    /// The server's data folder; $XDG_DATA_HOME/shipway, or ~/.local/share/shipway, when absent
    #[arg(long, value_name = "DIR", env = "SHIPWAY_DATA", hide_env_values = true, global = true)]
    data: Option<PathBuf>,
    /// The server's address; the one that runs on the data folder when absent, else http://127.0.0.1:7070
    #[arg(long, value_name = "URL", env = "SHIPWAY_SERVER", hide_env_values = true, global = true)]
    server: Option<String>,
    /// The project; the one of the nearest spec file when absent, else the only one that is registered
    #[arg(long, value_name = "NAME", global = true)]
    project: Option<String>,
    /// Say everything as JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What every verb is given.
pub struct Context {
    /// Where to say things.
    pub terminal: Terminal,
    /// The project, when it was named.
    pub project: Option<String>,
    data: Option<PathBuf>,
    server: Option<String>,
}

impl Context {
    /// From the options.
    pub fn new(global: GlobalArgs) -> Self {
        Self {
            terminal: Terminal::new(global.json),
            project: global.project,
            data: global.data.filter(|data| !data.as_os_str().is_empty()),
            server: global.server.filter(|server| !server.trim().is_empty()),
        }
    }

    /// The data folder.
    ///
    /// # Errors
    /// None was named, and there is no home.
    pub fn data(&self) -> Result<PathBuf, CliError> {
        match &self.data {
            Some(data) => Ok(std::path::absolute(data).unwrap_or_else(|_| data.clone())),
            None => Ok(place::default_data()?),
        }
    }

    /// Asks a person whether that is meant.
    ///
    /// # Errors
    /// It is not, or nobody is there.
    pub fn agreed(&self, question: &str) -> Result<(), CliError> {
        if !Terminal::can_ask() {
            return Err(CliError::usage("nobody can be asked whether that is meant", "say --yes"));
        }
        match self.terminal.agrees(question) {
            true => Ok(()),
            false => Err(CliError::Failed("nothing was changed".into())),
        }
    }

    /// The server that was named, or is found, or would be there by default.
    ///
    /// # Errors
    /// The client can't be set up.
    pub fn remote(&self) -> Result<Remote, CliError> {
        let data = self.data().ok();
        let found = || data.as_deref().and_then(place::find_server).map(|found| dialled(found.address));
        let base = match &self.server {
            Some(server) if server.contains("://") => server.clone(),
            Some(server) => format!("http://{server}"),
            None => found().unwrap_or_else(|| format!("http://{}", place::LISTEN)),
        };
        let said = std::env::var("SHIPWAY_TOKEN").ok().filter(|token| !token.trim().is_empty());
        let token = said.or_else(|| data.as_deref().and_then(place::read_token)).unwrap_or_default();
        Remote::new(&base, token.trim())
    }
}

/// How to dial a listening address: one that takes every interface is dialled at the loopback.
pub fn dialled(address: SocketAddr) -> String {
    let ip = match address.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
