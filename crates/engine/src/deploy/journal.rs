//! The record of a running deployment: one document, and every change of it an event in the same commit.

use std::sync::atomic::{AtomicBool, Ordering};

use shipway_core::{
    deployment::{Deployment, PhaseRecord},
    event::{EventBody, EventKind, EventStatus},
    explain::{Facts, explain as explain_facts},
    phase::{self, Phase, Turn},
    ports::{Fault, FaultKind},
    store::{Commit, Committed, Guarded, OpenDeployment},
    time::Timestamp,
};
use tokio::sync::{Mutex, Notify};

use crate::{Engine, explain};

/// A deployment that has not ended.
pub(crate) struct Active {
    /// One that is only looked at leaves no trace in the store but its artifacts and releases.
    recorded: bool,
    document: Mutex<Deployment>,
    /// Whether a write was begun whose fate is not known: what is held may be older than what is stored.
    unsure: AtomicBool,
    /// Told with every change, to whoever waits for one. It wakes in the order of waiting; a `watch` channel wakes in
    /// an order by chance, and a simulation could not be repeated.
    changed: Notify,
}

impl Active {
    pub(crate) fn new(document: Deployment) -> Self {
        Self { recorded: true, document: Mutex::new(document), unsure: AtomicBool::new(false), changed: Notify::new() }
    }

    /// A deployment that nobody asked for: it shows what would be.
    pub(crate) fn unrecorded(document: Deployment) -> Self {
        Self { recorded: false, ..Self::new(document) }
    }

    /// The deployment as it is recorded.
    pub(crate) async fn read(&self) -> Deployment {
        self.document.lock().await.clone()
    }

    /// Changes the deployment, with events that say so.
    pub(crate) async fn update(
        &self,
        engine: &Engine,
        change: impl FnOnce(&mut Deployment) -> Vec<EventBody> + Send,
    ) -> Result<Committed, Fault> {
        self.update_with(engine, Commit::default(), change).await
    }

    /// The same, together with other changes. Nothing has changed when it fails.
    pub(crate) async fn update_with(
        &self,
        engine: &Engine,
        commit: Commit,
        change: impl FnOnce(&mut Deployment) -> Vec<EventBody> + Send,
    ) -> Result<Committed, Fault> {
        self.update_and(engine, commit, change, |_, commit| commit).await
    }

    /// The same, with what follows from the changed deployment.
    async fn update_and(
        &self,
        engine: &Engine,
        mut commit: Commit,
        change: impl FnOnce(&mut Deployment) -> Vec<EventBody> + Send,
        follows: impl FnOnce(&Deployment, Commit) -> Commit + Send,
    ) -> Result<Committed, Fault> {
        let mut document = self.document.lock().await;
        if self.unsure.load(Ordering::SeqCst) {
            *document = stored(engine, &document).await?;
        }
        let mut next = document.clone();
        let events = change(&mut next);
        commit.at = engine.ports.clock.now();
        next.updated_at = commit.at;
        if self.recorded {
            commit.events.extend(events);
            commit = commit
                .put_deployment(&mut next, &document.course)
                .fence(Guarded::Carrier(next.id.clone()), next.carrier.token);
            if next.phase.is_end() {
                commit = commit.delete(&OpenDeployment { id: next.id.clone() });
            }
            commit = follows(&next, commit);
        }
        // It stays unsure when the answer is lost, and when whoever waits for it is dropped.
        self.unsure.store(self.recorded, Ordering::SeqCst);
        let committed = engine.ports.store.commit(commit).await;
        if committed.as_ref().is_err_and(|fault| fault.kind != FaultKind::Conflict) {
            return committed;
        }
        self.unsure.store(false, Ordering::SeqCst);
        let committed = committed?;
        *document = next;
        drop(document);
        self.changed.notify_waiters();
        Ok(committed)
    }

    /// Reads the stored document again, after a write whose fate is not known. Says whether it is still this server's
    /// to carry.
    pub(crate) async fn reload(&self, engine: &Engine) -> Result<bool, Fault> {
        let mut document = self.document.lock().await;
        let carrier = document.carrier.clone();
        if let Some(stored) = engine.ports.store.deployment(document.id.as_str()).await? {
            *document = stored;
        }
        self.unsure.store(false, Ordering::SeqCst);
        Ok(document.carrier == carrier)
    }

    /// Ends when the deployment fits, looking at every change.
    pub(crate) async fn until(&self, fits: impl Fn(&Deployment) -> bool + Send) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Listening begins before looking, so that nothing is missed in between.
            changed.as_mut().enable();
            if fits(&*self.document.lock().await) {
                return;
            }
            changed.await;
        }
    }

    /// Begins a phase, unless it has begun: the first steps of a phase may begin side by side.
    pub(crate) async fn enter(&self, engine: &Engine, phase: Phase) -> Result<(), Fault> {
        let now = engine.ports.clock.now();
        if self.document.lock().await.phase >= phase {
            return Ok(());
        }
        self.update(engine, |deployment| {
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
        })
        .await
        .map(|_| ())
    }

    /// Takes a turn of the state machine. An end that is not a good one is explained in the same commit.
    pub(crate) async fn turn(&self, engine: &Engine, turn: Turn, more: Vec<EventBody>) -> Result<(), Fault> {
        let around = match self.recorded && ends_badly(turn) {
            true => Some(explain::around_end(engine, &self.read().await).await),
            false => None,
        };
        let now = engine.ports.clock.now();
        let mut refused = None;
        let taken = |deployment: &mut Deployment| match take(deployment, turn, now) {
            Some(mut events) => {
                let phase = Some(deployment.phase);
                events.extend(more.into_iter().map(|event| EventBody { phase, ..event }));
                events
            }
            None => {
                refused = Some(deployment.phase);
                Vec::new()
            }
        };
        let explained = |deployment: &Deployment, commit: Commit| match &around {
            Some(around) => commit.put(&explain_facts(&Facts { deployment, around, now })),
            None => commit,
        };
        self.update_and(engine, Commit::default(), taken, explained).await?;
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

/// The deployment as it is stored, once every write that was begun before is made or refused: writes have one order.
async fn stored(engine: &Engine, held: &Deployment) -> Result<Deployment, Fault> {
    engine.ports.store.commit(Commit::at(engine.ports.clock.now())).await?;
    let stored = engine.ports.store.deployment(held.id.as_str()).await?;
    match stored.filter(|stored| stored.carrier == held.carrier) {
        Some(stored) => Ok(stored),
        None => Err(Fault::new(FaultKind::Conflict, format!("{} is carried by another server now", held.name))),
    }
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

/// An event about a deployment.
pub(crate) fn say(
    deployment: &Deployment,
    kind: EventKind,
    status: EventStatus,
    message: impl Into<String>,
) -> EventBody {
    EventBody {
        project: Some(deployment.request.project.clone()),
        environment: Some(deployment.request.environment.clone()),
        deployment: Some(deployment.id.clone()),
        phase: Some(deployment.phase),
        services: deployment.service_names(),
        correlation_id: Some(deployment.correlation_id.clone()),
        ..EventBody::new(kind, status, "deployment", message)
    }
}
