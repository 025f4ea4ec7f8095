//! Steps onto ports: the one `match`. What a step needs to know stands in the plan; nothing is decided here.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    deployment::{Deployment, FailureReport, StepStatus},
    event::{EventBody, EventKind, EventStatus},
    id::{InstanceId, ReleaseId, ServiceName},
    instance::{Instance, InstanceState},
    phase::Phase,
    plan::{Plan, PlannedStep, SlotWrite, Step},
    ports::{Fault, FaultKind, Launch},
    release::{Release, url_variable, variable},
    route::link_address,
    slot::Slot,
    store::Commit,
};
use shipway_saga::Work;

use super::{Active, checks, failure::Broken, hooks, prove, say, switch, watch};
use crate::{CrashPoint, Engine};

const BACK_OFF_MS: u64 = 200;
const BACK_OFF_MS_MAX: u64 = 5000;
/// How often in-flight requests are counted while an instance drains.
const DRAIN_TICK_MS: u64 = 20;

/// Does the steps of one plan.
pub(super) struct Mover<'a> {
    pub(super) engine: &'a Arc<Engine>,
    pub(super) active: &'a Active,
    pub(super) plan: &'a Plan,
    pub(super) back: bool,
}

impl Work for Mover<'_> {
    type Failure = FailureReport;
    type Halt = Fault;

    fn begin(&self, step: usize, attempt: u32) -> BoxFuture<'_, Result<(), Fault>> {
        self.record_begin(step, attempt).boxed()
    }

    fn perform(&self, step: usize, again: bool) -> BoxFuture<'_, Result<(), FailureReport>> {
        async move {
            self.active.until(|deployment| !deployment.paused || self.back).await;
            let planned = &self.plan.steps[step];
            self.crash_test(step, false);
            let result = self.go(step, planned, again).await;
            self.crash_test(step, true);
            let broken = match result {
                Ok(()) => return Ok(()),
                Err(broken) => broken,
            };
            let now = self.engine.ports.clock.now();
            Err(broken.into_report(now, planned.phase, planned.step.to_string(), planned.service.clone()))
        }
        .boxed()
    }

    fn end<'a>(&'a self, step: usize, result: &'a Result<(), FailureReport>) -> BoxFuture<'a, Result<(), Fault>> {
        self.record_end(step, result.as_ref().err()).boxed()
    }

    fn back_off(&self, _: usize, attempt: u32) -> BoxFuture<'_, ()> {
        let span_ms = BACK_OFF_MS.saturating_mul(1 << attempt.min(10)).min(BACK_OFF_MS_MAX);
        self.engine.ports.clock.sleep_ms(span_ms)
    }
}

