//! Taking a deployment in: the request is completed, its place in its environment found, and it is recorded.
//!
//! Not here: what a rollback asks for (`going_back`), what is made of it (`deploy`).

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    deployment::{Deployment, Kind, OnConflict, Request, Source},
    event::{EventKind, EventStatus},
    id::{Actor, ServiceName},
    lease::Carrier,
    ports::Fault,
    project::Project,
    slot::Slot,
    spec::Order,
    store::{Commit, Guarded, Listing, OpenDeployment},
    time::Timestamp,
};

use crate::{
    Engine, audit, breakers,
    deploy::{Active, say},
    gates,
    refusal::{Refusal, conflict, owners_alone},
    validation::needs_folder,
};

/// Deployments that are read at a time when one is looked for.
const PAGE: u32 = 20;
/// Instances of a service, as the spec bounds them.
const INSTANCES_MIN: u32 = 1;
const INSTANCES_MAX: u32 = 64;

impl Engine {
    pub(crate) async fn submit(
        self: &Arc<Self>,
        mut request: Request,
        actor: Actor,
    ) -> Result<Arc<Deployment>, Refusal> {
        refuse_stranger(&request, &actor)?;
        let _one_at_a_time = self.intake.one(&request).await;
        let project = self.known_project(&request.project).await?;
        self.complete_request(&mut request, &project).await?;
        breakers::refuse_stopped(self, &request).await?;
        self.refuse_held(&request).await?;
        self.make_way(&request, &actor).await?;
        let (number, created_at) = self.next_place(&request).await?;
        let (clock, ids) = (&self.ports.clock, &self.ports.ids);
        let mut deployment = Deployment::new(ids.deployment(), number, request, actor, ids.token(), created_at);
        deployment.carrier = Carrier { server: self.itself.id.clone(), token: 1 };
        for service in deployment.request.services.clone() {
            deployment.services.entry(service).or_default();
        }
        let words = deployment.request.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let message = format!(
            "{} asked for {} of {}{words}",
            deployment.actor.name,
            deployment.request.kind.name(),
            deployment.name
        );
        let event = say(&deployment, EventKind::DeploymentQueued, EventStatus::Running, message);
        let glass = gates::break_at_once(&mut deployment, created_at)?;
        let open = OpenDeployment { id: deployment.id.clone() };
        let Request { project, environment, .. } = deployment.request.clone();
        let deployment = Arc::new(deployment);
        let commit = Commit::at(clock.now())
            .put_record(&deployment)
            .put(&open)
            .event(event)
            .raise(Guarded::Carrier(deployment.id.clone()), 0)
            .raise(Guarded::Numbers(project, environment), number - 1);
        let commit = glass.into_iter().fold(commit, Commit::event);
        self.ports.store.commit(commit).await?;
        self.carry(deployment.clone(), false);
        Ok(deployment)
    }

    /// Fills in what the request leaves to Shipway, and refuses what can't be meant.
    pub(crate) async fn complete_request(&self, request: &mut Request, project: &Project) -> Result<(), Refusal> {
        self.known_environment(project, &request.environment)?;
        refuse_members_elsewhere(request)?;
        match &request.kind {
            Kind::Deploy => {
                if needs_folder(&request.source) && request.source == Source::Project && project.folder.is_none() {
                    let message = format!("the project {} has no folder on this server", project.id);
                    return Err(conflict(message, "send an upload or artifacts as the source"));
                }
                let says_why = request.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
                if request.allow_quarantined && !says_why {
                    return Err(conflict("what is quarantined is deployed for a reason", "say it: `--reason WHY`"));
                }
                self.choose_services(request, project).await
            }
            Kind::Rollback { .. } => self.complete_rollback(request).await,
            Kind::Scale { instances } => {
                if instances.is_empty() {
                    return Err(conflict("nothing to scale is named", "write it like `shipway scale catalog=3`"));
                }
                refuse_count(instances)?;
                request.services = instances.keys().cloned().collect();
                Ok(())
            }
            Kind::Decommission => self.complete_decommission(request).await,
            Kind::RestoreData { snapshots } => {
                if snapshots.is_empty() {
                    return Err(conflict("no snapshot is named", "`shipway snapshot list` shows them"));
                }
                request.services = snapshots.keys().cloned().collect();
                self.complete_decommission(request).await?;
                self.refuse_missing_snapshots(request, snapshots).await
            }
        }
    }

