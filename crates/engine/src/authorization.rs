//! Which act a command is, and where: what `core::policy` is asked before anything is done.
//!
//! Not here: the answer (`core::policy`), and who somebody is (`app::server::auth`).

use shipway_core::{
    command::Command,
    deployment::{Kind, Request},
    id::{Actor, EnvironmentName, ProjectId},
    policy::{Act, Denied, Place, may},
    ports::{Fault, FaultKind},
    project::Project,
    spec::EnvironmentType,
};

use crate::{Engine, Refusal};

/// The environment that something is about.
type About = Option<(ProjectId, EnvironmentName)>;

impl Engine {
    /// Refuses a command that its actor may not give.
    pub(crate) async fn authorize(&self, command: &Command, actor: &Actor) -> Result<(), Refusal> {
        let act = act_of(command);
        if let Command::Register(registration) = command {
            return self.authorize_registration(registration, actor).await;
        }
        if let Command::MakeEnvironment { environment, stated, .. } = command {
            // There is none yet: it is guarded as what it is to be.
            let kind = stated.get("type").and_then(|kind| serde_json::from_value(kind.clone()).ok());
            return Ok(may(actor, act, Some(&Place { environment: environment.clone(), kind }))?);
        }
        let about = self.about(command).await?;
        self.allow(actor, act, about.as_ref()).await
    }

    /// Refuses to draw the plan of a request for somebody who may not.
    pub(crate) async fn authorize_draw(&self, request: &Request, actor: &Actor) -> Result<(), Refusal> {
        let about = (request.project.clone(), request.environment.clone());
        self.allow(actor, Act::Draw, Some(&about)).await
    }

    /// Refuses an act that an actor may not do in an environment, or at all when none is named.
    ///
    /// # Errors
    /// It is refused, or the store can't be read.
    pub async fn allow(
        &self,
        actor: &Actor,
        act: Act,
        about: Option<&(ProjectId, EnvironmentName)>,
    ) -> Result<(), Refusal> {
        let place = match about {
            Some((project, environment)) => Some(self.place(project, environment).await?),
            None => None,
        };
        Ok(may(actor, act, place.as_ref())?)
    }

    /// An environment as it is guarded: by the type that the *registered* spec gives it. What an upload says of itself
    /// opens nothing.
    async fn place(&self, project: &ProjectId, environment: &EnvironmentName) -> Result<Place, Fault> {
        let registered: Option<Project> = self.ports.store.find(project.as_str()).await?;
        let kind = registered.and_then(|project| self.type_in(&project, environment));
        Ok(Place { environment: environment.clone(), kind })
    }

    /// The type that a spec gives an environment.
    fn type_in(&self, project: &Project, environment: &EnvironmentName) -> Option<EnvironmentType> {
        let spec = self.understood.of(project).ok()?;
        let said = spec.source.tree.get("environments")?.get(environment.as_str())?.get("type")?;
        serde_json::from_value(said.clone()).ok()
    }

    /// A changed spec may change nothing of an environment itself that its actor couldn't configure: its type, its
    /// limits, what it demands. What it says of services comes to be with a deployment, which is asked for itself.
    async fn authorize_registration(
        &self,
        registration: &shipway_core::command::Registration,
        actor: &Actor,
    ) -> Result<(), Refusal> {
        may(actor, Act::Register, None)?;
        let Ok(spec) = self.understood.spec(&registration.file, &registration.text) else { return Ok(()) };
        let named = shipway_config::resolve::project(&spec.source).map_err(Refusal::Findings)?;
        let known: Option<Project> = self.ports.store.find(&named.name).await?;
        let before = known.as_ref().and_then(|known| self.understood.of(known).ok());
        let nothing = serde_json::Value::Null;
        let table = |tree: &serde_json::Value, name: &str| {
            let environments = tree.get("environments").and_then(serde_json::Value::as_object);
            environments.and_then(|all| all.get(name)).cloned()
        };
        let old = before.as_ref().map_or(&nothing, |before| &before.source.tree);
        let names = [old, &spec.source.tree].into_iter().filter_map(|tree| tree.get("environments")?.as_object());
        for name in names.flat_map(|all| all.keys()) {
            let (was, is) = (table(old, name), table(&spec.source.tree, name));
            let begins = before.is_none() && actor.environments.is_empty();
            if was == is || begins {
                continue;
            }
            for side in [was, is].into_iter().flatten() {
                let kind = side.get("type").and_then(|kind| serde_json::from_value(kind.clone()).ok());
                may(actor, Act::Configure, Some(&Place { environment: EnvironmentName::new(name), kind }))?;
            }
        }
        Ok(())
    }

    /// Which environment a command is about. What isn't there is told by who does the command.
    async fn about(&self, command: &Command) -> Result<About, Fault> {
        Ok(match command {
            Command::Deploy(request) => Some((request.project.clone(), request.environment.clone())),
            Command::SetLayer { project, environment, .. }
            | Command::RestoreLayer { project, environment, .. }
            | Command::MakeEnvironment { project, environment, .. }
            | Command::RemoveEnvironment { project, environment } => Some((project.clone(), environment.clone())),
            Command::Cancel { deployment, .. }
            | Command::Pause { deployment }
            | Command::Resume { deployment }
            | Command::Advance { deployment }
            | Command::Retry { deployment }
            | Command::Skip { deployment, .. }
            | Command::Resolve { deployment, .. } => match self.find_deployment(deployment.as_str()).await {
                Ok(found) => Some((found.request.project.clone(), found.request.environment.clone())),
                Err(fault) if fault.kind == FaultKind::NotFound => None,
                Err(fault) => return Err(fault),
            },
            Command::ResetBreaker { name, .. } => {
                let of_environment = name.split_once('/');
                of_environment.map(|(project, name)| (ProjectId::new(project), EnvironmentName::new(name)))
            }
            Command::Register(_) => None,
        })
    }
}

/// Which act a command is.
fn act_of(command: &Command) -> Act {
    match command {
        Command::Deploy(request) => match request.kind {
            Kind::Deploy => Act::Deploy,
            Kind::Rollback { .. } => Act::Rollback,
            Kind::Scale { .. } => Act::Scale,
            Kind::Decommission => Act::Decommission,
            Kind::RestoreData { .. } => Act::RestoreData,
        },
        Command::Cancel { .. } => Act::Cancel,
        Command::Pause { .. } | Command::Resume { .. } => Act::Hold,
        Command::Advance { .. } => Act::Advance,
        Command::Retry { .. } | Command::Skip { .. } | Command::Resolve { .. } => Act::Unstick,
        Command::ResetBreaker { .. } => Act::ResetBreaker,
        Command::Register(_) => Act::Register,
        Command::SetLayer { .. }
        | Command::RestoreLayer { .. }
        | Command::MakeEnvironment { .. }
        | Command::RemoveEnvironment { .. } => Act::Configure,
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Forbidden { message: denied.message, hint: Some(denied.hint) }
    }
}
