//! Leases: who may write which slot of an environment, which server carries which deployment, and which server keeps
//! the recorded state true. Pure: what is decided here becomes true by a commit that names the revision it read.
//!
//! A lease belongs to a deployment and ends with it, so there is no lock to clean up. A deployment is carried by a
//! server, whose own lease expires unless it is renewed; another server then takes the deployment over with a higher
//! token, and what the former still writes is refused. Not here: writing any of it (`engine::leases`).

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{DeploymentId, EnvironmentName, ProjectId, ServiceName},
    time::Timestamp,
};

/// The leases of one environment, and who waits for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leases {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// Raised by every write. It is the token of the leases that a write grants.
    pub revision: u64,
    /// Who has which slot.
    pub held: BTreeMap<ServiceName, Lease>,
    /// Who waits, in the order of asking: nobody is overtaken on a slot that both want.
    pub queue: Vec<Claim>,
}

/// The right to write a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    /// The deployment that has it.
    pub holder: DeploymentId,
    /// Since when.
    pub since: Timestamp,
    /// Rises with every grant in the environment.
    pub token: u64,
}

/// A wish for leases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The deployment that waits.
    pub deployment: DeploymentId,
    /// The services whose slots it wants, all at once.
    pub services: BTreeSet<ServiceName>,
    /// Since when.
    pub since: Timestamp,
}

impl Leases {
    /// Leases of an environment that nobody has.
    pub fn none(project: ProjectId, environment: EnvironmentName) -> Self {
        Self { project, environment, revision: 0, held: BTreeMap::new(), queue: Vec::new() }
    }

    /// Takes all of the slots, or joins the queue and says who has or waits for them before.
    ///
    /// Who has some of them and asks for more comes before everybody in the queue, since some of those may wait for
    /// what it has. If another has what it lacks, it gives its own back and waits with nothing in hand: so no two ever
    /// wait for each other.
    ///
    /// # Errors
    /// Who comes before.
    pub fn take(
        &mut self,
        deployment: &DeploymentId,
        services: &BTreeSet<ServiceName>,
        now: Timestamp,
    ) -> Result<(), Vec<DeploymentId>> {
        let before = self.before(deployment, services);
        if before.is_empty() {
            self.queue.retain(|claim| claim.deployment != *deployment);
            let lease = Lease { holder: deployment.clone(), since: now, token: self.revision + 1 };
            for service in services {
                self.held.entry(service.clone()).or_insert_with(|| lease.clone());
            }
            return Ok(());
        }
        let claim = || Claim { deployment: deployment.clone(), services: services.clone(), since: now };
        if self.holds(deployment) {
            self.release(deployment);
            self.queue.insert(0, claim());
        } else if !self.queue.iter().any(|claim| claim.deployment == *deployment) {
            self.queue.push(claim());
        }
        Err(before.into_iter().collect())
    }

    /// Who has one of the slots, and who waits for one and asked earlier.
    fn before(&self, deployment: &DeploymentId, services: &BTreeSet<ServiceName>) -> BTreeSet<DeploymentId> {
        let holders = services.iter().filter_map(|service| self.held.get(service)).map(|lease| &lease.holder);
        let ahead = self.queue.iter().take_while(|claim| claim.deployment != *deployment);
        let ahead = ahead.filter(|claim| !self.holds(deployment) && !claim.services.is_disjoint(services));
        let ahead = ahead.map(|claim| &claim.deployment);
        holders.chain(ahead).filter(|other| *other != deployment).cloned().collect()
    }

    fn holds(&self, deployment: &DeploymentId) -> bool {
        self.held.values().any(|lease| lease.holder == *deployment)
    }

    /// Gives everything of a deployment back, and its place in the queue.
    pub fn release(&mut self, deployment: &DeploymentId) {
        self.held.retain(|_, lease| lease.holder != *deployment);
        self.queue.retain(|claim| claim.deployment != *deployment);
    }

    /// Everybody who has a lease or waits for one.
    pub fn named(&self) -> BTreeSet<DeploymentId> {
        let held = self.held.values().map(|lease| lease.holder.clone());
        held.chain(self.queue.iter().map(|claim| claim.deployment.clone())).collect()
    }
}

/// A server that is there, as it said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// Its id; another one with every start.
    pub id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it is taken for dead, unless it says again that it is there.
    pub expires_at: Timestamp,
}

/// The server that keeps the recorded state true: one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leader {
    /// The server's id.
    pub server: String,
    /// Raised by every change of hands; what a former leader still writes is refused.
    pub token: u64,
}

impl Leader {
    /// The key of the one document of its kind.
    pub const KEY: &'static str = "leader";
}

/// Who carries a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Carrier {
    /// The server's id.
    pub server: String,
    /// Raised by every change of hands; what a former carrier still writes is refused.
    pub token: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(names: &[&str]) -> BTreeSet<ServiceName> {
        names.iter().map(|name| ServiceName::from(*name)).collect()
    }

    #[test]
    fn disjoint_slots_run_beside_and_the_queue_is_fair() {
        let mut leases = Leases::none("p".into(), "e".into());
        let [a, b, c, d] = ["a", "b", "c", "d"].map(DeploymentId::from);
        let now = Timestamp(1);
        assert_eq!(leases.take(&a, &services(&["web", "api"]), now), Ok(()));
        assert_eq!(leases.take(&a, &services(&["web", "api"]), now), Ok(()), "taking twice is taking once");
        assert_eq!(leases.take(&d, &services(&["mail"]), now), Ok(()));
        assert_eq!(leases.take(&b, &services(&["api", "job"]), now), Err(vec![a.clone()]));
        assert_eq!(leases.take(&c, &services(&["job"]), now), Err(vec![b.clone()]), "b asked before");
        leases.release(&a);
        assert_eq!(leases.take(&c, &services(&["job"]), now), Err(vec![b.clone()]));
        assert_eq!(leases.take(&b, &services(&["api", "job"]), now), Ok(()));
        leases.release(&b);
        assert_eq!(leases.take(&c, &services(&["job"]), now), Ok(()));
        let holders: Vec<_> = leases.held.values().map(|lease| lease.holder.clone()).collect();
        assert_eq!(holders, [c.clone(), d.clone()]);
        assert_eq!(leases.named(), [c, d].into());
    }

    #[test]
    fn who_has_some_and_asks_again_waits_for_nobody_who_waits_for_it() {
        let mut leases = Leases::none("p".into(), "e".into());
        let [a, b, c] = ["a", "b", "c"].map(DeploymentId::from);
        let now = Timestamp(1);
        assert_eq!(leases.take(&a, &services(&["web"]), now), Ok(()));
        assert_eq!(leases.take(&b, &services(&["web", "api"]), now), Err(vec![a.clone()]));
        assert_eq!(leases.take(&a, &services(&["web"]), now), Ok(()), "b waits for it");
        assert_eq!(leases.take(&a, &services(&["web", "api"]), now), Ok(()), "more, before b");
        assert_eq!(leases.take(&c, &services(&["mail"]), now), Ok(()));
        assert_eq!(leases.take(&c, &services(&["mail", "web"]), now), Err(vec![a.clone()]));
        assert!(!leases.holds(&c), "nobody waits with something in hand");
        assert_eq!(leases.take(&a, &services(&["web", "mail"]), now), Ok(()));
        leases.release(&a);
        assert_eq!(leases.take(&b, &services(&["web", "api"]), now), Err(vec![c.clone()]), "c had some before");
        assert_eq!(leases.take(&c, &services(&["mail", "web"]), now), Ok(()));
    }
}
