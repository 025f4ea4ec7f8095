//! What is known of each step after whatever happened: the caller stores it, and a run starts from it.

/// What is recorded of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was never begun.
    Nothing,
    /// It was begun, and either has no recorded end or failed and is to be tried again. It may have run.
    Begun {
        /// How many attempts were begun, at least one. The next one has this number, so that a restart gives nobody
        /// new patience.
        attempts: u32,
    },
    /// It failed for good. It may have run, wholly or in part.
    Failed,
    /// It ended well.
    Done,
}

impl Recorded {
    /// Whether the step can have changed anything: all but those that were never begun.
    pub fn may_have_run(self) -> bool {
        self != Self::Nothing
    }
}

/// The steps that have to be undone when nothing of them is to stay, the last first: those that are done, those that
/// failed, and those that were begun and have no recorded end, whatever became of a later attempt.
///
/// Steps need only earlier ones, so each stands here before everything that it needs. Read the record anew before:
/// steps that a run gave up may have been recorded as begun meanwhile.
pub fn may_have_run(recorded: &[Recorded]) -> Vec<usize> {
    (0..recorded.len()).rev().filter(|step| recorded[*step].may_have_run()).collect()
}