    /// Names the services of a group, or of all but those that are left out. What is said of single services must be
    /// said of these.
    async fn choose_services(&self, request: &mut Request, project: &Project) -> Result<(), Refusal> {
        let some_are_meant = request.group.is_some() || !request.exclude.is_empty();
        if !some_are_meant && of_single_services(request).is_empty() {
            return Ok(());
        }
        let named = self.named_services(request, project).await?;
        if let Some(stranger) = request.exclude.iter().find(|service| !named.contains(service)) {
            let message = format!("{stranger} can't be left out: it is not among the services");
            return Err(conflict(message, these_are(&named)));
        }
        let chosen: Vec<_> = named.into_iter().filter(|service| !request.exclude.contains(service)).collect();
        if chosen.is_empty() {
            return Err(conflict("every service is left out", "leave at least one in"));
        }
        refuse_strangers(request, &chosen)?;
        if some_are_meant {
            request.services = chosen;
        }
        Ok(())
    }

    /// The services that are named, before any is left out.
    async fn named_services(&self, request: &Request, project: &Project) -> Result<Vec<ServiceName>, Refusal> {
        let (project, _) = crate::spec::of_request(self, project.clone(), request).await?;
        let spec = self.understood.of(&project).map_err(Refusal::Findings)?;
        let Some(name) = &request.group else {
            return Ok(if request.services.is_empty() { spec.services() } else { request.services.clone() });
        };
        if !request.services.is_empty() {
            return Err(conflict("a group is named, and services too", "name a group, or services"));
        }
        let groups = spec.groups();
        groups.get(name).map(|group| group.services.clone()).ok_or_else(|| {
            let names = groups.keys().cloned().collect::<Vec<_>>().join(", ");
            let fault = Fault::not_found(format!("there is no group `{name}`"));
            Refusal::Fault(fault.with_hint(format!("the groups are {names}")))
        })
    }

    async fn complete_decommission(&self, request: &Request) -> Result<(), Refusal> {
        let slots = self.slots_of_environment(request).await?;
        for service in &request.services {
            if !slots.iter().any(|slot| slot.key.service == *service && !slot.is_empty()) {
                let message = format!("{service} does not run in {}", request.environment);
                return Err(Refusal::Fault(Fault::not_found(message).with_hint("see `shipway ps`")));
            }
        }
        if request.services.is_empty() {
            return Err(conflict("no service is named", "name what to remove: `shipway decommission SERVICE`"));
        }
        Ok(())
    }

    pub(crate) async fn slots_of_environment(&self, request: &Request) -> Result<Vec<Slot>, Fault> {
        self.ports.store.below(&format!("{}/{}", request.project, request.environment)).await
    }

    /// The newest deployment below a scope that fits, read page by page.
    pub(crate) async fn newest_that(
        &self,
        scope: &str,
        fits: impl Fn(&Deployment) -> bool,
    ) -> Result<Option<Arc<Deployment>>, Fault> {
        let mut before = None;
        loop {
            let listing = Listing { scope: scope.into(), before, newest_first: true, limit: PAGE };
            let page = self.ports.store.deployments(listing).await?;
            let Some(last) = page.last() else { return Ok(None) };
            before = Some(last.created_at.0);
            if let Some(found) = page.into_iter().find(|deployment| fits(deployment)) {
                return Ok(Some(found));
            }
        }
    }

