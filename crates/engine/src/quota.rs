//! Quotas as they stand: what runs in a project, what a deployment would make of it, and what is said against that.
//!
//! The limits are those of the *registered* spec: what an upload says of itself raises none. What others are about to
//! make live counts as if it were. Of two that are validated at the same moment the one whose goal is recorded later is
//! asked again (`make::quota`).
//!
//! Not here: the arithmetic (`core::quota`), what is free on the machine (`room`).

use std::collections::BTreeMap;

use serde_json::Value;
use shipway_core::{
    finding::Finding,
    id::{DeploymentId, EnvironmentName, ProjectId, ServiceName, SlotKey},
    phase::Phase,
    ports::Fault,
    project::Project,
    quota::{Change, Demand, PricesSpec, Quota, QuotaOf, QuotaSpec, Resource},
    slot::{Serving, Slot},
    store::OpenDeployment,
};

use crate::{Engine, Refusal, make};

/// What a project's services take.
pub(crate) type Demands = BTreeMap<SlotKey, Demand>;

/// The limits and prices of a spec.
#[derive(Default)]
pub(crate) struct Limits {
    project: Option<QuotaSpec>,
    environments: BTreeMap<EnvironmentName, QuotaSpec>,
    prices: Option<PricesSpec>,
}

impl Limits {
    /// Those that stand in a spec's tree.
    pub(crate) fn of(tree: &Value) -> Self {
        let environments = tree.get("environments").and_then(Value::as_object).into_iter().flatten();
        let quotas = environments.filter_map(|(name, said)| Some((EnvironmentName::new(name), part(said, "quota")?)));
        Self {
            project: tree.get("project").and_then(|project| part(project, "quota")),
            environments: quotas.collect(),
            prices: part(tree, "prices"),
        }
    }

    /// Everything that a change would take beyond them.
    pub(crate) fn findings(&self, project: &ProjectId, runs: &Demands, comes: &Demands) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (of, quota, environment) in self.quotas(project) {
            let within = |slot: &SlotKey| environment.is_none_or(|name| slot.environment == *name);
            let inside = |all: &Demands| -> Demands {
                all.iter().filter(|(slot, _)| within(slot)).map(|(slot, demand)| (slot.clone(), *demand)).collect()
            };
            let (runs, comes) = (inside(runs), inside(comes));
            let quota = Quota { of, quota, prices: self.prices.as_ref() };
            findings.extend(quota.findings(&Change { runs: &runs, comes: &comes }));
        }
        findings
    }

    /// The environments whose deployments count together with those of one; none where nothing is limited.
    pub(crate) fn counted_with<'a>(
        &self,
        environment: &'a EnvironmentName,
        all: &'a [EnvironmentName],
    ) -> Vec<&'a EnvironmentName> {
        match (&self.project, self.environments.contains_key(environment)) {
            (Some(_), _) => all.iter().collect(),
            (None, true) => vec![environment],
            (None, false) => Vec::new(),
        }
    }

    fn quotas(&self, project: &ProjectId) -> Vec<(QuotaOf, &QuotaSpec, Option<&EnvironmentName>)> {
        let of_project = self.project.iter().map(|quota| (QuotaOf::Project(project.to_string()), quota, None));
        let of_environment =
            |(name, quota)| (QuotaOf::Environment(EnvironmentName::to_string(name)), quota, Some(name));
        of_project.chain(self.environments.iter().map(of_environment)).collect()
    }
}

fn part<T: serde::de::DeserializeOwned>(tree: &Value, key: &str) -> Option<T> {
    serde_json::from_value(tree.get(key)?.clone()).ok()
}

/// How much of its quota an environment or a project uses.
#[derive(Clone, Debug)]
pub struct QuotaUse {
    /// The environment; none for the whole project.
    pub environment: Option<EnvironmentName>,
    /// What of each resource is used, and how much of it there may be.
    pub resources: Vec<(Resource, f64, Option<f64>)>,
}

/// What a project uses, by environment and service.
#[derive(Clone, Debug)]
pub struct QuotasStanding {
    /// The currency of its prices.
    pub currency: Option<String>,
    /// The project as a whole, then each environment.
    pub quotas: Vec<QuotaUse>,
    /// What each service takes, and what that costs a month.
    pub services: Vec<(SlotKey, Demand, f64)>,
}

