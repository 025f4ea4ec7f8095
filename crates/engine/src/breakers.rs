//! Breakers at work: a target whose driver keeps failing is left alone for a while, and an environment with too many
//! automatic rollbacks takes nothing but rollbacks until a person has looked. Not here: when one opens
//! (`core::breaker`).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use shipway_core::{
    breaker::{Breaker, Rollbacks},
    deployment::{Deployment, Kind, Request},
    drift::Difference,
    event::{EventBody, EventKind, EventStatus},
    id::{Actor, InstanceId, ReleaseId, SlotKey},
    phase::End,
    ports::{
        Capacity, Clock, DataSnapshot, Driver, Fault, FaultKind, HeldLimits, Launch, Life, LogPage, LogPosition,
        Observed,
    },
    release::Release,
    spec::StopSpec,
    store::{Commit, Store},
    utilization::{IdleTime, Usage},
};
use tracing::warn;

use crate::{Engine, Ports, Refusal, deploy::say, secrets::Known};

/// The one target of today.
const TARGET: &str = "local";

/// A driver that is left alone for a while when it fails again and again. Looking at instances, and stopping them, is
/// never kept from it, nor is a start on the way back: that must not wait for it. What instances print is masked.
pub(crate) struct GuardedDriver {
    driver: Arc<dyn Driver>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    known: Arc<Known>,
    breaker: Mutex<Breaker>,
}

impl GuardedDriver {
    /// The driver with its breaker as it is stored: a restart closes none.
    pub(crate) async fn new(ports: &Ports, known: Arc<Known>) -> Result<Arc<Self>, Fault> {
        let Ports { driver, store, clock, .. } = ports.clone();
        let stored: Option<Breaker> = store.find(TARGET).await?;
        let breaker = Mutex::new(stored.unwrap_or_else(|| Breaker::closed(TARGET)));
        Ok(Arc::new(Self { driver, store, clock, known, breaker }))
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        // Every change is one call of a pure function: a panic elsewhere leaves none of it half done.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn guarded<T>(&self, call: BoxFuture<'_, Result<T, Fault>>) -> Result<T, Fault> {
        let blocked = self.breaker().blocks(self.clock.now());
        if let Some(until) = blocked {
            let last = self.breaker().last.clone().unwrap_or_default();
            let message =
                format!("the target {TARGET} failed again and again, and is left alone until {until}: {last}");
            let hint = "mend what it says; `shipway breakers` shows it, `shipway breakers reset` tries at once";
            return Err(Fault::unavailable(message).with_hint(hint));
        }
        self.counted(call).await
    }

    async fn counted<T>(&self, call: BoxFuture<'_, Result<T, Fault>>) -> Result<T, Fault> {
        let result = call.await;
        let changed = match &result {
            Ok(_) => self.breaker().passed(),
            Err(fault) if may_pass(fault) => self.breaker().failed(self.clock.now(), &fault.message),
            // What was asked was wrong, and says nothing of the target.
            Err(_) => false,
        };
        if changed {
            self.tell("").await;
        }
        result
    }

    /// Starts an instance though the breaker may be open: a way back must not wait for it. What comes of it counts.
    pub(crate) async fn start_at_once(&self, launch: Launch) -> Result<std::net::SocketAddr, Fault> {
        self.counted(self.driver.start(launch)).await
    }

    /// Keeps the breaker's state, and says what became of it, and why when a person said so.
    async fn tell(&self, why: &str) {
        let breaker = self.breaker().clone();
        let (kind, status, message) = match breaker.open_until {
            Some(until) => {
                let last = breaker.last.as_deref().unwrap_or_default();
                let message = format!("nothing is begun at {TARGET} until {until}: {last}");
                (EventKind::BreakerOpened, EventStatus::Failed, message)
            }
            None => (EventKind::BreakerClosed, EventStatus::Ok, format!("{TARGET} is used again{why}")),
        };
        let event = EventBody::new(kind, status, "breakers", message);
        let commit = Commit::at(self.clock.now()).put(&breaker).event(event);
        if let Err(fault) = self.store.commit(commit).await {
            warn!(%fault, "the breaker's state can't be kept");
        }
    }

