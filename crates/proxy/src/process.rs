//! A process that is watched by descriptor, whether this process started it or another did.

use std::{
    fs, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::{Child, Command},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

/// A watched process.
#[derive(Debug)]
pub(crate) struct Watched {
    pid: u32,
    /// When it started, in clock ticks since the machine did: tells it from a later process with its number.
    start_ticks: u64,
    descriptor: OwnedFd,
    child: Option<Child>,
    since: Instant,
}

impl Watched {
    /// Starts a process.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let pid = child.id();
        match Self::open(pid) {
            Ok(watched) => Ok(Self { child: Some(child), ..watched }),
            Err(error) => {
                // What can't be watched must not run.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Watches a process that runs already.
    pub(crate) fn adopt(pid: u32) -> io::Result<Self> {
        Self::open(pid)
    }

    fn open(pid: u32) -> io::Result<Self> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        let descriptor = pidfd_open(number, PidfdFlags::empty())?;
        // After the descriptor: the number can't have gone to another process since.
        let start_ticks = start_ticks(pid)?;
        Ok(Self { pid, start_ticks, descriptor, child: None, since: Instant::now() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn start_ticks(&self) -> u64 {
        self.start_ticks
    }

    /// How long it has been watched.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Waits until it has ended, and says whether it has.
    pub(crate) fn wait(&self, span_max: Duration) -> bool {
        let timeout = Timespec::try_from(span_max).ok();
        let mut fds = [PollFd::new(&self.descriptor, PollFlags::IN)];
        matches!(poll(&mut fds, timeout.as_ref()), Ok(count) if count > 0)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // One that has ended needs no signal.
        let _ = pidfd_send_signal(&self.descriptor, signal);
    }

    /// How it ended, where that can be known. Only after its end.
    pub(crate) fn reap(mut self) -> String {
        match self.child.as_mut().map(Child::wait) {
            Some(Ok(status)) => status.to_string(),
            Some(Err(error)) => error.to_string(),
            None => "started by an earlier keeper".into(),
        }
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn start_ticks(pid: u32) -> io::Result<u64> {
    const FIELDS_AFTER_NAME: usize = 19;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold anything, also brackets and spaces.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = after_name.split_whitespace().nth(FIELDS_AFTER_NAME);
    field.and_then(|text| text.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Which run of the machine this is.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}
