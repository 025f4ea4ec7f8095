//! The shim: a small process between the server and one application. It outlives the server, keeps the application's
//! output, sees its end, and stops it with all that it started. Std and system calls only: no async runtime, no
//! threads, little memory, for there is one per instance.
//!
//! Not here: when an instance is started, stopped or replaced.

pub(crate) mod control;
pub(crate) mod exec;
pub(crate) mod output;
pub(crate) mod state;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{
        Pid, PidfdFlags, WaitOptions, WaitStatus, kill_process_group, pidfd_open, pidfd_send_signal,
        set_child_subreaper, setsid, wait,
    },
};
use shipway_core::spec::StopSignal;

use self::{
    control::{Reply, Request, Verb},
    output::Output,
    state::{State, Status, boot_id, now},
};
use crate::{
    launch::{Intent, PROTOCOL},
    strays::{Family, Process},
};

/// How often orphans of the application are waited for, in milliseconds.
const REAP_EVERY_MS: u64 = 5000;
/// How many may wait for the same stop.
const STOPS_MAX: usize = 16;
/// The longest grace, in milliseconds: a week.
const GRACE_MS_MAX: u64 = 7 * 24 * 3600 * 1000;
/// The most that is read of the reason why an application did not start, in bytes.
const REASON_BYTES_MAX: u64 = 4 * 1024;
/// What an ended application may have left in the FIFO, in bytes: no more fits.
const LEFT_BYTES_MAX: usize = 1024 * 1024;

/// The entry point of `PROGRAM shim …`, with the arguments after `shim`. Returns the exit status.
///
/// `--dir FOLDER` runs the shim of an instance, with `--adopt` that of one that has lost its own; `--exec FOLDER` and
/// `--command` are stages of Shipway's own.
pub fn main(args: impl Iterator<Item = OsString>) -> i32 {
    let args: Vec<OsString> = args.collect();
    let words: Vec<&str> = args.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    match (words.as_slice(), args.get(1)) {
        (["--exec", _], Some(folder)) => exec::instance(Path::new(folder)),
        (["--command"], _) => exec::command(),
        (["--dir", _], Some(folder)) => attend(Path::new(folder), false),
        (["--dir", _, "--adopt"], Some(folder)) => attend(Path::new(folder), true),
        _ => {
            let _ = writeln!(io::stderr(), "shipway shim: started by Shipway itself, with --dir FOLDER [--adopt]");
            2
        }
    }
}

/// Says on the standard output how the start went, then stays until the application's end.
fn attend(folder: &Path, adopt: bool) -> i32 {
    let begun = if adopt { Shim::adopt(folder) } else { Shim::start(folder) };
    let (line, shim) = match begun {
        Ok(Some(shim)) => (format!("started {}\n", shim.app.pid), Some(shim)),
        Ok(None) => ("ended\n".to_owned(), None),
        Err(error) => (format!("failed {}\n", error.to_string().replace('\n', " ")), None),
    };
    // A server that died meanwhile will look at the state.
    let _ = io::stdout().write_all(line.as_bytes());
    let _ = io::stdout().flush();
    match shim.map(Shim::run) {
        None => i32::from(line.starts_with("failed")),
        Some(Ok(())) => 0,
        Some(Err(error)) => {
            let _ = writeln!(io::stderr(), "{} {error}", now());
            1
        }
    }
}

struct Shim {
    folder: PathBuf,
    intent: Intent,
    state: State,
    output: Output,
    listener: UnixListener,
    app: Process,
    app_end: OwnedFd,
    /// How it ended, where this shim is its parent.
    end: Option<WaitStatus>,
    stops: Vec<UnixStream>,
    kill_at: Option<Instant>,
    /// Held until the process ends.
    _lock: File,
}

impl Shim {
    /// Starts the application.
    fn start(folder: &Path) -> io::Result<Option<Self>> {
        let (lock, intent) = Self::take(folder)?;
        let mut state = fresh_state(&intent)?;
        let mut output = Output::open(folder, intent.execution.user)?;
        let listener = control::listen(folder)?;
        // From here on the application may be running, whatever happens to us.
        state.write(folder)?;
        let app = match spawn(folder, &intent) {
            Ok(app) => app,
            Err(error) => {
                output.say(&error.to_string());
                record_end(folder, &intent, &mut state, None)?;
                return Err(error);
            }
        };
        let app_end = pidfd(app.pid)?;
        state.app = Some(app);
        state.status = Status::Running;
        state.since = now();
        state.write(folder)?;
        Ok(Some(Self::with(folder, intent, state, output, listener, (app, app_end), lock)))
    }

