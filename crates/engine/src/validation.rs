//! Validation before anything moves: the spec, and the machine that it is to run on. All findings at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use shipway_core::{
    command_line::CommandLine,
    compatibility::node_fits,
    deployment::{Deployment, Request, Source},
    finding::{Category, Finding, blocks},
    id::{DeploymentId, EnvironmentName, ProjectId, ServiceName, SlotKey},
    ports::{CommandEnd, CommandEvent, CommandRun, Fault},
    project::Project,
    quota::Demand,
    route::host_in,
    slot::Slot,
    spec::{EnvironmentPlan, ServiceKind, ServiceSpec},
    strategy::StrategySpec,
};

use crate::{
    Engine,
    quota::{self, Limits},
    remote, secrets,
    spec::{self, Spec, layers},
};

pub(crate) const VALIDATOR: &str = "machine";
const TOOL_TIMEOUT_MS: u64 = 10_000;

/// What a validation gives.
pub struct Validation {
    /// Everything that was found, critical first.
    pub findings: Vec<Finding>,
    /// The environment as it was understood; none when the spec itself is wrong.
    pub environment: Option<Arc<EnvironmentPlan>>,
}

/// What is asked about an environment.
pub(crate) struct Asked<'a> {
    pub(crate) project: ProjectId,
    /// The quotas that hold.
    pub(crate) limits: Limits,
    /// The services that come; all of them when empty.
    pub(crate) services: &'a [ServiceName],
    pub(crate) strategy: Option<&'a StrategySpec>,
    pub(crate) deployment: Option<&'a DeploymentId>,
}