    /// As it is now; what is stored is how it was when it last opened or closed.
    pub(crate) fn state(&self) -> Breaker {
        self.breaker().clone()
    }

    /// Closes it by a person's word. Says whether it was open.
    async fn reset(&self, reason: &str, actor: &Actor) -> bool {
        let was_open = self.breaker().passed();
        if was_open {
            self.tell(&format!(": {} said so: {reason}", actor.name)).await;
        }
        was_open
    }
}

/// Whether a failure may be another time's success: then it is worth trying again, and counts against the target.
pub(crate) fn may_pass(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Unavailable | FaultKind::Timeout)
}

impl Driver for GuardedDriver {
    fn stage<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.guarded(self.driver.stage(release)))
    }

    fn drift<'a>(
        &'a self,
        release: &'a Release,
        launches: &'a [Launch],
    ) -> BoxFuture<'a, Result<Vec<Difference>, Fault>> {
        self.driver.drift(release, launches)
    }

    fn mend<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.guarded(self.driver.mend(release)))
    }

    fn unstage<'a>(&'a self, release: &'a ReleaseId) -> BoxFuture<'a, Result<(), Fault>> {
        self.driver.unstage(release)
    }

    fn start(&self, launch: Launch) -> BoxFuture<'_, Result<std::net::SocketAddr, Fault>> {
        Box::pin(self.guarded(self.driver.start(launch)))
    }

    fn reload(&self, launch: Launch) -> BoxFuture<'_, Result<(), Fault>> {
        // It begins nothing: the way back must not wait for it.
        self.driver.reload(launch)
    }

    fn observe<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<Life, Fault>> {
        self.driver.observe(instance)
    }

    fn instances(&self) -> BoxFuture<'_, Result<Vec<Observed>, Fault>> {
        self.driver.instances()
    }

    fn stop<'a>(&'a self, instance: &'a InstanceId, how: &'a StopSpec) -> BoxFuture<'a, Result<(), Fault>> {
        self.driver.stop(instance, how)
    }

    fn forget<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<(), Fault>> {
        self.driver.forget(instance)
    }

    fn snapshot_data<'a>(
        &'a self,
        slot: &'a SlotKey,
        name: &'a str,
        bytes_max: u64,
    ) -> BoxFuture<'a, Result<DataSnapshot, Fault>> {
        Box::pin(self.guarded(self.driver.snapshot_data(slot, name, bytes_max)))
    }

    fn restore_data<'a>(&'a self, slot: &'a SlotKey, name: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.guarded(self.driver.restore_data(slot, name)))
    }

    fn data_snapshots<'a>(&'a self, slot: &'a SlotKey) -> BoxFuture<'a, Result<Vec<DataSnapshot>, Fault>> {
        self.driver.data_snapshots(slot)
    }

    fn data_use<'a>(&'a self, slot: &'a SlotKey) -> BoxFuture<'a, Result<u64, Fault>> {
        self.driver.data_use(slot)
    }

    fn log<'a>(
        &'a self,
        instance: &'a InstanceId,
        from: LogPosition,
        lines_max: usize,
    ) -> BoxFuture<'a, Result<LogPage, Fault>> {
        Box::pin(async move {
            let mut page = self.driver.log(instance, from, lines_max).await?;
            self.known.masker().lines(&mut page.lines);
            Ok(page)
        })
    }

    fn log_tail<'a>(&'a self, instance: &'a InstanceId, lines_max: usize) -> BoxFuture<'a, Result<Vec<String>, Fault>> {
        Box::pin(async move {
            let mut lines = self.driver.log_tail(instance, lines_max).await?;
            self.known.masker().lines(&mut lines);
            Ok(lines)
        })
    }

    fn usage<'a>(&'a self, instances: &'a [InstanceId]) -> BoxFuture<'a, Result<BTreeMap<InstanceId, Usage>, Fault>> {
        self.driver.usage(instances)
    }

    fn held_limits(&self) -> HeldLimits {
        self.driver.held_limits()
    }

    fn idle_time(&self) -> Result<IdleTime, Fault> {
        self.driver.idle_time()
    }

    fn capacity(&self) -> Result<Capacity, Fault> {
        self.driver.capacity()
    }
}

