//! Environments that are made and removed through the API. They belong to the project, and resolve like those of its
//! file.
//!
//! Not here: what is set in them (`configuration`), taking down what runs there (a deployment of its own).

use serde_json::Value;
use shipway_core::{
    config::remote::RemoteValue,
    event::{EventBody, EventKind, EventStatus},
    finding::{Finding, blocks},
    id::{Actor, EnvironmentName, ProjectId, name_fault},
    ports::Fault,
    project::{EnvironmentLayer, MadeEnvironment, Project},
    slot::Slot,
    store::{Commit, OpenDeployment},
};

use crate::{Engine, Refusal, Reply, refusal::conflict};

impl Engine {
    /// Makes an environment that the file does not have. `stated` has the shape of an environment of the file.
    pub(crate) async fn make_environment(
        &self,
        project: ProjectId,
        name: EnvironmentName,
        stated: Value,
        actor: &Actor,
    ) -> Result<Reply, Refusal> {
        let _one_at_a_time = self.intake.all().await;
        let mut project = self.known_project(&project).await?;
        if let Some(fault) = name_fault(name.as_str()) {
            let fault = Fault::invalid(format!("`{name}` can't be an environment's name: it {fault}"));
            return Err(Refusal::Fault(fault.with_hint("write it like `staging-2`")));
        }
        if project.environments.contains(&name) {
            return Err(conflict(
                format!("{} has an environment `{name}`", project.id),
                format!("change it: `shipway env set {name} KEY=VALUE`"),
            ));
        }
        let now = self.ports.clock.now();
        project.made.insert(name.clone(), MadeEnvironment { stated, by: actor.name.clone(), at: now });
        project.environments.push(name.clone());
        project.updated_at = now;
        self.refuse_bad_environment(&project, &name)?;
        let event = told(&project, &name, format!("{} made the environment {name}", actor.name));
        self.ports.store.commit(Commit::at(now).put(&project).event(event)).await?;
        Ok(Reply::Project(Box::new(project)))
    }

    /// The project of an environment that is asked about.
    ///
    /// # Errors
    /// There is no such project, or no such environment in it: the message says which was probably meant.
    pub async fn refuse_unknown_environment(
        &self,
        project: &ProjectId,
        name: &EnvironmentName,
    ) -> Result<Project, Refusal> {
        let project = self.known_project(project).await?;
        self.known_environment(&project, name)?;
        Ok(project)
    }

    /// Only what is wrong in the new environment counts, not what was wrong in the file before.
    fn refuse_bad_environment(&self, project: &Project, name: &EnvironmentName) -> Result<(), Refusal> {
        let spec = self.understood.of(project).map_err(Refusal::Findings)?;
        let found: Vec<Finding> = spec.findings(Some((name, &[])));
        if blocks(&found) { Err(Refusal::Findings(found)) } else { Ok(()) }
    }

    /// Removes an environment that was made through the API, when nothing runs there and nothing is deployed.
    pub(crate) async fn remove_environment(
        &self,
        project: ProjectId,
        name: EnvironmentName,
        actor: &Actor,
    ) -> Result<Reply, Refusal> {
        let _one_at_a_time = self.intake.all().await;
        let mut project = self.known_project(&project).await?;
        self.known_environment(&project, &name)?;
        self.refuse_busy(&project.id, &name).await?;
        if project.made.remove(&name).is_none() {
            let message = format!("the environment {name} is in {}", project.file);
            return Err(conflict(message, format!("remove `[environments.{name}]` there, and register the project")));
        }
        project.environments.retain(|known| *known != name);
        let now = self.ports.clock.now();
        project.updated_at = now;
        let event = told(&project, &name, format!("{} removed the environment {name}", actor.name));
        let commit = Commit::at(now).put(&project).event(event);
        let layer: Option<EnvironmentLayer> = self.ports.store.find(&format!("{}/{name}", project.id)).await?;
        let commit = layer.iter().fold(commit, |commit, layer| commit.delete(layer));
        let said: Vec<RemoteValue> = self.ports.store.below(&format!("{}/{name}", project.id)).await?;
        let commit = said.iter().fold(commit, |commit, value| commit.delete(value));
        self.ports.store.commit(commit).await?;
        Ok(Reply::Done)
    }

    /// Refuses to remove an environment in which something runs, or to which something is being deployed.
    pub(crate) async fn refuse_busy(&self, project: &ProjectId, name: &EnvironmentName) -> Result<(), Refusal> {
        let mut list = Vec::new();
        let open: Vec<OpenDeployment> = self.ports.store.below("").await?;
        for open in open {
            let found = self.ports.store.deployment(open.id.as_str()).await?;
            let here = found.filter(|one| one.request.project == *project && one.request.environment == *name);
            list.extend(here.map(|one| format!("{} ({}) is {}", one.name, one.id, one.phase)));
        }
        if !list.is_empty() {
            let hint = Some("wait for it, or cancel it".into());
            return Err(Refusal::Conflict { message: format!("{name} is being deployed to"), list, hint });
        }
        let slots: Vec<Slot> = self.ports.store.below(&format!("{project}/{name}")).await?;
        let running = slots.iter().filter(|slot| !slot.is_empty());
        let list: Vec<String> = running.map(|slot| format!("{} runs", slot.key.service)).collect();
        if list.is_empty() {
            return Ok(());
        }
        let hint = Some(format!("take everything down first: `shipway decommission -e {name}`"));
        Err(Refusal::Conflict { message: format!("something runs in {name}"), list, hint })
    }
}

fn told(project: &Project, name: &EnvironmentName, message: String) -> EventBody {
    EventBody {
        project: Some(project.id.clone()),
        environment: Some(name.clone()),
        ..EventBody::new(EventKind::EnvironmentChanged, EventStatus::Ok, "commands", message)
    }
}
