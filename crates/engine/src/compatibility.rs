//! Whether an environment can run something: what is asked is laid beside what the target measures, what quotas leave,
//! and what a validation says. Nothing is changed, and nothing is kept for who asks.
//!
//! Not here: the judgement (`core::compatibility`), the validation of a deployment (`validation`).

use std::collections::BTreeSet;

use shipway_core::{
    compatibility::{Arrival, Compatibility, Offer, Requirement, Requirements, facts, findings, node},
    finding::{Category, Finding},
    id::{EnvironmentName, ProjectId, ServiceName},
    ports::Fault,
    project::Project,
    quota::{Demand, Resource},
    spec::EnvironmentPlan,
    strategy::StrategySpec,
    utilization::cores_idle,
};

use crate::{
    Engine, Refusal,
    quota::{self, Demands},
    room::memory_needed,
    spec::{self, Spec, layers},
    validation::{Asked, VALIDATOR},
};

/// Over how long idle cores are counted, in milliseconds.
const IDLE_INTERVAL_MS: u64 = 500;
/// What stands for that which no spec describes; no service can be called so.
const UNNAMED: &str = "(new)";

impl Engine {
    /// Whether an environment can run what is asked: each requirement with what was measured.
    ///
    /// # Errors
    /// There is no such environment or service, or something can't be measured.
    pub async fn compatibility(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
        wanted: &Requirements,
    ) -> Result<Compatibility, Refusal> {
        let registered = self.refuse_unknown_environment(project, environment).await?;
        let newest = spec::newest(self, &registered).await?;
        let requirements = self.requirements(&registered, &newest, environment, wanted).await?;
        Ok(Compatibility {
            project_id: project.clone(),
            environment: environment.clone(),
            can: requirements.iter().all(|one| one.met),
            requirements,
        })
    }

    async fn requirements(
        &self,
        registered: &Project,
        newest: &Project,
        environment: &EnvironmentName,
        wanted: &Requirements,
    ) -> Result<Vec<Requirement>, Refusal> {
        let spec = match self.understood.of(newest) {
            Ok(spec) => spec,
            Err(found) => return Ok(findings("spec", "a spec that can be used", found.iter())),
        };
        let layers = layers(self, &spec.source, &registered.id, environment).await?;
        let plan = match spec.environment(environment, &layers) {
            Ok((plan, _)) => plan,
            Err(found) => return Ok(findings("spec", "a spec that can be used", found.iter())),
        };
        refuse_unknown_service(wanted, &plan)?;
        let mut all = facts(wanted, plan.kind, &plan.facts);
        all.extend(self.nodes(wanted, &plan).await);
        let comes = comes(&registered.id, &plan, wanted);
        if !comes.is_empty() {
            all.extend(self.room_for(registered, &plan, wanted, &comes).await?);
        }
        if wanted.asks_spec() {
            let found = self.other_findings(registered, &spec, environment, wanted).await?;
            all.extend(findings("spec", "all else that a deployment is checked for", found.iter()));
        }
        Ok(all)
    }

    /// The versions of Node.js that are wanted.
    async fn nodes(&self, wanted: &Requirements, plan: &EnvironmentPlan) -> Vec<Requirement> {
        let own = services(plan, wanted).filter_map(|(_, service)| service.make.node_version.as_ref());
        let versions: BTreeSet<&String> = own.chain(&wanted.node_version).collect();
        if versions.is_empty() {
            return Vec::new();
        }
        let found = self.tool_version("node").await;
        let found = found.as_deref().map(|found| found.trim().trim_start_matches('v'));
        versions.into_iter().map(|wanted| node(wanted, found)).collect()
    }

