//! The record of a running deployment: one document, and every change of it an event in the same commit.
//!
//! Not here: the turns of the state machine (`turns`), what a step records (`work`).

use std::sync::{
    Arc, Mutex as SyncMutex, MutexGuard as SyncGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use shipway_core::{
    deployment::{Course, Deployment},
    event::{EventBody, EventKind, EventStatus},
    ports::{Fault, FaultKind},
    store::{Commit, Committed, OpenDeployment},
};
use tokio::sync::{Mutex, MutexGuard, Notify, oneshot, oneshot::error::TryRecvError};

use crate::Engine;

/// A deployment that has not ended.
pub(crate) struct Active {
    /// One that is only looked at leaves no trace in the store but its artifacts and releases.
    recorded: bool,
    document: Mutex<Arc<Deployment>>,
    /// Changes that wait for the commit under way, to be written together.
    joining: SyncMutex<Vec<Joining>>,
    /// Whether a write was begun whose fate is not known: what is held may be older than what is stored.
    unsure: AtomicBool,
    /// Told with every change, to whoever waits for one. It wakes in the order of waiting; a `watch` channel wakes in
    /// an order by chance, and a simulation could not be repeated.
    changed: Notify,
}

/// A change of the deployment, and the events that say so.
type Change = Box<dyn FnOnce(&mut Deployment) -> Vec<EventBody> + Send>;

/// A change that is written together with others.
struct Joining {
    change: Change,
    answer: oneshot::Sender<Result<Committed, Fault>>,
}

impl Active {
    pub(crate) fn new(document: Arc<Deployment>) -> Self {
        Self {
            recorded: true,
            document: Mutex::new(document),
            joining: SyncMutex::default(),
            unsure: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// A deployment that nobody asked for: it shows what would be.
    pub(crate) fn unrecorded(document: Deployment) -> Self {
        Self { recorded: false, ..Self::new(Arc::new(document)) }
    }

    /// The deployment as it is recorded.
    pub(crate) async fn read(&self) -> Arc<Deployment> {
        self.document.lock().await.clone()
    }

    /// Whether it leaves a trace in the store.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recorded
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
    pub(super) async fn update_and(
        &self,
        engine: &Engine,
        commit: Commit,
        change: impl FnOnce(&mut Deployment) -> Vec<EventBody> + Send,
        follows: impl FnOnce(&Deployment, Commit) -> Commit + Send,
    ) -> Result<Committed, Fault> {
        self.write(engine, self.document.lock().await, commit, change, follows).await
    }

    /// Changes the deployment like `update`, in one commit with everything that joined while another was under way: a
    /// group's steps begin and end side by side.
    pub(crate) async fn join(
        &self,
        engine: &Engine,
        change: impl FnOnce(&mut Deployment) -> Vec<EventBody> + Send + 'static,
    ) -> Result<Committed, Fault> {
        let (answer, mut answered) = oneshot::channel();
        self.joining().push(Joining { change: Box::new(change), answer });
        let document = self.document.lock().await;
        match answered.try_recv() {
            Ok(result) => return result,
            Err(TryRecvError::Closed) => {
                return Err(Fault::unavailable("the change was written by one that went away before its answer came"));
            }
            Err(TryRecvError::Empty) => {}
        }
        let mut joined = std::mem::take(&mut *self.joining());
        // Who is gone by now does nothing any more.
        joined.retain(|one| !one.answer.is_closed());
        let (changes, answers): (Vec<_>, Vec<_>) = joined.into_iter().map(|one| (one.change, one.answer)).unzip();
        let all = |deployment: &mut Deployment| changes.into_iter().flat_map(|change| change(deployment)).collect();
        let result = self.write(engine, document, Commit::default(), all, |_, commit| commit).await;
        for answer in answers {
            // Whoever asked may have gone meanwhile; the change stands.
            let _ = answer.send(result.clone());
        }
        result
    }

    fn joining(&self) -> SyncGuard<'_, Vec<Joining>> {
        // Pushing and taking leave the list whole.
        self.joining.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(
        &self,
        engine: &Engine,
        mut document: MutexGuard<'_, Arc<Deployment>>,
        mut commit: Commit,
        change: impl FnOnce(&mut Deployment) -> Vec<EventBody> + Send,
        follows: impl FnOnce(&Deployment, Commit) -> Commit + Send,
    ) -> Result<Committed, Fault> {
        if self.unsure.load(Ordering::SeqCst) {
            *document = stored(engine, &document).await?;
        }
        let mut next = Deployment::clone(&document);
        let events = change(&mut next);
        commit.at = engine.ports.clock.now();
        next.updated_at = commit.at;
        let (commit, next) = match self.recorded {
            true => {
                commit.events.extend(events);
                let (commit, next) = put(commit, next, &document.course);
                (follows(&next, commit), next)
            }
            false => (commit, Arc::new(next)),
        };
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
}

/// Writes a deployment as its carrier may.
fn put(commit: Commit, deployment: Deployment, before: &Arc<Course>) -> (Commit, Arc<Deployment>) {
    let (commit, deployment) = commit.put_deployment(deployment, before);
    let (what, token) = deployment.right();
    let commit = commit.fence(what, token);
    match deployment.phase.is_end() {
        true => (commit.delete(&OpenDeployment { id: deployment.id.clone() }), deployment),
        false => (commit, deployment),
    }
}

/// The deployment as it is stored, once every write that was begun before is made or refused: writes have one order.
async fn stored(engine: &Engine, held: &Deployment) -> Result<Arc<Deployment>, Fault> {
    engine.ports.store.commit(Commit::at(engine.ports.clock.now())).await?;
    let stored = engine.ports.store.deployment(held.id.as_str()).await?;
    match stored.filter(|stored| stored.carrier == held.carrier) {
        Some(stored) => Ok(stored),
        None => Err(Fault::new(FaultKind::Conflict, format!("{} is carried by another server now", held.name))),
    }
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
