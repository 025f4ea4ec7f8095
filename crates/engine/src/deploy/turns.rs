//! How a deployment takes the turns of its state machine, and what is said about it. Not here: which turn may follow
//! (`core::phase`), how a change is written (`journal`).

use shipway_core::{
    deployment::{Deployment, PhaseRecord},
    event::{EventBody, EventKind, EventStatus},
    explain::{Facts, explain as explain_facts},
    phase::{self, Phase, Turn},
    ports::{Fault, FaultKind},
    store::Commit,
    time::Timestamp,
};

use super::{Active, say};
use crate::{Engine, explain};

impl Active {
    /// Begins a phase, unless it has begun: the first steps of a phase may begin side by side.
    pub(crate) async fn enter(&self, engine: &Engine, phase: Phase) -> Result<(), Fault> {
        if self.read().await.phase >= phase {
            return Ok(());
        }
        let now = engine.ports.clock.now();
        self.update(engine, |deployment| entered(deployment, phase, now)).await.map(|_| ())
    }

    /// Takes a turn of the state machine. An end that is not a good one is explained in the same commit.
    pub(crate) async fn turn(&self, engine: &Engine, turn: Turn, more: Vec<EventBody>) -> Result<(), Fault> {
        self.turn_with(engine, turn, Commit::default(), |_| Vec::new(), more).await
    }

    /// The same, together with other changes, and with a change of the deployment right before.
    pub(crate) async fn turn_with(
        &self,
        engine: &Engine,
        turn: Turn,
        commit: Commit,
        before: impl FnOnce(&mut Deployment) -> Vec<EventBody> + Send,
        more: Vec<EventBody>,
    ) -> Result<(), Fault> {
        let around = match self.is_recorded() && ends_badly(turn) {
            true => Some(explain::around_end(engine, &*self.read().await).await),
            false => None,
        };
        let now = engine.ports.clock.now();
        let mut refused = None;
        let taken = |deployment: &mut Deployment| {
            let mut events = before(deployment);
            match take(deployment, turn, now) {
                Some(taken) => {
                    let phase = Some(deployment.phase);
                    events.extend(taken);
                    events.extend(more.into_iter().map(|event| EventBody { phase, ..event }));
                }
                None => refused = Some(deployment.phase),
            }
            events
        };
        let explained = |deployment: &Deployment, commit: Commit| match &around {
            Some(around) => commit.put(&explain_facts(&Facts { deployment, around, now })),
            None => commit,
        };
        self.update_and(engine, commit, taken, explained).await?;
        match refused {
            None => Ok(()),
            Some(phase) => Err(Fault::new(FaultKind::Invalid, format!("no {turn:?} from {phase}"))),
        }
    }
}

/// Whether a turn ends a deployment in another way than complete.
fn ends_badly(turn: Turn) -> bool {
    matches!(turn, Turn::Abandon(_) | Turn::Unwound(_) | Turn::GiveUp | Turn::Resolve(_))
}

/// Begins a phase, unless it has begun, and says what follows.
pub(super) fn entered(deployment: &mut Deployment, phase: Phase, now: Timestamp) -> Vec<EventBody> {
    if deployment.phase >= phase {
        return Vec::new();
    }
    let tested = deployment.phase <= Phase::Testing && phase > Phase::Testing;
    let mut events = take(deployment, Turn::Enter(phase), now).unwrap_or_default();
    if tested {
        let message = "all tests before promotion passed";
        events.push(say(deployment, EventKind::TestingCompleted, EventStatus::Ok, message));
    }
    events
}

/// Takes a turn, and says what follows; none when it is not allowed.
fn take(deployment: &mut Deployment, turn: Turn, now: Timestamp) -> Option<Vec<EventBody>> {
    let next = phase::next(deployment.phase, turn)?;
    let mut events = passed(deployment, next);
    deployment.phases.push(PhaseRecord { phase: next, at: now });
    deployment.phase = next;
    if next.is_end() {
        deployment.completed_at = Some(now);
        deployment.waiting = None;
    } else {
        events.push(say(deployment, EventKind::PhaseStarted, EventStatus::Running, format!("{next}")));
    }
    Some(events)
}

/// Events for the phase that is left, and for those that are passed because they have nothing to do.
fn passed(deployment: &Deployment, next: Phase) -> Vec<EventBody> {
    let forward = next <= Phase::Completed && next != Phase::RollingBack;
    if !forward || deployment.phase == Phase::RollingBack {
        return Vec::new();
    }
    let left = Phase::FORWARD.iter().filter(|phase| **phase >= deployment.phase && **phase < next);
    left.filter(|phase| **phase != Phase::Queued)
        .map(|phase| {
            let nothing = *phase != deployment.phase;
            let message = if nothing { format!("{phase}: nothing to do") } else { format!("{phase} done") };
            let details = serde_json::json!({ "nothingToDo": nothing });
            let event = say(deployment, EventKind::PhaseCompleted, EventStatus::Ok, message);
            EventBody { phase: Some(*phase), details, ..event }
        })
        .collect()
}
