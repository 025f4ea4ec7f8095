//! Logs of deployments in a folder: one file each, bounded.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::PathBuf,
};

use shipway_core::ports::{Fault, LogPage, LogPosition, Logs};

/// Bytes that one log keeps; what comes after is counted and left out.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes that one page reads at most.
const PAGE_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes that one line keeps; a page always holds a whole line.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Logs in a folder.
pub struct FolderLogs {
    folder: PathBuf,
}

impl FolderLogs {
    /// Logs below a folder, which is made when it is first written.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, name: &str) -> Result<PathBuf, Fault> {
        let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
        if !name.split('/').all(plain) {
            return Err(Fault::invalid(format!("`{name}` is no name of a log")));
        }
        Ok(self.folder.join(format!("{name}.log")))
    }

    fn open(&self, name: &str) -> Result<Option<File>, Fault> {
        match File::open(self.path(name)?) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Fault::io(format!("reading the log {name}"), &error)),
        }
    }
}

fn one_line(line: &str) -> String {
    if line.len() <= LINE_BYTES_MAX {
        return line.replace('\n', " ");
    }
    let kept = line[..line.floor_char_boundary(LINE_BYTES_MAX)].replace('\n', " ");
    format!("{kept}… the line is cut: it has {} bytes", line.len())
}

impl Logs for FolderLogs {
    fn append(&self, name: &str, lines: &[String]) -> Result<(), Fault> {
        let doing = || format!("writing the log {name}");
        let path = self.path(name)?;
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Fault::io(doing(), &error))?;
        }
        let mut file = OpenOptions::new().append(true).create(true).open(&path);
        let file = file.as_mut().map_err(|error| Fault::io(doing(), error))?;
        let used = file.metadata().map_err(|error| Fault::io(doing(), &error))?.len();
        if used >= LOG_BYTES_MAX {
            return Ok(());
        }
        let mut text = String::new();
        for line in lines {
            text.push_str(&one_line(line));
            text.push('\n');
            if used + text.len() as u64 >= LOG_BYTES_MAX {
                text.push_str("… the log is full: what follows is left out\n");
                break;
            }
        }
        file.write_all(text.as_bytes()).map_err(|error| Fault::io(doing(), &error))
    }

    fn read(&self, name: &str, from: LogPosition, lines_max: usize) -> Result<LogPage, Fault> {
        let doing = || format!("reading the log {name}");
        let Some(mut file) = self.open(name)? else { return Ok(LogPage { lines: Vec::new(), next: from }) };
        file.seek(SeekFrom::Start(from.0)).map_err(|error| Fault::io(doing(), &error))?;
        let mut bytes = Vec::new();
        file.take(PAGE_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| Fault::io(doing(), &error))?;
        let mut page = LogPage { lines: Vec::new(), next: from };
        for line in bytes.split_inclusive(|byte| *byte == b'\n').take(lines_max) {
            // A line without its end is still being written.
            let Some(whole) = line.strip_suffix(b"\n") else { break };
            page.lines.push(String::from_utf8_lossy(whole).into_owned());
            page.next.0 += line.len() as u64;
        }
        Ok(page)
    }

    fn tail(&self, name: &str, lines_max: usize) -> Result<Vec<String>, Fault> {
        let Some(file) = self.open(name)? else { return Ok(Vec::new()) };
        let size = file.metadata().map_err(|error| Fault::io(format!("reading the log {name}"), &error))?.len();
        let from = LogPosition(size.saturating_sub(PAGE_BYTES_MAX));
        let mut lines = self.read(name, from, usize::MAX)?.lines;
        if from.0 > 0 && !lines.is_empty() {
            // It began somewhere within a line.
            lines.remove(0);
        }
        Ok(lines.split_off(lines.len().saturating_sub(lines_max)))
    }

    fn holds(&self, folder: &str) -> Result<bool, Fault> {
        Ok(self.path(folder)?.with_extension("").is_dir())
    }

    fn remove(&self, folder: &str) -> Result<bool, Fault> {
        let path = self.path(folder)?.with_extension("");
        match std::fs::remove_dir_all(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Fault::io(format!("removing the logs {folder}"), &error)),
        }
    }
}
