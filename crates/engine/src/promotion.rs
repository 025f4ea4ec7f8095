//! Promotion as it is asked for: finds what ran together, asks `core::promotion` whether it may go, and makes a
//! deployment of the very artifacts of it. Combinations are named and services are held here, too.
//!
//! Not here: what goes by itself (`automatic`), who waits for a soak (`soak`), the deployment itself: it is one like any
//! other, with checks, hooks, migrations, quarantine and breakers.

mod automatic;
mod soak;

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    command::{About, Meaning},
    deployment::{Deployment, Kind, Request, Source},
    event::{EventBody, EventKind, EventStatus},
    id::{Actor, EnvironmentName, ProjectId, ServiceName, name_fault},
    instance::Instance,
    policy::Act,
    ports::Fault,
    project::Project,
    promotion::{
        Combination, Hold, Member, Obstacle, Onward, Origin, Seen, Terms, Wish, decide, ran_until, refuse_held,
        skipped_stages, standing,
    },
    slot::Slot,
    spec::EnvironmentPlan,
    store::{Commit, Listing},
};

pub(crate) use self::{automatic::run, soak::wait};
use crate::{
    Engine, Refusal, Reply,
    refusal::{conflict, unknown},
};

/// Deployments of an environment that are looked through for what proved what it serves.
const PAST_MAX: u32 = 100;

/// Where something goes from and to, and what.
struct Way {
    project: Project,
    combination: Combination,
    to: EnvironmentName,
    target: Arc<EnvironmentPlan>,
    skipped: Vec<EnvironmentName>,
}

impl Engine {
    /// What an environment serves together now, or what is missing.
    ///
    /// # Errors
    /// There is no such environment, or the store can't be read; so with all of these.
    pub async fn combination(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
    ) -> Result<Result<Combination, Obstacle>, Refusal> {
        let known = self.known_project(project).await?;
        self.known_environment(&known, environment)?;
        Ok(stands(self, project, environment).await?)
    }

    /// Where what an environment serves together goes by itself, and what keeps it; none where nothing goes by itself.
    pub async fn onward(&self, project: &Project, combination: &Combination) -> Result<Option<Onward>, Refusal> {
        let Some((to, target)) = automatic::next(self, project, &combination.environment).await else {
            return Ok(None);
        };
        let soaked_at = combination.since.plus_ms(target.promotion.soak.ms);
        let withheld = automatic::withheld(self, project, combination, &to, &target).await?;
        Ok(Some(Onward { to, soaked_at, withheld }))
    }

    /// The combinations of a project that have names.
    pub async fn combinations(&self, project: &ProjectId) -> Result<Vec<Combination>, Refusal> {
        self.known_project(project).await?;
        let mut named: Vec<Combination> = self.ports.store.below(project.as_str()).await?;
        for one in &mut named {
            one.until = ran_until(one.since, &past(self, project, &one.environment).await?);
        }
        Ok(named)
    }

    /// What is held in an environment.
    pub async fn holds(&self, project: &ProjectId, environment: &EnvironmentName) -> Result<Vec<Hold>, Refusal> {
        let known = self.known_project(project).await?;
        self.known_environment(&known, environment)?;
        Ok(holds(self, project, environment).await?)
    }

    pub(crate) async fn promote(self: &Arc<Self>, wish: Wish, actor: Actor) -> Result<Arc<Deployment>, Refusal> {
        let way = self.way(&wish).await?;
        // Once more: only now it is sure where it goes.
        let about = About::Environment(way.project.id.clone(), way.to.clone());
        self.permit_look(&Meaning::new("promote", Act::Promote, about), &actor).await?;
        let live = members(self, &way.project.id, &way.to).await?;
        let holds = holds(self, &way.project.id, &way.to).await?;
        let terms = Terms {
            combination: &way.combination,
            to: &way.to,
            live: &live,
            holds: &holds,
            soak: way.target.promotion.soak,
            services: &wish.services,
            skips_soak: wish.skip_stage,
            now: self.ports.clock.now(),
        };
        let soak_cut = wish.skip_stage && decide(&Terms { skips_soak: false, ..terms }).is_err();
        let going = decide(&terms).map_err(|obstacles| refusal(&way, &obstacles))?;
        let (skipped, reason) = (way.skipped.clone(), wish.reason.clone());
        let deployment = self.submit(request(way, &going, wish, soak_cut), actor).await?;
        if !skipped.is_empty() || soak_cut {
            self.tell_skipped(&deployment, &skipped, reason.as_deref()).await?;
        }
        Ok(deployment)
    }

