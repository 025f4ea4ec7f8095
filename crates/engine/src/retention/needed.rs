//! Which deployments of an environment something needs, as far as the store says.

use std::collections::BTreeSet;

use shipway_core::{
    history::Question, id::DeploymentId, instance::Instance, ports::Fault, promotion::Combination, release::Release,
    retention::Needed, slot::Slot, store::OpenDeployment,
};

use super::Pass;

impl Pass<'_> {
    /// What is needed; none while a deployment to the environment is under way: it may look at any.
    pub(super) async fn needed(&self) -> Result<Option<Needed>, Fault> {
        let store = &self.engine.ports.store;
        let mut needed = Needed::default();
        for open in self.open().await? {
            let Some(open) = store.deployment(open.as_str()).await? else { continue };
            if open.request.project == *self.project && open.request.environment == *self.environment {
                return Ok(None);
            }
            needed.add_request(&open.request);
        }
        let scope = format!("{}/{}", self.project, self.environment);
        let slots: Vec<Slot> = store.below(&scope).await?;
        let instances: Vec<Instance> = store.below(&scope).await?;
        let mut releases: BTreeSet<_> = instances.into_iter().map(|instance| instance.release).collect();
        for slot in &slots {
            needed.add_slot(slot);
            releases.extend(slot.releases().into_iter().cloned().chain(slot.replaced.clone()));
        }
        for release in &releases {
            let release = store.share::<Release>(release.as_str()).await?;
            release.iter().for_each(|release| needed.add(&release.made_by));
        }
        let combinations: Vec<Combination> = store.below(&scope).await?;
        combinations.iter().for_each(|combination| needed.add(&combination.proven_by));
        self.add_newest(&mut needed).await?;
        Ok(Some(needed))
    }

    /// The newest ones, and the newest to go back to.
    async fn add_newest(&self, needed: &mut Needed) -> Result<(), Fault> {
        let environment = Some(self.environment.clone());
        let newest = Question { environment, ..Question::of(self.project.clone(), self.rules.keep.max(1)) };
        let good = Question { status: Some("success".into()), ..newest.clone() };
        for question in [newest, good] {
            let page = self.engine.ports.store.history(&question).await?;
            page.entries.iter().for_each(|entry| needed.add(&entry.id));
        }
        Ok(())
    }

    /// Deployments that have not ended, anywhere.
    pub(super) async fn open(&self) -> Result<BTreeSet<DeploymentId>, Fault> {
        let open: Vec<OpenDeployment> = self.engine.ports.store.below("").await?;
        Ok(open.into_iter().map(|open| open.id).collect())
    }
}
