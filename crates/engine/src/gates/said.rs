//! What people say to a deployment that waits before its gates: yes, no, and "at once".

use std::sync::Arc;

use shipway_core::{
    deployment::{Deployment, Word},
    event::{EventBody, EventKind, EventStatus},
    gate::approval::{Approval, may_approve},
    id::{Actor, DeploymentId, Role},
    time::Timestamp,
};

use super::{authors::authors, facts};
use crate::{
    Engine, Refusal, Reply,
    deploy::say,
    refusal::{conflict, forbidden},
};

impl Engine {
    /// Says yes to the plan that a deployment proposes; to the one with that hash, when one is named.
    pub(crate) async fn approve(
        &self,
        id: &DeploymentId,
        hash: Option<String>,
        reason: Option<String>,
        actor: &Actor,
    ) -> Result<Reply, Refusal> {
        let active = self.running(id).await?;
        let deployment = waiting(&active.read().await)?;
        let Some(proposed) = &deployment.gated.proposed else { return Err(nothing_to_say(&deployment)) };
        if hash.as_ref().is_some_and(|hash| *hash != proposed.hash) {
            let message = format!("the plan of {} has changed since it was looked at", deployment.name);
            return Err(conflict(message, "look at it again: `shipway explain`"));
        }
        self.refuse_approver(&deployment, actor).await?;
        let at = self.ports.clock.now();
        let (by, roles, hash) = (actor.name.clone(), actor.roles.clone(), proposed.hash.clone());
        let approval = Approval { by, roles, at, hash, reason };
        let approved = |deployment: &mut Deployment| {
            let why = approval.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let message = format!("{} approved it{why}", approval.by);
            let details = serde_json::json!({ "hash": approval.hash });
            // A second yes of the same person takes the place of the first, and holds as long anew.
            deployment.gated.approvals.retain(|one| one.by != approval.by || one.hash != approval.hash);
            deployment.gated.approvals.push(approval);
            vec![EventBody { details, ..say(deployment, EventKind::DeploymentApproved, EventStatus::Ok, message) }]
        };
        active.update(self, approved).await?;
        Ok(Reply::Deployment(active.read().await))
    }

    /// Says no: the deployment ends.
    pub(crate) async fn reject(&self, id: &DeploymentId, reason: String, actor: Actor) -> Result<Reply, Refusal> {
        let active = self.running(id).await?;
        let deployment = waiting(&active.read().await)?;
        if deployment.actor.name != actor.name {
            self.refuse_approver(&deployment, &actor).await?;
        }
        let at = self.ports.clock.now();
        let rejected = |deployment: &mut Deployment| {
            let message = format!("{} rejected it: {reason}", actor.name);
            deployment.gated.rejected = Some(Word { by: actor.name.clone(), at, reason });
            deployment.cancel = Some(actor);
            vec![say(deployment, EventKind::DeploymentRejected, EventStatus::Warning, message)]
        };
        active.update(self, rejected).await?;
        Ok(Reply::Deployment(active.read().await))
    }

    /// Opens every gate of a deployment at once, in an emergency.
    pub(crate) async fn break_glass(&self, id: &DeploymentId, reason: String, actor: &Actor) -> Result<Reply, Refusal> {
        refuse_breaker(actor)?;
        let active = self.running(id).await?;
        waiting(&active.read().await)?;
        let at = self.ports.clock.now();
        let word = Word { by: actor.name.clone(), at, reason };
        active.update(self, |deployment| vec![broken(deployment, word)]).await?;
        Ok(Reply::Deployment(active.read().await))
    }

    async fn refuse_approver(&self, deployment: &Arc<Deployment>, actor: &Actor) -> Result<(), Refusal> {
        let request = &deployment.request;
        let declared = facts::declared(self, &request.project, &request.environment).await?;
        let Some(spec) = declared.approvals else { return Err(nothing_to_say(deployment)) };
        let authors = authors(self, deployment).await?;
        may_approve(&spec, actor, &authors, &request.environment)
            .map_err(|why| forbidden(why, "`shipway gates` says who can"))
    }
}

/// Opens every gate of a deployment that is just asked for, when its request says so.
///
/// # Errors
/// The actor may not, or gives no reason.
pub(crate) fn break_at_once(deployment: &mut Deployment, at: Timestamp) -> Result<Option<EventBody>, Refusal> {
    if !deployment.request.break_glass {
        return Ok(None);
    }
    refuse_breaker(&deployment.actor)?;
    let reason = deployment.request.reason.clone().filter(|reason| !reason.trim().is_empty());
    let reason = reason.ok_or_else(|| conflict("the glass is broken for a reason", "say it: `--reason WHY`"))?;
    let word = Word { by: deployment.actor.name.clone(), at, reason };
    Ok(Some(broken(deployment, word)))
}

fn broken(deployment: &mut Deployment, word: Word) -> EventBody {
    let message = format!("{} broke the glass of {}: {}", word.by, deployment.name, word.reason);
    let held: Vec<_> = deployment.gated.held.iter().map(|held| held.gate).collect();
    deployment.gated.broken = Some(word);
    let event = say(deployment, EventKind::GlassBroken, EventStatus::Warning, message);
    EventBody { details: serde_json::json!({ "gates": held }), ..event }
}

fn refuse_breaker(actor: &Actor) -> Result<(), Refusal> {
    if actor.roles.contains(&Role::Admin) {
        return Ok(());
    }
    Err(forbidden(format!("{} may not break the glass", actor.name), "it takes the role admin"))
}

fn waiting(deployment: &Arc<Deployment>) -> Result<Arc<Deployment>, Refusal> {
    if deployment.gated.is_waiting() { Ok(deployment.clone()) } else { Err(nothing_to_say(deployment)) }
}

fn nothing_to_say(deployment: &Deployment) -> Refusal {
    let message = format!("{} waits for nobody's word: it is {}", deployment.name, deployment.phase);
    conflict(message, "`shipway status` shows what it does")
}
