//! How a deployment's plan runs as a saga: what is recorded before and after each step, and which failure is worth
//! another try. Not here: doing a step (`perform`), the order of steps (crate `saga`).

use std::hash::{Hash, Hasher};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    deployment::{Deployment, FailureReport, StepStatus},
    event::{EventBody, EventKind, EventStatus},
    plan::PlannedStep,
    ports::Fault,
    time::Timestamp,
};
use shipway_saga::{Next, Work};

use super::{mover::Mover, say, turns::entered};
use crate::CrashPoint;

/// How often a step is tried again.
const RETRIES_MAX: u32 = 4;
/// The longest wait before the first other try; it doubles from there.
const BACK_OFF_MS: u64 = 400;
const BACK_OFF_MS_MAX: u64 = 10_000;

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

    fn done(&self, step: usize) -> BoxFuture<'_, Result<(), Fault>> {
        self.record_end(step, None).boxed()
    }

    fn failed<'a>(
        &'a self,
        step: usize,
        attempt: u32,
        failure: &'a FailureReport,
    ) -> BoxFuture<'a, Result<Next, Fault>> {
        async move {
            let again = self.is_worth_another(attempt, failure);
            let next_at = match again {
                true => Some(self.engine.ports.clock.now().plus_ms(self.wait_ms(step, attempt).await)),
                false => None,
            };
            self.record_end(step, Some((failure, next_at))).await?;
            Ok(if again { Next::Again } else { Next::GiveUp })
        }
        .boxed()
    }

    fn due(&self, step: usize, _: u32) -> BoxFuture<'_, ()> {
        async move {
            let deployment = self.active.read().await;
            let state = deployment.steps.iter().find(|state| state.back == self.back && state.number == step);
            // One that a crash cut off has nothing to wait for.
            let Some(at) = state.and_then(|state| state.next_at) else { return };
            let clock = &self.engine.ports.clock;
            clock.sleep_ms(at.since_ms(clock.now())).await;
        }
        .boxed()
    }
}

impl Mover<'_> {
    /// Dies where the crash test wants it.
    fn crash_test(&self, step: usize, acted: bool) {
        let here = |point: &CrashPoint| point.back == self.back && point.step == step && point.acted == acted;
        if let Some(point) = self.engine.settings.crash.filter(here) {
            (point.die)();
        }
    }

    async fn record_begin(&self, step: usize, attempt: u32) -> Result<(), Fault> {
        let now = self.engine.ports.clock.now();
        let (back, planned) = (self.back, self.plan.steps[step].clone());
        let begun = move |deployment: &mut Deployment| {
            let mut events = if back { Vec::new() } else { entered(deployment, planned.phase, now) };
            if let Some(state) = deployment.step_mut(back, step) {
                state.status = StepStatus::Running;
                state.next_at = None;
                state.started_at.get_or_insert(now);
                state.attempts += 1;
            }
            let kind = if attempt == 0 { EventKind::StepStarted } else { EventKind::StepRetried };
            let event = say(deployment, kind, EventStatus::Running, planned.step.to_string());
            events.push(of_step(deployment, &planned, step, back, event));
            events
        };
        self.active.join(self.engine, begun).await.map(|_| ())
    }

    /// Going forward, what may pass is tried again; going back, everything is: nobody is served by stopping half way.
    fn is_worth_another(&self, attempt: u32, failure: &FailureReport) -> bool {
        attempt < RETRIES_MAX && (self.back || failure.may_pass)
    }

    /// The wait before the next attempt, in milliseconds: it doubles, and is spread so that many that failed together
    /// don't come back together. The spread is a hash, so that it is the same after a restart.
    async fn wait_ms(&self, step: usize, attempt: u32) -> u64 {
        let longest_ms = BACK_OFF_MS.saturating_mul(1 << attempt.min(10)).min(BACK_OFF_MS_MAX);
        let mut hasher = std::hash::DefaultHasher::new();
        (self.active.read().await.id.as_str(), self.back, step, attempt).hash(&mut hasher);
        longest_ms / 2 + hasher.finish() % (longest_ms / 2 + 1)
    }

    /// Records how an attempt ended: well, or with a failure and the time of the next attempt.
    async fn record_end(&self, step: usize, failure: Option<(&FailureReport, Option<Timestamp>)>) -> Result<(), Fault> {
        let now = self.engine.ports.clock.now();
        let (back, planned) = (self.back, self.plan.steps[step].clone());
        let failure = failure.map(|(failure, next_at)| (failure.message.clone(), next_at));
        let ended = move |deployment: &mut Deployment| {
            let words = planned.step.to_string();
            let event = match &failure {
                None => say(deployment, EventKind::StepCompleted, EventStatus::Ok, words),
                Some((message, _)) => {
                    say(deployment, EventKind::StepFailed, EventStatus::Failed, format!("{words}: {message}"))
                }
            };
            if let Some(state) = deployment.step_mut(back, step) {
                state.status = match failure {
                    None => StepStatus::Done,
                    Some((_, None)) => StepStatus::Failed,
                    Some((_, Some(_))) => StepStatus::Running,
                };
                state.next_at = failure.as_ref().and_then(|(_, next_at)| *next_at);
                state.ended_at = state.next_at.is_none().then_some(now);
                state.note = failure.map(|(message, _)| message);
            }
            vec![of_step(deployment, &planned, step, back, event)]
        };
        self.active.join(self.engine, ended).await.map(|_| ())
    }
}

/// An event of a step: of its service, or of all.
fn of_step(deployment: &Deployment, planned: &PlannedStep, step: usize, back: bool, event: EventBody) -> EventBody {
    let services = match &planned.service {
        Some(service) => vec![service.clone()],
        None => deployment.service_names(),
    };
    EventBody { services, details: serde_json::json!({ "step": step, "back": back }), ..event }
}