impl Mover<'_> {
    async fn go(&self, number: usize, planned: &PlannedStep, again: bool) -> Result<(), Broken> {
        match &planned.step {
            Step::Stage { release } => self.stage(release).await,
            Step::Hooks { release, when } => hooks::run(self, release, *when, again).await,
            Step::Start { release, instance } => self.start(release, instance).await,
            Step::Prove { release, instance } => prove::prove(self, release, instance).await,
            Step::Check { release, through } => checks::check(self, planned.phase, release, through).await,
            Step::Commit { writes, draining } => self.commit(planned.phase, writes, draining).await,
            Step::Watch { pause, percent, slots } => watch::watch(self, number, *pause, *percent, slots).await,
            Step::Drain { release, instance } => self.drain(release, instance).await,
            Step::Stop { release, instance } => self.stop(release, instance).await,
        }
    }

    /// Dies where the crash test wants it.
    fn crash_test(&self, step: usize, acted: bool) {
        let here = |point: &CrashPoint| point.back == self.back && point.step == step && point.acted == acted;
        if let Some(point) = self.engine.settings.crash.filter(here) {
            (point.die)();
        }
    }

    async fn record_begin(&self, step: usize, attempt: u32) -> Result<(), Fault> {
        let planned = &self.plan.steps[step];
        if !self.back {
            self.active.enter(self.engine, planned.phase).await?;
        }
        let now = self.engine.ports.clock.now();
        let begun = |deployment: &mut Deployment| {
            if let Some(state) = deployment.step_mut(self.back, step) {
                state.status = StepStatus::Running;
                state.started_at.get_or_insert(now);
                state.attempts += 1;
            }
            let kind = if attempt == 0 { EventKind::StepStarted } else { EventKind::StepRetried };
            vec![self.step_event(deployment, step, kind, EventStatus::Running, planned.step.to_string())]
        };
        self.active.update(self.engine, begun).await.map(|_| ())
    }

    async fn record_end(&self, step: usize, failure: Option<&FailureReport>) -> Result<(), Fault> {
        let now = self.engine.ports.clock.now();
        let ended = |deployment: &mut Deployment| {
            if let Some(state) = deployment.step_mut(self.back, step) {
                state.status = if failure.is_none() { StepStatus::Done } else { StepStatus::Failed };
                state.ended_at = Some(now);
                state.note = failure.map(|failure| failure.message.clone());
            }
            let words = self.plan.steps[step].step.to_string();
            vec![match failure {
                None => self.step_event(deployment, step, EventKind::StepCompleted, EventStatus::Ok, words),
                Some(failure) => {
                    let message = format!("{words}: {}", failure.message);
                    self.step_event(deployment, step, EventKind::StepFailed, EventStatus::Failed, message)
                }
            }]
        };
        self.active.update(self.engine, ended).await.map(|_| ())
    }

    fn step_event(
        &self,
        deployment: &Deployment,
        step: usize,
        kind: EventKind,
        status: EventStatus,
        message: String,
    ) -> EventBody {
        let services = match &self.plan.steps[step].service {
            Some(service) => vec![service.clone()],
            None => deployment.service_names(),
        };
        let details = serde_json::json!({ "step": step, "back": self.back });
        EventBody { services, details, ..say(deployment, kind, status, message) }
    }

    async fn stage(&self, release: &ReleaseId) -> Result<(), Broken> {
        let release = self.engine.release(release).await?;
        Ok(self.engine.ports.driver.stage(&release).await?)
    }

    /// Records the instance, then starts it. The start goes on when this step is given up, so that whoever stops the
    /// instance afterwards finds it whole.
    async fn start(&self, release: &ReleaseId, id: &InstanceId) -> Result<(), Broken> {
        let release = self.engine.release(release).await?;
        let deployment = self.active.read().await.id;
        let instance = Instance {
            id: id.clone(),
            slot: release.slot.clone(),
            release: release.id.clone(),
            state: InstanceState::Starting,
            address: None,
            deployment: Some(deployment),
            created_at: self.engine.ports.clock.now(),
        };
        launch(self.engine, &release, instance).await?;
        Ok(())
    }

    async fn commit(&self, phase: Phase, writes: &[SlotWrite], draining: &[InstanceId]) -> Result<(), Broken> {
        if phase >= Phase::Promoting && !self.back {
            switch::open(self.engine, self.active).await?;
        }
        let generation = match self.write_slots(writes, draining).await? {
            Some(generation) => generation,
            // The transaction of an earlier attempt stands; the routes must still follow it.
            None => self.engine.ports.store.snapshot(&[]).await?.0,
        };
        self.engine.publisher.follow(generation).await?;
        if self.back {
            self.note_way_back().await?;
        }
        Ok(())
    }

    /// Writes the slots in one transaction; none when they are written already.
    async fn write_slots(&self, writes: &[SlotWrite], draining: &[InstanceId]) -> Result<Option<u64>, Broken> {
        let store = &self.engine.ports.store;
        let now = self.engine.ports.clock.now();
        let mut commit = Commit::at(now);
        let mut live = BTreeMap::new();
        for write in writes {
            let mut slot = write.slot.clone();
            let stored: Option<Slot> = store.find(&slot.key.to_string()).await?;
            if stored.is_some_and(|stored| stored.revision == slot.revision && stored.written_by == slot.written_by) {
                return Ok(None);
            }
            if let (Some(span), Some(warm)) = (write.warm_for, slot.warm.first_mut()) {
                warm.until = now.plus_ms(span.ms);
            }
            live.insert(slot.key.service.clone(), slot.live.as_ref().map(|live| live.release.clone()));
            commit = commit.put_slot(&slot);
        }
        for id in draining {
            if let Some(instance) = store.find::<Instance>(id.as_str()).await? {
                commit = commit.put(&Instance { state: InstanceState::Draining, ..instance });
            }
        }
        let noted = |deployment: &mut Deployment| activated(deployment, &live);
        Ok(Some(self.active.update_with(self.engine, commit, noted).await?.generation))
    }

    /// How long users met the new release after it was decided to go back.
    async fn note_way_back(&self) -> Result<(), Fault> {
        let now = self.engine.ports.clock.now();
        let noted = |deployment: &mut Deployment| {
            let decided = deployment.phases.iter().find(|record| record.phase == Phase::RollingBack);
            deployment.switch.back_ms = decided.map(|record| now.since_ms(record.at));
            Vec::new()
        };
        self.active.update(self.engine, noted).await.map(|_| ())
    }

    /// Waits until nothing is in flight at an instance that gets no new requests.
    async fn drain(&self, release: &ReleaseId, instance: &InstanceId) -> Result<(), Broken> {
        let release = self.engine.release(release).await?;
        drain(self.engine, &release, instance).await;
        Ok(())
    }

    async fn stop(&self, release: &ReleaseId, instance: &InstanceId) -> Result<(), Broken> {
        let release = self.engine.release(release).await?;
        Ok(stop(self.engine, &release, instance).await?)
    }
}

