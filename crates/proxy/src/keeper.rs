//! The proxy's shim: it holds the listening sockets and sees to it that a proxy serves them.
//!
//! It is made to hardly ever die: no runtime, no configuration, nothing that grows. If it does die, the proxy goes on,
//! and the next keeper adopts it. Not here: serving (`serve`), the sockets themselves (`listeners`).

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    net::SocketAddr,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FlockOperation, flock},
    process::Signal,
};
use serde::{Deserialize, Serialize};
use shipway_core::ports::{Fault, FaultKind};

use crate::{
    control_call::give_control_back,
    file_write::replace,
    keeper_start::leave_fault,
    keeper_wire::{KEEPER_SOCKET, Reply, ask, proxy_status, read_line},
    limits::{
        HAND_OVER_MS_MAX, KEEPER_LINE_MS_MAX, LOOK_MS, PROTOCOL_VERSION, READY_MS_MAX, RESTART_MS_MAX, RESTART_MS_MIN,
        STEADY_MS, STOP_MS_MAX, ms,
    },
    listeners::{self, Listeners, PROXY_SOCKET},
    process::{Watched, boot_id},
    serve::make_folder,
    socket_path,
};

pub use crate::{keeper_start::ensure, keeper_wire::KeeperStatus};

const LOCK: &str = "lock";
const RECORD: &str = "keeper.json";

/// What a keeper needs.
#[derive(Clone, Debug)]
pub struct KeeperConfig {
    /// The proxy's folder.
    pub folder: PathBuf,
    /// Where the proxy takes requests.
    pub address: SocketAddr,
    /// The port on which it takes links.
    pub link_port: u16,
    /// How many workers get sockets.
    pub workers: usize,
    /// The program that is the proxy: it gets its sockets by `listeners::receive` from the folder.
    pub program: PathBuf,
    /// The program's arguments.
    pub arguments: Vec<OsString>,
}

/// Keeps a proxy until it is told to stop.
///
/// # Errors
///
/// When another keeper holds the folder, a port is taken, or a running proxy listens elsewhere.
pub fn run(config: KeeperConfig) -> Result<(), Fault> {
    // What stops the starter from its terminal must not stop the keeper. Fails for one that leads a session already.
    let _ = rustix::process::setsid();
    make_folder(&config.folder)?;
    let folder = config.folder.clone();
    hold(config).inspect_err(|fault| leave_fault(&folder, fault))
}

fn hold(config: KeeperConfig) -> Result<(), Fault> {
    let _lock = lock(&config.folder)?;
    let (listeners, proxy, leaving) = match adopt(&config)? {
        Some(adopted) => adopted,
        None => (listeners::open(config.address, config.link_port, config.workers)?, None, Vec::new()),
    };
    let offer = listeners::offer(&config.folder, &listeners)?;
    std::thread::spawn(move || offer.run());
    let socket = socket_path::listen(&config.folder, KEEPER_SOCKET)
        .map_err(|error| Fault::io("making the keeper's socket", &error))?;
    let mut keeper = Keeper {
        program: config.program.clone(),
        config,
        listeners,
        proxy,
        leaving,
        restarts: 0,
        rest_ms: RESTART_MS_MIN,
        start_at: Instant::now(),
    };
    keeper.record();
    keeper.keep(&socket);
    Ok(())
}

/// How the keeper of a folder and its proxy are. Blocks.
///
/// # Errors
///
/// When there is no keeper.
pub fn status(folder: &Path) -> Result<KeeperStatus, Fault> {
    match ask(folder, "status")? {
        Reply::Status(status) => Ok(status),
        _ => Err(Fault::new(FaultKind::Corrupt, "the keeper answered something else than its status")),
    }
}

/// Ends the proxy of a folder, after what it has in flight, and its keeper. Blocks.
///
/// # Errors
///
/// When there is no keeper.
pub fn stop(folder: &Path) -> Result<(), Fault> {
    ask(folder, "stop").map(drop)
}

/// Puts a proxy of another program in the place of the present one, on the same sockets. Blocks until the new one
/// serves; the old one ends when it has answered what it has in flight.
///
/// # Errors
///
/// When there is no keeper, or the new proxy doesn't get ready; then the old one goes on.
pub fn upgrade(folder: &Path, program: &Path) -> Result<(), Fault> {
    ask(folder, &format!("upgrade {}", program.display())).map(drop)
}

/// What a later keeper needs to find the proxy.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    version: u32,
    keeper_pid: u32,
    proxy_pid: Option<u32>,
    proxy_start_ticks: Option<u64>,
    boot_id: String,
}

struct Keeper {
    config: KeeperConfig,
    program: PathBuf,
    listeners: Listeners,
    proxy: Option<Watched>,
    /// Proxies that finish what they have in flight.
    leaving: Vec<Watched>,
    restarts: u64,
    rest_ms: u64,
    start_at: Instant,
}

type Adopted = (Listeners, Option<Watched>, Vec<Watched>);

