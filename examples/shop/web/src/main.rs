//! The build step of the shop's site: copies `site/` into `dist/` and stamps the version into it.
//!
//! `FAULT=error` leaves the file `version` out: the site then fails the check that Shipway makes through the real
//! route after it has moved traffic, and so takes itself back.

use std::{env, fs, io, path::Path, process::ExitCode};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const SITE: &str = "site";
const DIST: &str = "dist";
const PLACEHOLDER: &str = "{{version}}";

fn main() -> ExitCode {
    let fault = env::var("FAULT").unwrap_or_else(|_| "none".into());
    match build(&fault) {
        Ok(files) => {
            println!("web {VERSION}: {files} files in {DIST}/ (FAULT={fault})");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("web {VERSION}: the site can't be written: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build(fault: &str) -> io::Result<usize> {
    let dist = Path::new(DIST);
    if dist.exists() {
        fs::remove_dir_all(dist)?;
    }
    fs::create_dir_all(dist)?;
    let mut files = 0;
    for entry in fs::read_dir(SITE)? {
        let entry = entry?;
        let text = fs::read_to_string(entry.path())?;
        fs::write(dist.join(entry.file_name()), text.replace(PLACEHOLDER, VERSION))?;
        files += 1;
    }
    match fault {
        "none" => fs::write(
            dist.join("version"),
            format!("{{\"service\":\"web\",\"version\":\"{VERSION}\"}}\n"),
        )?,
        "error" => return Ok(files),
        other => return Err(io::Error::other(format!("FAULT is `{other}`: it may be none or error"))),
    }
    Ok(files + 1)
}