    /// Takes over an application whose shim died; none when it has ended meanwhile.
    fn adopt(folder: &Path) -> io::Result<Option<Self>> {
        let (lock, intent) = Self::take(folder)?;
        let mut state = match State::read(folder)? {
            Some(state) => state,
            None => fresh_state(&intent)?,
        };
        let mut output = Output::open(folder, intent.execution.user)?;
        if let Status::Exited { .. } = state.status {
            return Ok(None);
        }
        let app = state.living_app().filter(|_| state.status == Status::Running);
        let Some((app, app_end)) = app.and_then(|app| Some((app, pidfd(app.pid).ok().filter(|_| app.lives())?))) else {
            intent.family().kill(|| {});
            drain(&mut output)?;
            output.end_line();
            record_end(folder, &intent, &mut state, None)?;
            return Ok(None);
        };
        let listener = control::listen(folder)?;
        state.shim = own_process()?;
        state.write(folder)?;
        Ok(Some(Self::with(folder, intent, state, output, listener, (app, app_end), lock)))
    }

    fn with(
        folder: &Path,
        intent: Intent,
        state: State,
        output: Output,
        listener: UnixListener,
        (app, app_end): (Process, OwnedFd),
        lock: File,
    ) -> Self {
        let folder = folder.to_path_buf();
        let (end, stops, kill_at) = (None, Vec::new(), None);
        Self { folder, intent, state, output, listener, app, app_end, end, stops, kill_at, _lock: lock }
    }

    /// Makes the instance ours.
    fn take(folder: &Path) -> io::Result<(File, Intent)> {
        // It fails where we lead a session already, which is as good.
        let _ = setsid();
        // Daemons of the application become our children.
        set_child_subreaper(Pid::from_raw(1))?;
        let lock = state::hold(folder)?;
        let intent = Intent::read(folder)?.ok_or_else(|| io::Error::other("launch.json isn't there"))?;
        Ok((lock, intent))
    }

    fn run(mut self) -> io::Result<()> {
        loop {
            let ready = self.wait_for_something()?;
            if ready.output {
                self.output.take()?;
            }
            if ready.control {
                self.hear();
            }
            self.reap();
            if ready.end {
                return self.finish();
            }
            if self.kill_at.is_some_and(|at| Instant::now() >= at) {
                self.kill_at = None;
                self.kill();
            }
        }
    }

