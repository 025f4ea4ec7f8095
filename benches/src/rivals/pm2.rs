//! pm2 with one Node.js application in cluster mode and `wait_ready`, as its documentation asks for a reload without
//! downtime.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{
    Fallible, Options,
    deploy::START_MS,
    process::{TempFolder, free_port},
    watch,
};

/// pm2 and the application under it.
pub struct Pm2 {
    folder: TempFolder,
    program: PathBuf,
    address: SocketAddr,
}

impl Pm2 {
    /// Starts it with a first version live.
    ///
    /// # Errors
    /// It isn't installed, or doesn't start.
    pub async fn start(options: &Options) -> Fallible<Self> {
        let program = options.tools.join("pm2/node_modules/.bin/pm2");
        if !program.exists() {
            return Err("pm2 is not there: `benches/run` could not install it".into());
        }
        let (folder, address) = (TempFolder::new()?, free_port()?);
        let app = json!({
            "name": "bench", "script": options.node_app, "exec_mode": "cluster", "instances": 1,
            "wait_ready": true, "listen_timeout": 10_000, "kill_timeout": 3000,
            "env": { "PORT": address.port().to_string(), "START_MS": START_MS },
        });
        // A program that reads the version when it is loaded, so that each reload brings another.
        let config = format!(
            "const app = {app};\napp.env.VERSION = process.env.VERSION;\nmodule.exports = {{ apps: [app] }};\n"
        );
        fs::write(folder.path().join("ecosystem.config.js"), config)?;
        let this = Self { folder, program, address };
        let output = this.verb(&["start", "ecosystem.config.js"], "v0").output()?;
        if !output.status.success() {
            return Err(format!("`pm2 start` failed: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        watch::until(address, "localhost", "v0").await?;
        Ok(this)
    }

    fn verb(&self, words: &[&str], version: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(self.folder.path());
        command.env("PM2_HOME", self.folder.path().join("home")).env("VERSION", version).stdin(Stdio::null());
        command
    }

    /// Where the application takes requests.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The command that brings a version live.
    pub fn reload(&self, version: &str) -> Command {
        self.verb(&["reload", "ecosystem.config.js", "--update-env"], version)
    }
}

impl Drop for Pm2 {
    fn drop(&mut self) {
        // Ends the daemon of this folder with its applications.
        let _ = self.verb(&["kill"], "").stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
