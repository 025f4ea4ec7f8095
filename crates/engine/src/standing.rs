//! What stands between deployments and the world, for people to see: leases and who waits for them, breakers,
//! quarantines, copies of data. Only looked at here; what is done about it is in `leases`, `breakers`, `quarantine`,
//! `unstick`.

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    breaker::{Breaker, Quarantine, Rollbacks},
    deployment::{Deployment, Request},
    id::{DeploymentId, EnvironmentName, ProjectId, ServiceName, SlotKey},
    lease::{Claim, Lease, Leases, Server},
    ports::{DataSnapshot, Fault},
    slot::Slot,
    spec::RollbackLimit,
};

use crate::{Engine, Refusal, leases};

/// A slot that somebody may write.
#[derive(Clone, Debug)]
pub struct HeldLease {
    /// The slot's service.
    pub service: ServiceName,
    /// The lease.
    pub lease: Lease,
    /// The deployment that has it; none when it is not to be found.
    pub holder: Option<Arc<Deployment>>,
    /// The server that carries that, as it said last that it is there; none when it has gone.
    pub server: Option<Server>,
}

/// Somebody who waits for slots.
#[derive(Clone, Debug)]
pub struct WaitingClaim {
    /// What is waited for.
    pub claim: Claim,
    /// The deployment that waits; none when it is not to be found.
    pub deployment: Option<Arc<Deployment>>,
    /// Who comes before it.
    pub behind: Vec<DeploymentId>,
}

/// The leases of an environment.
#[derive(Clone, Debug)]
pub struct LeasesStanding {
    /// Raised by every change.
    pub revision: u64,
    /// Who has what.
    pub held: Vec<HeldLease>,
    /// Who waits, in the order of asking.
    pub waiting: Vec<WaitingClaim>,
}

/// The breakers.
#[derive(Clone, Debug)]
pub struct BreakersStanding {
    /// Of the target.
    pub target: Breaker,
    /// Of environments that had automatic rollbacks, each with the limit that holds there.
    pub environments: Vec<(Rollbacks, RollbackLimit)>,
}

impl Engine {
    /// Who may write which slot of an environment, and who waits for it.
    ///
    /// # Errors
    /// There is no such environment, or the store can't be read; so with all of these.
    pub async fn leases(&self, project: &ProjectId, environment: &EnvironmentName) -> Result<LeasesStanding, Refusal> {
        self.refuse_unknown(project, environment).await?;
        let leases = leases::read(self, project, environment).await?;
        let deployments = self.those(&leases).await?;
        let servers: Vec<Server> = self.ports.store.below("").await?;
        let held = leases.held.iter().map(|(service, lease)| {
            let holder = deployments.get(&lease.holder).cloned();
            let carrier = holder.as_ref().map(|holder| &holder.carrier.server);
            let server = servers.iter().find(|server| Some(&server.id) == carrier).cloned();
            HeldLease { service: service.clone(), lease: lease.clone(), holder, server }
        });
        let waiting = leases.queue.iter().map(|claim| WaitingClaim {
            behind: who_is_before(&leases, claim),
            deployment: deployments.get(&claim.deployment).cloned(),
            claim: claim.clone(),
        });
        Ok(LeasesStanding { revision: leases.revision, held: held.collect(), waiting: waiting.collect() })
    }

    /// The deployments that are named by leases.
    async fn those(&self, leases: &Leases) -> Result<BTreeMap<DeploymentId, Arc<Deployment>>, Fault> {
        let mut found = BTreeMap::new();
        for id in leases.named() {
            if let Some(deployment) = self.ports.store.deployment(id.as_str()).await? {
                found.insert(id, deployment);
            }
        }
        Ok(found)
    }

    /// The breaker of the target, and those of environments.
    pub async fn breakers(&self) -> Result<BreakersStanding, Fault> {
        let all: Vec<Rollbacks> = self.ports.store.below("").await?;
        let mut environments = Vec::with_capacity(all.len());
        for rollbacks in all {
            let limit = self.rollback_limit(&rollbacks.project, &rollbacks.environment).await?;
            environments.push((rollbacks, limit));
        }
        Ok(BreakersStanding { target: self.breaker.state(), environments })
    }

    /// The automatic rollbacks that an environment had lately; none when it had none.
    pub async fn rollbacks(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
    ) -> Result<Option<Rollbacks>, Fault> {
        let name = Rollbacks::none(project.clone(), environment.clone()).name();
        self.ports.store.find(&name).await
    }

    /// How many automatic rollbacks an environment may have in a time.
    pub(crate) async fn rollback_limit(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
    ) -> Result<RollbackLimit, Fault> {
        let Some(project) = self.ports.store.find(project.as_str()).await? else { return Ok(RollbackLimit::default()) };
        let plan = self.environment_plan(&project, environment).await;
        Ok(plan.map(|plan| plan.rollback_limit.clone()).unwrap_or_default())
    }

    /// What is quarantined in an environment, the newest first.
    pub async fn quarantines(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
    ) -> Result<Vec<Quarantine>, Refusal> {
        self.refuse_unknown(project, environment).await?;
        let mut all: Vec<Quarantine> = self.ports.store.below(&format!("{project}/{environment}")).await?;
        all.reverse();
        Ok(all)
    }

    /// The copies of data in an environment: service by service, the newest first.
    pub async fn snapshots(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
    ) -> Result<Vec<(ServiceName, DataSnapshot)>, Refusal> {
        self.refuse_unknown(project, environment).await?;
        let slots: Vec<Slot> = self.ports.store.below(&format!("{project}/{environment}")).await?;
        let mut found = Vec::new();
        for slot in slots {
            let copies = self.ports.driver.data_snapshots(&slot.key).await?;
            found.extend(copies.into_iter().map(|copy| (slot.key.service.clone(), copy)));
        }
        Ok(found)
    }

    /// Refuses to put back a copy that isn't there, before anything is stopped for it.
    pub(crate) async fn refuse_missing_snapshots(
        &self,
        request: &Request,
        snapshots: &BTreeMap<ServiceName, String>,
    ) -> Result<(), Refusal> {
        for (service, name) in snapshots {
            let Request { project, environment, .. } = request.clone();
            let slot = SlotKey { project, environment, service: service.clone() };
            let copies = self.ports.driver.data_snapshots(&slot).await?;
            let names: Vec<_> = copies.into_iter().map(|copy| copy.name).collect();
            if !names.contains(name) {
                let hint = match names.is_empty() {
                    true => "a service with `migrate.snapshot = true` is copied before its migration".to_owned(),
                    false => format!("these are {}", names.join(", ")),
                };
                let fault = Fault::not_found(format!("{service} has no snapshot `{name}`"));
                return Err(Refusal::Fault(fault.with_hint(hint)));
            }
        }
        Ok(())
    }

    async fn refuse_unknown(&self, project: &ProjectId, environment: &EnvironmentName) -> Result<(), Refusal> {
        let project = self.known_project(project).await?;
        self.known_environment(&project, environment)
    }
}

/// Who has or waits for what a claim wants, and came before it.
fn who_is_before(leases: &Leases, claim: &Claim) -> Vec<DeploymentId> {
    leases.clone().take(&claim.deployment, &claim.services, claim.since).err().unwrap_or_default()
}
