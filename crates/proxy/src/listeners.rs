//! Listening sockets that outlive the proxy's process: opened once by its keeper, handed down over a Unix socket.
//!
//! Every worker has sockets of its own on the same ports, and the kernel spreads connections over them (SO_REUSEPORT).
//! None is ever closed by itself, as that would reset the connections in its queue.
//!
//! Not here: accepting (`core_thread`).

use std::{
    io::{self, IoSlice, IoSliceMut, Read},
    mem::MaybeUninit,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use serde::{Deserialize, Serialize};
use shipway_core::ports::{Fault, FaultKind};
use tokio::net::TcpSocket;

use crate::{
    limits::{ACCEPT_REST_MS, HAND_OVER_MS_MAX, LISTEN_BACKLOG, PROTOCOL_VERSION, WORKERS_MAX, ms},
    socket_path,
};

/// Where a keeper hands its sockets down.
pub(crate) const KEEPER_SOCKET: &str = "listeners.sock";
/// Where a proxy hands its sockets to a keeper that adopts it.
pub(crate) const PROXY_SOCKET: &str = "proxy-listeners.sock";
const FDS_MAX: usize = 2 * WORKERS_MAX;
const HEADER_BYTES_MAX: usize = 256;

/// The listening sockets of a proxy: for each worker one of each kind.
#[derive(Debug)]
pub struct Listeners {
    pub(crate) public: Vec<TcpListener>,
    pub(crate) link: Vec<TcpListener>,
    address: SocketAddr,
    link_port: u16,
}

/// What goes before the sockets.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u32,
    public: usize,
    link: usize,
}

impl Listeners {
    fn new(public: Vec<TcpListener>, link: Vec<TcpListener>) -> io::Result<Self> {
        let local = |sockets: &[TcpListener]| {
            sockets.first().ok_or(io::ErrorKind::NotFound).map_err(io::Error::from)?.local_addr()
        };
        let (address, link_port) = (local(&public)?, local(&link)?.port());
        Ok(Self { public, link, address, link_port })
    }

    /// Where requests come in; with the real port, if any port was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where links come in.
    pub fn link_port(&self) -> u16 {
        self.link_port
    }

    /// How many workers they are for.
    pub fn workers(&self) -> usize {
        self.public.len()
    }

    /// Further handles of the same sockets.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        let copy = |sockets: &[TcpListener]| sockets.iter().map(TcpListener::try_clone).collect::<io::Result<Vec<_>>>();
        Self::new(copy(&self.public)?, copy(&self.link)?)
    }

    fn fds(&self) -> Vec<BorrowedFd<'_>> {
        self.public.iter().chain(&self.link).map(AsFd::as_fd).collect()
    }
}

/// Opens the sockets of that many workers: at `address`, and for links on every address of 127.0.0.0/8, reachable from
/// this machine only. Port 0 takes a free one.
///
/// # Errors
///
/// When a port is taken, may not be used, or the machine doesn't allow it; the fault names the port and its flag.
pub fn open(address: SocketAddr, link_port: u16, workers: usize) -> Result<Listeners, Fault> {
    if !(1..=WORKERS_MAX).contains(&workers) {
        return Err(Fault::invalid(format!("a proxy has from 1 to {WORKERS_MAX} workers, not {workers}")));
    }
    let public = open_all(address, workers, None).map_err(|error| refused(address, "--proxy-listen", &error))?;
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, link_port));
    let link =
        open_all(everywhere, workers, Some(b"lo")).map_err(|error| refused(everywhere, "--link-port", &error))?;
    Listeners::new(public, link).map_err(|error| Fault::io("opening the proxy's sockets", &error))
}

fn open_all(mut address: SocketAddr, workers: usize, device: Option<&[u8]>) -> io::Result<Vec<TcpListener>> {
    // Sockets of one user share a port, so another proxy of the same user would not be noticed: one without sharing
    // asks first.
    drop(bind(address, device, false)?);
    let mut sockets = Vec::with_capacity(workers);
    for _ in 0..workers {
        let socket = bind(address, device, true)?;
        address = socket.local_addr()?;
        sockets.push(socket);
    }
    for socket in &sockets {
        rustix::net::listen(socket, LISTEN_BACKLOG)?;
    }
    Ok(sockets)
}

fn bind(address: SocketAddr, device: Option<&[u8]>, shared: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(shared)?;
    socket.bind_device(device)?;
    socket.bind(address)?;
    // Another descriptor of the same socket, as this type gives its own away only through a runtime.
    let socket: OwnedFd = rustix::io::fcntl_dupfd_cloexec(&socket, 0)?;
    Ok(TcpListener::from(socket))
}

fn refused(address: SocketAddr, flag: &str, error: &io::Error) -> Fault {
    let port = address.port();
    let (kind, hint) = match error.kind() {
        io::ErrorKind::AddrInUse => {
            (FaultKind::Conflict, format!("another program uses port {port}: stop it, or choose another with {flag}"))
        }
        io::ErrorKind::PermissionDenied => {
            (FaultKind::Invalid, format!("choose a port above 1023 with {flag}, or allow the program to use this one"))
        }
        io::ErrorKind::AddrNotAvailable => {
            (FaultKind::Invalid, format!("this machine has no such address: choose another with {flag}"))
        }
        _ => (FaultKind::Unavailable, format!("{flag} says where the proxy listens")),
    };
    Fault::new(kind, format!("the proxy can't listen at {address} ({flag}): {error}")).with_hint(hint)
}

