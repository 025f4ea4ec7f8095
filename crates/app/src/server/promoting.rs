//! Promotions, combinations and holds over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{
    CombinationRequest, CombinationsView, DeploymentView, HoldRequest, PromotionRequest, StandingView, UnholdRequest,
};
use shipway_core::{
    command::Command,
    id::{Actor, EnvironmentName, ProjectId},
    promotion::{Combination, Hold, Wish},
};
use shipway_engine::Reply;

use super::{
    State,
    answer::{Answer, Rejected},
    deployments,
};

/// A project's environment, as a path names it.
type Place = Path<(String, String)>;

pub(super) async fn promote(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<PromotionRequest>, JsonRejection>,
) -> Answer<DeploymentView> {
    let Json(body) = body?;
    let wish = Wish {
        project: ProjectId::new(body.project),
        from: body.from.map(EnvironmentName::new),
        to: body.to.map(EnvironmentName::new),
        services: body.services,
        combination: body.combination,
        skip_stage: body.skip_stage,
        reason: body.reason,
        on_conflict: body.on_conflict,
    };
    let reply = shared.engine.execute(Command::Promote(Box::new(wish)), actor).await?;
    Ok(Json(deployments::replied(&shared, reply).await?))
}

pub(super) async fn combinations(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer<CombinationsView> {
    let project = shared.engine.project(&ProjectId::new(id)).await?;
    let mut environments = Vec::new();
    for environment in project.environments.iter().filter(|name| actor.sees(name)) {
        let standing = shared.engine.combination(&project.id, environment).await?;
        let environment = environment.clone();
        environments.push(match standing {
            Ok(found) => {
                let onward = shared.engine.onward(&project, &found).await?.filter(|onward| actor.sees(&onward.to));
                StandingView { environment, combination: Some(found), onward, missing: None }
            }
            Err(missing) => StandingView { environment, combination: None, onward: None, missing: Some(missing) },
        });
    }
    let mut named = shared.engine.combinations(&project.id).await?;
    named.retain(|one| actor.sees(&one.environment));
    Ok(Json(CombinationsView { environments, named }))
}

pub(super) async fn name(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path((project, environment)): Place,
    body: Result<Json<CombinationRequest>, JsonRejection>,
) -> Answer<Combination> {
    let Json(CombinationRequest { name }) = body?;
    let (project, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    match shared.engine.execute(Command::NameCombination { project, environment, name }, actor).await? {
        Reply::Combination(combination) => Ok(Json(*combination)),
        _ => Err(Rejected::bad_request("that was no combination")),
    }
}

pub(super) async fn holds(shared: State, Path((project, environment)): Place) -> Answer<Vec<Hold>> {
    Ok(Json(shared.engine.holds(&ProjectId::new(project), &EnvironmentName::new(environment)).await?))
}

pub(super) async fn hold(
    shared: State,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Result<Json<HoldRequest>, JsonRejection>,
) -> Answer<Vec<Hold>> {
    let Json(HoldRequest { service, pin, reason }) = body?;
    let (project, environment) = (ProjectId::new(place.0.0.clone()), EnvironmentName::new(place.0.1.clone()));
    shared.engine.execute(Command::Hold { project, environment, service, pin, reason }, actor).await?;
    holds(shared, place).await
}

pub(super) async fn unhold(
    shared: State,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Result<Json<UnholdRequest>, JsonRejection>,
) -> Answer<Vec<Hold>> {
    let Json(UnholdRequest { service }) = body?;
    let (project, environment) = (ProjectId::new(place.0.0.clone()), EnvironmentName::new(place.0.1.clone()));
    shared.engine.execute(Command::Unhold { project, environment, service }, actor).await?;
    holds(shared, place).await
}
