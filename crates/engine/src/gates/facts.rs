//! What is read before the gates are asked: the plan as it would be now, where its artifacts came from, what else
//! moved, how risky it is.

use std::collections::{BTreeMap, BTreeSet};

use shipway_core::{
    artifact::Provenance,
    deployment::{Deployment, Kind},
    gate::{
        Coming, Facts, Gates, Held, ask,
        declared::GatesSpec,
        zone::{Zone, Zones, is_name},
    },
    id::{EnvironmentName, ProjectId, ServiceName},
    phase::Phase,
    plan::{Goal, Plan, Step},
    ports::Fault,
    project::Project,
    release::Release,
    risk::{Risk, RiskFacts, assess},
    slot::Slot,
    spec::MigrateKind,
    store::Listing,
    time::Timestamp,
};

use super::{Serves, is_asked};
use crate::{Engine, deploy};

/// Deployments that are looked through for those that began to move lately; as many as a rate may count, and more.
const BEGUN_LOOKED_AT_MAX: u32 = 300;
/// Builds that are looked through for the newest of an artifact.
const BUILDS_LOOKED_AT_MAX: u32 = 200;
/// Deployments that an assessment looks back at.
const HISTORY_MAX: u32 = 10;

/// What a look at the gates found.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// The hash of the plan that approvals bind to.
    pub(crate) hash: String,
    /// The plan's assessment.
    pub(crate) risk: Risk,
    /// What holds it.
    pub(crate) held: Vec<Held>,
}

/// Asks the gates of a deployment; none when there is nothing to ask.
pub(super) async fn look(engine: &Engine, deployment: &Deployment, goal: &Goal) -> Result<Option<Look>, Fault> {
    if !is_asked(deployment) {
        return Ok(None);
    }
    let (project, environment) = (&deployment.request.project, &deployment.request.environment);
    let declared = declared(engine, project, environment).await?;
    if declared.is_empty() && deployment.request.at.is_none() {
        return Ok(None);
    }
    let (plan, parents) = deploy::draw(engine, deployment, goal).await?;
    ask_about(engine, deployment, &declared, (&plan, &parents), goal).await.map(Some)
}

/// Asks the gates about a plan that was drawn for a deployment that nobody recorded.
pub(crate) async fn look_at(
    engine: &Engine,
    deployment: &Deployment,
    drawn: (&Plan, &[Slot]),
    goal: &Goal,
) -> Result<Look, Fault> {
    let declared = declared(engine, &deployment.request.project, &deployment.request.environment).await?;
    ask_about(engine, deployment, &declared, drawn, goal).await
}

async fn ask_about(
    engine: &Engine,
    deployment: &Deployment,
    declared: &GatesSpec,
    (plan, parents): (&Plan, &[Slot]),
    goal: &Goal,
) -> Result<Look, Fault> {
    let now = engine.ports.clock.now();
    let gates = understood(engine, declared)?;
    let changing = changing(engine, goal, parents).await?;
    let hash = plan.approval_hash(parents);
    let risk = risk(engine, deployment, &gates, plan, &changing).await?;
    let idle = plan.steps.is_empty() && deployment.request.at.is_none();
    let facts = Facts {
        now,
        actor: &deployment.actor,
        not_before: deployment.request.at,
        hash: &hash,
        approvals: &deployment.gated.approvals,
        begun: &begun(engine, deployment, declared).await?,
        coming: &coming(engine, deployment, declared, &changing).await?,
        checks: &checks(engine, plan).await?,
    };
    let held = match idle || deployment.gated.broken.is_some() || !is_asked(deployment) {
        true => Vec::new(),
        false => ask(&gates, &facts),
    };
    Ok(Look { hash, risk, held })
}

