//! Combinations: what an environment serves together, since when, and what proved it.

use std::{collections::BTreeMap, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Obstacle;
use crate::{
    deployment::{CheckRecord, Deployment, Kind},
    id::{ArtifactDigest, DeploymentId, EnvironmentName, ProjectId, ReleaseId, ServiceName},
    instance::{Instance, InstanceState},
    phase::Phase,
    release::Release,
    slot::{Serving, Slot},
    spec::ServiceKind,
    time::Timestamp,
};

/// Characters of a combination's id.
const ID_CHARS: usize = 12;

/// What an environment served together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Combination {
    /// Follows from the environment and the releases: the same ones give the same.
    pub id: String,
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// What people call it, unique in the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What served, by service.
    pub members: BTreeMap<ServiceName, Member>,
    /// The deployment that completed with it: its checks passed.
    pub proven_by: DeploymentId,
    /// Since when all of it served.
    pub since: Timestamp,
    /// When the first of it was replaced; none while it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_by: Option<String>,
}

/// What one service of a combination served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The release.
    pub release: ReleaseId,
    /// Its version.
    pub version: String,
    /// Its artifact.
    pub artifact: ArtifactDigest,
}

impl Member {
    /// What a release is as a member.
    pub fn of(release: &Release) -> Self {
        Self { release: release.id.clone(), version: release.version.clone(), artifact: release.artifact.clone() }
    }

    /// Whether the same runs under the same version, with whatever configuration.
    pub fn is_same(&self, other: &Self) -> bool {
        self.artifact == other.artifact && self.version == other.version
    }
}

/// Where a combination goes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Onward {
    /// The environment.
    pub to: EnvironmentName,
    /// When it has soaked.
    pub soaked_at: Timestamp,
    /// What keeps it all the same: it is there already or on its way, somebody holds what runs there, or it was taken
    /// back there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Obstacle>,
}

/// An environment as it is looked at.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The project.
    pub project: &'a ProjectId,
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// Its slots.
    pub slots: &'a [Slot],
    /// Its instances.
    pub instances: &'a [Instance],
    /// The releases that are live.
    pub releases: &'a BTreeMap<ReleaseId, Arc<Release>>,
    /// Its deployments, newest first.
    pub past: &'a [Arc<Deployment>],
}

/// What an environment serves together now, if that is proven.
///
/// # Errors
/// What is missing: nothing runs, it is being changed, an instance is missing, nothing proves it, or it was taken back.
pub fn standing(seen: &Seen<'_>) -> Result<Combination, Obstacle> {
    let environment = seen.environment;
    let live: BTreeMap<_, _> =
        seen.slots.iter().filter_map(|slot| Some((&slot.key.service, slot.live.as_ref()?))).collect();
    if live.is_empty() {
        return Err(Obstacle::new(format!("nothing runs in {environment}")));
    }
    let changes = || seen.past.iter().filter(|past| changes_what_runs(past));
    if let Some(running) = changes().find(|past| !past.phase.is_end()) {
        return Err(Obstacle::new(format!("{} is changing {environment}: it is {}", running.name, running.phase)));
    }
    if let Some((service, _)) = live.iter().find(|(service, serving)| is_down(seen, service, serving)) {
        return Err(Obstacle::new(format!("{service} is down in {environment}: no instance takes requests")));
    }
    let members: BTreeMap<_, _> = live
        .iter()
        .filter_map(|(service, serving)| Some(((*service).clone(), Member::of(seen.releases.get(&serving.release)?))))
        .collect();
    let proof = proof(seen, &live)?;
    let since = changes().filter_map(|past| past.completed_at).next().or(proof.completed_at).unwrap_or_default();
    Ok(Combination {
        id: id(environment, &members),
        project: seen.project.clone(),
        environment: environment.clone(),
        name: None,
        members,
        proven_by: proof.id.clone(),
        since,
        until: None,
        named_by: None,
    })
}

fn id(environment: &EnvironmentName, members: &BTreeMap<ServiceName, Member>) -> String {
    let releases: BTreeMap<_, _> = members.iter().map(|(service, member)| (service, &member.release)).collect();
    let text = serde_json::json!(["shipway combination 1", environment, releases]);
    blake3::hash(text.to_string().as_bytes()).to_hex()[..ID_CHARS].to_owned()
}

fn is_down(seen: &Seen<'_>, service: &ServiceName, serving: &Serving) -> bool {
    let is_process = |release: &Arc<Release>| release.serve.kind == ServiceKind::Process;
    let ready = |one: &&Instance| {
        one.slot.service == *service && one.release == serving.release && one.state == InstanceState::Ready
    };
    seen.releases.get(&serving.release).is_some_and(is_process) && !seen.instances.iter().any(|one| ready(&one))
}

/// The newest deployment that completed with exactly what is live.
fn proof<'a>(seen: &Seen<'a>, live: &BTreeMap<&ServiceName, &Serving>) -> Result<&'a Arc<Deployment>, Obstacle> {
    let releases = |result: &BTreeMap<ServiceName, Serving>| {
        result.len() == live.len()
            && result
                .iter()
                .all(|(service, serving)| live.get(service).is_some_and(|live| live.release == serving.release))
    };
    let found = seen.past.iter().find(|past| past.phase == Phase::Completed && releases(&past.result));
    let Some(found) = found else {
        let message = format!("no deployment completed with what {} serves together", seen.environment);
        return Err(Obstacle::new(message));
    };
    if found.quarantined || found.rolled_back_by.is_some() {
        return Err(Obstacle::new(format!("{} was taken back", found.name)));
    }
    match failed_check(found) {
        Some(check) => {
            let message = format!("the check `{}` of {} failed in {}", check.name, check.service, found.name);
            Err(Obstacle::new(message))
        }
        None => Ok(found),
    }
}

/// A check after promotion whose last answer was no.
fn failed_check(deployment: &Deployment) -> Option<&CheckRecord> {
    let verify = deployment.checks.iter().filter(|check| check.phase == Phase::Verifying);
    let last: BTreeMap<_, _> = verify.map(|check| ((&check.service, &check.name), check)).collect();
    last.into_values().find(|check| !check.passed)
}

/// Whether a deployment changed, or may have changed, which releases are live.
fn changes_what_runs(deployment: &Deployment) -> bool {
    if matches!(deployment.request.kind, Kind::Scale { .. }) || !deployment.promotion_began() {
        return false;
    }
    let course = &deployment.course;
    let before = |service: &ServiceName| {
        let slot = course.parents.iter().find(|slot| slot.key.service == *service);
        slot.and_then(|slot| slot.live.as_ref()).map(|live| &live.release)
    };
    course.goal.iter().any(|(service, goal)| before(service) != goal.as_ref().map(|goal| &goal.release))
}

/// When what served since that time was first replaced. `past` are the environment's deployments, newest first.
pub fn ran_until(since: Timestamp, past: &[Arc<Deployment>]) -> Option<Timestamp> {
    let moved = |past: &&Arc<Deployment>| {
        let moved = past.phases.iter().find(|record| record.phase >= Phase::Promoting && !record.phase.is_end());
        moved.map(|record| record.at).or(past.started_at)
    };
    let changes = past.iter().filter(|past| changes_what_runs(past)).filter_map(|past| moved(&past));
    changes.filter(|at| *at > since).min()
}
