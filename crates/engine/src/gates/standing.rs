//! The gates of an environment as they stand: what would hold a deployment that somebody asked for now.

use std::collections::{BTreeMap, BTreeSet};

use shipway_core::{
    deployment::{Deployment, Kind, Request},
    finding::{Category, Finding},
    gate::{Facts, Gates, Held, ask, declared::GatesSpec},
    id::{Actor, EnvironmentName, ProjectId},
    ports::Fault,
    spec::EnvironmentPlan,
    time::Timestamp,
};

use super::facts;
use crate::{Engine, Refusal};

/// The validator that this room's findings name.
const VALIDATOR: &str = "gates";

/// The gates of an environment.
#[derive(Clone, Debug)]
pub struct GatesStanding {
    /// As they are declared.
    pub declared: GatesSpec,
    /// What would hold a deployment now.
    pub held: Vec<Held>,
    /// When the open change window closes, or a freeze begins.
    pub closes_at: Option<Timestamp>,
}

impl Engine {
    /// What would hold a deployment of an actor to an environment now, whatever it brings.
    ///
    /// # Errors
    /// There is no such environment, or its gates can't be read.
    pub async fn gates(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
        actor: &Actor,
    ) -> Result<GatesStanding, Refusal> {
        let registered = self.known_project(project).await?;
        self.known_environment(&registered, environment)?;
        let declared = facts::declared(self, project, environment).await?;
        let gates = facts::understood(self, &declared)?;
        let now = self.ports.clock.now();
        let request = Request::new(project.clone(), environment.clone(), Kind::Deploy);
        let nobody = self.ports.ids.deployment();
        let imagined = Deployment::new(nobody, 0, request, actor.clone(), String::new(), now);
        let facts = Facts {
            now,
            actor,
            not_before: None,
            hash: "",
            approvals: &[],
            begun: &facts::begun(self, &imagined, &declared).await?,
            coming: &BTreeMap::new(),
            checks: &BTreeSet::new(),
        };
        let held = ask(&gates, &facts);
        Ok(GatesStanding { held, closes_at: gates.closes_next(actor, now), declared })
    }

    /// Time zones that gates name and this machine does not know. UTC instead would open a window at a wrong hour.
    pub(crate) fn unknown_zones(&self, plan: &EnvironmentPlan) -> Result<Vec<Finding>, Fault> {
        let zones = facts::zones(self, &plan.gates)?;
        let faults = Gates::read(&plan.gates, &zones).err().unwrap_or_default();
        // What else is wrong with them, the spec's own rules say.
        let zones = faults.into_iter().filter(|fault| fault.key == "zone");
        Ok(zones
            .map(|fault| {
                let field = format!("environments.{}.gates.{}", plan.name, fault.field());
                Finding::critical(VALIDATOR, Category::Configuration, fault.message)
                    .field(field)
                    .recommendation(fault.advice)
            })
            .collect())
    }
}
