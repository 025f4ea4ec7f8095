//! What a person can do with a deployment that is stuck: have its way back tried again, with a step left out if need
//! be, or declare it to be dealt with.

use std::{collections::BTreeSet, sync::Arc};

use shipway_core::{
    deployment::{Course, Deployment, Resolved, Skipped, StepStatus, Stuck},
    event::{EventKind, EventStatus},
    id::{Actor, DeploymentId, ServiceName},
    lease::Carrier,
    phase::{End, Phase, Turn},
    slot::Slot,
    store::{Commit, Guarded, OpenDeployment},
};

use crate::{
    Engine, Refusal,
    deploy::{Active, note_undone, say},
    leases,
    refusal::conflict,
};

impl Engine {
    /// Tries the way back again: it is planned anew from what is observed.
    pub(crate) async fn retry(self: &Arc<Self>, id: &DeploymentId, actor: &Actor) -> Result<Arc<Deployment>, Refusal> {
        let _one_at_a_time = self.intake.all().await;
        let stuck = self.stuck(id).await?;
        if stuck.stuck == Some(Stuck::Contract) {
            let message = format!("{} is past a `contract` migration: the old may not work with the data", stuck.name);
            let back =
                format!("deploy what mends it, or go back all the same: `shipway rollback {id} --accept-contract`");
            return Err(conflict(message, back));
        }
        let message = format!("{} has the way back tried again", actor.name);
        self.reopen(stuck, EventKind::DeploymentResumed, message, |_| {}).await
    }

    /// Leaves a step of the way back out, and tries the rest again.
    pub(crate) async fn skip(
        self: &Arc<Self>,
        id: &DeploymentId,
        step: usize,
        reason: String,
        by: Actor,
    ) -> Result<Arc<Deployment>, Refusal> {
        let _one_at_a_time = self.intake.all().await;
        let stuck = self.stuck(id).await?;
        let planned = stuck.course.unwind.as_ref().and_then(|plan| plan.steps.get(step)).cloned();
        let failed = stuck.steps.iter().any(|s| s.back && s.number == step && s.status == StepStatus::Failed);
        let Some(planned) = planned.filter(|_| failed) else {
            let failed = stuck.steps.iter().filter(|state| state.back && state.status == StepStatus::Failed);
            let numbers = failed.map(|state| state.number.to_string()).collect::<Vec<_>>().join(", ");
            let message = format!("step {step} of the way back of {} did not fail", stuck.name);
            return Err(conflict(message, format!("the failed ones are: {numbers}")));
        };
        let at = self.ports.clock.now();
        let message = format!("{} left out `{}`: {reason}", by.name, planned.step);
        let skipped = Skipped { step: planned.step, by, reason, at };
        self.reopen(stuck, EventKind::StepSkipped, message, |deployment| deployment.skipped.push(skipped)).await
    }

    /// Declares it to be dealt with.
    pub(crate) async fn resolve(
        self: &Arc<Self>,
        id: &DeploymentId,
        reason: String,
        actor: &Actor,
    ) -> Result<Arc<Deployment>, Refusal> {
        let _one_at_a_time = self.intake.all().await;
        let mut stuck = Deployment::clone(&*self.stuck(id).await?);
        let before = stuck.course.clone();
        let end = self.end_of(&stuck).await?;
        let now = self.ports.clock.now();
        let message = format!("{} declared it to be dealt with: {reason}", actor.name);
        stuck.resolved = Some(Resolved { by: actor.name.clone(), reason, at: now });
        let active = self.own(stuck, before, None).await?;
        let event = say(&*active.read().await, EventKind::DeploymentResolved, EventStatus::Warning, message);
        active.turn(self, Turn::Resolve(end), vec![event]).await?;
        Ok(active.read().await)
    }

    /// How it has ended in truth: it went back only if every service serves again what it did before.
    async fn end_of(&self, stuck: &Deployment) -> Result<End, Refusal> {
        let end = stuck.ending.unwrap_or(End::Failed);
        for parent in stuck.course.parents.iter().filter(|_| end == End::RolledBack) {
            let now: Option<Slot> = self.ports.store.find(&parent.key.to_string()).await?;
            if now.is_none_or(|now| now.live != parent.live) {
                return Ok(End::Failed);
            }
        }
        Ok(end)
    }

