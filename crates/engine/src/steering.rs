//! What a person tells a deployment that runs: cancel, pause, resume, advance.
//!
//! Not here: those that are stuck (`unstick`), approvals (`gates::said`).

use std::sync::Arc;

use shipway_core::{
    deployment::Deployment,
    event::{EventKind, EventStatus},
    id::{Actor, DeploymentId},
    phase::Phase,
};

use crate::{
    Engine,
    deploy::{Active, say},
    refusal::{Refusal, conflict},
    reply::Reply,
};

impl Engine {
    pub(crate) async fn running(&self, id: &DeploymentId) -> Result<Arc<Active>, Refusal> {
        let deployment = self.find_deployment(id.as_str()).await?;
        // One that has ended is still there while it tidies up.
        let active = self.active().get(&deployment.id).cloned().filter(|_| !deployment.phase.is_end());
        active.ok_or_else(|| {
            let message = format!("{} has ended: it is {}", deployment.name, deployment.phase);
            conflict(message, format!("to take it back, use `shipway rollback {}`", deployment.name))
        })
    }

    pub(crate) async fn cancel(
        &self,
        id: &DeploymentId,
        reason: Option<String>,
        actor: Actor,
    ) -> Result<Reply, Refusal> {
        let active = self.running(id).await?;
        let now = active.read().await;
        if now.phase == Phase::RollingBack {
            return Err(conflict(format!("{} is going back already", now.name), "wait for it to end"));
        }
        let asked_at = self.ports.clock.now();
        let asked = |deployment: &mut Deployment| {
            deployment.cancel = Some(actor.clone());
            deployment.hold(false, asked_at);
            let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let message = format!("{} asked for its end{why}", actor.name);
            vec![say(deployment, EventKind::DeploymentCancelled, EventStatus::Warning, message)]
        };
        active.update(self, asked).await?;
        Ok(Reply::Deployment(active.read().await))
    }

    pub(crate) async fn hold(&self, id: &DeploymentId, paused: bool, actor: &Actor) -> Result<Reply, Refusal> {
        let active = self.running(id).await?;
        let asked_at = self.ports.clock.now();
        let held = |deployment: &mut Deployment| {
            deployment.hold(paused, asked_at);
            let (kind, word) = match paused {
                true => (EventKind::DeploymentPaused, "paused"),
                false => (EventKind::DeploymentResumed, "resumed"),
            };
            vec![say(deployment, kind, EventStatus::Warning, format!("{} {word} it", actor.name))]
        };
        active.update(self, held).await?;
        Ok(Reply::Deployment(active.read().await))
    }

    pub(crate) async fn advance(&self, id: &DeploymentId, actor: &Actor) -> Result<Reply, Refusal> {
        let active = self.running(id).await?;
        let deployment = active.read().await;
        let Some(step) = watched_step(&deployment) else {
            let message = format!("{} does not stand at a canary step", deployment.name);
            return Err(conflict(message, "see `shipway status`"));
        };
        let advanced = |deployment: &mut Deployment| {
            deployment.advanced.insert(step);
            vec![say(deployment, EventKind::DeploymentResumed, EventStatus::Ok, format!("{} let it go on", actor.name))]
        };
        active.update(self, advanced).await?;
        Ok(Reply::Deployment(active.read().await))
    }
}

/// The canary step that a deployment stands at.
fn watched_step(deployment: &Deployment) -> Option<usize> {
    use shipway_core::{deployment::StepStatus, plan::Step};
    let plan = deployment.course.plan.as_ref()?;
    let running = deployment.steps.iter().filter(|state| !state.back && state.status == StepStatus::Running);
    running.map(|state| state.number).find(|number| matches!(plan.steps[*number].step, Step::Watch { .. }))
}