    /// What is meant, as far as it can be: both environments, what goes, and which stages it leaves out.
    async fn way(&self, wish: &Wish) -> Result<Way, Refusal> {
        let project = self.known_project(&wish.project).await?;
        let named = match &wish.combination {
            Some(name) => Some(self.named_combination(&project, name).await?),
            None => None,
        };
        let from = wish.from.clone().or_else(|| named.as_ref().map(|named| named.environment.clone()));
        let Some(from) = from else {
            return Err(conflict("promote from where?", "name the environment: `--from staging`"));
        };
        self.known_environment(&project, &from)?;
        if let Some(named) = named.as_ref().filter(|named| named.environment != from) {
            let name = named.name.as_deref().unwrap_or(&named.id);
            let message = format!("{name} ran in {}, not in {from}", named.environment);
            return Err(conflict(message, "leave `--from` out"));
        }
        let to = self.target(&project, &from, wish).await?;
        let combination = match named {
            Some(named) => named,
            None => stands(self, &project.id, &from).await?.map_err(|missing| {
                conflict(format!("{from} has nothing to promote: {}", missing.message), "see `shipway status`")
            })?,
        };
        let skipped = self.skipped(&project, &from, &to, wish).await?;
        let target = self.wanted(&project, &to).await?;
        Ok(Way { project, combination, to, target, skipped })
    }

    async fn target(&self, project: &Project, from: &EnvironmentName, wish: &Wish) -> Result<EnvironmentName, Refusal> {
        let to = match &wish.to {
            Some(to) => to.clone(),
            None => self.wanted(project, from).await?.promotes_to.clone().ok_or_else(|| {
                let hint = format!("name it: `--to production`, or write `promotes_to` to [environments.{from}]");
                conflict(format!("{from} promotes to no environment"), hint)
            })?,
        };
        self.known_environment(project, &to)?;
        if to == *from {
            return Err(conflict(format!("{from} can't be promoted to itself"), "name two environments"));
        }
        Ok(to)
    }

    async fn skipped(
        &self,
        project: &Project,
        from: &EnvironmentName,
        to: &EnvironmentName,
        wish: &Wish,
    ) -> Result<Vec<EnvironmentName>, Refusal> {
        let says_why = wish.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
        if wish.skip_stage && !says_why {
            return Err(conflict("a stage is skipped for a reason", "say it: `--reason WHY`"));
        }
        let mut promotes = BTreeMap::new();
        for name in &project.environments {
            let plan = self.environment_plan(project, name).await;
            promotes.extend(plan.and_then(|plan| Some((name.clone(), plan.promotes_to.clone()?))));
        }
        let skipped = skipped_stages(&promotes, from, to);
        if skipped.is_empty() || wish.skip_stage {
            return Ok(skipped);
        }
        let names = names(&skipped);
        let hint = format!("promote it to {names} first, or skip it: `--skip-stage --reason WHY`");
        Err(conflict(format!("{to} takes what {names} has proven, and this comes from {from}"), hint))
    }

    /// An environment as the spec and its settings want it.
    async fn wanted(&self, project: &Project, name: &EnvironmentName) -> Result<Arc<EnvironmentPlan>, Refusal> {
        self.environment_plan(project, name).await.ok_or_else(|| {
            conflict(format!("the spec of {name} is wrong"), "`shipway check` lists everything that was found")
        })
    }

    async fn named_combination(&self, project: &Project, name: &str) -> Result<Combination, Refusal> {
        let named = self.combinations(&project.id).await?;
        let names = named.iter().filter_map(|one| one.name.as_deref()).collect::<Vec<_>>();
        match named.iter().find(|one| one.name.as_deref() == Some(name)) {
            Some(found) => Ok(found.clone()),
            None => Err(unknown("combination", name, names.into_iter())),
        }
    }

