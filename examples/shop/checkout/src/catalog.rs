//! Asks the catalogue, at the address that Shipway gives in `SHIPWAY_URL_CATALOG`.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

const ANSWER_MS_MAX: u64 = 5000;
const HEAD_LINES_MAX: usize = 100;
const BODY_BYTES_MAX: u64 = 1024 * 1024;

/// Where the catalogue is. It stays the same while the catalogue behind it changes.
pub struct Address(String);

/// The catalogue's prices.
pub struct Prices {
    /// Which version of the catalogue answered.
    pub version: String,
    lines: String,
}

impl Prices {
    pub fn cents_of(&self, item: &str) -> Option<u64> {
        self.lines
            .lines()
            .find_map(|line| line.strip_prefix(item)?.strip_prefix(' ')?.parse().ok())
    }
}

impl Address {
    pub fn from_variables() -> Result<Self, String> {
        const NAME: &str = "SHIPWAY_URL_CATALOG";
        let url = env::var(NAME).map_err(|_| format!("{NAME} is not set: it says where the catalogue is"))?;
        let host = url
            .strip_prefix("http://")
            .ok_or(format!("{NAME} is `{url}`: it must begin with http://"))?;
        Ok(Self(host.trim_end_matches('/').to_owned()))
    }

    /// Fails with a sentence about what went wrong between here and the catalogue.
    pub fn prices(&self) -> Result<Prices, String> {
        let answer = self
            .get("/prices")
            .map_err(|error| format!("the catalogue at {} can't be asked: {error}", self.0))?;
        match answer.status {
            200 => Ok(Prices {
                version: answer.version,
                lines: answer.body,
            }),
            status => Err(format!("the catalogue at {} answered {status}", self.0)),
        }
    }

    fn get(&self, path: &str) -> std::io::Result<Answer> {
        let span = Duration::from_millis(ANSWER_MS_MAX);
        let bad = |what: &str| std::io::Error::other(what.to_owned());
        let to = self
            .0
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| bad("the name has no address"))?;
        let mut stream = TcpStream::connect_timeout(&to, span)?;
        stream.set_read_timeout(Some(span))?;
        stream.set_nodelay(true)?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.0).as_bytes())?;
        read_answer(BufReader::new(stream))
    }
}

struct Answer {
    status: u16,
    version: String,
    body: String,
}

fn read_answer(mut reader: impl BufRead) -> std::io::Result<Answer> {
    let bad = |what: &str| std::io::Error::other(what.to_owned());
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or_else(|| bad("the answer is no HTTP"))?;
    let mut answer = Answer {
        status,
        version: String::new(),
        body: String::new(),
    };
    let (mut length, mut chunked) = (None, false);
    for _ in 0..HEAD_LINES_MAX {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        match (name.to_ascii_lowercase().as_str(), value.trim()) {
            ("x-catalog-version", value) => answer.version = value.to_owned(),
            ("content-length", value) => length = value.parse().ok(),
            ("transfer-encoding", value) => chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    match length {
        _ if chunked => read_chunks(&mut reader, &mut answer.body)?,
        Some(bytes) if bytes <= BODY_BYTES_MAX => read_bytes(&mut reader, bytes, &mut answer.body)?,
        Some(_) => return Err(bad("the answer is too long")),
        None => drop(reader.take(BODY_BYTES_MAX).read_to_string(&mut answer.body)?),
    }
    Ok(answer)
}

fn read_chunks(reader: &mut impl BufRead, body: &mut String) -> std::io::Result<()> {
    loop {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = size.split(';').next().unwrap_or("").trim();
        let bytes = u64::from_str_radix(size, 16).map_err(std::io::Error::other)?;
        if bytes == 0 {
            return Ok(());
        }
        if bytes + body.len() as u64 > BODY_BYTES_MAX {
            return Err(std::io::Error::other("the answer is too long"));
        }
        read_bytes(reader, bytes, body)?;
        reader.read_line(&mut String::new())?;
    }
}

fn read_bytes(reader: &mut impl BufRead, bytes: u64, body: &mut String) -> std::io::Result<()> {
    if reader.take(bytes).read_to_string(body)? as u64 != bytes {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
