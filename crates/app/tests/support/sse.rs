//! A live stream as a client sees it: server-sent events on a socket of its own.

use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::Server;

/// How long one read waits; between two of them the bound is looked at.
const READ_MS: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(40);

/// An event with its id, when it has one.
pub struct Event {
    pub id: Option<String>,
    pub data: Value,
}

/// An open stream.
pub struct Stream {
    reader: BufReader<TcpStream>,
    line: String,
}

impl Stream {
    /// Opens a stream, perhaps where an earlier one broke.
    pub fn open(server: &Server, path: &str, last_event_id: Option<u64>) -> Self {
        Self::open_as(server, server.token(), path, last_event_id)
    }

    /// The same with somebody's access token.
    pub fn open_as(server: &Server, token: &str, path: &str, last_event_id: Option<u64>) -> Self {
        let mut stream = TcpStream::connect(server.address()).expect("the server takes connections");
        stream.set_read_timeout(Some(Duration::from_millis(READ_MS))).expect("a timeout");
        let last = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer {token}\r\n{last}\r\n"
        );
        stream.write_all(head.as_bytes()).expect("the request goes out");
        let mut opened = Self { reader: BufReader::new(stream), line: String::new() };
        let first = opened.line().expect("a status line");
        assert!(first.contains(" 200 "), "{path}: {first}");
        let mut kind = String::new();
        while let Some(line) = opened.line().filter(|line| !line.is_empty()) {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-type:") {
                kind = value.trim().to_owned();
            }
        }
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        opened
    }

    /// The next line, or none when the stream has ended.
    fn line(&mut self) -> Option<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.reader.read_line(&mut self.line) {
                Ok(0) => return None,
                Ok(_) if self.line.ends_with('\n') => {
                    return Some(std::mem::take(&mut self.line).trim_end_matches(['\r', '\n']).to_owned());
                }
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    assert!(Instant::now() < until, "nothing came for {PATIENCE:?}");
                }
                Err(_) => return None,
            }
        }
    }

    /// The next event, or none when the stream has ended. Chunk sizes and comments are passed over.
    pub fn next(&mut self) -> Option<Event> {
        let mut id = None;
        loop {
            let line = self.line()?;
            if let Some(value) = line.strip_prefix("id:") {
                id = Some(value.trim().to_owned());
            }
            if let Some(data) = line.strip_prefix("data:") {
                let data = serde_json::from_str(data.trim()).expect("an event is JSON on one line");
                return Some(Event { id, data });
            }
            if line == "0" {
                return None;
            }
        }
    }

    /// The next event that fits.
    pub fn until(&mut self, what: &str, mut fits: impl FnMut(&Event) -> bool) -> Event {
        loop {
            let event = self.next().unwrap_or_else(|| panic!("the stream ended before {what}"));
            if fits(&event) {
                return event;
            }
        }
    }
}
