//! `shipway serve`: the control plane for real use.

use std::{net::SocketAddr, path::PathBuf};

use shipway_core::time::Span;

use super::{Exit, Outcome, context::Context, errors::CliError, signals::Signals};
use crate::{
    place::{BackupPlan, LINK_PORT, LISTEN, PROXY_LISTEN, ServerConfig},
    server::Server,
};

/// Run the control plane; what it started goes on when it stops
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    serve: ServeArgs,
}

/// Options of a server.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// Where the control plane listens
    #[arg(long, value_name = "ADDRESS", env = "SHIPWAY_LISTEN", hide_env_values = true, default_value = LISTEN)]
    pub listen: SocketAddr,
    /// Where the proxy listens
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "SHIPWAY_PROXY_LISTEN",
        hide_env_values = true,
        default_value = PROXY_LISTEN
    )]
    pub proxy_listen: SocketAddr,
    /// The port by which services reach each other, on every address of 127.0.0.0/8
    #[arg(long, value_name = "PORT", env = "SHIPWAY_LINK_PORT", hide_env_values = true, default_value_t = LINK_PORT)]
    pub link_port: u16,
    /// The share of all cores together that builds and transfers may use, for instance 0.5; not bounded when absent
    #[arg(long, value_name = "SHARE", value_parser = cpu_share)]
    pub cpu_share: Option<f64>,
    /// Take backups into this folder while the server runs; none are taken when absent
    #[arg(long, value_name = "FOLDER", env = "SHIPWAY_BACKUP_TO", hide_env_values = true)]
    pub backup_to: Option<PathBuf>,
    /// How often, for instance 4m: what the loss of this machine takes away at most
    #[arg(
        long,
        value_name = "SPAN",
        env = "SHIPWAY_BACKUP_EVERY",
        hide_env_values = true,
        default_value = "4m",
        value_parser = backup_every
    )]
    pub backup_every: Span,
    /// How many copies stay in the folder
    #[arg(
        long,
        value_name = "COUNT",
        env = "SHIPWAY_BACKUP_KEEP",
        hide_env_values = true,
        default_value_t = 360,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub backup_keep: u32,
}

fn backup_every(text: &str) -> Result<Span, String> {
    const EVERY_MS_MIN: u64 = 1000;
    let span: Span = text.parse()?;
    if span.ms < EVERY_MS_MIN { Err("it must be a second at least".into()) } else { Ok(span) }
}

fn cpu_share(text: &str) -> Result<f64, String> {
    const SHARE_MIN: f64 = 0.01;
    const SHARE_MAX: f64 = 1.0;
    let share: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    if (SHARE_MIN..=SHARE_MAX).contains(&share) {
        Ok(share)
    } else {
        Err(format!("it must be from {SHARE_MIN} to {SHARE_MAX}: 0.5 is half of all cores"))
    }
}

impl ServeArgs {
    /// The settings of a server on a data folder.
    pub fn config(&self, data: PathBuf) -> ServerConfig {
        ServerConfig {
            data,
            listen: self.listen,
            proxy_listen: self.proxy_listen,
            link_port: self.link_port,
            cpu_share: self.cpu_share,
            backup: self.backup_to.as_ref().map(|to| BackupPlan {
                to: std::path::absolute(to).unwrap_or_else(|_| to.clone()),
                every_ms: self.backup_every.ms,
                keep: self.backup_keep as usize,
            }),
        }
    }

    /// The same as arguments of another process.
    pub fn to_arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--listen={}", self.listen),
            format!("--proxy-listen={}", self.proxy_listen),
            format!("--link-port={}", self.link_port),
        ];
        arguments.extend(self.cpu_share.map(|share| format!("--cpu-share={share}")));
        if let Some(to) = &self.backup_to {
            let to = std::path::absolute(to).unwrap_or_else(|_| to.clone());
            arguments.push(format!("--backup-to={}", to.display()));
            arguments.push(format!("--backup-every={}", self.backup_every));
            arguments.push(format!("--backup-keep={}", self.backup_keep));
        }
        arguments
    }
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let terminal = &context.terminal;
    let data = context.data()?;
    let mut signals = Signals::listen()?;
    let server = Server::start(args.serve.config(data.clone())).await?;
    terminal.say(format!("control plane  http://{}", server.address()));
    terminal.say(format!("proxy          http://{}", server.proxy_address()));
    terminal.say(format!("data           {}", data.display()));
    let applications = tokio::select! {
        () = signals.next() => false,
        applications = server.asked_to_stop() => applications,
    };
    stop(server, applications, &mut signals).await?;
    terminal.say(match applications {
        true => "stopped, with the applications and the proxy",
        false => {
            "stopped; the applications and the proxy go on. `shipway serve` takes them up again, `shipway down` \
             stops them while a server runs"
        }
    });
    Ok(Exit::Done)
}

/// Stops a server; a second signal stops the waiting for it.
///
/// # Errors
/// Something could not be stopped, or nobody waited for it.
pub async fn stop(server: Server, applications: bool, signals: &mut Signals) -> Result<(), CliError> {
    tokio::select! {
        stopped = server.stop(applications) => Ok(stopped?),
        () = signals.next() => Err(CliError::failed(
            "it was not waited for; some of it may still run",
            "`shipway up` or `shipway serve` on the same data folder takes it up again, `shipway down` stops it",
        )),
    }
}