    async fn tell_skipped(
        &self,
        deployment: &Deployment,
        skipped: &[EnvironmentName],
        reason: Option<&str>,
    ) -> Result<(), Fault> {
        let what = if skipped.is_empty() { "the rest of the soak".to_owned() } else { names(skipped) };
        let message =
            format!("{} skipped {what} for {}: {}", deployment.actor.name, deployment.name, reason.unwrap_or_default());
        let event = crate::deploy::say(deployment, EventKind::StageSkipped, EventStatus::Warning, message);
        self.ports.store.commit(Commit::at(self.ports.clock.now()).event(event)).await.map(|_| ())
    }

    pub(crate) async fn name_combination(
        &self,
        project: ProjectId,
        environment: EnvironmentName,
        name: String,
        actor: &Actor,
    ) -> Result<Reply, Refusal> {
        if let Some(fault) = name_fault(&name) {
            return Err(conflict(format!("`{name}` can't be a name: it {fault}"), "names are like `spring-sale`"));
        }
        let _one_at_a_time = self.intake.all().await;
        let standing = self.combination(&project, &environment).await?;
        let found = standing.map_err(|missing| {
            conflict(format!("{environment} has nothing to name: {}", missing.message), "see `shipway status`")
        })?;
        let known: Option<Combination> = self.ports.store.find(&format!("{project}/{name}")).await?;
        if let Some(known) = known.filter(|known| known.id != found.id) {
            let message = format!("{name} is the name of another combination of {}", known.environment);
            return Err(conflict(message, "choose another name: `shipway combination list` shows them"));
        }
        let combination = Combination { name: Some(name.clone()), named_by: Some(actor.name.clone()), ..found };
        let message = format!("{} named what {environment} serves: {name}", actor.name);
        let event = about(&project, &environment, EventKind::CombinationNamed, message);
        let commit = Commit::at(self.ports.clock.now()).put(&combination).event(event);
        self.ports.store.commit(commit).await?;
        Ok(Reply::Combination(Box::new(combination)))
    }

    pub(crate) async fn put_hold(&self, hold: Hold) -> Result<Reply, Refusal> {
        let known = self.known_project(&hold.project).await?;
        self.known_environment(&known, &hold.environment)?;
        if let Some(service) = &hold.service {
            let spec = self.understood.of(&known).map_err(Refusal::Findings)?;
            let services = spec.services();
            if !services.contains(service) {
                return Err(unknown("service", service.as_str(), services.iter().map(ServiceName::as_str)));
            }
        }
        if hold.reason.trim().is_empty() {
            return Err(conflict("something is held for a reason", "say it: `--reason WHY`"));
        }
        let event = about(&hold.project, &hold.environment, EventKind::Held, hold.words());
        self.ports.store.commit(Commit::at(hold.at).put(&hold).event(event)).await?;
        Ok(Reply::Done)
    }

    pub(crate) async fn end_hold(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
        service: Option<&ServiceName>,
        actor: &Actor,
    ) -> Result<Reply, Refusal> {
        let all = self.holds(project, environment).await?;
        let Some(hold) = all.iter().find(|hold| hold.service.as_ref() == service) else {
            let what = service.map_or_else(|| environment.to_string(), |service| format!("{service} in {environment}"));
            let hint = match all.is_empty() {
                true => format!("nothing is held in {environment}"),
                false => all.iter().map(Hold::words).collect::<Vec<_>>().join("; "),
            };
            return Err(Refusal::Fault(Fault::not_found(format!("{what} is not held")).with_hint(hint)));
        };
        let message = format!("{} ended the hold of {}: {}", actor.name, hold.by, hold.reason);
        let event = about(project, environment, EventKind::Unheld, message);
        self.ports.store.commit(Commit::at(self.ports.clock.now()).delete(hold).event(event)).await?;
        Ok(Reply::Done)
    }

    /// Refuses new releases where somebody holds what runs.
    pub(crate) async fn refuse_held(&self, request: &Request) -> Result<(), Refusal> {
        let all = holds(self, &request.project, &request.environment).await?;
        match refuse_held(&all, request) {
            None => Ok(()),
            Some(hold) => Err(conflict(hold.words(), "end the hold first, or leave the service out: `--exclude NAME`")),
        }
    }
}