/// The gates as the registered spec declares them: what an upload says of itself opens none.
pub(crate) async fn declared(
    engine: &Engine,
    project: &ProjectId,
    environment: &EnvironmentName,
) -> Result<GatesSpec, Fault> {
    let registered = engine.ports.store.share::<Project>(project.as_str()).await?;
    let registered = registered.ok_or_else(|| Fault::not_found(format!("there is no project `{project}`")))?;
    // A spec that nobody understands opens no gate.
    let spec = engine.understood.of(&registered).map_err(|findings| {
        let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
        Fault::invalid(format!("the registered spec can't be read, and so its gates: {first}"))
            .with_hint("mend it, and register it again: `shipway deploy` does")
    })?;
    let tree = spec.source.tree["environments"].get(environment.as_str());
    let Some(gates) = tree.and_then(|tree| tree.get("gates")) else { return Ok(GatesSpec::default()) };
    serde_json::from_value(gates.clone()).map_err(|error| {
        Fault::invalid(format!("the gates of {environment} can't be read: {error}"))
            .with_hint("mend `gates` in the spec, and register it again: `shipway deploy` does")
    })
}

/// The gates with the zones that they name, or why nobody knows what they mean.
pub(crate) fn understood(engine: &Engine, declared: &GatesSpec) -> Result<Gates, Fault> {
    let zones = zones(engine, declared)?;
    Gates::read(declared, &zones).map_err(|faults| {
        let first = faults.into_iter().next();
        let (message, advice) = first.map(|first| (first.message, first.advice)).unwrap_or_default();
        Fault::invalid(format!("a gate can't be understood: {message}")).with_hint(advice)
    })
}

/// The zones that gates name, as the machine has their rules now; those that it doesn't have are left out.
pub(crate) fn zones(engine: &Engine, declared: &GatesSpec) -> Result<Zones, Fault> {
    let mut zones = Zones::default();
    for name in declared.zones() {
        zones = zone(engine, name)?.into_iter().fold(zones, Zones::with);
    }
    Ok(zones)
}

/// A time zone by its name; none where the machine doesn't know it.
pub(crate) fn zone(engine: &Engine, name: &str) -> Result<Option<Zone>, Fault> {
    if let Some(zone) = Zone::written_out(name) {
        return Ok(Some(zone));
    }
    if !is_name(name) {
        return Ok(None);
    }
    let bytes = engine.ports.clock.zone(name)?;
    Ok(bytes.and_then(|bytes| Zone::from_file(name, &bytes).ok()))
}

/// What comes and is not live already.
async fn changing(engine: &Engine, goal: &Goal, parents: &[Slot]) -> Result<Serves, Fault> {
    let mut changing = BTreeMap::new();
    for (key, serving) in goal {
        let Some(serving) = serving else { continue };
        let live = parents.iter().find(|slot| slot.key == *key).and_then(|slot| slot.live.as_ref());
        if live.is_none_or(|live| live.release != serving.release) {
            changing.insert(key.service.clone(), (engine.release(&serving.release).await?, serving.instances));
        }
    }
    Ok(changing)
}

async fn coming(
    engine: &Engine,
    deployment: &Deployment,
    declared: &GatesSpec,
    changing: &Serves,
) -> Result<BTreeMap<ServiceName, Coming>, Fault> {
    let mut coming = BTreeMap::new();
    for (service, (release, _)) in changing {
        let built_at = match declared.artifact_max_age {
            Some(_) => built_at(engine, &deployment.request.project, service, release).await?,
            None => None,
        };
        // A release may have been made by an earlier deployment, of the same content from another branch.
        let state = deployment.services.get(service);
        let git = state.and_then(|state| state.git.as_ref()).or(deployment.git.as_ref()).or(release.git.as_ref());
        coming.insert(service.clone(), Coming { built_at, branch: git.and_then(|git| git.branch.clone()) });
    }
    Ok(coming)
}

