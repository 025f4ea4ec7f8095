//! The signals by which a person, a closing terminal or a service manager asks a process to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::errors::CliError;

/// Listens for all from the moment that it is made.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Begins to listen; from now on none ends the process by itself.
    ///
    /// # Errors
    /// The machine refuses a handler.
    pub fn listen() -> Result<Self, CliError> {
        let failed = |error| CliError::Failed(format!("signals can't be listened to: {error}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            hang_up: signal(SignalKind::hangup()).map_err(failed)?,
        })
    }

    /// Ends at the next of them.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