fn lock(folder: &Path) -> Result<File, Fault> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(|error| Fault::io(format_args!("opening {}", path.display()), &error))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Fault::new(FaultKind::Conflict, format!("the proxy in {} has a keeper already", folder.display()))
            .with_hint("nothing is wrong with that; `shipway status` shows it")
    })?;
    Ok(file)
}

/// Finds the proxy that an earlier keeper left behind, and gets its sockets.
fn adopt(config: &KeeperConfig) -> Result<Option<Adopted>, Fault> {
    let in_charge = proxy_status(&config.folder, KEEPER_LINE_MS_MAX).ok();
    let in_charge = in_charge.and_then(|status| Watched::adopt(status.pid).ok());
    let recorded = recorded_proxy(&config.folder);
    let (proxy, leaving) = match (in_charge, recorded) {
        // The keeper died during an upgrade.
        (Some(new), Some(old)) if new.pid() != old.pid() => (new, vec![old]),
        (Some(proxy), _) | (None, Some(proxy)) => (proxy, Vec::new()),
        (None, None) => return Ok(None),
    };
    let deadline = Instant::now() + ms(HAND_OVER_MS_MAX);
    let listeners = loop {
        match listeners::receive_at(&config.folder, PROXY_SOCKET) {
            Ok(listeners) => break listeners,
            Err(_) if proxy.has_ended() => return Ok(None),
            Err(fault) if Instant::now() > deadline => return Err(fault),
            Err(_) => std::thread::sleep(ms(LOOK_MS)),
        }
    };
    listens_as_wanted(config, &listeners)?;
    leaving.iter().for_each(|old| old.signal(Signal::TERM));
    tracing::info!(pid = proxy.pid(), "adopted a running proxy");
    Ok(Some((listeners, Some(proxy), leaving)))
}

fn recorded_proxy(folder: &Path) -> Option<Watched> {
    let record: Record = serde_json::from_slice(&fs::read(folder.join(RECORD)).ok()?).ok()?;
    let proxy = Watched::adopt(record.proxy_pid?).ok()?;
    (record.boot_id == boot_id() && record.proxy_start_ticks == Some(proxy.start_ticks())).then_some(proxy)
}

fn listens_as_wanted(config: &KeeperConfig, listeners: &Listeners) -> Result<(), Fault> {
    let same_port = |wanted: u16, real: u16| wanted == 0 || wanted == real;
    let same_address =
        config.address.ip() == listeners.address().ip() && same_port(config.address.port(), listeners.address().port());
    if same_address && same_port(config.link_port, listeners.link_port()) {
        return Ok(());
    }
    let (address, link_port) = (listeners.address(), listeners.link_port());
    let message = format!("a proxy already runs here: it listens at {address}, and for links at port {link_port}");
    Err(Fault::new(FaultKind::Conflict, message)
        .with_hint("use the same --proxy-listen and --link-port, or stop the running proxy first"))
}

/// What the keeper does next.
enum Next {
    GoOn,
    End,
}

impl Keeper {
    fn keep(&mut self, socket: &UnixListener) {
        loop {
            self.look_after_proxy();
            if self.wait(socket)
                && let Ok((stream, _)) = socket.accept()
                && let Next::End = self.serve(&stream)
            {
                return;
            }
        }
    }

    /// Starts a proxy when there is none and its time has come.
    fn look_after_proxy(&mut self) {
        for gone in self.leaving.extract_if(.., |process| process.has_ended()) {
            tracing::info!(pid = gone.pid(), how = gone.reap(), "the replaced proxy has ended");
        }
        if let Some(dead) = self.proxy.take_if(|proxy| proxy.has_ended()) {
            self.died(dead);
        }
        if self.proxy.is_some() || Instant::now() < self.start_at {
            return;
        }
        match self.spawn(&self.program) {
            Ok(proxy) => self.proxy = Some(proxy),
            Err(error) => {
                tracing::error!(%error, program = %self.program.display(), "the proxy can't be started");
                self.start_at = Instant::now() + ms(RESTART_MS_MAX);
            }
        }
        self.record();
    }

    /// Plans the restart: at once after a long life, less and less soon when it keeps dying.
    fn died(&mut self, dead: Watched) {
        let lived = dead.age();
        if lived >= ms(STEADY_MS) {
            self.rest_ms = RESTART_MS_MIN;
        }
        tracing::error!(pid = dead.pid(), how = dead.reap(), rest_ms = self.rest_ms, "the proxy died");
        self.start_at = Instant::now() + ms(self.rest_ms);
        self.rest_ms = (self.rest_ms * 2).min(RESTART_MS_MAX);
        self.restarts += 1;
    }

    fn spawn(&self, program: &Path) -> io::Result<Watched> {
        Watched::spawn(Command::new(program).args(&self.config.arguments).stdin(Stdio::null()))
    }

