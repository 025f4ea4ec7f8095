//! Reading an instance's log. A position counts the bytes of all output since the instance's beginning, so it means
//! the same after old files were dropped. Not here: writing (`shim::output`).

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use shipway_core::ports::{LogPage, LogPosition};

const PREFIX: &str = "log.";
/// The most that one page or tail is cut from, in bytes.
const PAGE_BYTES_MAX: u64 = 1024 * 1024;
/// How often a page is read again because its file was dropped meanwhile.
const DROPPED_TRIES_MAX: u32 = 5;

/// One file of a log.
#[derive(Clone, Debug)]
pub(crate) struct LogFile {
    /// The position of its first byte.
    pub(crate) base: u64,
    pub(crate) path: PathBuf,
}

/// The name of the file that begins there.
pub(crate) fn name(base: u64) -> String {
    format!("{PREFIX}{base}")
}

/// The files of a log, oldest first.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<LogFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let base = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|base| base.parse().ok());
        files.extend(base.map(|base| LogFile { base, path: entry.path() }));
    }
    files.sort_by_key(|file| file.base);
    Ok(files)
}

/// Whole lines from a position. What was dropped meanwhile is passed over.
pub(crate) fn page(folder: &Path, from: LogPosition, lines_max: usize) -> io::Result<LogPage> {
    again_if_dropped(|| {
        let files = files(folder)?;
        let mut page = LogPage { lines: Vec::new(), next: from };
        let Some(first) = files.first() else { return Ok(page) };
        let mut position = from.0.max(first.base);
        let begin = files.iter().rposition(|file| file.base <= position).unwrap_or(0);
        for (at, file) in files.iter().enumerate().skip(begin) {
            let end = files.get(at + 1).map(|next| next.base);
            position = add_lines(&mut page.lines, file, position, lines_max)?;
            match end {
                Some(end) if position >= end && page.lines.len() < lines_max => position = end,
                _ => break,
            }
        }
        page.next = LogPosition(position);
        Ok(page)
    })
}

/// Adds whole lines of one file and returns the position after them.
fn add_lines(lines: &mut Vec<String>, file: &LogFile, from: u64, lines_max: usize) -> io::Result<u64> {
    let mut reader = File::open(&file.path)?;
    let size = reader.metadata()?.len();
    // A position beyond the end was one of an earlier instance with the same id.
    let mut position = from.min(file.base + size);
    reader.seek(SeekFrom::Start(position - file.base))?;
    let mut bytes = Vec::new();
    reader.take(PAGE_BYTES_MAX).read_to_end(&mut bytes)?;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if lines.len() >= lines_max || !line.ends_with(b"\n") {
            break;
        }
        lines.push(text(line));
        position += line.len() as u64;
    }
    Ok(position)
}

/// The last lines, an unfinished one included.
pub(crate) fn tail(folder: &Path, lines_max: usize) -> io::Result<Vec<String>> {
    again_if_dropped(|| {
        let mut bytes: Vec<u8> = Vec::new();
        for file in files(folder)?.iter().rev() {
            let room = PAGE_BYTES_MAX.saturating_sub(bytes.len() as u64);
            let mut reader = File::open(&file.path)?;
            let skip = reader.metadata()?.len().saturating_sub(room);
            reader.seek(SeekFrom::Start(skip))?;
            let mut earlier = Vec::new();
            reader.take(room).read_to_end(&mut earlier)?;
            if skip > 0 {
                let cut = earlier.iter().position(|byte| *byte == b'\n').map_or(earlier.len(), |at| at + 1);
                earlier.drain(..cut);
            }
            earlier.append(&mut bytes);
            bytes = earlier;
            if skip > 0 || bytes.iter().filter(|byte| **byte == b'\n').count() > lines_max {
                break;
            }
        }
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let begin = lines.len().saturating_sub(lines_max);
        Ok(lines.into_iter().skip(begin).map(text).collect())
    })
}

fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

fn again_if_dropped<T>(read: impl Fn() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..DROPPED_TRIES_MAX {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
    }
    read()
}