/// When an artifact was built last: the same content, made anew, is new.
async fn built_at(
    engine: &Engine,
    project: &ProjectId,
    service: &ServiceName,
    release: &Release,
) -> Result<Option<Timestamp>, Fault> {
    let scope = format!("{project}/{service}");
    let newest = Listing { scope, before: None, newest_first: true, limit: BUILDS_LOOKED_AT_MAX };
    let builds: Vec<Provenance> = engine.ports.store.all(newest).await?;
    Ok(builds.into_iter().find(|build| build.artifact == release.artifact).map(|build| build.at))
}

/// The names of the checks and interactions that a plan asks.
async fn checks(engine: &Engine, plan: &Plan) -> Result<BTreeSet<String>, Fault> {
    let mut names = BTreeSet::new();
    for planned in &plan.steps {
        match &planned.step {
            Step::Check { release, .. } => {
                let release = engine.release(release).await?;
                names.extend(release.serve.checks.iter().map(|check| check.name.clone()));
            }
            Step::Interact { interaction, .. } => drop(names.insert(interaction.name.clone())),
            _ => {}
        }
    }
    Ok(names)
}

/// When other deployments to the environment began to move.
pub(super) async fn begun(
    engine: &Engine,
    deployment: &Deployment,
    declared: &GatesSpec,
) -> Result<Vec<Timestamp>, Fault> {
    if declared.rate.is_none() {
        return Ok(Vec::new());
    }
    let others = history(engine, deployment, BEGUN_LOOKED_AT_MAX).await?;
    let moved = |other: &Deployment| other.phases.iter().find(|record| record.phase >= Phase::Staging).map(|r| r.at);
    let begun = |other: &Deployment| moved(other).or(other.gated.counted_at);
    Ok(others.iter().filter(|other| is_asked(other)).filter_map(|other| begun(other)).collect())
}

async fn history(
    engine: &Engine,
    deployment: &Deployment,
    limit: u32,
) -> Result<Vec<std::sync::Arc<Deployment>>, Fault> {
    let scope = format!("{}/{}", deployment.request.project, deployment.request.environment);
    let newest = Listing { scope, before: None, newest_first: true, limit };
    let mut all = engine.ports.store.deployments(newest).await?;
    all.retain(|other| other.id != deployment.id);
    Ok(all)
}

async fn risk(
    engine: &Engine,
    deployment: &Deployment,
    gates: &Gates,
    plan: &Plan,
    changing: &Serves,
) -> Result<Risk, Fault> {
    let now = engine.ports.clock.now();
    let scope = format!("{}/{}", deployment.request.project, deployment.request.environment);
    let slots: Vec<Slot> = engine.ports.store.below(&scope).await?;
    let ended = history(engine, deployment, HISTORY_MAX).await?;
    let ended: Vec<_> = ended.into_iter().filter(|other| other.phase.is_end()).collect();
    let migrations = |wanted: MigrateKind| {
        let is = |step: &Step| matches!(step, Step::Migrate { kind, .. } if *kind == wanted);
        plan.steps.iter().filter(|planned| is(&planned.step)).count()
    };
    let asked = |(release, count): &(_, u32)| memory_mb(release) * u64::from(*count);
    let leaving = if deployment.request.kind == Kind::Decommission { deployment.request.services.len() } else { 0 };
    Ok(assess(&RiskFacts {
        now,
        changed: changing.len() + leaving,
        services: slots.len().max(changing.len()),
        instances: changing.values().map(|(_, count)| count).sum(),
        expand: migrations(MigrateKind::Expand),
        contract: migrations(MigrateKind::Contract),
        last_change: ended.iter().find(|other| other.phase == Phase::Completed).and_then(|other| other.completed_at),
        failed: ended.iter().filter(|other| other.phase != Phase::Completed).count(),
        looked_at: ended.len(),
        closes_at: gates.closes_next(&deployment.actor, now),
        memory_asked_mb: changing.values().map(asked).sum(),
        memory_free_mb: engine.ports.driver.capacity()?.memory_free_mb,
    }))
}

fn memory_mb(release: &std::sync::Arc<Release>) -> u64 {
    release.serve.limits.memory_mb.unwrap_or(0)
}
