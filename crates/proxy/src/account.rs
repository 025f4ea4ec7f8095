//! What one request adds to the numbers, however it ends: answered, failed, or left by its client.

use std::{rc::Rc, time::Instant};

use http::StatusCode;

use crate::{
    core_state::Core,
    numbers::{Numbers, Tally},
};

/// One request, from its arrival until its answer's last byte. Counted when dropped.
pub(crate) struct Account {
    core: Rc<Core>,
    numbers: Option<Rc<Numbers>>,
    started: Instant,
    tally: Tally,
}

impl Account {
    pub(crate) fn open(core: Rc<Core>) -> Self {
        core.in_flight.update(|count| count + 1);
        Self { core, numbers: None, started: Instant::now(), tally: Tally::default() }
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// The release that the request reached last; before that, its pool's numbers for requests that reached none.
    pub(crate) fn at(&mut self, numbers: Rc<Numbers>) {
        self.numbers = Some(numbers);
    }

    /// The application, or a file, answers.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.tally.server_error = status.is_server_error();
        self.tally.latency = Some(self.started.elapsed());
    }

    /// The switch failed: refused, reset, cut, timed out, or answered by the proxy.
    pub(crate) fn failed(&mut self) {
        self.tally.failed = true;
        self.tally.latency.get_or_insert_with(|| self.started.elapsed());
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.tally.bytes_sent += bytes as u64;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.core.in_flight.update(|count| count.saturating_sub(1));
        if let Some(numbers) = &self.numbers {
            numbers.add(self.tally);
        }
    }
}
