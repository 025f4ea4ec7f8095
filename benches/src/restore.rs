//! `restore`: what the loss of a machine costs, with a hundred services that run and 10 GB in artifacts. A restore stands
//! beside `cp -a` of the same backup and a sync of the file system, in turns on the same disk; the last one is started,
//! and all services must answer. It writes 30 GB, so it runs only when it is named.

use std::{
    fs,
    io::{BufWriter, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    Fallible, Options,
    http::{self, Request},
    process::TempFolder,
    project,
    server::Server,
    stats::Values,
    table::{Table, progress},
};

const NAME: &str = "restore";
const PROJECT: &str = "many";
const SERVICES: usize = 100;
const SITES: usize = 20;
/// Files of a site, and bytes of each: 20 sites are 10 GB.
const FILES: usize = 62;
const FILE_BYTES: usize = 8 * 1024 * 1024;
/// What has to be free, in bytes: artifacts, what is unpacked of them, and the backup lie side by side for a while.
const FREE_BYTES_MIN: u64 = 34 * 1024 * 1024 * 1024;
const ROUNDS: usize = 3;
const COMMAND_MS_MAX: u64 = 1_800_000;
/// How long the services of a restored folder may take to answer.
const ANSWER_MS_MAX: u64 = 120_000;
const LOOK_MS: u64 = 20;
/// The goal of recovery, in ms.
const RECOVERY_MS_MAX: f64 = 120_000.0;

/// Runs it.
///
/// # Errors
/// The disk is too small, or something fails.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    let folder = TempFolder::new()?;
    refuse_small_disk(folder.path()).await?;
    let backup = folder.path().join("backup");
    make_backup(options, table, &backup).await?;
    let bytes = size(&backup)?;
    let gigabytes = bytes as f64 / 1e9;
    table.text(NAME, "the backup", format!("{gigabytes:.2} GB"), "1");
    let (mut restored, mut copied, mut ratios) = (Values::default(), Values::default(), Values::default());
    let mut recovered = None;
    for round in 0..ROUNDS {
        let copy_s = copy(&backup, &folder.path().join("copy")).await?;
        let home = TempFolder::new()?;
        let begin = Instant::now();
        restore(options, &backup, &home.path().join("data")).await?;
        let restore_s = begin.elapsed().as_secs_f64();
        progress(format!("{NAME} {round}: cp -a and sync {copy_s:.1} s, restore {restore_s:.1} s"));
        copied.push(copy_s);
        restored.push(restore_s);
        ratios.push(restore_s / copy_s);
        recovered = Some((home, begin));
    }
    table.number(NAME, "`cp -a` of the backup, and a sync of the file system", "s", &copied);
    table.number(NAME, "restore, each file checked by its hash", "s", &restored);
    table.number(NAME, "restore / cp, round by round", "×", &ratios);
    let rate = gigabytes * 1000.0 / restored.median();
    table.text(NAME, "restore, a second", format!("{rate:.0} MB"), ROUNDS.to_string());
    let Some((home, begin)) = recovered else { return Ok(()) };
    let server = Server::start_in(&options.shipway, home, &[]).await?;
    answers(&server).await?;
    let recovery = Values::from_iter([begin.elapsed().as_secs_f64() * 1000.0]);
    let what = format!("first command until the last of {SERVICES} services and {SITES} sites answers");
    table.at_most(NAME, what, (RECOVERY_MS_MAX, "ms"), &recovery);
    Ok(())
}

/// A server with everything, and its backup; the server and its folder are gone afterwards.
async fn make_backup(options: &Options, table: &mut Table, backup: &Path) -> Fallible<()> {
    let server = Server::start(&options.shipway, &[]).await?;
    project::make_group(&server, &options.app, PROJECT, SERVICES, "").await?;
    server.deploy(&json!({ "project": PROJECT, "environment": "test", "order": "parallel" })).await?;
    let mut chance = 0x9e37_79b9_7f4a_7c15;
    for number in 0..SITES {
        deploy_site(&server, number, &mut chance).await?;
        progress(format!("{NAME}: site {number} of {SITES}"));
    }
    let text = backup.to_string_lossy().into_owned();
    for what in ["first backup, while all runs", "the next one, of which nothing is new"] {
        let begin = Instant::now();
        well(server.verb(server.home(), &["backup", &text])).await?;
        table.text(NAME, what, format!("{:.2} s", begin.elapsed().as_secs_f64()), "1");
    }
    Ok(())
}

