//! HAProxy with two places for the application, and the script that fills them in turns.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use crate::{
    Fallible, Options,
    deploy::START_MS,
    process::{TempFolder, free_port},
    rivals::{Guard, Unpacked},
    watch,
};

/// HAProxy and the applications behind it.
pub struct Haproxy {
    folder: TempFolder,
    address: SocketAddr,
    ports: [u16; 3],
    script: PathBuf,
    app: PathBuf,
    _process: Guard,
}

impl Haproxy {
    /// Starts it with a first version live.
    ///
    /// # Errors
    /// It isn't installed, or doesn't start.
    pub async fn start(options: &Options) -> Fallible<Self> {
        let mut command = Unpacked::of(options).command("haproxy")?;
        let folder = TempFolder::new()?;
        let (address, admin) = (free_port()?, free_port()?);
        let ports = [admin.port(), free_port()?.port(), free_port()?.port()];
        let [_, a, b] = ports;
        let config = format!(
            "global\n  stats socket ipv4@{admin} level admin\n\
             defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n\
             frontend in\n  bind {address}\n  default_backend apps\n\
             backend apps\n  option redispatch\n  server a 127.0.0.1:{a} disabled\n  server b 127.0.0.1:{b} disabled\n"
        );
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, config)?;
        command.arg("-db").arg("-f").arg(&file);
        let process = Guard::start(command, &folder.path().join("haproxy.log"), address).await?;
        let (script, app) = (options.apps.join("haproxy_deploy"), options.app.clone());
        let this = Self { folder, address, ports, script, app, _process: process };
        let output = this.deploy("v0").output()?;
        if !output.status.success() {
            return Err(format!("its script failed: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        watch::until(address, "localhost", "v0").await?;
        Ok(this)
    }

    /// Where it takes requests.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The command that brings a version live.
    pub fn deploy(&self, version: &str) -> Command {
        let mut command = Command::new(&self.script);
        command.arg(self.folder.path()).arg(version).args(self.ports.map(|port| port.to_string())).arg(&self.app);
        command.env("START_MS", START_MS);
        command
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        for place in ["a", "b"] {
            let pid = fs::read_to_string(self.folder.path().join(format!("{place}.pid"))).unwrap_or_default();
            let Ok(pid) = pid.trim().parse::<u32>() else { continue };
            // The number may belong to another process by now, so it is only killed when it runs our program.
            let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            if program == self.app {
                let _ = Command::new("kill").arg(pid.to_string()).status();
            }
        }
    }
}
