//! Where text comes from: files by number, and spans of them.
//!
//! Not here: reading files. Whoever loads text puts it into a [`SourceMap`] and hands the [`FileId`] on.

use std::sync::Arc;

/// The number of a file in a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A stretch of a file, in bytes; `end` is the first byte after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// First byte after the stretch.
    pub end: u32,
}

impl Span {
    /// A span over `start..end` of `file`.
    #[must_use]
    pub const fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// A file as a whole, which has no line of its own: no bytes at its start.
    #[must_use]
    pub const fn of_file(file: FileId) -> Self {
        Self::new(file, 0, 0)
    }

    /// Whether it means a file as a whole.
    #[must_use]
    pub const fn is_of_file(self) -> bool {
        self.start == 0 && self.end == 0
    }

    /// Whether another span lies within this one.
    #[must_use]
    pub fn holds(self, other: Self) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    /// The smallest span that holds both; both are of one file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One file's name and text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name as messages show it.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    lines: Vec<u32>,
}

impl SourceFile {
    /// A file, its lines counted.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text: Arc<str> = text.into();
        let after_newlines = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at as u32 + 1);
        let lines = std::iter::once(0).chain(after_newlines).collect();
        Self { name: name.into(), text, lines }
    }

    /// Line and column of a byte, both counted from 1; columns count bytes, as CUE's own do.
    #[must_use]
    pub fn position(&self, byte: u32) -> (u32, u32) {
        let line = self.lines.partition_point(|start| *start <= byte).max(1);
        (line as u32, byte - self.lines[line - 1] + 1)
    }

    /// The text of a line counted from 1, without its end.
    #[must_use]
    pub fn line(&self, line: u32) -> &str {
        let start = self.lines.get(line as usize - 1).map_or(self.text.len(), |at| *at as usize);
        let end = self.lines.get(line as usize).map_or(self.text.len(), |at| *at as usize);
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }
}

/// All files of an evaluation, by number.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<Arc<SourceFile>>,
}

impl SourceMap {
    /// Adds a file.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        self.files.push(Arc::new(SourceFile::new(name, text)));
        FileId(self.files.len() as u32 - 1)
    }

    /// The file of a number, if it was added here.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&Arc<SourceFile>> {
        self.files.get(id.0 as usize)
    }

    /// The place of each file, by number, among all by name.
    #[must_use]
    pub fn ranks(&self) -> Vec<u32> {
        let mut by_name: Vec<usize> = (0..self.files.len()).collect();
        by_name.sort_by_key(|at| self.files[*at].name.trim_start_matches("./"));
        let mut ranks = vec![0; by_name.len()];
        by_name.into_iter().enumerate().for_each(|(rank, file)| ranks[file] = rank as u32);
        ranks
    }

    /// The text under a span; empty where the span is not of this map.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).and_then(|file| file.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }

    /// `name:line:column` of a span's start.
    #[must_use]
    pub fn place(&self, span: Span) -> String {
        match self.file(span.file) {
            Some(file) => {
                let (line, column) = file.position(span.start);
                format!("{}:{line}:{column}", file.name)
            }
            None => "-".to_owned(),
        }
    }
}
