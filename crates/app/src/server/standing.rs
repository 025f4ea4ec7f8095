//! What stands between deployments, over HTTP: leases, breakers, quarantines, copies of data.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{
    BreakerGuards, BreakerReset, BreakerState, BreakerView, ClaimView, LeaseView, LeasesView, QuarantineView,
    QuarantinedView, SnapshotView,
};
use shipway_core::{
    breaker::{Breaker, FAILURES_MAX, Quarantine, Rollbacks},
    command::Command,
    id::{Actor, EnvironmentName, ProjectId},
    ports::Clock,
    spec::RollbackLimit,
    time::Timestamp,
};
use shipway_engine::{HeldLease, WaitingClaim};

use super::{
    Shared, State,
    answer::{Answer, Rejected},
    time_and_ids::SystemClock,
    unsticking::said,
};

/// A project's environment, as a path names it.
type Place = Path<(String, String)>;

fn place(Path((project, environment)): Place) -> (ProjectId, EnvironmentName) {
    (ProjectId::new(project), EnvironmentName::new(environment))
}

pub(super) async fn leases(shared: State, path: Place) -> Answer<LeasesView> {
    let (project_id, environment) = place(path);
    let standing = shared.engine.leases(&project_id, &environment).await?;
    let held = standing.held.into_iter().map(lease_view).collect();
    let waiting = standing.waiting.into_iter().map(claim_view).collect();
    Ok(Json(LeasesView { project_id, environment, revision: standing.revision, held, waiting }))
}

fn lease_view(held: HeldLease) -> LeaseView {
    let holder = held.holder.as_ref();
    LeaseView {
        service: held.service,
        deployment: held.lease.holder,
        name: holder.map(|holder| holder.name.clone()),
        phase: holder.map(|holder| holder.phase),
        initiated_by: holder.map(|holder| holder.actor.name.clone()),
        since: held.lease.since,
        token: held.lease.token,
        server: holder.map(|holder| holder.carrier.server.clone()),
        server_expires_at: held.server.map(|server| server.expires_at),
    }
}

fn claim_view(waiting: WaitingClaim) -> ClaimView {
    ClaimView {
        name: waiting.deployment.map(|deployment| deployment.name.clone()),
        deployment: waiting.claim.deployment,
        services: waiting.claim.services.into_iter().collect(),
        since: waiting.claim.since,
        behind: waiting.behind,
    }
}

pub(super) async fn breakers(shared: State, Extension(actor): Extension<Actor>) -> Answer<Vec<BreakerView>> {
    Ok(Json(all_breakers(&shared, &actor).await?))
}

/// All that their actor may see.
async fn all_breakers(shared: &Arc<Shared>, actor: &Actor) -> Result<Vec<BreakerView>, Rejected> {
    let now = SystemClock.now();
    let standing = shared.engine.breakers().await?;
    let seen = standing.environments.into_iter().filter(|(rollbacks, _)| actor.sees(&rollbacks.environment));
    let environments = seen.map(|(rollbacks, limit)| of_environment(rollbacks, &limit, now));
    Ok(std::iter::once(of_target(standing.target, now)).chain(environments).collect())
}

fn of_target(breaker: Breaker, now: Timestamp) -> BreakerView {
    let state = match (breaker.blocks(now), breaker.open_until) {
        (Some(_), _) => BreakerState::Open,
        (None, Some(_)) => BreakerState::HalfOpen,
        (None, None) => BreakerState::Closed,
    };
    BreakerView {
        name: breaker.name,
        guards: BreakerGuards::Target,
        state,
        count: breaker.failures,
        count_max: FAILURES_MAX,
        within_ms: None,
        since: None,
        until: breaker.open_until,
        last: breaker.last,
        by: None,
    }
}

fn of_environment(rollbacks: Rollbacks, limit: &RollbackLimit, now: Timestamp) -> BreakerView {
    let counted = rollbacks.at.iter().filter(|at| now.since_ms(**at) <= limit.per.ms);
    BreakerView {
        name: rollbacks.name(),
        guards: BreakerGuards::Environment,
        state: if rollbacks.stopped.is_some() { BreakerState::Open } else { BreakerState::Closed },
        count: u32::try_from(counted.count()).unwrap_or(u32::MAX),
        count_max: limit.max,
        within_ms: Some(limit.per.ms),
        since: rollbacks.stopped,
        until: None,
        last: None,
        by: rollbacks.by,
    }
}

pub(super) async fn reset_breaker(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<BreakerReset>, JsonRejection>,
) -> Answer<BreakerView> {
    let Json(BreakerReset { name, reason }) = body?;
    let command = Command::ResetBreaker { name: name.clone(), reason: said(reason)? };
    shared.engine.execute(command, actor.clone()).await?;
    let breaker = all_breakers(&shared, &actor).await?.into_iter().find(|breaker| breaker.name == name);
    breaker.map(Json).ok_or_else(|| Rejected::not_found(format!("there is no breaker {name} any more")))
}

pub(super) async fn quarantine(shared: State, path: Place) -> Answer<Vec<QuarantineView>> {
    let (project, environment) = place(path);
    let mut views = Vec::new();
    for quarantine in shared.engine.quarantines(&project, &environment).await? {
        views.push(quarantine_view(&shared, quarantine).await);
    }
    Ok(Json(views))
}

async fn quarantine_view(shared: &Arc<Shared>, quarantine: Quarantine) -> QuarantineView {
    let mut releases = BTreeMap::new();
    for (service, one) in quarantine.releases {
        // What is not to be found has no version and no name to show; it is quarantined all the same.
        let version = shared.engine.find_release(&one.release).await.ok().map(|release| release.version.clone());
        releases.insert(service, QuarantinedView { release: one.release, artifact: one.artifact, version });
    }
    let by = shared.engine.find_deployment(quarantine.by.as_str()).await;
    let name = by.ok().map(|deployment| deployment.name.clone());
    QuarantineView { releases, name, by: quarantine.by, reason: quarantine.reason, at: quarantine.at }
}

pub(super) async fn snapshots(shared: State, path: Place) -> Answer<Vec<SnapshotView>> {
    let (project, environment) = place(path);
    let copies = shared.engine.snapshots(&project, &environment).await?.into_iter();
    let view = |(service, copy): (_, shipway_core::ports::DataSnapshot)| SnapshotView {
        service,
        name: copy.name,
        bytes: copy.bytes,
        at: copy.at,
    };
    Ok(Json(copies.map(view).collect()))
}
