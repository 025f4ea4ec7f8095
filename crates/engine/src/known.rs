//! Finding what somebody names: projects, environments, deployments.

use std::sync::Arc;

use shipway_core::{
    deployment::Deployment,
    id::{EnvironmentName, ProjectId},
    ports::{Fault, FaultKind},
    project::Project,
    spec::EnvironmentPlan,
};

use crate::{
    Engine,
    refusal::{Refusal, unknown},
    spec::layers,
};

impl Engine {
    pub(crate) async fn known_project(&self, id: &ProjectId) -> Result<Project, Refusal> {
        let found: Option<Project> = self.ports.store.find(id.as_str()).await?;
        found.ok_or_else(|| {
            let fault = Fault::not_found(format!("there is no project `{id}`"));
            Refusal::Fault(fault.with_hint("register it: `shipway deploy` in its folder does, or POST /api/projects"))
        })
    }

    pub(crate) fn known_environment(&self, project: &Project, name: &EnvironmentName) -> Result<(), Refusal> {
        if project.environments.contains(name) {
            return Ok(());
        }
        Err(unknown("environment", name.as_str(), project.environments.iter().map(EnvironmentName::as_str)))
    }

    /// A deployment by its id or its name.
    ///
    /// # Errors
    /// There is none, or the store can't be read.
    pub async fn find_deployment(&self, id_or_name: &str) -> Result<Arc<Deployment>, Fault> {
        if let Some(found) = self.ports.store.deployment(id_or_name).await? {
            return Ok(found);
        }
        let named = self.newest_that("", |deployment| deployment.name == id_or_name).await?;
        named.ok_or_else(|| {
            Fault::new(FaultKind::NotFound, format!("there is no deployment `{id_or_name}`"))
                .with_hint("`shipway history` lists them")
        })
    }

    /// The environment of a project as it is now, with all layers.
    pub(crate) async fn environment_plan(
        &self,
        project: &Project,
        name: &EnvironmentName,
    ) -> Option<Arc<EnvironmentPlan>> {
        let spec = self.understood.of(project).ok()?;
        let layers = layers(self, &spec.source, &project.id, name).await.ok()?;
        spec.environment(name, &layers).ok().map(|(plan, _)| plan)
    }
}
