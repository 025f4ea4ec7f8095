//! The history over HTTP: pages by filters, and statistics.

use axum::{
    Extension, Json,
    extract::{Path, Query, rejection::QueryRejection},
};
use serde::Deserialize;
use shipway_api::{DeploymentPage, StatisticsView, summary_view};
use shipway_core::{
    deployment::Cause,
    history::{DAY_MS, Place, Question, Range, day_of},
    id::{Actor, DeploymentId, EnvironmentName, ProjectId, ServiceName},
    ports::Clock,
    time::Timestamp,
};

use super::{
    State,
    answer::{Answer, Rejected},
    time_and_ids::SystemClock,
};

const PAGE_MAX: u32 = 200;
const PAGE: u32 = 50;
/// Days of statistics when nothing is said.
const DAYS: i64 = 30;
/// The longest range of statistics: a hundred years.
const DAYS_MAX: i64 = 36_500;

/// Which deployments a page holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    environment: Option<String>,
    status: Option<String>,
    phase: Option<String>,
    service: Option<String>,
    kind: Option<String>,
    actor: Option<String>,
    cause: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    limit: Option<u32>,
    before: Option<String>,
}

impl Filter {
    fn question(self, project: ProjectId) -> Result<Question, Rejected> {
        let cause = |name: String| {
            Cause::named(&name).ok_or_else(|| {
                Rejected::bad_request(format!("`{name}` is no cause")).hint("it is release, machinery or person")
            })
        };
        Ok(Question {
            environment: self.environment.map(EnvironmentName::new),
            status: self.status,
            phase: self.phase,
            kind: self.kind,
            service: self.service.map(ServiceName::new),
            actor: self.actor,
            cause: self.cause.map(cause).transpose()?,
            since: self.since,
            until: self.until,
            after: self.before.as_deref().map(place).transpose()?,
            ..Question::of(project, self.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX))
        })
    }
}

/// A place as `next` says it: the time in milliseconds, and the deployment there.
fn place(text: &str) -> Result<Place, Rejected> {
    let (at, id) = text.split_once('.').unwrap_or((text, ""));
    let at = at.parse().map_err(|_| {
        Rejected::bad_request(format!("`{text}` is no place in the history")).hint("send the `next` of the page before")
    })?;
    Ok(Place { at: Timestamp(at), id: DeploymentId::new(id) })
}

pub(super) async fn list(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(project): Path<String>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Answer<DeploymentPage> {
    let Query(filter) = filter?;
    let project = ProjectId::new(project);
    shared.engine.project(&project).await?;
    let question = filter.question(project)?;
    let (found, next) = match question.environment.is_some() || actor.environments.is_empty() {
        true => shared.engine.history(question).await?,
        false => shared.engine.history_of(&question, &actor.environments).await?,
    };
    let now = SystemClock.now();
    let next = next.map(|place| format!("{}.{}", place.at.0, place.id));
    Ok(Json(DeploymentPage { items: found.iter().map(|one| summary_view(one, now)).collect(), next }))
}

/// Of which days.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    environment: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

pub(super) async fn statistics(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(project): Path<String>,
    days: Result<Query<Days>, QueryRejection>,
) -> Answer<StatisticsView> {
    let Query(days) = days?;
    let project = ProjectId::new(project);
    shared.engine.project(&project).await?;
    let last = day_of(days.until.unwrap_or_else(|| SystemClock.now()));
    let first = days.since.map_or(last - DAYS + 1, day_of);
    if first > last || last - first > DAYS_MAX {
        let message = format!("there is no range from {} to {}", Timestamp(first * DAY_MS), Timestamp(last * DAY_MS));
        return Err(Rejected::bad_request(message).hint("`since` comes before `until`, at most a hundred years"));
    }
    let environment = days.environment.map(EnvironmentName::new);
    let range = Range { project: project.clone(), environment, first, last };
    let mut sums = shared.engine.sums(&range).await?;
    sums.retain(|environment, _| actor.sees(environment));
    Ok(Json(StatisticsView::of(project, first, last, &sums)))
}
