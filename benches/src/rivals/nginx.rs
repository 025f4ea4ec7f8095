//! nginx as a proxy in front of the application, and as a server of files.

use std::{fs, net::SocketAddr, path::Path};

use crate::{
    Fallible, Options,
    process::{TempFolder, free_port, with_arguments},
    rivals::{Guard, Unpacked},
};

/// A running nginx.
pub struct Nginx {
    folder: TempFolder,
    address: SocketAddr,
    process: Guard,
}

impl Nginx {
    /// Starts it; `upstream` is asked for everything but what lies below `/files/`, which comes from `files`.
    ///
    /// # Errors
    /// It isn't installed, or doesn't start.
    pub async fn start(options: &Options, upstream: SocketAddr, files: &Path) -> Fallible<Self> {
        let mut command = Unpacked::of(options).command("nginx")?;
        let (folder, address) = (TempFolder::new()?, free_port()?);
        let place = folder.path().display();
        let files = files.display();
        let config = format!(
            "daemon off; worker_processes auto; pid {place}/pid; error_log {place}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n  \
             open_file_cache max=1000 inactive=60s; open_file_cache_min_uses 1;\n  \
             client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;\n  \
             uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;\n  \
             upstream app {{ server {upstream}; keepalive 64; keepalive_requests 1000000; }}\n  \
             server {{\n    listen {address} reuseport;\n    \
             location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}\n    \
             location /files/ {{ alias {files}/; }}\n  }}\n}}\n"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, config)?;
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).arg("-e").arg(folder.path().join("error.log"));
        let process = Guard::start(command, &folder.path().join("nginx.log"), address).await?;
        Ok(Self { folder, address, process })
    }

    /// Where it takes requests.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its processes.
    pub fn pids(&self) -> Vec<u32> {
        let master = self.process.pid();
        let workers = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap_or_default();
        let workers: Vec<u32> = workers.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
        if workers.is_empty() { with_arguments(&[&self.folder.path().display().to_string()]) } else { workers }
    }
}
