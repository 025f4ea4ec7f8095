//! Where master keys come from: a file, a variable, or a command such as the client of a key service. Without a word
//! about it, a file beside the data folder, made when the first secret is set. Never a file inside the data folder:
//! whoever has a copy of that must not have the key with it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{command_line::CommandLine, ports::Fault, secret::SecretText};
use shipway_store::{KeySource, MASTER_KEYS_MAX, MasterKey};
use tokio::io::AsyncReadExt;

use super::folder::write_private;

const FILE: &str = "SHIPWAY_MASTER_KEY_FILE";
const VALUE: &str = "SHIPWAY_MASTER_KEY";
const COMMAND: &str = "SHIPWAY_MASTER_KEY_COMMAND";
/// How long a command may take to print the keys.
const COMMAND_MS_MAX: u64 = 10_000;
/// The most that a file or a command may hold, in bytes.
const TEXT_BYTES_MAX: u64 = 16 * 1024;

/// The source that the server's variables name; the file beside the data folder when they name none.
///
/// # Errors
/// They name more than one, or a file inside the data folder.
pub(super) fn source(data: &Path) -> Result<Arc<dyn KeySource>, Fault> {
    let said = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
    let (file, value, command) = (said(FILE), said(VALUE), said(COMMAND));
    match (file, value, command) {
        (None, None, None) => Ok(Arc::new(FileSource { path: beside(data) })),
        (Some(file), None, None) => {
            let path = std::path::absolute(&file).unwrap_or_else(|_| file.into());
            refuse_inside(&path, data)?;
            Ok(Arc::new(FileSource { path }))
        }
        (None, Some(value), None) => Ok(Arc::new(VariableSource(SecretText::new(value)))),
        (None, None, Some(command)) => {
            let command = CommandLine::parse(&command);
            let command = command.map_err(|fault| Fault::invalid(format!("{COMMAND}: {fault}")))?;
            Ok(Arc::new(CommandSource(command)))
        }
        _ => Err(Fault::invalid(format!("more than one of {FILE}, {VALUE} and {COMMAND} is set"))
            .with_hint("keep the one that the master key really comes from")),
    }
}

/// `/var/lib/shipway` has its key in `/var/lib/shipway.master.key`.
fn beside(data: &Path) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(".master.key");
    name.into()
}

fn refuse_inside(path: &Path, data: &Path) -> Result<(), Fault> {
    let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
    match folder.is_some_and(|folder| folder.starts_with(data)) {
        false => Ok(()),
        true => Err(Fault::invalid(format!("{FILE} names {}, which is inside the data folder", path.display()))
            .with_hint("put it elsewhere: a copy of the data folder must not hold the key to its secrets")),
    }
}

fn read(words: &str, text: &SecretText) -> Result<Vec<MasterKey>, Fault> {
    MasterKey::read_all(text.reveal()).map_err(|fault| {
        Fault::invalid(format!("the master key in {words} can't be used: {fault}")).with_hint(
            "it is 32 bytes in hex or base64, one key a line, the newest first: `openssl rand -hex 32` makes one",
        )
    })
}

/// A file that only its owner may read.
struct FileSource {
    path: PathBuf,
}

impl FileSource {
    fn text(&self) -> Result<Option<SecretText>, Fault> {
        let reading = || format!("reading the master key {}", self.path.display());
        let metadata = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(|error| Fault::io(reading(), &error))?,
        };
        if metadata.mode() & 0o077 != 0 {
            let path = self.path.display();
            return Err(Fault::invalid(format!("others may read the master key {path}"))
                .with_hint(format!("`chmod 600 {path}`, and think about whether somebody did")));
        }
        if metadata.len() > TEXT_BYTES_MAX {
            return Err(Fault::invalid(format!("{} is too long for a master key", self.path.display())));
        }
        let text = fs::read_to_string(&self.path).map_err(|error| Fault::io(reading(), &error))?;
        Ok(Some(SecretText::new(text)))
    }

    fn keys(&self) -> Result<Vec<MasterKey>, Fault> {
        self.text()?.map_or_else(|| Ok(Vec::new()), |text| read(&self.words(), &text))
    }
}

impl KeySource for FileSource {
    fn words(&self) -> String {
        self.path.display().to_string()
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<MasterKey>, Fault>> {
        async { self.keys() }.boxed()
    }

    fn add(&self, key: MasterKey) -> BoxFuture<'_, Result<(), Fault>> {
        async move {
            if self.keys()?.len() >= MASTER_KEYS_MAX {
                return Err(Fault::invalid(format!("{} holds {MASTER_KEYS_MAX} keys already", self.words()))
                    .with_hint("remove the last lines: only backups that are older than them need those"));
            }
            let old = self.text()?;
            let old = old.as_ref().map_or("", SecretText::reveal);
            let text = SecretText::new(format!("{}\n{old}", key.to_hex()));
            write_private(&self.path, text.reveal().as_bytes()).map_err(|fault| {
                fault.with_hint(format!("name a file that the server may write in {FILE}, or give the key in {VALUE}"))
            })
        }
        .boxed()
    }
}

fn not_ours(words: &str) -> Fault {
    Fault::invalid(format!("the master key comes from {words}, where Shipway can't put another"))
        .with_hint("let it give the new key in a line before the old one, and ask again")
}

/// The server's variable, as it was at its start.
struct VariableSource(SecretText);

impl KeySource for VariableSource {
    fn words(&self) -> String {
        format!("the variable {VALUE}")
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<MasterKey>, Fault>> {
        async { read(&self.words(), &self.0) }.boxed()
    }

    fn add(&self, _: MasterKey) -> BoxFuture<'_, Result<(), Fault>> {
        async { Err(not_ours(&self.words())) }.boxed()
    }
}

/// A program that prints the keys.
struct CommandSource(CommandLine);

impl CommandSource {
    async fn print(&self) -> Result<SecretText, Fault> {
        let failed = |what: String| {
            Fault::unavailable(format!("the command of {COMMAND} {what}"))
                .with_hint(format!("run it by hand: `{}` must print the master key and end with status 0", self.0))
        };
        let (program, arguments) = self.0.words().split_first().ok_or_else(|| failed("is empty".into()))?;
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| failed(format!("can't be started: {error}")))?;
        let mut text = String::new();
        let output = child.stdout.take().ok_or_else(|| failed("has no output".into()))?;
        let run = async {
            output.take(TEXT_BYTES_MAX).read_to_string(&mut text).await?;
            child.wait().await
        };
        let ended = tokio::time::timeout(Duration::from_millis(COMMAND_MS_MAX), run).await;
        let text = SecretText::new(text);
        match ended {
            Err(_) => Err(failed(format!("did not end within {COMMAND_MS_MAX} ms"))),
            Ok(Err(error)) => Err(failed(format!("can't be read: {error}"))),
            Ok(Ok(status)) if !status.success() => Err(failed(format!("ended with {status}"))),
            Ok(Ok(_)) => Ok(text),
        }
    }
}

impl KeySource for CommandSource {
    fn words(&self) -> String {
        format!("the command `{}`", self.0)
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<MasterKey>, Fault>> {
        async { read(&self.words(), &self.print().await?) }.boxed()
    }

    fn add(&self, _: MasterKey) -> BoxFuture<'_, Result<(), Fault>> {
        async { Err(not_ours(&self.words())) }.boxed()
    }
}