    fn wait_for_something(&self) -> io::Result<Ready> {
        let mut all = [
            PollFd::new(&self.output.fifo, PollFlags::IN),
            PollFd::new(&self.listener, PollFlags::IN),
            PollFd::new(&self.app_end, PollFlags::IN),
        ];
        let longest = Duration::from_millis(REAP_EVERY_MS);
        let wait = self.kill_at.map_or(longest, |at| at.saturating_duration_since(Instant::now()).min(longest));
        let timeout = Timespec::try_from(wait).map_err(io::Error::other)?;
        match poll(&mut all, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [output, control, end] = all.map(|descriptor| descriptor.revents().contains(PollFlags::IN));
        Ok(Ready { output, control, end })
    }

    /// Takes one request.
    fn hear(&mut self) {
        let Ok((peer, _)) = self.listener.accept() else { return };
        // A peer that says nothing in time is let go.
        let Ok(Some(Request { verb, .. })) = control::read(&peer) else {
            return;
        };
        match verb {
            Verb::Status => {
                control::answer(&peer, &Reply { ok: true, pid: Some(self.app.pid), ..Reply::default() });
            }
            Verb::Reload { signal } => {
                // By its descriptor: its number may be another's by now.
                let sent = pidfd_send_signal(&self.app_end, control::reload_signal(signal));
                let error = sent.err().map(|error| error.to_string());
                control::answer(&peer, &Reply { ok: error.is_none(), error, pid: Some(self.app.pid) });
            }
            Verb::Stop { .. } if self.stops.len() >= STOPS_MAX => {
                let error = Some("too many are waiting for this stop already".to_owned());
                control::answer(&peer, &Reply { error, ..Reply::default() });
            }
            Verb::Stop { signal, grace_ms } => {
                self.ask_to_stop(signal, grace_ms);
                self.stops.push(peer);
            }
        }
    }

    /// Sends the signal once; another request can only shorten the grace.
    fn ask_to_stop(&mut self, signal: StopSignal, grace_ms: u64) {
        if self.stops.is_empty()
            && self.app.lives()
            && let Some(group) = i32::try_from(self.app.pid).ok().and_then(Pid::from_raw)
        {
            // The application leads its group; it may have ended in this instant.
            let _ = kill_process_group(group, control::kernel_signal(signal));
        }
        let at = Instant::now() + Duration::from_millis(grace_ms.min(GRACE_MS_MAX));
        self.kill_at = Some(self.kill_at.map_or(at, |before| before.min(at)));
    }

    /// Waits for children that have ended, so that their numbers become free.
    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid.as_raw_nonzero().get().unsigned_abs() == self.app.pid {
                self.end = Some(status);
            }
        }
    }

    fn family(&self) -> io::Result<Family> {
        Ok(Family { members: vec![self.app], parents: vec![own_process()?], ..self.intent.family() })
    }

    fn kill(&mut self) {
        let Ok(family) = self.family() else { return };
        if family.kill(|| self.reap()).is_none() {
            self.output.say("some processes of this instance can't be killed");
        }
    }

    /// The application has ended: what it left behind ends with it, and the end is recorded.
    fn finish(mut self) -> io::Result<()> {
        self.reap();
        drain(&mut self.output)?;
        self.kill();
        drain(&mut self.output)?;
        self.output.end_line();
        record_end(&self.folder, &self.intent, &mut self.state, self.end)?;
        for peer in &self.stops {
            control::answer(peer, &Reply { ok: true, pid: Some(self.app.pid), ..Reply::default() });
        }
        Ok(())
    }
}

struct Ready {
    output: bool,
    control: bool,
    end: bool,
}

/// Starts the stage that becomes the application, and waits until it has.
fn spawn(folder: &Path, intent: &Intent) -> io::Result<Process> {
    // Our own program, also when its file was replaced meanwhile.
    let mut child = Command::new("/proc/self/exe")
        .args(["shim", "--exec"])
        .arg(folder)
        .env_clear()
        .envs(intent.markers())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let mut reason = String::new();
    if let Some(report) = child.stdout.take() {
        report.take(REASON_BYTES_MAX).read_to_string(&mut reason)?;
    }
    if !reason.is_empty() {
        child.wait()?;
        return Err(io::Error::other(reason));
    }
    Process::of(child.id()).ok_or_else(|| io::Error::other("the application's process isn't there"))
}

fn fresh_state(intent: &Intent) -> io::Result<State> {
    Ok(State {
        version: PROTOCOL,
        boot: boot_id()?,
        shim: own_process()?,
        app: None,
        port: intent.port,
        since: now(),
        status: Status::Starting,
    })
}

fn record_end(folder: &Path, intent: &Intent, state: &mut State, end: Option<WaitStatus>) -> io::Result<()> {
    // Before the end is known: after it, the groups may be those of the next start.
    intent.execution.groups.remove();
    let status = end.and_then(WaitStatus::exit_status);
    let signal = end.and_then(WaitStatus::terminating_signal);
    state.status = Status::Exited { status, signal, at: now() };
    state.write(folder)?;
    // The socket is ours while the lock is.
    control::close(folder);
    Ok(())
}

fn own_process() -> io::Result<Process> {
    Process::of(std::process::id()).ok_or_else(|| io::Error::other("/proc doesn't show this process"))
}

fn pidfd(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

fn drain(output: &mut Output) -> io::Result<()> {
    let mut left = LEFT_BYTES_MAX;
    while left > 0 {
        match output.take()? {
            0 => return Ok(()),
            count => left = left.saturating_sub(count),
        }
    }
    Ok(())
}
