//! Where a command acts, and whether its actor may: `core::policy` is asked here, before anything is done.
//!
//! Not here: the answer (`core::policy`), who somebody is (`app::server::auth`), what is recorded of it (`audit`).

use serde_json::Value;
use shipway_core::{
    command::{About, Command, Meaning, Registration},
    deployment::Request,
    id::{Actor, DeploymentId, EnvironmentName, ProjectId},
    policy::{Act, Denied, Place, may, may_somewhere},
    ports::{Fault, FaultKind},
    project::Project,
    schedule::Schedule,
    spec::EnvironmentType,
};

use crate::{Engine, Refusal, remote};

/// Where a command acts, as far as it can be told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Where {
    pub(crate) project: Option<ProjectId>,
    pub(crate) environment: Option<EnvironmentName>,
    pub(crate) deployment: Option<DeploymentId>,
}

impl Engine {
    /// Refuses a command that its actor may not give.
    pub(crate) async fn authorize(
        &self,
        command: &Command,
        meaning: &Meaning,
        at: &Where,
        actor: &Actor,
    ) -> Result<(), Refusal> {
        if let Command::Register(registration) = command {
            return self.authorize_registration(registration, actor).await;
        }
        if let Command::MakeEnvironment { environment, stated, .. } = command {
            // There is none yet: it is guarded as what it is to be.
            let place = Place { environment: environment.clone(), kind: type_of(stated) };
            return Ok(may(actor, meaning.act, Some(&place))?);
        }
        if let Command::Promote(wish) = command
            && wish.to.is_none()
        {
            // Where it goes is found out later, and then it is asked there.
            return Ok(may_somewhere(actor, meaning.act)?);
        }
        let place = self.place(at).await?;
        Ok(may(actor, meaning.act, place.as_ref())?)
    }

    /// Refuses to draw the plan of a request for somebody who may not.
    pub(crate) async fn authorize_draw(&self, request: &Request, actor: &Actor) -> Result<(), Refusal> {
        let (project, environment) = (request.project.clone(), request.environment.clone());
        self.permit_look(&Meaning::new("plan", Act::Draw, About::Environment(project, environment)), actor).await
    }

    /// Refuses what changes nothing to somebody who may not; only then it is recorded.
    ///
    /// # Errors
    /// It is refused, or the store can't be read.
    pub async fn permit_look(&self, meaning: &Meaning, actor: &Actor) -> Result<(), Refusal> {
        let at = self.locate(&meaning.about).await?;
        match may(actor, meaning.act, self.place(&at).await?.as_ref()) {
            Ok(()) => Ok(()),
            Err(denied) => self.record(meaning, actor, &at, async { Err(denied.into()) }, |()| None).await,
        }
    }

    /// Refuses what changes something and is no command, such as an upload, to somebody who may not. It is recorded
    /// that they asked.
    ///
    /// # Errors
    /// It is refused, or the store can't be read.
    pub async fn permit(&self, meaning: &Meaning, actor: &Actor) -> Result<(), Refusal> {
        let at = self.locate(&meaning.about).await?;
        let allowed = may(actor, meaning.act, self.place(&at).await?.as_ref()).map_err(Refusal::from);
        self.record(meaning, actor, &at, async { allowed }, |()| None).await
    }

    /// Finds where something acts. What isn't there is told by who does the command.
    pub(crate) async fn locate(&self, about: &About) -> Result<Where, Fault> {
        Ok(match about {
            About::Server | About::Spec => Where::default(),
            About::Project(project) => Where { project: Some(project.clone()), ..Where::default() },
            About::Environment(project, environment) => {
                Where { project: Some(project.clone()), environment: Some(environment.clone()), deployment: None }
            }
            About::Schedule(project, name) => {
                let found = self.ports.store.find::<Schedule>(&format!("{project}/{name}")).await?;
                let environment = found.map(|schedule| schedule.request.environment);
                Where { project: Some(project.clone()), environment, deployment: None }
            }
            About::Deployment(id) => match self.find_deployment(id.as_str()).await {
                Ok(found) => Where {
                    project: Some(found.request.project.clone()),
                    environment: Some(found.request.environment.clone()),
                    deployment: Some(found.id.clone()),
                },
                Err(fault) if fault.kind == FaultKind::NotFound => Where::default(),
                Err(fault) => return Err(fault),
            },
        })
    }