impl Engine {
    /// What a project uses of its quotas, in all environments or one.
    ///
    /// # Errors
    /// There is no such project or environment, or the store can't be read.
    pub async fn quotas(
        &self,
        id: &ProjectId,
        environment: Option<&EnvironmentName>,
    ) -> Result<QuotasStanding, Refusal> {
        let project = self.known_project(id).await?;
        if let Some(name) = environment {
            self.known_environment(&project, name)?;
        }
        let limits = self.limits_of(&project);
        let (runs, prices) = (self.demands(id, None).await?, limits.prices.as_ref());
        let one = |name: Option<&EnvironmentName>| {
            let quota = name.map_or(limits.project.as_ref(), |name| limits.environments.get(name));
            let quota = quota.cloned().unwrap_or_default();
            let quota = Quota { of: QuotaOf::Project(id.to_string()), quota: &quota, prices };
            let within = |slot: &SlotKey| name.is_none_or(|name| slot.environment == *name);
            let here: Vec<&Demand> = runs.iter().filter(|(slot, _)| within(slot)).map(|(_, demand)| demand).collect();
            let used = |resource| -> f64 { here.iter().map(|demand| demand.of_resource(resource, prices)).sum() };
            let resources = Resource::ALL.map(|resource| (resource, used(resource), quota.limit(resource)));
            QuotaUse { environment: name.cloned(), resources: resources.into() }
        };
        let meant = project.environments.iter().filter(|name| environment.is_none_or(|meant| meant == *name));
        let quotas = std::iter::once(None).chain(meant.map(Some)).map(one).collect();
        let here = runs.iter().filter(|(slot, _)| environment.is_none_or(|name| slot.environment == *name));
        let cost = |demand: &Demand| demand.of_resource(Resource::CostPerMonth, prices);
        let services = here.map(|(slot, demand)| (slot.clone(), *demand, cost(demand))).collect();
        Ok(QuotasStanding { currency: prices.map(|prices| prices.currency.clone()), quotas, services })
    }

    /// The limits of a project as it is registered.
    pub(crate) fn limits_of(&self, project: &Project) -> Limits {
        let spec = self.understood.of(project);
        spec.map(|spec| Limits::of(&spec.source.tree)).unwrap_or_default()
    }

    /// What the services of a project take, and will take when all deployments but this one are done.
    pub(crate) async fn demands(&self, project: &ProjectId, but: Option<&DeploymentId>) -> Result<Demands, Fault> {
        // Before the slots: what ends in between is in those.
        let goals = self.goals(project, but).await?;
        let slots: Vec<Slot> = self.ports.store.below(project.as_str()).await?;
        let mut serving: BTreeMap<_, _> = slots.into_iter().map(|slot| (slot.key, slot.live)).collect();
        serving.extend(goals);
        let mut demands = Demands::new();
        for (key, serving) in serving {
            let Some(serving) = serving else { continue };
            let release = self.release(&serving.release).await?;
            demands.insert(key, Demand::of(&release.serve, serving.instances));
        }
        Ok(demands)
    }

    /// What all deployments of a project but this one are about to make live.
    async fn goals(
        &self,
        project: &ProjectId,
        but: Option<&DeploymentId>,
    ) -> Result<BTreeMap<SlotKey, Option<Serving>>, Fault> {
        let open: Vec<OpenDeployment> = self.ports.store.below("").await?;
        let mut goals = BTreeMap::new();
        for OpenDeployment { id } in open.iter().filter(|open| but != Some(&open.id)) {
            let Some(other) = self.ports.store.deployment(id.as_str()).await? else { continue };
            let comes = !other.phase.is_end() && other.phase != Phase::RollingBack;
            if !comes || other.request.project != *project {
                continue;
            }
            for (service, goal) in &other.course.goal {
                goals.insert(make::key(&other.request, service), goal.clone());
            }
        }
        Ok(goals)
    }
}

/// What services would take in an environment.
pub(crate) fn comes<'a>(
    project: &ProjectId,
    environment: &EnvironmentName,
    services: impl Iterator<Item = (&'a ServiceName, Demand)>,
) -> Demands {
    let key = |service: &ServiceName| SlotKey {
        project: project.clone(),
        environment: environment.clone(),
        service: service.clone(),
    };
    services.map(|(service, demand)| (key(service), demand)).collect()
}
