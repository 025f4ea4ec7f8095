//! What somebody who is limited to environments may look at. What is of one environment, deployment or instance is
//! refused here, before its handler; lists leave out what lies elsewhere (`Actor::sees`); what concerns all of them at
//! once is refused whole, and so is an endpoint that nobody said anything of here.
//!
//! Not here: commands (`core::policy`, asked by the engine), who somebody is (`auth`).

use std::sync::Arc;

use axum::{
    RequestExt,
    extract::{MatchedPath, Query, RawPathParams, Request, State},
    http::{Method, Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shipway_core::{
    command::{About, Meaning},
    id::{Actor, DeploymentId, EnvironmentName, InstanceId, ProjectId},
    policy::Act,
};

use super::{Shared, answer::Rejected};

/// What an endpoint that is read shows.
#[derive(Debug, PartialEq, Eq)]
enum Shows {
    /// The environment that its path names.
    Environment,
    /// The deployment that its path names.
    Deployment,
    /// The instance that its path names.
    Instance,
    /// A list: its handler leaves out what lies elsewhere.
    Parts,
    /// Nothing of any environment, or its handler asks by itself.
    Anything,
    /// What concerns all environments at once.
    All,
}

fn shows(path: &str) -> Shows {
    match path {
        _ if path.contains("/{environment}") => Shows::Environment,
        _ if path.starts_with("/api/deployments/{id}") => Shows::Deployment,
        _ if path.starts_with("/api/instances/{id}") => Shows::Instance,
        "/api/projects"
        | "/api/projects/{id}"
        | "/api/projects/{id}/artifacts"
        | "/api/projects/{id}/combinations"
        | "/api/projects/{id}/compare"
        | "/api/projects/{id}/deployments"
        | "/api/projects/{id}/environments"
        | "/api/projects/{id}/instances"
        | "/api/projects/{id}/quota"
        | "/api/projects/{id}/releases"
        | "/api/projects/{id}/schedules"
        | "/api/projects/{id}/secrets"
        | "/api/projects/{id}/statistics"
        | "/api/breakers"
        | "/api/events"
        | "/api/routes"
        | "/api/routes/table" => Shows::Parts,
        "/api/openapi.json" | "/api/server" | "/api/audit" | "/api/tokens" => Shows::Anything,
        _ => Shows::All,
    }
}

/// Whether a request only looks: it changes nothing, so no command asks who may.
fn looks(method: &Method, path: &str) -> bool {
    *method == Method::GET || path.ends_with("/compatibility")
}

/// What a request names.
struct Named {
    path: String,
    parameters: Option<RawPathParams>,
    uri: Uri,
}

impl Named {
    fn get(&self, wanted: &str) -> &str {
        let mut all = self.parameters.iter().flatten();
        all.find(|(name, _)| *name == wanted).map(|(_, value)| value).unwrap_or_default()
    }
}

/// Lets a request through when its actor may see what it names.
pub(super) async fn limit(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let limited = request.extensions().get::<Actor>().filter(|actor| !actor.environments.is_empty()).cloned();
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // What is nowhere is told as that.
    if let (Some(actor), Some(path)) = (limited, path)
        && looks(request.method(), &path)
    {
        let named = Named { path, parameters: request.extract_parts().await.ok(), uri: request.uri().clone() };
        if let Err(rejected) = refuse_unseen(&shared, &named, &actor).await {
            return rejected.into_response();
        }
    }
    next.run(request).await
}

async fn refuse_unseen(shared: &Shared, named: &Named, actor: &Actor) -> Result<(), Rejected> {
    match shows(&named.path) {
        Shows::Environment => environment(shared, actor, named.get("id"), named.get("environment")).await,
        Shows::Deployment => {
            let about = About::Deployment(DeploymentId::new(named.get("id")));
            Ok(shared.engine.permit_look(&Meaning::new("look", Act::Read, about), actor).await?)
        }
        Shows::Instance => match shared.engine.slot_of(&InstanceId::new(named.get("id"))).await? {
            Some(slot) => environment(shared, actor, slot.project.as_str(), slot.environment.as_str()).await,
            // Nobody can say where it was.
            None => whole(shared, actor).await,
        },
        Shows::Parts => in_query(shared, named, actor).await,
        Shows::Anything => Ok(()),
        Shows::All => whole(shared, actor).await,
    }
}

/// Refuses a list of an environment that its actor may not see, which would be empty.
async fn in_query(shared: &Shared, named: &Named, actor: &Actor) -> Result<(), Rejected> {
    let query = Query::<Vec<(String, String)>>::try_from_uri(&named.uri)?;
    for (_, name) in query.iter().filter(|(key, _)| ["environment", "from", "to"].contains(&key.as_str())) {
        environment(shared, actor, named.get("id"), name).await?;
    }
    Ok(())
}

/// Refuses somebody who may not look at an environment.
pub(super) async fn environment(shared: &Shared, actor: &Actor, project: &str, name: &str) -> Result<(), Rejected> {
    let about = About::Environment(ProjectId::new(project), EnvironmentName::new(name));
    Ok(shared.engine.permit_look(&Meaning::new("look", Act::Read, about), actor).await?)
}

/// Refuses somebody who is limited to environments.
pub(super) async fn whole(shared: &Shared, actor: &Actor) -> Result<(), Rejected> {
    Ok(shared.engine.permit_look(&Meaning::new("look", Act::Oversee, About::Server), actor).await?)
}
