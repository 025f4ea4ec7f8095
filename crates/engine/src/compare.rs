//! Two environments read at one commit and compared, also while a deployment runs. Not here: what counts as a
//! difference (`core::compare`).

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    compare::{Comparison, Side, compare},
    config::remote::RemoteValue,
    id::{EnvironmentName, ProjectId, ReleaseId, ServiceName},
    instance::Instance,
    ports::Fault,
    project::{EnvironmentLayer, Project},
    release::Release,
    slot::Slot,
    spec::EnvironmentPlan,
    store::{DocumentKind, read_all},
};

use crate::{Engine, Refusal, remote, secrets, spec::settings_layer};

/// What is compared.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The first environment; the project's first when absent.
    pub from: Option<EnvironmentName>,
    /// The second; when absent, the one that the first promotes to, else the next of the project.
    pub to: Option<EnvironmentName>,
    /// Only these services; all when empty.
    pub services: Vec<ServiceName>,
}

/// A project as it was at one commit.
struct Moment {
    commit: u64,
    project: Project,
    layers: Vec<Arc<EnvironmentLayer>>,
    remotes: Vec<RemoteValue>,
    slots: Vec<Arc<Slot>>,
    instances: Vec<Arc<Instance>>,
    releases: BTreeMap<ReleaseId, Arc<Release>>,
    /// Of the secrets of these releases.
    fingerprints: BTreeMap<ReleaseId, BTreeMap<String, String>>,
}

impl Engine {
    /// Compares two environments as they were at one commit.
    ///
    /// # Errors
    /// There is no such project, environment or service, or the store can't be read.
    pub async fn compare(&self, project: &ProjectId, what: &Compared) -> Result<Comparison, Refusal> {
        let known = self.known_project(project).await?;
        let (from, to) = self.both(&known, what).await?;
        let moment = Moment::of(self, known).await?;
        let plans = [&from, &to].map(|name| moment.plan(self, name));
        let first = moment.side(from, plans[0].as_deref());
        let second = moment.side(to, plans[1].as_deref());
        let only = what.services.iter().cloned().collect();
        let comparison = compare(moment.commit, &first, &second, &only);
        moment.refuse_unknown_services(self, what)?;
        Ok(comparison)
    }

    async fn both(&self, project: &Project, what: &Compared) -> Result<(EnvironmentName, EnvironmentName), Refusal> {
        let first = || project.environments.first().cloned();
        let none = || Fault::not_found(format!("{} has no environment", project.id));
        let from = what.from.clone().or_else(first).ok_or_else(none)?;
        self.known_environment(project, &from)?;
        let to = match &what.to {
            Some(to) => to.clone(),
            None => self.next_of(project, &from).await,
        };
        self.known_environment(project, &to)?;
        Ok((from, to))
    }

    /// Where an environment promotes to, else the one after it in the file, else itself.
    async fn next_of(&self, project: &Project, from: &EnvironmentName) -> EnvironmentName {
        let plan = self.environment_plan(project, from).await;
        let after = project.environments.iter().skip_while(|name| *name != from).nth(1);
        plan.and_then(|plan| plan.promotes_to.clone()).or_else(|| after.cloned()).unwrap_or_else(|| from.clone())
    }
}

impl Moment {
    async fn of(engine: &Engine, known: Project) -> Result<Self, Fault> {
        let kinds = [
            DocumentKind::Project,
            DocumentKind::Layer,
            DocumentKind::Slot,
            DocumentKind::Instance,
            DocumentKind::RemoteValue,
        ];
        let (commit, found) = engine.ports.store.snapshot(&kinds).await?;
        let [projects, layers, slots, instances, remotes] = found.as_slice() else {
            return Err(Fault::unavailable("the store gave other kinds than were asked for"));
        };
        let projects: Vec<Arc<Project>> = read_all(projects)?;
        let project = projects.iter().find(|project| project.id == known.id).map(|project| (**project).clone());
        let id = &known.id;
        let mut layers: Vec<Arc<EnvironmentLayer>> = read_all(layers)?;
        layers.retain(|layer| layer.project == *id);
        let mut slots: Vec<Arc<Slot>> = read_all(slots)?;
        slots.retain(|slot| slot.key.project == *id);
        let mut instances: Vec<Arc<Instance>> = read_all(instances)?;
        instances.retain(|instance| instance.slot.project == *id);
        let remotes: Vec<Arc<RemoteValue>> = read_all(remotes)?;
        let remotes = remotes.iter().filter(|value| value.project == *id).map(|value| (**value).clone()).collect();
        let (mut releases, mut fingerprints) = (BTreeMap::new(), BTreeMap::new());
        // Releases never change, so they may be read after the moment.
        for live in slots.iter().filter_map(|slot| slot.live.as_ref()) {
            let release = engine.release(&live.release).await?;
            fingerprints.insert(live.release.clone(), secrets::fingerprints(engine, &release).await?);
            releases.insert(live.release.clone(), release);
        }
        Ok(Self {
            commit,
            project: project.unwrap_or(known),
            layers,
            remotes,
            slots,
            instances,
            releases,
            fingerprints,
        })
    }

    fn plan(&self, engine: &Engine, environment: &EnvironmentName) -> Option<Arc<EnvironmentPlan>> {
        let spec = engine.understood.of(&self.project).ok()?;
        let set = self.layers.iter().find(|layer| layer.environment == *environment);
        let mut layers = remote::layers_of(&spec.source, environment, &self.remotes);
        layers.extend(set.map(|layer| settings_layer((**layer).clone())));
        spec.environment(environment, &layers).ok().map(|(plan, _)| plan)
    }

    fn side<'a>(&'a self, environment: EnvironmentName, plan: Option<&'a EnvironmentPlan>) -> Side<'a> {
        let slots = self.slots.iter().filter(|slot| slot.key.environment == environment).map(|slot| &**slot);
        let slots: Vec<&Slot> = slots.collect();
        let prints = |slot: &&Slot| {
            let print = self.fingerprints.get(&slot.live.as_ref()?.release)?;
            Some((slot.key.service.clone(), print.clone())).filter(|_| !print.is_empty())
        };
        let secrets = slots.iter().filter_map(prints).collect();
        let instances = self.instances.iter().filter(|one| one.slot.environment == environment);
        let instances = instances.map(|one| &**one).collect();
        Side { plan, slots, instances, releases: &self.releases, secrets, environment }
    }

    /// Refuses a service that the spec doesn't have and that runs nowhere: a slip would compare nothing, silently.
    fn refuse_unknown_services(&self, engine: &Engine, what: &Compared) -> Result<(), Refusal> {
        let spec = engine.understood.of(&self.project);
        let mut known = spec.map(|spec| spec.services()).unwrap_or_default();
        known.extend(self.slots.iter().map(|slot| slot.key.service.clone()));
        let Some(stranger) = what.services.iter().find(|service| !known.contains(service)) else { return Ok(()) };
        Err(crate::refusal::unknown("service", stranger.as_str(), known.iter().map(ServiceName::as_str)))
    }
}
