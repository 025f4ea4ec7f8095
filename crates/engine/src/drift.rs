//! Drift as people see it and ask for its repair. Not here: finding it and putting it right (`keep`).

use shipway_core::{
    drift::{Drift, Repair},
    id::{Actor, EnvironmentName, ProjectId, ServiceName},
    ports::Fault,
    store::Commit,
};

use crate::{Engine, Refusal, Reply, refusal::conflict};

impl Engine {
    /// What differs below a scope.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn drifts(&self, scope: &str) -> Result<Vec<Drift>, Fault> {
        self.ports.store.below(scope).await
    }

    /// Has what differs put right, in all services or some.
    pub(crate) async fn repair(
        &self,
        (project, environment): (&ProjectId, &EnvironmentName),
        services: &[ServiceName],
        reason: Option<String>,
        actor: &Actor,
    ) -> Result<Reply, Refusal> {
        self.refuse_unknown_environment(project, environment).await?;
        // Whoever notes another difference at this very moment must not write over the wish.
        let _alone = self.intake.all().await;
        let known = self.drifts(&format!("{project}/{environment}")).await?;
        let meant = |drift: &&Drift| services.is_empty() || services.contains(&drift.slot.service);
        let right = services.iter().find(|name| !known.iter().any(|drift| drift.slot.service == **name));
        let what = match right {
            Some(service) => service.as_str(),
            None if known.is_empty() => "anything",
            None => "",
        };
        if !what.is_empty() {
            let message = format!("nothing is known to differ of {what} in {environment}");
            return Err(conflict(message, "`shipway status` shows what differs; it is looked for all the time"));
        }
        let now = self.ports.clock.now();
        let asked = Repair { by: actor.name.clone(), at: now, reason };
        let commit = known.iter().filter(meant).fold(Commit::at(now), |commit, drift| {
            commit.put(&Drift { repair: Some(asked.clone()), failed: None, ..drift.clone() })
        });
        self.ports.store.commit(commit).await?;
        Ok(Reply::Done)
    }
}
