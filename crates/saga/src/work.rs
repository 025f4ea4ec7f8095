//! The caller's part of a saga. The order in which it is asked is in `run`.

use futures_util::future::BoxFuture;

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, when it is [`Work::due`].
    Again,
    /// Nothing: the step failed for good.
    GiveUp,
}

/// The caller's part: doing steps, keeping their record, and deciding how often one is tried.
///
/// Attempts count from 0, and go on counting after a restart. A record that can't be written is a `Halt`: the run ends
/// at once, and what it did since the last record counts as what may have run.
pub trait Work: Sync {
    /// Why a step failed.
    type Failure: Send;
    /// Why a record could not be written.
    type Halt: Send;

    /// Waits until the next attempt of a step is due. Asked before every attempt but the first, also after a restart.
    fn due(&self, step: usize, attempt: u32) -> BoxFuture<'_, ()>;
    /// Records that a step is about to begin.
    fn begin(&self, step: usize, attempt: u32) -> BoxFuture<'_, Result<(), Self::Halt>>;
    /// Does the step. It may have been done before, wholly or in part (`again`), and must then end the same.
    fn perform(&self, step: usize, again: bool) -> BoxFuture<'_, Result<(), Self::Failure>>;
    /// Records that a step ended well.
    fn done(&self, step: usize) -> BoxFuture<'_, Result<(), Self::Halt>>;
    /// Decides what follows a failed attempt, and records both in one: a crash can't come between a failure and the
    /// time of the next attempt.
    fn failed<'a>(
        &'a self,
        step: usize,
        attempt: u32,
        failure: &'a Self::Failure,
    ) -> BoxFuture<'a, Result<Next, Self::Halt>>;
}