/// Sockets that are handed down to whoever connects.
#[derive(Debug)]
pub struct Offer {
    listeners: Listeners,
    socket: UnixListener,
}

/// Offers a keeper's sockets in its folder; `Offer::run` does the handing down.
///
/// # Errors
///
/// When the Unix socket can't be made.
pub fn offer(folder: &Path, listeners: &Listeners) -> Result<Offer, Fault> {
    offer_at(folder, KEEPER_SOCKET, listeners)
}

pub(crate) fn offer_at(folder: &Path, name: &str, listeners: &Listeners) -> Result<Offer, Fault> {
    let made = listeners.try_clone().and_then(|listeners| {
        let socket = socket_path::listen(folder, name)?;
        Ok(Offer { listeners, socket })
    });
    made.map_err(|error| Fault::io(format_args!("offering sockets at {}", folder.join(name).display()), &error))
}

impl Offer {
    /// Hands the sockets to everyone who connects, for ever: for a thread of its own.
    pub fn run(self) {
        loop {
            let sent = self.socket.accept().and_then(|(stream, _)| self.hand(&stream));
            if let Err(error) = sent {
                tracing::warn!(%error, "listening sockets could not be handed over");
                std::thread::sleep(ms(ACCEPT_REST_MS));
            }
        }
    }

    fn hand(&self, stream: &UnixStream) -> io::Result<()> {
        stream.set_write_timeout(Some(ms(HAND_OVER_MS_MAX)))?;
        let header =
            Header { version: PROTOCOL_VERSION, public: self.listeners.public.len(), link: self.listeners.link.len() };
        let mut line = serde_json::to_vec(&header)?;
        line.push(b'\n');
        let fds = self.listeners.fds();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
            return Err(io::Error::other("there are more sockets than one message holds"));
        }
        rustix::net::sendmsg(stream, &[IoSlice::new(&line)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

/// Gets the sockets that the keeper of a folder offers.
///
/// # Errors
///
/// When nobody offers any within `HAND_OVER_MS_MAX`, or what comes is something else.
pub fn receive(folder: &Path) -> Result<Listeners, Fault> {
    receive_at(folder, KEEPER_SOCKET)
}

pub(crate) fn receive_at(folder: &Path, name: &str) -> Result<Listeners, Fault> {
    let fault = |error: io::Error| {
        Fault::io(format_args!("getting listening sockets from {}", folder.join(name).display()), &error)
            .with_hint("the proxy is started by its keeper, which holds its sockets")
    };
    let stream = socket_path::connect(folder, name).map_err(fault)?;
    stream.set_read_timeout(Some(ms(HAND_OVER_MS_MAX))).map_err(fault)?;
    take(&stream).map_err(fault)
}

fn take(mut stream: &UnixStream) -> io::Result<Listeners> {
    let mut line = vec![0; HEADER_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(&mut line)];
    let mut got = rustix::net::recvmsg(stream, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    let mut sockets: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            sockets.extend(fds);
        }
    }
    while !line[..got].contains(&b'\n') {
        match stream.read(&mut line[got..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => got += more,
        }
    }
    let header: Header = serde_json::from_slice(&line[..got])?;
    if header.version != PROTOCOL_VERSION || header.public + header.link != sockets.len() {
        return Err(io::Error::other(format!("{} sockets came with {header:?}", sockets.len())));
    }
    let link = sockets.split_off(header.public);
    let listeners = |fds: Vec<OwnedFd>| fds.into_iter().map(TcpListener::from).collect();
    Listeners::new(listeners(sockets), listeners(link))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn local() -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }

    #[test]
    fn sockets_are_handed_over_and_take_every_loopback_address() {
        let folder = tempfile::tempdir().expect("a folder");
        let opened = open(local(), 0, 3).expect("sockets");
        let offer = offer(folder.path(), &opened).expect("an offer");
        std::thread::spawn(|| offer.run());
        let got = receive(folder.path()).expect("the sockets");
        assert_eq!((got.workers(), got.address(), got.link_port()), (3, opened.address(), opened.link_port()));
        assert_ne!(got.link_port(), 0);
        TcpStream::connect(got.address()).expect("public");
        TcpStream::connect((Ipv4Addr::new(127, 3, 2, 1), got.link_port())).expect("link");
    }

    #[test]
    fn a_taken_port_is_said_with_its_flag() {
        let taken = open(local(), 0, 1).expect("sockets");
        let fault = open(taken.address(), 0, 1).expect_err("it is taken");
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert!(
            fault.to_string().contains("--proxy-listen") && fault.message.contains(&taken.address().port().to_string())
        );
        let fault = open(local(), taken.link_port(), 1).expect_err("it is taken");
        assert!(fault.to_string().contains("--link-port"), "{fault}");
        assert!(open(local(), 0, 0).is_err());
    }
}