    /// Refuses or supersedes what writes the same slots, when the request says so.
    async fn make_way(self: &Arc<Self>, request: &Request, actor: &Actor) -> Result<(), Refusal> {
        if request.on_conflict == OnConflict::Queue {
            return Ok(());
        }
        let running: Vec<Arc<Active>> = self.active().values().cloned().collect();
        let mut same = Vec::new();
        for active in running {
            let other = active.read().await;
            if overlaps(request, &other) {
                same.push(other);
            }
        }
        if same.is_empty() {
            return Ok(());
        }
        if request.on_conflict == OnConflict::Refuse {
            let list = same.iter().map(|other| format!("{} ({}) is {}", other.name, other.id, other.phase)).collect();
            let hint = Some("wait for it, cancel it, or ask with `--on-conflict queue` or `supersede`".into());
            let message = "the same services are being written".into();
            return Err(Refusal::Conflict { message, list, hint });
        }
        for other in same {
            let reason = Some("superseded by a newer deployment".to_owned());
            match audit::beside(self.cancel(&other.id, reason, actor.clone())).await {
                // It is going back already, or has just ended: its services are waited for, as in a queue.
                Ok(_) | Err(Refusal::Conflict { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// The number of an environment's next deployment, and its time. The time is after that of the one before, whatever
    /// a clock says that was set back: history is read by it.
    async fn next_place(&self, request: &Request) -> Result<(u64, Timestamp), Fault> {
        let scope = format!("{}/{}", request.project, request.environment);
        let now = self.ports.clock.now();
        let Some(newest) = self.newest_that(&scope, |_| true).await? else { return Ok((1, now)) };
        Ok((newest.number + 1, now.max(newest.created_at.plus_ms(1))))
    }
}

/// Whether a request and a running deployment write the same slots. Without names it is all of the environment.
fn overlaps(request: &Request, other: &Deployment) -> bool {
    let same_place = other.request.project == request.project && other.request.environment == request.environment;
    let all = request.services.is_empty() || other.request.services.is_empty();
    same_place && (all || request.services.iter().any(|service| other.request.services.contains(service)))
}

/// Refuses to leave unheard what only a deployment of new releases listens to.
fn refuse_members_elsewhere(request: &Request) -> Result<(), Refusal> {
    let said = [
        ("group", request.group.is_some()),
        ("exclude", !request.exclude.is_empty()),
        ("changed", request.changed),
        ("order", request.order.is_some()),
        ("versions", !request.versions.is_empty()),
        ("artifacts", !request.artifacts.is_empty()),
        ("allowQuarantined", request.allow_quarantined),
        ("at", request.at.is_some()),
        ("breakGlass", request.break_glass && request.kind != Kind::Decommission),
    ];
    let Some((field, _)) = said.into_iter().find(|(_, is_said)| *is_said && request.kind != Kind::Deploy) else {
        return Ok(());
    };
    let message = format!("`{field}` is for deployments of new releases, and this is a {}", request.kind.name());
    Err(conflict(message, "leave it out, and name the services"))
}

/// The services of which a request says something of their own, each with what that is.
fn of_single_services(request: &Request) -> Vec<(&ServiceName, &'static str)> {
    let versions = request.versions.keys().map(|service| (service, "a version"));
    let artifacts = request.artifacts.keys().map(|service| (service, "an artifact"));
    let waves = match &request.order {
        Some(Order::Waves(waves)) => waves.as_slice(),
        Some(Order::Named(_)) | None => &[],
    };
    let waves = waves.iter().flatten().map(|service| (service, "a place in the order"));
    versions.chain(artifacts).chain(waves).collect()
}

/// Refuses what is said of a service that is not deployed: a name that was mistyped would change nothing, silently.
fn refuse_strangers(request: &Request, chosen: &[ServiceName]) -> Result<(), Refusal> {
    let stranger = of_single_services(request).into_iter().find(|(service, _)| !chosen.contains(service));
    let Some((service, what)) = stranger else { return Ok(()) };
    let message = format!("{what} is given to {service}, which is not among the services");
    Err(conflict(message, these_are(chosen)))
}

fn these_are(services: &[ServiceName]) -> String {
    format!("these are {}", services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", "))
}

/// Refuses a count that the spec would refuse too.
fn refuse_count(instances: &BTreeMap<ServiceName, u32>) -> Result<(), Refusal> {
    let beyond = instances.iter().find(|(_, count)| !(INSTANCES_MIN..=INSTANCES_MAX).contains(*count));
    let Some((service, count)) = beyond else { return Ok(()) };
    let message = format!("{service} can't have {count} instances: it is {INSTANCES_MIN} to {INSTANCES_MAX}");
    Err(conflict(message, format!("to remove it, use `shipway decommission {service}`")))
}

/// Refuses a path on the server's machine from anybody but the owner.
pub(crate) fn refuse_stranger(request: &Request, actor: &Actor) -> Result<(), Refusal> {
    if !matches!(request.source, Source::Path(_)) || actor.owner {
        return Ok(());
    }
    Err(owners_alone("only the owner of the data folder may name a path on the server's machine"))
}