/// A project of one site of files that nothing can make smaller; its source goes when it is deployed.
async fn deploy_site(server: &Server, number: usize, chance: &mut u64) -> Fallible<()> {
    let (name, folder) = (site(number), server.home().join(site(number)));
    fs::create_dir_all(folder.join("site"))?;
    fs::write(folder.join("site/index.html"), &name)?;
    for file in 0..FILES {
        let mut out = BufWriter::new(fs::File::create(folder.join(format!("site/{file}")))?);
        for _ in 0..FILE_BYTES / size_of::<u64>() {
            // xorshift64: bytes that look like chance, fast.
            *chance ^= *chance << 13;
            *chance ^= *chance >> 7;
            *chance ^= *chance << 17;
            out.write_all(&chance.to_le_bytes())?;
        }
    }
    let spec = format!(
        "[project]\nname = \"{name}\"\n\n[environments.test]\ntype = \"testing\"\n\n[services.web]\nsource = \"site\"\n\
         kind = \"static\"\nroutes = [{{ host = \"{}\" }}]\n",
        project::host(&name, "web")
    );
    server.register(&folder, &spec).await?;
    server.deploy(&json!({ "project": name, "environment": "test" })).await?;
    fs::remove_dir_all(folder.join("site"))?;
    Ok(())
}

fn site(number: usize) -> String {
    format!("site{number}")
}

async fn restore(options: &Options, backup: &Path, data: &Path) -> Fallible<()> {
    let mut command = Command::new(&options.shipway);
    command.arg("restore").arg(backup).arg("--data").arg(data);
    command.env_remove("SHIPWAY_TOKEN").env_remove("SHIPWAY_SERVER");
    well(command).await
}

/// Copies the backup, has it written, and removes the copy; gives the seconds of the first two.
async fn copy(backup: &Path, to: &Path) -> Fallible<f64> {
    let begin = Instant::now();
    let mut command = Command::new("cp");
    command.arg("-a").arg(backup).arg(to);
    well(command).await?;
    let mut command = Command::new("sync");
    command.arg("-f").arg(to);
    well(command).await?;
    let took_s = begin.elapsed().as_secs_f64();
    fs::remove_dir_all(to)?;
    Ok(took_s)
}

async fn well(command: Command) -> Fallible<()> {
    let what = format!("{command:?}");
    let output = tokio::process::Command::from(command).kill_on_drop(true).output();
    let output = timeout(Duration::from_millis(COMMAND_MS_MAX), output).await;
    let output = output.map_err(|_| format!("{what} did not end in {COMMAND_MS_MAX} ms"))??;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

async fn answers(server: &Server) -> Fallible<()> {
    let services = project::names(SERVICES).map(|name| project::host(PROJECT, &name));
    let sites = (0..SITES).map(|number| project::host(&site(number), "web"));
    let begin = Instant::now();
    for host in services.chain(sites) {
        loop {
            let answer = http::once(server.proxy(), &Request::get(&host, "/")).await;
            if answer.as_ref().is_ok_and(|answer| answer.status == 200) {
                break;
            }
            if begin.elapsed() > Duration::from_millis(ANSWER_MS_MAX) {
                return Err(format!("{host} does not answer: {answer:?}").into());
            }
            sleep(Duration::from_millis(LOOK_MS)).await;
        }
    }
    Ok(())
}

/// The bytes of a folder's files.
fn size(folder: &Path) -> Fallible<u64> {
    let (mut bytes, mut folders) = (0, vec![PathBuf::from(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            match metadata.is_dir() {
                true => folders.push(entry.path()),
                false => bytes += metadata.size(),
            }
        }
    }
    Ok(bytes)
}

async fn refuse_small_disk(folder: &Path) -> Fallible<()> {
    let mut command = Command::new("df");
    command.args(["--output=avail", "-B1"]).arg(folder);
    let output = tokio::process::Command::from(command).output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let free: u64 = text.split_whitespace().last().and_then(|word| word.parse().ok()).unwrap_or(0);
    match free >= FREE_BYTES_MIN {
        true => Ok(()),
        false => Err(format!("{} has {free} bytes free, and this takes {FREE_BYTES_MIN}", folder.display()).into()),
    }
}
