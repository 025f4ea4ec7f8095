//! How far a deployment is, and the only function that says what may follow what.
//!
//! Not here: what happens in a phase (`plan`), how it is shown (`progress`).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a deployment is. The order of the variants up to `Cleaning` is the order of a deployment that goes well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It is recorded and waits for its turn.
    Queued,
    /// The spec, its rules and the target are checked.
    Validating,
    /// Source becomes artifacts, artifacts become releases.
    Preparing,
    /// Files go to where they will run.
    Staging,
    /// Declared resources are made to exist.
    Provisioning,
    /// New instances start beside the old and are proven.
    Testing,
    /// Traffic moves.
    Promoting,
    /// Checks run through the real route.
    Verifying,
    /// The new release is watched under all traffic.
    Monitoring,
    /// What is no longer needed goes.
    Cleaning,
    /// What was done is being undone.
    RollingBack,
    /// Done.
    Completed,
    /// It failed before users saw anything, and left nothing.
    Failed,
    /// Promotion had begun, and was undone.
    RolledBack,
    /// A person ended it, and it was undone.
    Cancelled,
    /// It needs a person: an undo could not be done, or going back is not wanted.
    Stuck,
}

/// What moves a deployment from phase to phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The next phase begins; phases in between had nothing to do.
    Enter(Phase),
    /// Everything is done.
    Complete,
    /// It ends before anything moved: there is nothing to undo.
    Abandon(End),
    /// Undoing begins.
    Unwind,
    /// Undoing is done.
    Unwound(End),
    /// A person is needed.
    GiveUp,
    /// A person has the way back of a stuck one tried again.
    Retry,
    /// A person declares a stuck one to be dealt with.
    Resolve(End),
}

/// How a deployment that did not complete ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It failed before promotion.
    Failed,
    /// It failed after promotion began.
    RolledBack,
    /// A person ended it.
    Cancelled,
}

impl End {
    fn phase(self) -> Phase {
        match self {
            Self::Failed => Phase::Failed,
            Self::RolledBack => Phase::RolledBack,
            Self::Cancelled => Phase::Cancelled,
        }
    }
}

impl Phase {
    /// The phases of a deployment that goes well, in order.
    pub const FORWARD: [Self; 10] = [
        Self::Queued,
        Self::Validating,
        Self::Preparing,
        Self::Staging,
        Self::Provisioning,
        Self::Testing,
        Self::Promoting,
        Self::Verifying,
        Self::Monitoring,
        Self::Cleaning,
    ];

    /// Whether the deployment has ended.
    pub fn is_end(self) -> bool {
        self >= Self::Completed
    }

    /// Whether the phase changes the environment.
    pub fn moves(self) -> bool {
        (Self::Staging..=Self::RollingBack).contains(&self)
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Validating => "validating",
            Self::Preparing => "preparing",
            Self::Staging => "staging",
            Self::Provisioning => "provisioning",
            Self::Testing => "testing",
            Self::Promoting => "promoting",
            Self::Verifying => "verifying",
            Self::Monitoring => "monitoring",
            Self::Cleaning => "cleaning",
            Self::RollingBack => "rolling_back",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Cancelled => "cancelled",
            Self::Stuck => "stuck",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The whole legal state machine: the phase that follows, or none when the turn is not allowed there.
pub fn next(phase: Phase, turn: Turn) -> Option<Phase> {
    let forward = !phase.is_end() && phase != Phase::RollingBack;
    match turn {
        Turn::Enter(to) => (forward && to > phase && to <= Phase::Cleaning).then_some(to),
        Turn::Complete => (phase == Phase::Cleaning).then_some(Phase::Completed),
        Turn::Abandon(end) => {
            let untouched = phase < Phase::Staging;
            (untouched && end != End::RolledBack).then_some(end.phase())
        }
        Turn::Unwind => (forward && phase.moves()).then_some(Phase::RollingBack),
        Turn::Unwound(end) => (phase == Phase::RollingBack).then_some(end.phase()),
        Turn::GiveUp => phase.moves().then_some(Phase::Stuck),
        Turn::Retry => (phase == Phase::Stuck).then_some(Phase::RollingBack),
        Turn::Resolve(end) => (phase == Phase::Stuck).then_some(end.phase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_deployment_walks_forward_and_may_skip() {
        for pair in Phase::FORWARD.windows(2) {
            assert_eq!(next(pair[0], Turn::Enter(pair[1])), Some(pair[1]));
            assert_eq!(next(pair[1], Turn::Enter(pair[0])), None, "never back");
        }
        assert_eq!(next(Phase::Queued, Turn::Enter(Phase::Staging)), Some(Phase::Staging));
        assert_eq!(next(Phase::Cleaning, Turn::Complete), Some(Phase::Completed));
        assert_eq!(next(Phase::Verifying, Turn::Complete), None);
    }

    #[test]
    fn what_moved_must_be_undone_and_ends_are_final() {
        let turns = [
            Turn::Enter(Phase::Cleaning),
            Turn::Complete,
            Turn::Abandon(End::Failed),
            Turn::Unwind,
            Turn::Unwound(End::Failed),
            Turn::GiveUp,
        ];
        for end in [Phase::Completed, Phase::Failed, Phase::RolledBack, Phase::Cancelled, Phase::Stuck] {
            assert!(turns.iter().all(|turn| next(end, *turn).is_none()), "{end}");
        }
        assert_eq!(next(Phase::Preparing, Turn::Abandon(End::Failed)), Some(Phase::Failed));
        assert_eq!(next(Phase::Testing, Turn::Abandon(End::Failed)), None);
        assert_eq!(next(Phase::Testing, Turn::Unwind), Some(Phase::RollingBack));
        assert_eq!(next(Phase::RollingBack, Turn::Unwind), None);
        assert_eq!(next(Phase::RollingBack, Turn::Unwound(End::RolledBack)), Some(Phase::RolledBack));
        assert_eq!(next(Phase::RollingBack, Turn::GiveUp), Some(Phase::Stuck));
        assert_eq!(next(Phase::Queued, Turn::GiveUp), None);
        for phase in Phase::FORWARD.into_iter().chain([Phase::Completed, Phase::RolledBack, Phase::RollingBack]) {
            assert_eq!(next(phase, Turn::Retry), None, "{phase} is not stuck");
            assert_eq!(next(phase, Turn::Resolve(End::Failed)), None, "{phase} is not stuck");
        }
        assert_eq!(next(Phase::Stuck, Turn::Retry), Some(Phase::RollingBack));
        assert_eq!(next(Phase::Stuck, Turn::Resolve(End::RolledBack)), Some(Phase::RolledBack));
    }
}
