//! What comes from outside while a deployment runs: somebody ends it, its deadline comes, its wait is over.

use futures_util::future::{Either, select};
use shipway_core::{
    deployment::{Cause, Deployment, FailureReport},
    event::{EventKind, EventStatus},
    ports::Fault,
};

use super::{Active, failure::report, say};
use crate::Engine;

/// Why a running deployment is stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Cancelled,
    Deadline,
}

/// Ends when somebody cancels, or the deadline has come.
pub(super) async fn stop(engine: &Engine, active: &Active) -> Stop {
    let cancelled = Box::pin(active.until(|deployment| deployment.cancel.is_some()));
    match select(cancelled, Box::pin(deadline(engine, active))).await {
        Either::Left(_) => Stop::Cancelled,
        Either::Right(_) => Stop::Deadline,
    }
}

/// Ends at the deadline. It rests while the deployment waits before a gate, and begins anew when the last one opens.
async fn deadline(engine: &Engine, active: &Active) {
    loop {
        active.until(|deployment| deployment.deadline_at.is_some()).await;
        let Some(at) = active.read().await.deadline_at else { continue };
        let passed = engine.ports.clock.sleep_ms(at.since_ms(engine.ports.clock.now()));
        let moved = Box::pin(active.until(|deployment| deployment.deadline_at != Some(at)));
        if let Either::Left(_) = select(passed, moved).await {
            return;
        }
    }
}

impl Stop {
    /// The failure that it is.
    pub(super) async fn failure(self, engine: &Engine, active: &Active) -> FailureReport {
        let deployment = active.read().await;
        let now = engine.ports.clock.now();
        let (cause, message) = match self {
            Self::Cancelled => {
                if let Some(word) = &deployment.gated.rejected {
                    let message = format!("rejected by {}: {}", word.by, word.reason);
                    return report(now, deployment.phase, "approval".into(), Cause::Person, message);
                }
                let by = deployment.cancel.as_ref().map_or("somebody", |actor| actor.name.as_str()).to_owned();
                (Cause::Person, format!("cancelled by {by}"))
            }
            Self::Deadline => (Cause::Release, "the deployment's deadline has passed".to_owned()),
        };
        let hint = (self == Self::Deadline).then(|| "raise `deadline_s`, or see which step took so long".to_owned());
        FailureReport { hint, ..report(now, deployment.phase, "whole deployment".into(), cause, message) }
    }
}

/// Notes that a deployment waits no more.
pub(crate) async fn resume(engine: &Engine, active: &Active) -> Result<(), Fault> {
    if active.read().await.waiting.is_none() {
        return Ok(());
    }
    let goes_on = |deployment: &mut Deployment| {
        deployment.waiting = None;
        vec![say(deployment, EventKind::DeploymentResumed, EventStatus::Running, "goes on")]
    };
    active.update(engine, goes_on).await.map(|_| ())
}