fn about(project: &ProjectId, environment: &EnvironmentName, kind: EventKind, message: String) -> EventBody {
    EventBody {
        project: Some(project.clone()),
        environment: Some(environment.clone()),
        ..EventBody::new(kind, EventStatus::Ok, "commands", message)
    }
}

fn names(environments: &[EnvironmentName]) -> String {
    environments.iter().map(EnvironmentName::as_str).collect::<Vec<_>>().join(", ")
}

fn refusal(way: &Way, obstacles: &[Obstacle]) -> Refusal {
    let line = |obstacle: &Obstacle| match obstacle.until {
        Some(until) => format!("{} (until {until})", obstacle.message),
        None => obstacle.message.clone(),
    };
    let list: Vec<_> = obstacles.iter().map(line).collect();
    let (from, to) = (&way.combination.environment, &way.to);
    let message = format!("{from} can't be promoted to {to}: {}", list.join("; "));
    // One alone is said by the message.
    let list = if list.len() > 1 { list } else { Vec::new() };
    let waits = obstacles.iter().any(|obstacle| obstacle.until.is_some());
    let hint = waits.then(|| "wait for it, or cut it short: `--skip-stage --reason WHY`".to_owned());
    Refusal::Conflict { message, list, hint }
}

fn request(way: Way, going: &[ServiceName], wish: Wish, soak_cut: bool) -> Request {
    let Combination { id, environment, members, proven_by, since, .. } = way.combination;
    let chosen: BTreeMap<_, _> = members.into_iter().filter(|(service, _)| going.contains(service)).collect();
    let artifacts = chosen.iter().map(|(service, member)| (service.clone(), member.artifact.clone())).collect();
    let versions = chosen.iter().map(|(service, member)| (service.clone(), member.version.clone())).collect();
    let releases = chosen.into_iter().map(|(service, member)| (service, member.release)).collect();
    let skipped = way.skipped;
    let origin =
        Origin::Promotion { from: environment, combination: id, since, proven_by, releases, skipped, soak_cut };
    Request {
        services: going.to_vec(),
        source: Source::Artifact(artifacts),
        versions,
        reason: wish.reason,
        on_conflict: wish.on_conflict,
        origin: Some(origin),
        ..Request::new(way.project.id, way.to, Kind::Deploy)
    }
}

/// What an environment serves together now, or what is missing.
async fn stands(
    engine: &Engine,
    project: &ProjectId,
    environment: &EnvironmentName,
) -> Result<Result<Combination, Obstacle>, Fault> {
    let scope = format!("{project}/{environment}");
    let slots: Vec<Slot> = engine.ports.store.below(&scope).await?;
    let instances: Vec<Instance> = engine.ports.store.below(&scope).await?;
    let past = past(engine, project, environment).await?;
    let mut releases = BTreeMap::new();
    for live in slots.iter().filter_map(|slot| slot.live.as_ref()) {
        releases.insert(live.release.clone(), engine.release(&live.release).await?);
    }
    let (slots, instances, releases, past) = (&slots[..], &instances[..], &releases, &past[..]);
    Ok(standing(&Seen { project, environment, slots, instances, releases, past }))
}

/// What is live in an environment, by service.
async fn members(
    engine: &Engine,
    project: &ProjectId,
    environment: &EnvironmentName,
) -> Result<BTreeMap<ServiceName, Member>, Fault> {
    let slots: Vec<Slot> = engine.ports.store.below(&format!("{project}/{environment}")).await?;
    let mut members = BTreeMap::new();
    for slot in slots {
        if let Some(live) = slot.live {
            members.insert(slot.key.service, Member::of(&*engine.release(&live.release).await?));
        }
    }
    Ok(members)
}

/// The newest deployments of an environment, newest first.
async fn past(
    engine: &Engine,
    project: &ProjectId,
    environment: &EnvironmentName,
) -> Result<Vec<Arc<Deployment>>, Fault> {
    let scope = format!("{project}/{environment}");
    engine.ports.store.deployments(Listing { scope, before: None, newest_first: true, limit: PAST_MAX }).await
}

async fn holds(engine: &Engine, project: &ProjectId, environment: &EnvironmentName) -> Result<Vec<Hold>, Fault> {
    engine.ports.store.below(&format!("{project}/{environment}")).await
}