/// Counts an automatic rollback, and stops the environment at one too many. Nothing else may be taken in until the
/// commit is made.
pub(crate) async fn count_rollback(
    engine: &Engine,
    mut commit: Commit,
    deployment: &Deployment,
    ending: End,
) -> Result<Commit, Fault> {
    // What ended before users saw it was not taken back, and a person who ends one has looked at it.
    if ending != End::RolledBack {
        return Ok(commit);
    }
    let Request { project, environment, .. } = &deployment.request;
    let limit = engine.rollback_limit(project, environment).await?;
    let mut rollbacks = rollbacks(engine, &deployment.request).await?;
    let now = engine.ports.clock.now();
    let stops = rollbacks.add(&deployment.id, &limit, now);
    commit = commit.put(&rollbacks);
    if stops {
        let message = format!(
            "{project}/{environment} had more than {} automatic rollbacks within {}: it takes nothing but rollbacks \
             until `shipway breakers reset {} --reason WHY`",
            limit.max,
            limit.per,
            rollbacks.name()
        );
        commit = commit.event(say(deployment, EventKind::DeploymentsStopped, EventStatus::Failed, message));
    }
    Ok(commit)
}

async fn rollbacks(engine: &Engine, request: &Request) -> Result<Rollbacks, Fault> {
    let stored = engine.rollbacks(&request.project, &request.environment).await?;
    Ok(stored.unwrap_or_else(|| Rollbacks::none(request.project.clone(), request.environment.clone())))
}

/// Refuses what an environment with too many automatic rollbacks doesn't take.
pub(crate) async fn refuse_stopped(engine: &Engine, request: &Request) -> Result<(), Refusal> {
    if !matches!(request.kind, Kind::Deploy) {
        return Ok(());
    }
    let rollbacks = rollbacks(engine, request).await?;
    let Some(since) = rollbacks.stopped else { return Ok(()) };
    let name = rollbacks.name();
    let message = format!("{name} takes nothing but rollbacks since {since}: too many deployments were taken back");
    let by = rollbacks.by.map(|by| format!("the last was {by}: `shipway explain {by}` says why"));
    let hint = format!("mend the cause, then `shipway breakers reset {name} --reason WHY`");
    Err(Refusal::Conflict { message, list: by.into_iter().collect(), hint: Some(hint) })
}

/// Closes a breaker by a person's word. Says whether there was one to close.
pub(crate) async fn reset(engine: &Engine, name: &str, reason: &str, actor: &Actor) -> Result<bool, Fault> {
    if name == TARGET {
        return Ok(engine.breaker.reset(reason, actor).await);
    }
    let _one_at_a_time = engine.intake.all().await;
    let stored: Option<Rollbacks> = engine.ports.store.find(name).await?;
    let Some(rollbacks) = stored.filter(|rollbacks| rollbacks.stopped.is_some()) else { return Ok(false) };
    let now = engine.ports.clock.now();
    let next = Rollbacks::none(rollbacks.project, rollbacks.environment);
    let message = format!("{} lets {name} take deployments again: {reason}", actor.name);
    let event = EventBody {
        project: Some(next.project.clone()),
        environment: Some(next.environment.clone()),
        ..EventBody::new(EventKind::DeploymentsAllowed, EventStatus::Ok, "breakers", message)
    };
    engine.ports.store.commit(Commit::at(now).put(&next).event(event)).await?;
    Ok(true)
}
