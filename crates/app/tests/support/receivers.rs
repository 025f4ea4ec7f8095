//! What notifications are sent to: a small HTTP receiver and a small SMTP server, each on a port of its own.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use serde_json::Value;

use super::wait_for;

/// One delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Delivery {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a delivery is JSON")
    }
}

/// Takes POSTs and answers them with a status that the test sets.
pub struct Hook {
    pub address: SocketAddr,
    status: Arc<AtomicU16>,
    deliveries: Arc<Mutex<Vec<Delivery>>>,
}

impl Hook {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let (status, deliveries) = (Arc::new(AtomicU16::new(200)), Arc::<Mutex<Vec<Delivery>>>::default());
        let hook = Self { address, status: status.clone(), deliveries: deliveries.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(delivery) = take(stream, status.load(Ordering::Relaxed)) {
                    deliveries.lock().expect("the deliveries").push(delivery);
                }
            }
        });
        hook
    }

    /// What is answered from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    pub fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries.lock().expect("the deliveries").clone()
    }

    /// Waits for a delivery of that occasion, after those that are known.
    pub fn told(&self, occasion: &str, after: usize) -> Delivery {
        wait_for(&format!("the notification `{occasion}`"), || {
            let told = |one: &Delivery| one.json()["notification"] == occasion;
            self.deliveries().into_iter().skip(after).find(told)
        })
    }
}

fn take(stream: TcpStream, status: u16) -> Option<Delivery> {
    let mut reader = BufReader::new(stream);
    let (mut headers, mut length) = (Vec::new(), 0);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    reader.get_mut().write_all(head.as_bytes()).ok()?;
    Some(Delivery { headers, body: String::from_utf8(body).ok()? })
}

/// Takes mails; speaks no more of RFC 5321 than a client needs that asks for nothing special.
pub struct MailBox {
    pub address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailBox {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let mails = Arc::<Mutex<Vec<String>>>::default();
        let kept = mails.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || converse(stream, &kept));
            }
        });
        Self { address, mails }
    }

    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("the mails").clone()
    }
}

fn converse(stream: TcpStream, mails: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    reader.get_mut().write_all(b"220 test ESMTP\r\n").ok()?;
    let mut envelope = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let verb = line.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" | "HELO" => b"250 test\r\n",
            "MAIL" | "RCPT" => {
                envelope.push_str(&line);
                b"250 OK\r\n"
            }
            "DATA" => {
                reader.get_mut().write_all(b"354 go on\r\n").ok()?;
                let text = std::mem::take(&mut envelope) + &text(&mut reader)?;
                mails.lock().expect("the mails").push(text);
                b"250 OK\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 OK\r\n",
        };
        reader.get_mut().write_all(answer).ok()?;
    }
}

/// The mail, up to the line with a dot.
fn text(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line == ".\r\n" {
            return Some(text);
        }
        text.push_str(&line);
    }
}