    /// Waits for something to happen, and says whether somebody asks.
    fn wait(&self, socket: &UnixListener) -> bool {
        let span_max = match &self.proxy {
            Some(_) => None,
            None => Timespec::try_from(self.start_at.saturating_duration_since(Instant::now())).ok(),
        };
        let mut fds = vec![PollFd::new(socket, PollFlags::IN)];
        fds.extend(self.proxy.iter().chain(&self.leaving).map(|process| PollFd::new(process, PollFlags::IN)));
        let _ = poll(&mut fds, span_max.as_ref());
        !fds[0].revents().is_empty()
    }

    fn serve(&mut self, mut stream: &UnixStream) -> Next {
        let bounded = |stream: &UnixStream| {
            stream.set_read_timeout(Some(ms(KEEPER_LINE_MS_MAX)))?;
            stream.set_write_timeout(Some(ms(KEEPER_LINE_MS_MAX)))?;
            read_line(stream)
        };
        let Ok(line) = bounded(stream) else { return Next::GoOn };
        let (reply, next) = match line.split_once(' ').unwrap_or((&line, "")) {
            ("status", "") => (Reply::Status(self.status()), Next::GoOn),
            ("stop", "") => {
                self.stop();
                (Reply::Done, Next::End)
            }
            ("upgrade", program) if !program.is_empty() => match self.upgrade(Path::new(program)) {
                Ok(()) => (Reply::Done, Next::GoOn),
                Err(fault) => (Reply::Fault(fault), Next::GoOn),
            },
            _ => (Reply::Fault(Fault::invalid(format!("a keeper doesn't understand `{line}`"))), Next::GoOn),
        };
        let mut answer = serde_json::to_vec(&reply).expect("these types have string keys only");
        answer.push(b'\n');
        // Whoever asked may have left; it was done all the same.
        let _ = stream.write_all(&answer);
        next
    }

    fn status(&self) -> KeeperStatus {
        KeeperStatus {
            pid: std::process::id(),
            proxy_pid: self.proxy.as_ref().map(Watched::pid),
            restarts: self.restarts,
            protocol: PROTOCOL_VERSION,
            program: self.program.clone(),
            address: self.listeners.address(),
            link_port: self.listeners.link_port(),
        }
    }

    fn stop(&mut self) {
        let processes: Vec<Watched> = self.proxy.take().into_iter().chain(self.leaving.drain(..)).collect();
        processes.iter().for_each(|process| process.signal(Signal::TERM));
        let deadline = Instant::now() + ms(STOP_MS_MAX);
        for process in processes {
            if !process.wait(deadline.saturating_duration_since(Instant::now())) {
                tracing::error!(pid = process.pid(), "killed a proxy that did not end");
                process.signal(Signal::KILL);
                process.wait(Duration::from_millis(STEADY_MS));
            }
            if process.has_ended() {
                process.reap();
            }
        }
        for name in [RECORD, KEEPER_SOCKET, listeners::KEEPER_SOCKET, PROXY_SOCKET] {
            let _ = fs::remove_file(self.config.folder.join(name));
        }
    }

    fn upgrade(&mut self, program: &Path) -> Result<(), Fault> {
        let new = self
            .spawn(program)
            .map_err(|error| Fault::io(format_args!("starting {} as the proxy", program.display()), &error))?;
        if let Err(fault) = self.until_ready(&new) {
            new.signal(Signal::KILL);
            new.wait(ms(STEADY_MS));
            new.reap();
            give_control_back(&self.config.folder);
            return Err(fault);
        }
        tracing::info!(pid = new.pid(), program = %program.display(), "the proxy was replaced");
        self.program = program.to_owned();
        if let Some(old) = self.proxy.replace(new) {
            old.signal(Signal::TERM);
            self.leaving.push(old);
        }
        self.record();
        Ok(())
    }

    fn until_ready(&self, new: &Watched) -> Result<(), Fault> {
        let deadline = Instant::now() + ms(READY_MS_MAX);
        while Instant::now() < deadline {
            if new.wait(ms(LOOK_MS)) {
                return Err(Fault::unavailable("the new proxy ended before it was ready; the old one goes on")
                    .with_hint("see the proxy's log"));
            }
            if proxy_status(&self.config.folder, KEEPER_LINE_MS_MAX).is_ok_and(|status| status.pid == new.pid()) {
                return Ok(());
            }
        }
        let message = format!("the new proxy was not ready within {READY_MS_MAX} ms; the old one goes on");
        Err(Fault::new(FaultKind::Timeout, message).with_hint("see the proxy's log"))
    }

    fn record(&self) {
        let record = Record {
            version: PROTOCOL_VERSION,
            keeper_pid: std::process::id(),
            proxy_pid: self.proxy.as_ref().map(Watched::pid),
            proxy_start_ticks: self.proxy.as_ref().map(Watched::start_ticks),
            boot_id: boot_id(),
        };
        let json = serde_json::to_vec(&record).expect("these types have string keys only");
        if let Err(error) = replace(&self.config.folder.join(RECORD), &json) {
            tracing::warn!(%error, "the proxy's process can't be recorded");
        }
    }
}