impl Engine {
    /// Validates a spec's text, for one environment or all.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn validate_text(
        &self,
        file: &str,
        text: &str,
        environment: Option<&EnvironmentName>,
    ) -> Result<Validation, Fault> {
        let spec = match self.understood.spec(file, text) {
            Ok(spec) => spec,
            Err(findings) => return Ok(Validation { findings, environment: None }),
        };
        let Some(name) = environment else {
            return self.validate_all(&spec);
        };
        let project = spec.source.tree.pointer("/project/name").and_then(|name| name.as_str()).unwrap_or_default();
        let project = ProjectId::new(project);
        let registered: Option<Project> = self.ports.store.find(project.as_str()).await?;
        let made = registered.map(|registered| registered.made).unwrap_or_default();
        let spec = match self.understood.with(file, text, &made) {
            Ok(spec) => spec,
            Err(findings) => return Ok(Validation { findings, environment: None }),
        };
        let layers = layers(self, &spec.source, &project, name).await?;
        let limits = Limits::of(&spec.source.tree);
        let asked = Asked { project, limits, services: &[], strategy: None, deployment: None };
        self.validate_environment(&spec, name, &layers, &asked).await
    }

    /// Validates all environments, as far as that takes no look at what runs.
    fn validate_all(&self, spec: &Spec) -> Result<Validation, Fault> {
        let mut findings = spec.findings(None);
        for name in spec.environments() {
            if let Ok((plan, _)) = spec.environment(&name, &[]) {
                findings.extend(self.unknown_zones(&plan)?);
            }
        }
        findings.sort_by_key(|finding| finding.severity);
        Ok(Validation { findings, environment: None })
    }

    /// Validates what a deployment would use.
    pub(crate) async fn validate_request(
        &self,
        project: &Project,
        deployment: &Deployment,
    ) -> Result<Validation, Fault> {
        let Request { environment, services, config, strategy, .. } = &deployment.request;
        let spec = match self.understood.of(project) {
            Ok(spec) => spec,
            Err(findings) => return Ok(Validation { findings, environment: None }),
        };
        let name = spec.source.tree.pointer("/project/name").and_then(|name| name.as_str()).unwrap_or_default();
        if name != project.id.as_str() {
            let findings = vec![spec::other_project(&project.id, name)];
            return Ok(Validation { findings, environment: None });
        }
        let registered = self.ports.store.share::<Project>(project.id.as_str()).await?;
        let answers = match &registered {
            Some(registered) => remote::ask(self, &spec.source, registered, environment).await?,
            None => remote::Answers::default(),
        };
        if blocks(&answers.findings) {
            return Ok(Validation { findings: answers.findings, environment: None });
        }
        let layers = spec::above(self, answers.layers.clone(), &project.id, environment, config.as_ref()).await?;
        let asked = Asked {
            project: project.id.clone(),
            limits: registered.map(|registered| self.limits_of(&registered)).unwrap_or_default(),
            services,
            strategy: strategy.as_ref(),
            deployment: Some(&deployment.id),
        };
        let mut validation = self.validate_environment(&spec, environment, &layers, &asked).await?;
        if validation.environment.is_some() && !blocks(&validation.findings) {
            remote::remember(self, &answers).await?;
        }
        validation.findings.extend(answers.findings);
        validation.findings.sort_by_key(|finding| finding.severity);
        Ok(validation)
    }

    /// Validates one environment of a spec.
    pub(crate) async fn validate_environment(
        &self,
        spec: &Spec,
        name: &EnvironmentName,
        layers: &[shipway_config::resolve::Layer],
        asked: &Asked<'_>,
    ) -> Result<Validation, Fault> {
        let services = asked.services;
        let (plan, mut findings) = match spec.environment(name, layers) {
            Ok(resolved) => resolved,
            Err(findings) => return Ok(Validation { findings, environment: None }),
        };
        findings.extend(self.disk_room()?);
        findings.extend(self.disk_findings(&asked.project, &plan, services).await?);
        findings.extend(self.what_comes(&plan, asked).await?);
        findings.extend(self.unknown_zones(&plan)?);
        findings.extend(self.taken_routes(spec, &plan).await?);
        let project = spec.source.tree.pointer("/project/name").and_then(|name| name.as_str()).unwrap_or_default();
        findings.extend(secrets::missing(self, &ProjectId::new(project), &plan, services).await?);
        for (service, wanted) in plan.services.iter().filter(|(name, _)| services.is_empty() || services.contains(name))
        {
            findings.extend(self.machine(service, wanted).await?);
        }
        for service in services.iter().filter(|service| !plan.services.contains_key(*service)) {
            findings.push(unknown_service(service, &plan));
        }
        findings.sort_by_key(|finding| finding.severity);
        Ok(Validation { findings, environment: Some(plan) })
    }

    /// What stands against all that comes, taken together: quotas, and the memory that is free.
    async fn what_comes(&self, plan: &EnvironmentPlan, asked: &Asked<'_>) -> Result<Vec<Finding>, Fault> {
        let meant = |name: &ServiceName| asked.services.is_empty() || asked.services.contains(name);
        let demands = plan.services.iter().filter(|(name, _)| meant(name));
        let demands = demands.map(|(name, service)| (name, Demand::of(&service.serve, service.serve.instances)));
        let comes = quota::comes(&asked.project, &plan.name, demands);
        let runs = self.demands(&asked.project, asked.deployment).await?;
        let own = |name: &ServiceName| plan.services.get(name).map(|service| &service.serve.strategy);
        let blue_green = StrategySpec::default();
        let strategy = |name: &ServiceName| asked.strategy.or_else(|| own(name)).unwrap_or(&blue_green);
        let mut findings = asked.limits.findings(&asked.project, &runs, &comes);
        findings.extend(self.memory_room(&runs, &comes, strategy)?);
        Ok(findings)
    }

    /// Routes that another project has already.
    async fn taken_routes(&self, spec: &Spec, plan: &EnvironmentPlan) -> Result<Vec<Finding>, Fault> {
        let name = spec.source.tree.pointer("/project/name").and_then(|name| name.as_str()).unwrap_or_default();
        let project = ProjectId::new(name);
        let slots: Vec<Slot> = self.ports.store.below("").await?;
        let mut taken = BTreeMap::new();
        for slot in slots.iter().filter(|slot| slot.key.project != project) {
            let Some(live) = &slot.live else { continue };
            for route in &self.release(&live.release).await?.serve.routes {
                taken.insert((host_in(route, &slot.key), route.path.clone()), slot.key.clone());
            }
        }
        let mut findings = Vec::new();
        for (service, wanted) in &plan.services {
            let key = SlotKey { project: project.clone(), environment: plan.name.clone(), service: service.clone() };
            for (number, route) in wanted.serve.routes.iter().enumerate() {
                let Some(other) = taken.get(&(host_in(route, &key), route.path.clone())) else { continue };
                let message = format!("{}{} is taken by {other}", host_in(route, &key), route.path);
                let field = format!("services.{service}.routes[{number}]");
                let finding = Finding::critical(VALIDATOR, Category::Network, message).field(field);
                findings.push(finding.recommendation("choose another host or path, or decommission the other service"));
            }
        }
        Ok(findings)
    }

    /// What this machine has against a service.
    async fn machine(&self, name: &ServiceName, service: &ServiceSpec) -> Result<Vec<Finding>, Fault> {
        let mut findings: Vec<_> = self.user(name, service).into_iter().collect();
        findings.extend(self.limits(name, service));
        if let Some(wanted) = &service.make.node_version {
            findings.extend(self.node(name, wanted).await);
        }
        Ok(findings)
    }

    fn user(&self, name: &ServiceName, service: &ServiceSpec) -> Option<Finding> {
        if !self.settings.is_root {
            return None;
        }
        let field = format!("services.{name}.run_as");
        let runs = service.serve.kind == ServiceKind::Process || service.make.build.is_some();
        match service.serve.run_as.as_deref() {
            None if runs => Some(
                Finding::critical(VALIDATOR, Category::Security, format!("{name} would build and run as root"))
                    .field(field)
                    .recommendation("name a user in `run_as`, or write `run_as = \"@server\"` if root is meant"),
            ),
            Some("@server" | "root" | "0") => Some(
                Finding::warning(VALIDATOR, Category::Security, format!("{name} builds and runs as root"))
                    .field(field)
                    .recommendation("name a user of its own in `run_as`"),
            ),
            _ => None,
        }
    }

    fn limits(&self, name: &ServiceName, service: &ServiceSpec) -> Vec<Finding> {
        let held = self.ports.driver.held_limits();
        let limits = &service.serve.limits;
        let asked = [
            ("memory_mb", limits.memory_mb.is_some(), held.memory),
            ("cpu", limits.cpu.is_some(), held.cpu),
            ("processes", limits.processes.is_some(), held.processes),
            ("disk_mb", limits.disk_mb.is_some(), false),
        ];
        let not_held = asked.into_iter().filter(|(_, asked, held)| *asked && !held);
        not_held
            .map(|(limit, ..)| {
                let message = format!("{name}: this machine can't hold `limits.{limit}`: it is not limited");
                Finding::warning(VALIDATOR, Category::Hardware, message)
                    .field(format!("services.{name}.limits.{limit}"))
                    .details(held.reason.clone())
            })
            .collect()
    }

    async fn node(&self, name: &ServiceName, wanted: &str) -> Option<Finding> {
        let field = format!("services.{name}.node_version");
        let critical = |message| Finding::critical(VALIDATOR, Category::Software, message).field(field);
        let Some(found) = self.tool_version("node").await else {
            let message = format!("{name} needs Node.js {wanted}, and there is no `node` on the server's PATH");
            return Some(critical(message).recommendation(format!("install Node.js {wanted} on the server")));
        };
        let version = found.trim().trim_start_matches('v');
        (!node_fits(wanted, version)).then(|| {
            critical(format!("{name} needs Node.js {wanted}, and the server has {version}"))
                .recommendation(format!("install Node.js {wanted}, or change `node_version`"))
        })
    }

    /// The first line that a tool says of its version; none when it isn't there.
    pub(crate) async fn tool_version(&self, program: &str) -> Option<String> {
        use futures_util::StreamExt;
        let pass = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"];
        let variables = pass.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
        let run = CommandRun {
            command: CommandLine::new(vec![program.to_owned(), "--version".into()]).ok()?,
            folder: self.settings.folders.data.clone(),
            variables,
            run_as: None,
            timeout_ms: TOOL_TIMEOUT_MS,
            input: Vec::new(),
            secret_files: BTreeMap::new(),
        };
        let events: Vec<_> = self.ports.runner.run(run).collect().await;
        let mut first = None;
        for event in events {
            match event.ok()? {
                CommandEvent::Line(line) => first = first.or(Some(line)),
                CommandEvent::Ended(CommandEnd::Exited(0)) => return first,
                CommandEvent::Ended(_) => return None,
            }
        }
        None
    }

    /// Services that run and are no longer in the spec.
    pub(crate) async fn left_behind(&self, project: &ProjectId, plan: &EnvironmentPlan) -> Result<Vec<Finding>, Fault> {
        let slots: Vec<Slot> = self.ports.store.below(&format!("{project}/{}", plan.name)).await?;
        let known: BTreeSet<_> = plan.services.keys().collect();
        let left = slots.into_iter().filter(|slot| slot.live.is_some() && !known.contains(&slot.key.service));
        Ok(left
            .map(|slot| {
                let name = slot.key.service;
                let message = format!("{name} runs in {} and is no longer in the spec: it goes on running", plan.name);
                Finding::warning("spec", Category::Configuration, message)
                    .recommendation(format!("remove it with `shipway decommission {name} -e {}`", plan.name))
            })
            .collect())
    }
}

fn unknown_service(service: &ServiceName, plan: &EnvironmentPlan) -> Finding {
    let names = plan.services.keys().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
    Finding::critical("spec", Category::Configuration, format!("there is no service `{service}`"))
        .recommendation(format!("the services are {names}"))
}

/// Whether the source needs a project folder.
pub(crate) fn needs_folder(source: &Source) -> bool {
    matches!(source, Source::Project | Source::Path(_))
}
