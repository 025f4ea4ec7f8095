//! Programs that are measured beside Shipway: each with its settings as its own documentation recommends.

pub mod haproxy;
pub mod nginx;
pub mod pm2;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{Fallible, Options};

/// Where a Debian package was unpacked, and how its programs are run from there.
pub struct Unpacked {
    root: PathBuf,
}

impl Unpacked {
    /// The folder that `benches/run` unpacked packages into.
    pub fn of(options: &Options) -> Self {
        Self { root: options.tools.join("debian") }
    }

    /// A program of a package.
    ///
    /// # Errors
    /// It isn't there.
    pub fn command(&self, program: &str) -> Fallible<Command> {
        let path = self.root.join("usr/sbin").join(program);
        if !path.exists() {
            return Err(format!("{program} is not there: `benches/run` could not fetch its package").into());
        }
        let mut command = Command::new(path);
        command.env("LD_LIBRARY_PATH", self.root.join("usr/lib/x86_64-linux-gnu"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }
}

/// A process that ends when this is dropped.
pub struct Guard(Child);

impl Guard {
    /// Starts it, and waits until it accepts connections.
    ///
    /// # Errors
    /// It doesn't.
    pub async fn start(mut command: Command, log: &Path, address: SocketAddr) -> Fallible<Self> {
        let guard = Self(command.stderr(std::fs::File::create(log)?).spawn()?);
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(guard);
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Err(format!("{command:?} does not listen: {}", std::fs::read_to_string(log)?).into())
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // SIGTERM, so that a master takes its workers with it.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}
