//! What stands against other counts of instances: quotas, and the memory that is free.
//!
//! Not here: deployments of new releases, which are validated with their spec (`validation`). What goes back is asked
//! nothing: the way back stays open.

use shipway_core::{
    deployment::Deployment, finding::Finding, id::ServiceName, ports::Fault, quota::Demand, strategy::StrategySpec,
};

use super::Goal;
use crate::{Engine, quota::Demands};

pub(super) async fn of_goal(engine: &Engine, deployment: &Deployment, goal: &Goal) -> Result<Vec<Finding>, Fault> {
    let mut comes = Demands::new();
    for (slot, serving) in goal {
        let Some(serving) = serving else { continue };
        let release = engine.release(&serving.release).await?;
        comes.insert(slot.clone(), Demand::of(&release.serve, serving.instances));
    }
    let project = engine.known_project(&deployment.request.project).await;
    let limits = project.map(|project| engine.limits_of(&project)).unwrap_or_default();
    let runs = engine.demands(&deployment.request.project, Some(&deployment.id)).await?;
    let mut findings = limits.findings(&deployment.request.project, &runs, &comes);
    // Those that run stay, and more come beside them.
    let recreate = StrategySpec::Recreate(shipway_core::strategy::Recreate::default());
    findings.extend(engine.memory_room(&runs, &comes, |_: &ServiceName| &recreate)?);
    Ok(findings)
}
