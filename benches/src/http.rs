//! HTTP/1.1 as bytes on a socket: nothing is retried, and every failure is seen. Not here: TLS, redirects.

use std::{
    io::{Error, ErrorKind, Result},
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

const HEAD_BYTES_MAX: usize = 64 * 1024;
const READ_BYTES: usize = 64 * 1024;

/// A request.
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The host that routes it.
    pub host: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// More header lines, each ended by CRLF.
    pub headers: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// How long it rests in the middle of its body.
    pub rest: Duration,
}

impl<'a> Request<'a> {
    /// A `GET` without anything.
    pub fn get(host: &'a str, path: &'a str) -> Self {
        Self { method: "GET", host, path, headers: "", body: b"", rest: Duration::ZERO }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Whether the connection ends after it.
    pub closes: bool,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection that may carry many requests.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody accepts.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// The connection is reset or ends early, or what comes is no answer.
    pub async fn request(&mut self, request: &Request<'_>) -> Result<Answer> {
        let Request { method, host, path, headers, body, .. } = request;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        let (first, second) = body.split_at(length / 2);
        self.stream.write_all(first).await?;
        if !request.rest.is_zero() {
            sleep(request.rest).await;
        }
        self.stream.write_all(second).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Answer> {
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
                break String::from_utf8_lossy(&head).to_ascii_lowercase();
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(Error::other("the head of the answer is too long"));
            }
            self.more().await?;
        };
        let status = head.split_whitespace().nth(1).and_then(|text| text.parse().ok());
        let status = status.ok_or_else(|| Error::other("no status in the answer"))?;
        let closes = header(&head, "connection") == Some("close");
        let body = if header(&head, "transfer-encoding").is_some() {
            self.chunks().await?
        } else {
            let length = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            self.exactly(length).await?
        };
        Ok(Answer { status, closes, body })
    }

    async fn more(&mut self) -> Result<()> {
        let from = self.buffer.len();
        self.buffer.resize(from + READ_BYTES, 0);
        let read = self.stream.read(&mut self.buffer[from..]).await;
        self.buffer.truncate(from + read.as_ref().copied().unwrap_or(0));
        if read? == 0 {
            let what = if from == 0 { "the connection ended without an answer" } else { "the answer was cut" };
            return Err(Error::new(ErrorKind::UnexpectedEof, what));
        }
        Ok(())
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(end) = find(&self.buffer, b"\r\n") {
                    break end;
                }
                self.more().await?;
            };
            let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            let size = usize::from_str_radix(&line, 16).map_err(Error::other)?;
            let chunk = self.exactly(size + 2).await?;
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
}

/// One request on a connection of its own.
///
/// # Errors
/// As for a kept connection.
pub async fn once(address: SocketAddr, request: &Request<'_>) -> Result<Answer> {
    Connection::open(address).await?.request(request).await
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