    /// An environment as it is guarded: by the type that the *registered* spec gives it. What an upload says of itself
    /// opens nothing.
    async fn place(&self, at: &Where) -> Result<Option<Place>, Fault> {
        let (Some(project), Some(environment)) = (&at.project, &at.environment) else { return Ok(None) };
        let registered = self.ports.store.share::<Project>(project.as_str()).await?;
        let kind = registered.and_then(|project| self.type_in(&project, environment));
        Ok(Some(Place { environment: environment.clone(), kind }))
    }

    /// The type that a project's registered spec gives an environment.
    fn type_in(&self, project: &Project, environment: &EnvironmentName) -> Option<EnvironmentType> {
        let spec = self.understood.of(project).ok()?;
        type_of(environments(&spec.source.tree)?.get(environment.as_str())?)
    }

    /// The project that a spec names; none when it can't be understood.
    pub(crate) fn named_project(&self, registration: &Registration) -> Option<ProjectId> {
        let spec = self.understood.spec(&registration.file, &registration.text).ok()?;
        shipway_config::resolve::project(&spec.source).ok().map(|named| ProjectId::new(named.name))
    }

    /// A changed spec may change nothing of an environment itself that its actor couldn't configure: its type, its
    /// limits, what it demands. What it says of services comes to be with a deployment, which is asked for itself.
    async fn authorize_registration(&self, registration: &Registration, actor: &Actor) -> Result<(), Refusal> {
        may(actor, Act::Register, None)?;
        // What can't be understood is refused for that.
        let Some(id) = self.named_project(registration) else { return Ok(()) };
        let Ok(spec) = self.understood.spec(&registration.file, &registration.text) else { return Ok(()) };
        let known = self.ports.store.share::<Project>(id.as_str()).await?;
        let before = known.and_then(|known| self.understood.of(&known).ok());
        if before.is_none() && actor.environments.is_empty() {
            return Ok(());
        }
        let nothing = Value::Null;
        let (old, new) = (before.as_ref().map_or(&nothing, |before| &before.source.tree), &spec.source.tree);
        if ["/project/quota", "/prices"].iter().any(|path| old.pointer(path) != new.pointer(path)) {
            may(actor, Act::Budget, None)?;
        }
        // A remote gets secrets of environments, and says what holds in them.
        let everywhere = before.is_some() && remote::differ(old, new);
        let places = if everywhere { all_environments(new) } else { changed_environments(old, new) };
        for place in places {
            may(actor, Act::Configure, Some(&place))?;
        }
        Ok(())
    }
}

/// The environments that two specs say something else of, each as it is guarded before and after.
fn changed_environments(old: &Value, new: &Value) -> Vec<Place> {
    let names = [old, new].into_iter().filter_map(environments).flat_map(|all| all.keys());
    let said = |tree, name: &str| environments(tree).and_then(|all| all.get(name));
    let changed = names.filter(|name| said(old, name) != said(new, name));
    let sides = changed.flat_map(|name| [said(old, name), said(new, name)].map(|side| (name, side)));
    let place = |(name, side): (&String, Option<&Value>)| {
        Some(Place { environment: EnvironmentName::new(name), kind: type_of(side?) })
    };
    sides.filter_map(place).collect()
}

/// Every environment of a spec, as it is guarded.
fn all_environments(tree: &Value) -> Vec<Place> {
    let all = environments(tree).into_iter().flatten();
    all.map(|(name, said)| Place { environment: EnvironmentName::new(name), kind: type_of(said) }).collect()
}

fn environments(tree: &Value) -> Option<&serde_json::Map<String, Value>> {
    tree.get("environments")?.as_object()
}

fn type_of(environment: &Value) -> Option<EnvironmentType> {
    serde_json::from_value(environment.get("type")?.clone()).ok()
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Forbidden { message: denied.message, hint: Some(denied.hint) }
    }
}