    async fn stuck(&self, id: &DeploymentId) -> Result<Arc<Deployment>, Refusal> {
        let deployment = self.find_deployment(id.as_str()).await?;
        if deployment.phase == Phase::Stuck {
            return Ok(deployment);
        }
        Err(conflict(format!("{} is not stuck: it is {}", deployment.name, deployment.phase), "see `shipway history`"))
    }

    /// Carries a stuck deployment back again, with the leases that it gave back.
    async fn reopen(
        self: &Arc<Self>,
        stuck: Arc<Deployment>,
        told: EventKind,
        message: String,
        change: impl FnOnce(&mut Deployment),
    ) -> Result<Arc<Deployment>, Refusal> {
        self.refuse_newer(&stuck).await?;
        let services: BTreeSet<ServiceName> = stuck.course.goal.keys().cloned().collect();
        if let Err(before) = leases::take(self, &stuck, &services).await? {
            leases::give_back(self, &stuck).await?;
            let list = before.iter().map(|other| format!("{other} writes them")).collect();
            let message = format!("the services of {} are being written", stuck.name);
            return Err(Refusal::Conflict { message, list, hint: Some("wait for it, or cancel it".into()) });
        }
        let held = self.still_held(&stuck).await?;
        let course = stuck.course.clone();
        let mut next = Arc::unwrap_or_clone(stuck);
        change(&mut next);
        note_undone(&mut next);
        next.given_up.clear();
        next.stuck = None;
        next.course_mut().unwind = None;
        next.completed_at = None;
        next.ending = next.ending.or(Some(End::Failed));
        let open = OpenDeployment { id: next.id.clone() };
        let active = self.own(next, course, Some((open, held))).await?;
        let event = say(&*active.read().await, told, EventStatus::Warning, message);
        active.turn(self, Turn::Retry, vec![event]).await?;
        let deployment = active.read().await;
        self.carry(deployment.clone(), false);
        Ok(deployment)
    }

    /// The leases with their revision. Whoever carried it until now may be giving them back this very moment.
    async fn still_held(&self, stuck: &Deployment) -> Result<(Guarded, u64), Refusal> {
        let (held, slots) = (leases::Held::look(self).await?, stuck.slot_keys());
        match slots.first().filter(|_| held.all_of(&stuck.id, &slots)) {
            Some(slot) => Ok(held.fence(slot)),
            None => Err(conflict(format!("{} has only just ended", stuck.name), "try again")),
        }
    }

    /// Going back over what a newer deployment wrote would undo that one.
    async fn refuse_newer(&self, stuck: &Deployment) -> Result<(), Refusal> {
        for key in stuck.slot_keys() {
            let slot: Option<shipway_core::slot::Slot> = self.ports.store.find(&key.to_string()).await?;
            let parent = stuck.course.parents.iter().find(|parent| parent.key == key);
            let newer = slot.filter(|slot| {
                slot.written_by.as_ref() != Some(&stuck.id) && parent.is_none_or(|p| p.revision != slot.revision)
            });
            if newer.is_some() {
                let message = format!("{} was deployed again since {} got stuck", key.service, stuck.name);
                let hint = format!("what it left is dealt with: `shipway resolve {} --reason WHY`", stuck.id);
                return Err(conflict(message, hint));
            }
        }
        Ok(())
    }

    /// Becomes the one who carries a deployment that nobody carries any more.
    async fn own(
        &self,
        deployment: Deployment,
        stored: Arc<Course>,
        open: Option<(OpenDeployment, (Guarded, u64))>,
    ) -> Result<Active, Refusal> {
        let token = deployment.carrier.token;
        let carrier = Carrier { server: self.itself.id.clone(), token: token + 1 };
        let what = Guarded::Carrier(deployment.id.clone());
        let next = Deployment { carrier, ..deployment };
        let (commit, next) = Commit::at(self.ports.clock.now()).put_deployment(next, &stored);
        let mut commit = commit.raise(what, token);
        if let Some((open, (leases, revision))) = open {
            commit = commit.put(&open).fence(leases, revision);
        }
        self.ports.store.commit(commit).await?;
        Ok(Active::new(next))
    }
}
