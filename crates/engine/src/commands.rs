//! Commands: the only way to change anything.

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    access::{AccessToken, TokenText},
    command::{Command, Registration},
    config::remote::RemoteStanding,
    deployment::{Deployment, Kind, OnConflict, Request, Source},
    event::{EventBody, EventKind, EventStatus},
    finding::{Finding, blocks},
    flag::Flag,
    id::{Actor, DeploymentId, EnvironmentName, ProjectId, ServiceName},
    lease::Carrier,
    phase::Phase,
    ports::{Fault, FaultKind},
    project::{EnvironmentLayer, Project},
    promotion::{Combination, Hold},
    schedule::Schedule,
    secret::Secret,
    slot::Slot,
    spec::{EnvironmentPlan, Order},
    store::{Commit, Guarded, Listing, OpenDeployment},
    time::Timestamp,
};

use crate::{
    Engine, audit, breakers, configuration,
    deploy::{Active, say},
    gates,
    retention::Swept,
    secrets::{self, Rekeyed},
    spec::layers,
    validation::needs_folder,
};

/// Deployments that are read at a time when one is looked for.
const PAGE: u32 = 20;
/// Instances of a service, as the spec bounds them.
const INSTANCES_MIN: u32 = 1;
const INSTANCES_MAX: u32 = 64;

/// What a command gives.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The deployment as it is now.
    Deployment(Arc<Deployment>),
    /// The project as it is now.
    Project(Box<Project>),
    /// A combination that has a name now.
    Combination(Box<Combination>),
    /// The schedule as it is now, or was.
    Schedule(Box<Schedule>),
    /// What remotes said.
    Remotes(Vec<RemoteStanding>),
    /// The layer as it is now.
    Layer(Box<EnvironmentLayer>),
    /// The feature flag as it is now.
    Flag(Box<Flag>),
    /// An access token, and its text, which is shown this once.
    Token(Box<AccessToken>, TokenText),
    /// An access token that is no more.
    RevokedToken(Box<AccessToken>),
    /// The secret as it is now, sealed.
    Secret(Box<Secret>),
    /// Another master key seals now.
    Rekeyed(Rekeyed),
    /// What was removed of an environment's past.
    Swept(Swept),
    /// Nothing more to say.
    Done,
}

/// Why a command is refused. Nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// A port failed, or something isn't there.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It may not be done now.
    #[error("{message}")]
    Conflict {
        /// Why.
        message: String,
        /// What stands against it, one line each.
        list: Vec<String>,
        /// What to do.
        hint: Option<String>,
    },
    /// The spec or the request is wrong.
    #[error("{} finding(s), the first: {}", .0.len(), .0.first().map(|f| f.message.as_str()).unwrap_or("none"))]
    Findings(Vec<Finding>),
    /// The actor may not.
    #[error("{message}")]
    Forbidden {
        /// Who may not do what, and what it takes.
        message: String,
        /// Who can change that, and how.
        hint: Option<String>,
    },
}

pub(crate) fn conflict(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::Conflict { message: message.into(), list: Vec::new(), hint: Some(hint.into()) }
}

pub(crate) fn forbidden(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::Forbidden { message: message.into(), hint: Some(hint.into()) }
}