    /// Quotas, and what is free.
    async fn room_for(
        &self,
        registered: &Project,
        plan: &EnvironmentPlan,
        wanted: &Requirements,
        comes: &Demands,
    ) -> Result<Vec<Requirement>, Fault> {
        let runs = self.demands(&registered.id, None).await?;
        let over = self.limits_of(registered).findings(&registered.id, &runs, comes);
        let mut all = findings("quota", "no more than quotas allow", over.iter());
        let blue_green = StrategySpec::default();
        let own = |name: &ServiceName| plan.services.get(name).map(|service| &service.serve.strategy);
        let strategy = |name: &ServiceName| wanted.strategy.as_ref().or_else(|| own(name)).unwrap_or(&blue_green);
        let (memory_mb, arithmetic) = memory_needed(&runs, comes, strategy);
        let more = |resource| -> f64 {
            let more = comes.iter().map(|(slot, new)| {
                let old = runs.get(slot).map_or(0.0, |old| old.of_resource(resource, None));
                (new.of_resource(resource, None) - old).max(0.0)
            });
            more.sum()
        };
        let disk_mb = more(Resource::DiskMb) as u64;
        let arrival = Arrival { memory_mb, cores: more(Resource::Cpu), disk_mb, arithmetic };
        all.extend(self.offer().await?.answer(&arrival));
        Ok(all)
    }

    /// What the target has, measured now.
    async fn offer(&self) -> Result<Offer, Fault> {
        let driver = &self.ports.driver;
        let before = driver.idle_time()?;
        self.ports.clock.sleep_ms(IDLE_INTERVAL_MS).await;
        let capacity = driver.capacity()?;
        let mut cores_promised = 0.0;
        for project in self.projects().await? {
            let demands = self.demands(&project.id, None).await?;
            cores_promised += demands.values().map(|demand| demand.of_resource(Resource::Cpu, None)).sum::<f64>();
        }
        Ok(Offer {
            capacity,
            cores_idle: cores_idle(before, driver.idle_time()?, capacity.cores),
            cores_promised,
            held: driver.held_limits(),
            disk_spare_mb: self.settings.disk_free_mb_min,
        })
    }

    /// What a validation finds besides room, quotas and versions, which have answers of their own.
    async fn other_findings(
        &self,
        registered: &Project,
        spec: &Spec,
        environment: &EnvironmentName,
        wanted: &Requirements,
    ) -> Result<Vec<Finding>, Fault> {
        let asked = Asked {
            project: registered.id.clone(),
            limits: quota::Limits::default(),
            services: &wanted.services,
            strategy: wanted.strategy.as_ref(),
            deployment: None,
        };
        let layers = layers(self, &spec.source, &registered.id, environment).await?;
        let mut found = self.validate_environment(spec, environment, &layers, &asked).await?.findings;
        let answered = |finding: &Finding| {
            finding.validator == VALIDATOR && matches!(finding.category, Category::Hardware | Category::Software)
        };
        found.retain(|finding| !answered(finding));
        Ok(found)
    }
}

/// The services whose spec is asked.
fn services<'a>(
    plan: &'a EnvironmentPlan,
    wanted: &'a Requirements,
) -> impl Iterator<Item = (&'a ServiceName, &'a shipway_core::spec::ServiceSpec)> {
    let asks = wanted.asks_spec();
    let meant = move |name: &ServiceName| asks && (wanted.services.is_empty() || wanted.services.contains(name));
    plan.services.iter().filter(move |(name, _)| meant(name))
}

/// All that would come, by slot.
fn comes(project: &ProjectId, plan: &EnvironmentPlan, wanted: &Requirements) -> Demands {
    let unnamed = ServiceName::new(UNNAMED);
    let of_spec = services(plan, wanted).map(|(name, service)| {
        let serve = &service.serve;
        (name, Demand::of(serve, serve.instances))
    });
    let more = wanted.has_size().then(|| (&unnamed, wanted.demand()));
    quota::comes(project, &plan.name, of_spec.chain(more))
}

fn refuse_unknown_service(wanted: &Requirements, plan: &EnvironmentPlan) -> Result<(), Refusal> {
    let stranger = wanted.services.iter().find(|name| !plan.services.contains_key(*name));
    let known = plan.services.keys().map(ServiceName::as_str);
    stranger.map_or(Ok(()), |name| Err(crate::refusal::unknown("service", name.as_str(), known)))
}
