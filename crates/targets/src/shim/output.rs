//! From the application's output to the files `log.N`, where N is the number of bytes of all output before the file:
//! every line gets its time, the newest two files are kept. Not here: reading them (`log_pages`).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{OpenOptionsExt, chown},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, mkfifoat},
    io::Errno,
};

use super::state::now;
use crate::{log_pages, users::User};

/// The most that one file may hold, in bytes; the next line then begins another.
pub(crate) const LOG_FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How many files are kept.
pub(crate) const LOG_FILES_MAX: usize = 2;
/// The longest line in the log, in bytes; a longer one goes on in the next.
pub(crate) const LOG_LINE_BYTES_MAX: usize = 16 * 1024;
/// How much is taken from the application at once, in bytes.
const READ_BYTES: usize = 8 * 1024;

const FIFO: &str = "output";

/// Opens the application's end, which is never at its end: the application holds a reader too, so it outlives us.
pub(super) fn open_for_app(folder: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(folder.join(FIFO))
}

/// The log of one instance and the FIFO that feeds it.
pub(super) struct Output {
    pub(super) fifo: File,
    folder: PathBuf,
    file: File,
    base: u64,
    written: u64,
    line: usize,
}

impl Output {
    /// Makes what isn't there and goes on where an earlier shim stopped.
    pub(super) fn open(folder: &Path, user: Option<User>) -> io::Result<Self> {
        let path = folder.join(FIFO);
        match mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(user) = user {
            // Applications that open /dev/stdout themselves open the FIFO by its own permissions.
            chown(&path, Some(user.uid), Some(user.gid))?;
        }
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
        let fifo = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&path)?;
        let base = log_pages::files(folder)?.last().map_or(0, |file| file.base);
        let mut file = open_log(folder, base)?;
        let written = file.seek(SeekFrom::End(0))?;
        let line = usize::from(written > 0 && last_byte(&mut file)? != b'\n');
        Ok(Self { fifo, folder: folder.to_path_buf(), file, base, written, line })
    }

    /// Takes what is there, up to one buffer, and says how much it was; 0 when there is nothing now.
    pub(super) fn take(&mut self) -> io::Result<usize> {
        let mut buffer = [0; READ_BYTES];
        match self.fifo.read(&mut buffer) {
            Ok(count) => {
                self.record(&buffer[..count]);
                Ok(count)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Adds a line of the shim's own.
    pub(super) fn say(&mut self, text: &str) {
        self.end_line();
        self.record(format!("shipway: {text}\n").as_bytes());
    }

    /// Ends a line that was begun.
    pub(super) fn end_line(&mut self) {
        if self.line > 0 {
            self.record(b"\n");
        }
    }

    /// What can't be written (a full disk) is lost, and the application goes on.
    fn record(&mut self, bytes: &[u8]) {
        let mut text = Vec::with_capacity(bytes.len() + 64);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = piece;
            while !rest.is_empty() {
                if self.line == 0 {
                    self.turn(&mut text);
                    text.extend_from_slice(format!("{} ", now()).as_bytes());
                }
                rest = self.lay(rest, &mut text);
            }
        }
        self.flush(&mut text);
    }

    /// Lays out as much of a line as fits, and returns the rest of it.
    fn lay<'a>(&mut self, piece: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
        let room = LOG_LINE_BYTES_MAX.saturating_sub(self.line);
        let (now, rest) = piece.split_at(piece.len().min(room.max(1)));
        text.extend_from_slice(now);
        self.line += now.len();
        if now.ends_with(b"\n") {
            self.line = 0;
        } else if self.line >= LOG_LINE_BYTES_MAX {
            self.line = 0;
            text.push(b'\n');
            // The line's own end, when it is all that is left, would make an empty one.
            return rest.strip_prefix(b"\n").filter(|rest| rest.is_empty()).unwrap_or(rest);
        }
        rest
    }

    fn flush(&mut self, text: &mut Vec<u8>) {
        if self.file.write_all(text).is_err() {
            // Some of it may have been written.
            self.written = self.file.metadata().map_or(self.written, |metadata| metadata.len());
        } else {
            self.written += text.len() as u64;
        }
        text.clear();
    }

    /// Begins the next file if this one is full.
    fn turn(&mut self, text: &mut Vec<u8>) {
        if self.written + (text.len() as u64) < LOG_FILE_BYTES_MAX {
            return;
        }
        self.flush(text);
        let base = self.base + self.written;
        if let Ok(file) = open_log(&self.folder, base) {
            (self.file, self.base, self.written) = (file, base, 0);
            self.drop_oldest();
        }
    }

    fn drop_oldest(&self) {
        let files = log_pages::files(&self.folder).unwrap_or_default();
        let old = files.len().saturating_sub(LOG_FILES_MAX);
        for file in files.into_iter().take(old) {
            let _ = fs::remove_file(file.path);
        }
    }
}

fn open_log(folder: &Path, base: u64) -> io::Result<File> {
    let path = folder.join(log_pages::name(base));
    OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}
