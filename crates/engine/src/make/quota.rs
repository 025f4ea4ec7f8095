//! What stands against other counts of instances: quotas, and the memory that is free. Whoever records its goal claims
//! what it takes: two that were validated at the same moment don't both get what only one of them may have.
//!
//! Not here: deployments of new releases, which are validated with their spec first (`validation`). What goes back is
//! asked nothing: the way back stays open.

use shipway_core::{
    deployment::{Deployment, Kind},
    finding::Finding,
    id::{EnvironmentName, ServiceName},
    lease::Leases,
    ports::Fault,
    quota::Demand,
    store::{Commit, Guarded},
    strategy::StrategySpec,
};

use super::Goal;
use crate::{
    Engine, leases,
    quota::{Demands, Limits},
};

pub(super) async fn of_goal(engine: &Engine, deployment: &Deployment, goal: &Goal) -> Result<Vec<Finding>, Fault> {
    let comes = comes(engine, goal).await?;
    let (limits, _) = limits(engine, deployment).await;
    let runs = engine.demands(&deployment.request.project, Some(&deployment.id)).await?;
    let mut findings = limits.findings(&deployment.request.project, &runs, &comes);
    // Those that run stay, and more come beside them.
    let recreate = StrategySpec::Recreate(shipway_core::strategy::Recreate::default());
    findings.extend(engine.memory_room(&runs, &comes, |_: &ServiceName| &recreate)?);
    Ok(findings)
}

async fn comes(engine: &Engine, goal: &Goal) -> Result<Demands, Fault> {
    let mut comes = Demands::new();
    for (slot, serving) in goal {
        let Some(serving) = serving else { continue };
        let release = engine.release(&serving.release).await?;
        comes.insert(slot.clone(), Demand::of(&release.serve, serving.instances));
    }
    Ok(comes)
}

/// The limits of a deployment's project, and the leases of all environments that count together with its own.
async fn limits(engine: &Engine, deployment: &Deployment) -> (Limits, Vec<EnvironmentName>) {
    let Ok(project) = engine.known_project(&deployment.request.project).await else { return Default::default() };
    let limits = engine.limits_of(&project);
    let counted = limits.counted_with(&deployment.request.environment, &project.environments);
    let counted = counted.into_iter().cloned().collect();
    (limits, counted)
}

/// What a deployment takes of its quotas. It is claimed with a raise of the revisions of the leases of all environments
/// that count together: who read them before somebody else's goal was recorded looks again.
pub(super) struct Claim(Vec<Leases>);

impl Claim {
    /// The claim as it can be made now, and what stands against it.
    pub(super) async fn read(
        engine: &Engine,
        deployment: &Deployment,
        goal: &Goal,
    ) -> Result<(Self, Vec<Finding>), Fault> {
        let (limits, counted) = limits(engine, deployment).await;
        let project = &deployment.request.project;
        let mut all = Vec::new();
        for environment in counted {
            all.push(leases::read(engine, project, &environment).await?);
        }
        // What goes back is asked nothing, and counts for the others.
        let is_asked = matches!(deployment.request.kind, Kind::Deploy | Kind::Scale { .. }) && !all.is_empty();
        let findings = match is_asked {
            true => {
                let comes = comes(engine, goal).await?;
                limits.findings(project, &engine.demands(project, Some(&deployment.id)).await?, &comes)
            }
            false => Vec::new(),
        };
        Ok((Self(all), findings))
    }

    /// Takes it, with whatever else is written.
    pub(super) fn take(self) -> Commit {
        self.0.into_iter().fold(Commit::default(), |commit, mut leases| {
            let what = Guarded::Leases(leases.project.clone(), leases.environment.clone());
            let before = leases.revision;
            leases.revision += 1;
            commit.put(&leases).raise(what, before)
        })
    }
}
