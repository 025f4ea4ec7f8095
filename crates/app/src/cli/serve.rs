//! `shipway serve`: the control plane for real use.

use std::{net::SocketAddr, path::PathBuf};

use super::{Exit, Outcome, context::Context, errors::CliError, signals::Signals};
use crate::{
    place::{LINK_PORT, LISTEN, PROXY_LISTEN, ServerConfig},
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
