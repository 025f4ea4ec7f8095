//! One fault at one node: a step of a deployment's plan or of its way back, by its number. Not here: which node and
//! which fault (`node`), faults by chance (`world`).

use std::collections::BTreeSet;

use futures_channel::oneshot;
use shipway_core::plan::Step;

use crate::{
    seen::Seen,
    watcher::{StepName, Trick},
    world::{Fate, World},
};

/// What a node meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mishap {
    /// It fails, and goes well when it is tried again.
    FailsOnce,
    /// It fails whenever it is tried.
    FailsForGood,
    /// The server ends after the intent is recorded, and before it acts.
    CrashBefore,
    /// The server ends after it has acted, and before that is recorded.
    CrashAfter,
    /// The record of its end is refused, so that all of it is asked for once more.
    Repeated,
    /// The record of its end is written, and the answer is lost.
    RecordUnanswered,
    /// Its effect is there, and whoever caused it hears that it failed.
    EffectUnanswered,
    /// It is done, everything goes back, and what undoes it fails once.
    UndoFailsOnce,
    /// It is done, everything goes back, and what undoes it fails whenever it is tried.
    UndoFailsForGood,
}

impl Mishap {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::FailsOnce,
        Self::FailsForGood,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::Repeated,
        Self::RecordUnanswered,
        Self::EffectUnanswered,
        Self::UndoFailsOnce,
        Self::UndoFailsForGood,
    ];

    /// What the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FailsOnce => "fails once",
            Self::FailsForGood => "fails for good",
            Self::CrashBefore => "crash before",
            Self::CrashAfter => "crash after",
            Self::Repeated => "repeated",
            Self::RecordUnanswered => "record unanswered",
            Self::EffectUnanswered => "effect unanswered",
            Self::UndoFailsOnce => "undo fails once",
            Self::UndoFailsForGood => "undo fails for good",
        }
    }

    /// Whether it is about what undoes the step.
    pub fn is_of_undo(self) -> bool {
        matches!(self, Self::UndoFailsOnce | Self::UndoFailsForGood)
    }

    fn lasts(self) -> bool {
        matches!(self, Self::FailsForGood | Self::UndoFailsForGood)
    }
}

/// A mishap that waits for its node.
pub struct Awaited {
    /// The node.
    pub at: StepName,
    /// What it is: another way back may have another step of that number.
    pub step: Step,
    /// What it meets.
    pub mishap: Mishap,
    /// How often it was met.
    pub met: u32,
    /// The steps that are to fail because of it.
    struck: BTreeSet<StepName>,
    /// The fault is gone.
    over: bool,
}

impl Awaited {
    /// One that was not met yet.
    pub fn new(at: StepName, step: Step, mishap: Mishap) -> Self {
        Self { at, step, mishap, met: 0, struck: BTreeSet::new(), over: false }
    }

    /// Whether it has yet to strike that very step.
    fn strikes(&self, step: &StepName, what: Option<&Step>) -> bool {
        !self.over
            && self.at == *step
            && what == Some(&self.step)
            && (self.mishap.lasts() || !self.struck.contains(step))
    }
}

/// Tells somebody when a step has ended well.
pub struct Bell {
    /// The step.
    pub at: StepName,
    /// Who waits for it.
    pub tell: oneshot::Sender<()>,
}

impl World {
    /// A step has begun. Says whether the server ends now.
    pub fn mishap_at_begin(&mut self, step: &StepName) -> bool {
        let Some(awaited) = &mut self.mishap else { return false };
        let what = self.watcher.step(step);
        let strikes = awaited.strikes(step, what.as_deref());
        let trick = match awaited.mishap {
            Mishap::FailsOnce | Mishap::FailsForGood if strikes => Trick::Fails,
            Mishap::EffectUnanswered if strikes => Trick::Unanswered,
            Mishap::CrashBefore if strikes => {
                awaited.struck.insert(step.clone());
                awaited.met += 1;
                return true;
            }
            Mishap::UndoFailsOnce | Mishap::UndoFailsForGood => {
                let its = step.0 == awaited.at.0 && step.1;
                let undoes = what.is_some_and(|undo| undoes(&undo, &awaited.step));
                if awaited.over || !its || !undoes || (!awaited.mishap.lasts() && awaited.struck.contains(step)) {
                    return false;
                }
                Trick::Fails
            }
            _ => return false,
        };
        awaited.struck.insert(step.clone());
        if let Some(running) = self.watcher.running.get_mut(step) {
            running.trick = Some(trick);
        }
        false
    }

    /// The end of a step is about to be recorded. Says what becomes of the record, and whether the server ends before.
    pub fn mishap_at_end(&mut self, step: &StepName) -> (Option<Fate>, bool) {
        let what = self.watcher.step(step);
        let struck = self.mishap.as_mut().filter(|awaited| awaited.strikes(step, what.as_deref()));
        let Some(awaited) = struck else { return (None, false) };
        let met = match awaited.mishap {
            Mishap::CrashAfter => (None, true),
            Mishap::Repeated => (Some(Fate::Refused), false),
            Mishap::RecordUnanswered => (Some(Fate::AnswerLost), false),
            _ => return (None, false),
        };
        awaited.struck.insert(step.clone());
        awaited.met += 1;
        met
    }

    /// A commit was made: failures that were meant are counted, and whoever waits for a step's end is told.
    pub fn mishap_recorded(&mut self, seen: &Seen) {
        for (step, failed) in seen.ends() {
            if let Some(awaited) = self.mishap.as_mut().filter(|awaited| failed && awaited.struck.contains(step)) {
                awaited.met += 1;
            }
            if let Some(bell) = self.bell.take_if(|bell| !failed && bell.at == *step) {
                // Who waited may be gone.
                let _ = bell.tell.send(());
            }
        }
    }

    /// What was to fail fails no more.
    pub fn mend(&mut self) {
        self.watcher.mend();
        self.mishap.iter_mut().for_each(|awaited| awaited.over = true);
    }
}

/// Whether a step of the way back undoes a step of the way forward.
pub fn undoes(undo: &Step, done: &Step) -> bool {
    match (undo, done) {
        (Step::Stop { instance: gone, .. }, Step::Start { instance, .. } | Step::Prove { instance, .. }) => {
            gone == instance
        }
        // What was stopped has no way back but another instance of the same release.
        (Step::Start { release: again, .. } | Step::Prove { release: again, .. }, Step::Stop { release, .. }) => {
            again == release
        }
        (Step::Reload { instance: again, .. }, Step::Reload { instance, .. }) => again == instance,
        (Step::Commit { .. }, Step::Commit { .. }) => true,
        (Step::Hooks { release: again, .. }, Step::Hooks { release, .. }) => again == release,
        _ => false,
    }
}