impl Engine {
    /// Does what is asked, or refuses it whole.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn execute(self: &Arc<Self>, command: Command, actor: Actor) -> Result<Reply, Refusal> {
        let engine = self.clone();
        // In a task of its own: a caller who goes away in the middle must not leave a command half done.
        let done = self.ports.tasks.finish(async move { engine.guarded(command, actor).await }).await;
        done.unwrap_or_else(|| Err(Fault::unavailable("the command was cut off: the server stops").into()))
    }

    /// Does what the actor may ask for, and records that it was asked for.
    async fn guarded(self: &Arc<Self>, command: Command, actor: Actor) -> Result<Reply, Refusal> {
        let meaning = command.meaning();
        let mut at = self.locate(&meaning.about).await?;
        if let Command::Register(registration) = &command {
            at.project = self.named_project(registration);
        }
        let doing = async {
            self.authorize(&command, &meaning, &at, &actor).await?;
            self.obey(command, actor.clone()).await
        };
        self.record(&meaning, &actor, &at, doing, |reply| Some(reply)).await
    }

    async fn obey(self: &Arc<Self>, command: Command, actor: Actor) -> Result<Reply, Refusal> {
        match command {
            Command::Deploy(request) => self.submit(*request, actor).await.map(Reply::Deployment),
            Command::CreateSchedule(order) => self.create_schedule(*order, &actor).await,
            Command::HoldSchedule { project, name, paused } => {
                self.hold_schedule((&project, &name), paused, &actor).await
            }
            Command::DeleteSchedule { project, name } => self.delete_schedule(&project, &name, &actor).await,
            Command::Register(registration) => self.register(registration, &actor).await,
            Command::SetLayer { project, environment, set, unset, reason, expected } => {
                let what = configuration::What::Set { set, unset };
                self.change_settings(configuration::Change { project, environment, what, reason, expected }, &actor)
                    .await
            }
            Command::RestoreLayer { project, environment, version, reason, expected } => {
                let what = configuration::What::Restore(version);
                self.change_settings(configuration::Change { project, environment, what, reason, expected }, &actor)
                    .await
            }
            Command::FetchRemotes { project, environment } => {
                self.fetch_remotes(&project, &environment).await.map(Reply::Remotes)
            }
            Command::MakeEnvironment { project, environment, stated } => {
                self.make_environment(project, environment, stated, &actor).await
            }
            Command::RemoveEnvironment { project, environment } => {
                self.remove_environment(project, environment, &actor).await
            }
            Command::SetFlag(change) => self.set_flag(change, &actor).await,
            Command::DeleteFlag { project, environment, name, expected } => {
                self.delete_flag(&project, &environment, &name, expected, &actor).await
            }
            Command::Retain { project, environment } => self.retain(&project, &environment).await,
            Command::Secret(command) => secrets::command(self, *command, &actor).await,
            Command::Hold { project, environment, service, pin, reason } => {
                let (by, at) = (actor.name, self.ports.clock.now());
                self.put_hold(Hold { project, environment, service, pin, reason, by, at }).await
            }
            Command::NameCombination { project, environment, name } => {
                self.name_combination(project, environment, name, &actor).await
            }
            Command::Promote(wish) => self.promote(*wish, actor).await.map(Reply::Deployment),
            Command::Unhold { project, environment, service } => {
                self.end_hold(&project, &environment, service.as_ref(), &actor).await
            }
            Command::Cancel { deployment, reason } => self.cancel(&deployment, reason, actor).await,
            Command::Pause { deployment } => self.hold(&deployment, true, &actor).await,
            Command::Resume { deployment } => self.hold(&deployment, false, &actor).await,
            Command::Advance { deployment } => self.advance(&deployment, &actor).await,
            Command::Approve { deployment, hash, reason } => self.approve(&deployment, hash, reason, &actor).await,
            Command::Reject { deployment, reason } => self.reject(&deployment, reason, actor).await,
            Command::BreakGlass { deployment, reason } => self.break_glass(&deployment, reason, &actor).await,
            Command::Retry { deployment } => self.retry(&deployment, &actor).await.map(Reply::Deployment),
            Command::Skip { deployment, step, reason } => {
                self.skip(&deployment, step, reason, actor).await.map(Reply::Deployment)
            }
            Command::Resolve { deployment, reason } => {
                self.resolve(&deployment, reason, &actor).await.map(Reply::Deployment)
            }
            Command::ResetBreaker { name, reason } => match breakers::reset(self, &name, &reason, &actor).await? {
                true => Ok(Reply::Done),
                false => Err(conflict(format!("{name} is no open breaker"), "see `shipway breakers`")),
            },
            Command::CreateToken(request) => self.create_token(request, &actor).await,
            Command::RevokeToken { name } => self.revoke_token(&name).await,
        }
    }

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

    pub(crate) async fn known_project(&self, id: &ProjectId) -> Result<Project, Refusal> {
        let found: Option<Project> = self.ports.store.find(id.as_str()).await?;
        found.ok_or_else(|| {
            let fault = Fault::not_found(format!("there is no project `{id}`"));
            Refusal::Fault(fault.with_hint("register it: `shipway deploy` in its folder does, or POST /api/projects"))
        })
    }

    pub(crate) fn known_environment(&self, project: &Project, name: &EnvironmentName) -> Result<(), Refusal> {
        if project.environments.contains(name) {
            return Ok(());
        }
        Err(unknown("environment", name.as_str(), project.environments.iter().map(EnvironmentName::as_str)))
    }

    async fn register(&self, registration: Registration, actor: &Actor) -> Result<Reply, Refusal> {
        if registration.folder.is_some() && !actor.owner {
            let message = "only the owner of the data folder may name a folder on the server's machine";
            return Err(owners_alone(message));
        }
        let _one_at_a_time = self.intake.all().await;
        let spec = self.understood.spec(&registration.file, &registration.text).map_err(Refusal::Findings)?;
        let findings = spec.findings(None);
        if blocks(&findings) {
            return Err(Refusal::Findings(findings));
        }
        let named = shipway_config::resolve::project(&spec.source).map_err(Refusal::Findings)?;
        let now = self.ports.clock.now();
        let id = ProjectId::new(named.name);
        let known: Option<Project> = self.ports.store.find(id.as_str()).await?;
        // What was made through the API stays, unless the file has it now.
        let mut environments = spec.environments();
        let mut made = known.as_ref().map(|known| known.made.clone()).unwrap_or_default();
        made.retain(|name, _| !environments.contains(name));
        environments.extend(made.keys().cloned());
        let gone = known.iter().flat_map(|known| &known.environments).filter(|name| !environments.contains(name));
        for name in gone {
            self.refuse_busy(&id, name).await?;
        }
        let project = Project {
            id,
            description: named.description,
            file: registration.file,
            text: registration.text,
            // Who may name no folder takes none away either.
            folder: registration.folder.or_else(|| known.as_ref().filter(|_| !actor.owner)?.folder.clone()),
            environments,
            made,
            created_at: known.as_ref().map_or(now, |known| known.created_at),
            updated_at: now,
        };
        let same = known.is_some_and(|known| Project { updated_at: now, ..known } == project);
        if !same {
            let message = format!("{} registered {}", actor.name, project.id);
            let event = EventBody::new(EventKind::ProjectRegistered, EventStatus::Ok, "commands", message);
            let event = EventBody { project: Some(project.id.clone()), ..event };
            self.ports.store.commit(Commit::at(now).put(&project).event(event)).await?;
        }
        Ok(Reply::Project(Box::new(project)))
    }

    pub(crate) async fn running(&self, id: &DeploymentId) -> Result<Arc<Active>, Refusal> {
        let deployment = self.find_deployment(id.as_str()).await?;
        // One that has ended is still there while it tidies up.
        let active = self.active().get(&deployment.id).cloned().filter(|_| !deployment.phase.is_end());
        active.ok_or_else(|| {
            let message = format!("{} has ended: it is {}", deployment.name, deployment.phase);
            conflict(message, format!("to take it back, use `shipway rollback {}`", deployment.name))
        })
    }

    async fn cancel(&self, id: &DeploymentId, reason: Option<String>, actor: Actor) -> Result<Reply, Refusal> {
        let active = self.running(id).await?;
        let now = active.read().await;
        if now.phase == Phase::RollingBack {
            return Err(conflict(format!("{} is going back already", now.name), "wait for it to end"));
        }
        let asked_at = self.ports.clock.now();
        let asked = |deployment: &mut Deployment| {
            deployment.cancel = Some(actor.clone());
            deployment.hold(false, asked_at);
            let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let message = format!("{} asked for its end{why}", actor.name);
            vec![say(deployment, EventKind::DeploymentCancelled, EventStatus::Warning, message)]
        };
        active.update(self, asked).await?;
        Ok(Reply::Deployment(active.read().await))
    }

    async fn hold(&self, id: &DeploymentId, paused: bool, actor: &Actor) -> Result<Reply, Refusal> {
        let active = self.running(id).await?;
        let asked_at = self.ports.clock.now();
        let held = |deployment: &mut Deployment| {
            deployment.hold(paused, asked_at);
            let (kind, word) = match paused {
                true => (EventKind::DeploymentPaused, "paused"),
                false => (EventKind::DeploymentResumed, "resumed"),
            };
            vec![say(deployment, kind, EventStatus::Warning, format!("{} {word} it", actor.name))]
        };
        active.update(self, held).await?;
        Ok(Reply::Deployment(active.read().await))
    }

    async fn advance(&self, id: &DeploymentId, actor: &Actor) -> Result<Reply, Refusal> {
        let active = self.running(id).await?;
        let deployment = active.read().await;
        let Some(step) = watched_step(&deployment) else {
            let message = format!("{} does not stand at a canary step", deployment.name);
            return Err(conflict(message, "see `shipway status`"));
        };
        let advanced = |deployment: &mut Deployment| {
            deployment.advanced.insert(step);
            vec![say(deployment, EventKind::DeploymentResumed, EventStatus::Ok, format!("{} let it go on", actor.name))]
        };
        active.update(self, advanced).await?;
        Ok(Reply::Deployment(active.read().await))
    }

    /// A deployment by its id or its name.
    ///
    /// # Errors
    /// There is none, or the store can't be read.
    pub async fn find_deployment(&self, id_or_name: &str) -> Result<Arc<Deployment>, Fault> {
        if let Some(found) = self.ports.store.deployment(id_or_name).await? {
            return Ok(found);
        }
        let named = self.newest_that("", |deployment| deployment.name == id_or_name).await?;
        named.ok_or_else(|| {
            Fault::new(FaultKind::NotFound, format!("there is no deployment `{id_or_name}`"))
                .with_hint("`shipway history` lists them")
        })
    }

    /// The environment of a project as it is now, with all layers.
    pub(crate) async fn environment_plan(
        &self,
        project: &Project,
        name: &EnvironmentName,
    ) -> Option<Arc<EnvironmentPlan>> {
        let spec = self.understood.of(project).ok()?;
        let layers = layers(self, &spec.source, &project.id, name).await.ok()?;
        spec.environment(name, &layers).ok().map(|(plan, _)| plan)
    }
}

/// That there is no such thing, with what was probably meant, and what there is.
pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Refusal {
    let mut known: Vec<_> = known.collect();
    known.sort_unstable();
    known.dedup();
    let meant = shipway_config::suggest::nearest(name, known.iter().copied());
    let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
    let fault = Fault::not_found(format!("there is no {what} `{name}`"));
    Refusal::Fault(fault.with_hint(format!("{meant}the {what}s are {}", known.join(", "))))
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

fn owners_alone(message: &str) -> Refusal {
    let hint = "send the folder itself: `shipway deploy --upload`, or POST /api/uploads";
    Refusal::Forbidden { message: message.into(), hint: Some(hint.into()) }
}

/// The canary step that a deployment stands at.
fn watched_step(deployment: &Deployment) -> Option<usize> {
    use shipway_core::{deployment::StepStatus, plan::Step};
    let plan = deployment.course.plan.as_ref()?;
    let running = deployment.steps.iter().filter(|state| !state.back && state.status == StepStatus::Running);
    running.map(|state| state.number).find(|number| matches!(plan.steps[*number].step, Step::Watch { .. }))
}
