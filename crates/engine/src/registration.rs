//! Registering a project: its spec as it is from now on.
//!
//! Not here: who may change what by it (`authorization`).

use shipway_core::{
    command::Registration,
    event::{EventBody, EventKind, EventStatus},
    finding::blocks,
    id::{Actor, ProjectId},
    project::Project,
    store::Commit,
};

use crate::{
    Engine,
    refusal::{Refusal, owners_alone},
    reply::Reply,
};

impl Engine {
    pub(crate) async fn register(&self, registration: Registration, actor: &Actor) -> Result<Reply, Refusal> {
        if registration.folder.is_some() && !actor.owner {
            let message = "only the owner of the data folder may name a folder on the server's machine";
            return Err(owners_alone(message));
        }
        let _one_at_a_time = self.intake.all().await;
        let spec = self.understood.spec(&registration.file, &registration.text).map_err(Refusal::Findings)?;
        let findings = spec.findings(None);
        if blocks(&findings) {
            return Err(Refusal::Findings(findings));
        }
        let named = shipway_config::resolve::project(&spec.source).map_err(Refusal::Findings)?;
        let now = self.ports.clock.now();
        let id = ProjectId::new(named.name);
        let known: Option<Project> = self.ports.store.find(id.as_str()).await?;
        // What was made through the API stays, unless the file has it now.
        let mut environments = spec.environments();
        let mut made = known.as_ref().map(|known| known.made.clone()).unwrap_or_default();
        made.retain(|name, _| !environments.contains(name));
        environments.extend(made.keys().cloned());
        let gone = known.iter().flat_map(|known| &known.environments).filter(|name| !environments.contains(name));
        for name in gone {
            self.refuse_busy(&id, name).await?;
        }
        let project = Project {
            id,
            description: named.description,
            file: registration.file,
            text: registration.text,
            // Who may name no folder takes none away either.
            folder: registration.folder.or_else(|| known.as_ref().filter(|_| !actor.owner)?.folder.clone()),
            environments,
            made,
            created_at: known.as_ref().map_or(now, |known| known.created_at),
            updated_at: now,
        };
        let same = known.is_some_and(|known| Project { updated_at: now, ..known } == project);
        if !same {
            let message = format!("{} registered {}", actor.name, project.id);
            let event = EventBody::new(EventKind::ProjectRegistered, EventStatus::Ok, "commands", message);
            let event = EventBody { project: Some(project.id.clone()), ..event };
            self.ports.store.commit(Commit::at(now).put(&project).event(event)).await?;
        }
        Ok(Reply::Project(Box::new(project)))
    }
}
