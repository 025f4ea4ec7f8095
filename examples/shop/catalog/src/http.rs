//! As much of HTTP/1.1 as a small service needs: a thread per connection, keep-alive, bodies with Content-Length.
//!
//! `catalog` and `checkout` each have this file: a service is a project of its own, built from its own folder alone.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

const HEAD_BYTES_MAX: u64 = 16 * 1024;
const BODY_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Far longer than the proxy keeps an idle connection, so that the proxy is always the one that closes.
const IDLE_S_MAX: u64 = 75;

/// A request whose body was read.
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
}

impl Request {
    /// The value of a query parameter, percent-decoding left out: the shop's values need none.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

/// An answer.
pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Response {
    pub fn json(status: u16, body: String) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body,
        }
    }

    pub fn text(status: u16, body: String) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            headers: Vec::new(),
            body,
        }
    }

    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Listens on 127.0.0.1:`port` and answers until the process ends. Returns only when it can't listen.
pub fn serve(
    port: u16,
    ready: impl FnOnce(),
    answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> io::Error {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    ready();
    let answer = Arc::new(answer);
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let answer = Arc::clone(&answer);
                // A connection that broke is the client's to notice; a thread that can't start drops it likewise.
                let _ = thread::Builder::new()
                    .stack_size(128 * 1024)
                    .spawn(move || converse(&stream, &*answer));
            }
            // Out of file descriptors, for instance: others will be given back.
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Answers one request after the other on one connection.
fn converse(stream: &TcpStream, answer: &dyn Fn(&Request) -> Response) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(IDLE_S_MAX)))?;
    let mut reader = BufReader::new(stream);
    loop {
        let (request, keep) = match read_request(&mut reader)? {
            Incoming::Ended => return Ok(()),
            Incoming::Bad(status) => {
                return write_response(stream, &Response::text(status, reason(status).into()), false, false);
            }
            Incoming::Request(request, keep) => (request, keep),
        };
        let response = answer(&request);
        write_response(stream, &response, keep, request.method == "HEAD")?;
        if !keep {
            return Ok(());
        }
    }
}

enum Incoming {
    Request(Request, bool),
    Bad(u16),
    Ended,
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Incoming> {
    let mut head = reader.by_ref().take(HEAD_BYTES_MAX);
    let mut first = String::new();
    if head.read_line(&mut first)? == 0 {
        return Ok(Incoming::Ended);
    }
    let mut words = first.split_whitespace();
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
        return Ok(Incoming::Bad(400));
    };
    let mut keep = version == "HTTP/1.1";
    let mut body_bytes: u64 = 0;
    let mut awaited = false;
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(if head.limit() == 0 {
                Incoming::Bad(431)
            } else {
                Incoming::Ended
            });
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Ok(Incoming::Bad(400));
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "connection" if value.eq_ignore_ascii_case("close") => keep = false,
            "connection" if value.eq_ignore_ascii_case("keep-alive") => keep = true,
            "expect" => awaited = value.eq_ignore_ascii_case("100-continue"),
            "transfer-encoding" => return Ok(Incoming::Bad(411)),
            "content-length" => match value.parse() {
                Ok(bytes) if bytes <= BODY_BYTES_MAX => body_bytes = bytes,
                Ok(_) => return Ok(Incoming::Bad(413)),
                Err(_) => return Ok(Incoming::Bad(400)),
            },
            _ => {}
        }
    }
    if awaited && body_bytes > 0 {
        reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    // The next request on this connection begins after the body, wanted or not.
    if io::copy(&mut reader.by_ref().take(body_bytes), &mut io::sink())? < body_bytes {
        return Ok(Incoming::Ended);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Incoming::Request(
        Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
        },
        keep,
    ))
}

fn write_response(mut stream: &TcpStream, response: &Response, keep: bool, head_only: bool) -> io::Result<()> {
    let Response {
        status,
        content_type,
        headers,
        body,
    } = response;
    let mut text = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\n",
        reason(*status)
    );
    text.push_str(&format!(
        "Content-Length: {}\r\nCache-Control: no-store\r\n",
        body.len()
    ));
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(if keep { "\r\n" } else { "Connection: close\r\n\r\n" });
    if !head_only {
        text.push_str(body);
    }
    // One write, so that a small answer is one packet.
    stream.write_all(text.as_bytes())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