/// Notes which services now serve what comes.
fn activated(deployment: &mut Deployment, live: &BTreeMap<ServiceName, Option<ReleaseId>>) -> Vec<EventBody> {
    let mut events = Vec::new();
    let goal = deployment.goal.clone();
    for (service, release) in live {
        let wanted = goal.get(service).cloned().flatten().map(|serving| serving.release);
        let Some(state) = deployment.services.get_mut(service) else { continue };
        let is_live = wanted.is_some() && *release == wanted;
        let begins = is_live && !state.live;
        state.live = is_live;
        if begins {
            let message = format!("{service} is live");
            let event = say(deployment, EventKind::ServiceActivated, EventStatus::Ok, message);
            events.push(EventBody { services: vec![service.clone()], ..event });
        }
    }
    events
}

/// Records an instance, starts it, and records where it listens.
pub(crate) async fn launch(engine: &Arc<Engine>, release: &Arc<Release>, instance: Instance) -> Result<Instance, Fault> {
    let store = &engine.ports.store;
    let stored: Option<Instance> = store.find(instance.id.as_str()).await?;
    let instance = stored.unwrap_or(instance);
    store.commit(Commit::at(engine.ports.clock.now()).put(&instance)).await?;
    let launch = Launch {
        instance: instance.id.clone(),
        release: release.clone(),
        variables: variables(engine, release, &instance.id),
    };
    let starting = engine.clone();
    let started = tokio::spawn(async move { starting.ports.driver.start(launch).await });
    let address = started.await.map_err(|error| Fault::unavailable(format!("the start was cut off: {error}")))??;
    let instance = Instance { address: Some(address), ..instance };
    store.commit(Commit::at(engine.ports.clock.now()).put(&instance)).await?;
    Ok(instance)
}

/// The variables of an instance, but for `PORT`.
pub(crate) fn variables(engine: &Engine, release: &Release, instance: &InstanceId) -> BTreeMap<String, String> {
    let mut variables = release.variables();
    variables.insert(variable::INSTANCE.into(), instance.to_string());
    for dependency in &release.serve.depends_on {
        let address = link_address(&release.id, dependency);
        let url = format!("http://{address}:{}", engine.ports.router.link_port());
        variables.insert(url_variable(dependency.as_str()), url);
    }
    variables
}

/// Waits until nothing is in flight at an instance, or its time is over.
pub(crate) async fn drain(engine: &Engine, release: &Release, instance: &InstanceId) {
    let clock = &engine.ports.clock;
    let until = clock.now().plus_ms(release.serve.timeouts.drain_s * 1000);
    loop {
        let in_flight = match engine.publisher.traffic().await {
            Ok(traffic) => traffic.in_flight.get(instance).copied().unwrap_or(0),
            // A proxy that is starting again may still have handed requests on: ask again.
            Err(_) => 1,
        };
        if in_flight == 0 || clock.now() >= until {
            return;
        }
        clock.sleep_ms(DRAIN_TICK_MS).await;
    }
}

/// Stops an instance and removes its record. Its log stays until the reconciler tidies up.
pub(crate) async fn stop(engine: &Engine, release: &Release, id: &InstanceId) -> Result<(), Fault> {
    match engine.ports.driver.stop(id, &release.serve.stop).await {
        Ok(()) => {}
        Err(fault) if fault.kind == FaultKind::NotFound => {}
        Err(fault) => return Err(fault),
    }
    if let Some(instance) = engine.ports.store.find::<Instance>(id.as_str()).await? {
        engine.ports.store.commit(Commit::at(engine.ports.clock.now()).delete(&instance)).await?;
        engine.publisher.kick();
    }
    Ok(())
}
