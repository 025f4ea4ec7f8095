//! Whose change a deployment is: whoever asked for it, whoever declared the schedule that did, and, when it takes over
//! what ran in another environment, whoever brought it there. None of them approves it.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use shipway_core::{deployment::Deployment, id::DeploymentId, ports::Fault, promotion::Origin};

use crate::Engine;

/// Deployments that are looked at on the way back through promotions.
const LOOKED_AT_MAX: usize = 200;

/// The names of those whose change it is.
pub(super) async fn authors(engine: &Engine, deployment: &Arc<Deployment>) -> Result<BTreeSet<String>, Fault> {
    let mut authors = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut next = VecDeque::from([deployment.clone()]);
    while let Some(one) = next.pop_front() {
        authors.insert(one.actor.name.clone());
        authors.extend(one.request.schedule.as_ref().map(|schedule| schedule.by.clone()));
        for before in brought_by(engine, &one).await? {
            if seen.len() < LOOKED_AT_MAX && seen.insert(before.clone()) {
                next.extend(engine.ports.store.deployment(before.as_str()).await?);
            }
        }
    }
    Ok(authors)
}

/// The deployments that brought to another environment what a promotion takes over from there.
async fn brought_by(engine: &Engine, deployment: &Deployment) -> Result<Vec<DeploymentId>, Fault> {
    let Some(Origin::Promotion { proven_by, releases, .. }) = &deployment.request.origin else {
        return Ok(Vec::new());
    };
    let mut brought = vec![proven_by.clone()];
    for release in releases.values() {
        brought.push(engine.release(release).await?.made_by.clone());
    }
    Ok(brought)
}
