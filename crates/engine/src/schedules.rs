//! Schedules at work: the leader asks for the deployments that are due. Each run is asked for once: its deployment says
//! which run it is, so a leader that takes over in the middle finds it. Not here: when a run is due (`core::schedule`).

use std::sync::Arc;

use shipway_core::{
    command::{Command, ScheduleOrder},
    deployment::{Deployment, Kind, Request, ScheduledBy, Source},
    event::{EventBody, EventKind, EventStatus},
    gate::{recurrence::Recurrence, zone::Zone},
    id::{Actor, ProjectId, name_fault},
    ports::Fault,
    schedule::{Due, SCHEDULES_MAX, Schedule, ScheduleRun},
    store::{Commit, Guarded, Listing},
    time::Timestamp,
};
use tracing::warn;

use crate::{Engine, Refusal, Reply, gates::zone, refusal::conflict};

/// How often the leader looks; a schedule names no time more exactly than to the minute.
const TICK_MS: u64 = 5000;
/// Deployments that are looked through for one that a run asked for already.
const ASKED_LOOKED_AT_MAX: u32 = 50;

pub(crate) async fn run(engine: Arc<Engine>) {
    loop {
        engine.ports.clock.sleep_ms(TICK_MS).await;
        let Some(token) = engine.itself.leads(engine.ports.clock.now()) else { continue };
        if let Err(fault) = ask_for_due(&engine, token).await {
            warn!(%fault, "schedules can't be looked after");
        }
    }
}

async fn ask_for_due(engine: &Arc<Engine>, token: u64) -> Result<(), Fault> {
    let all: Vec<Schedule> = engine.ports.store.below("").await?;
    for schedule in all {
        let ran = match schedule.due(engine.ports.clock.now()) {
            Due::NotYet => continue,
            Due::Skip(due) => ScheduleRun { due, deployment: None, why: Some("it was missed, and is left out".into()) },
            Due::Run(due) => ask(engine, &schedule, due).await?,
        };
        note(engine, &schedule, ran, token).await?;
    }
    Ok(())
}

/// Asks for a run, unless it was asked for already.
async fn ask(engine: &Arc<Engine>, schedule: &Schedule, due: Timestamp) -> Result<ScheduleRun, Fault> {
    let by = ScheduledBy { name: schedule.name.clone(), by: schedule.by.clone(), due };
    if let Some(asked) = asked(engine, &schedule.request, &by).await? {
        return Ok(ScheduleRun { due, deployment: Some(asked.id.clone()), why: None });
    }
    let request = Request { schedule: Some(by), ..schedule.request.clone() };
    let asked = engine.execute(Command::Deploy(Box::new(request)), Actor::system("schedule")).await;
    Ok(match asked {
        Ok(Reply::Deployment(deployment)) => ScheduleRun { due, deployment: Some(deployment.id.clone()), why: None },
        Ok(_) => ScheduleRun { due, deployment: None, why: Some("nothing was asked for".into()) },
        Err(refusal) => ScheduleRun { due, deployment: None, why: Some(refusal.to_string()) },
    })
}

async fn asked(engine: &Engine, request: &Request, by: &ScheduledBy) -> Result<Option<Arc<Deployment>>, Fault> {
    let scope = format!("{}/{}", request.project, request.environment);
    let newest = Listing { scope, before: None, newest_first: true, limit: ASKED_LOOKED_AT_MAX };
    let deployments = engine.ports.store.deployments(newest).await?;
    Ok(deployments.into_iter().find(|one| one.request.schedule.as_ref() == Some(by)))
}

/// Notes a run, and when the next one is; unless somebody changed the schedule meanwhile.
async fn note(engine: &Engine, seen: &Schedule, ran: ScheduleRun, token: u64) -> Result<(), Fault> {
    let _one_at_a_time = engine.intake.all().await;
    let stored: Option<Schedule> = engine.ports.store.find(&format!("{}/{}", seen.project, seen.name)).await?;
    let Some(schedule) = stored.filter(|stored| stored.created_at == seen.created_at) else { return Ok(()) };
    let now = engine.ports.clock.now();
    let zone = zone(engine, &schedule.zone)?;
    // A zone that the machine has lost: the schedule stands still, and says so, until somebody declares it anew.
    let next_at = zone.and_then(|zone| schedule.next_after(&zone, now).ok().flatten());
    let (status, message) = match (&ran.deployment, &ran.why) {
        (Some(id), _) => (EventStatus::Ok, format!("the schedule {} asked for {id}", schedule.name)),
        (None, why) => {
            let why = why.as_deref().unwrap_or_default();
            (EventStatus::Warning, format!("the schedule {} asked for nothing: {why}", schedule.name))
        }
    };
    let event = EventBody {
        project: Some(schedule.project.clone()),
        environment: Some(schedule.request.environment.clone()),
        deployment: ran.deployment.clone(),
        ..EventBody::new(EventKind::ScheduleRan, status, "schedules", message)
    };
    let next = Schedule { next_at, last: Some(ran), ..schedule };
    let commit = Commit::at(now).put(&next).event(event).fence(Guarded::Leader, token);
    engine.ports.store.commit(commit).await.map(|_| ())
}

impl Engine {
    /// The schedules of a project, by name.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn schedules(&self, project: &ProjectId) -> Result<Vec<Schedule>, Refusal> {
        self.known_project(project).await?;
        let mut all: Vec<Schedule> = self.ports.store.below(project.as_str()).await?;
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// Declares a schedule.
    pub(crate) async fn create_schedule(&self, order: ScheduleOrder, actor: &Actor) -> Result<Reply, Refusal> {
        refuse_unfit(&order)?;
        let project = self.known_project(&order.request.project).await?;
        self.complete_request(&mut order.request.clone(), &project).await?;
        let zone = self.zone_of(&order)?;
        let _one_at_a_time = self.intake.all().await;
        let now = self.ports.clock.now();
        let schedule = Schedule {
            project: project.id,
            name: order.name,
            every: order.every,
            zone: zone.name().to_owned(),
            missed: order.missed,
            request: order.request,
            by: actor.name.clone(),
            created_at: now,
            paused: false,
            next_at: None,
            last: None,
        };
        let next_at = schedule.next_after(&zone, now).map_err(|why| conflict(why, "write `every` anew"))?;
        if next_at.is_none() {
            return Err(conflict(format!("`{}` never comes", schedule.every), "name days that there are"));
        }
        self.refuse_too_many(&schedule).await?;
        let message = format!("{} declared the schedule {}: {}", actor.name, schedule.name, schedule.every);
        self.put_schedule(Schedule { next_at, ..schedule }, message).await
    }

    async fn refuse_too_many(&self, schedule: &Schedule) -> Result<(), Refusal> {
        let all: Vec<Schedule> = self.ports.store.below("").await?;
        if all.iter().any(|other| other.project == schedule.project && other.name == schedule.name) {
            let hint = format!("take another name, or `shipway schedule delete {}` first", schedule.name);
            return Err(conflict(format!("there is a schedule {} already", schedule.name), hint));
        }
        if all.len() >= SCHEDULES_MAX {
            return Err(conflict(format!("there are {SCHEDULES_MAX} schedules already"), "delete some first"));
        }
        Ok(())
    }

    /// The zone that an order names, in its words or beside them; UTC when it names none.
    fn zone_of(&self, order: &ScheduleOrder) -> Result<Zone, Refusal> {
        let every: Recurrence = order.every.parse().map_err(|why| conflict(why, "write `every` anew"))?;
        let name = match (every.zone(), &order.zone) {
            (Some(one), Some(other)) if one != other => {
                return Err(conflict(format!("it names two time zones, {one} and {other}"), "name one"));
            }
            (Some(name), _) => name.to_owned(),
            (None, Some(name)) => name.clone(),
            (None, None) => "UTC".to_owned(),
        };
        let message = format!("the time zone `{name}` can't be read on the server's machine");
        zone(self, &name)?.ok_or_else(|| conflict(message, "write a name of the zone database, `Europe/Berlin`"))
    }

    /// Has a schedule ask for nothing for now, or again. What would have been due meanwhile is left out.
    pub(crate) async fn hold_schedule(
        &self,
        (project, name): (&ProjectId, &str),
        paused: bool,
        actor: &Actor,
    ) -> Result<Reply, Refusal> {
        let _one_at_a_time = self.intake.all().await;
        let schedule = self.known_schedule(project, name).await?;
        let now = self.ports.clock.now();
        let zone = zone(self, &schedule.zone)?;
        let next_at = zone.and_then(|zone| schedule.next_after(&zone, now).ok().flatten());
        let word = if paused { "paused" } else { "resumed" };
        let message = format!("{} {word} the schedule {name}", actor.name);
        self.put_schedule(Schedule { paused, next_at, ..schedule }, message).await
    }

    /// Takes a schedule away. What it asked for goes on.
    pub(crate) async fn delete_schedule(
        &self,
        project: &ProjectId,
        name: &str,
        actor: &Actor,
    ) -> Result<Reply, Refusal> {
        let _one_at_a_time = self.intake.all().await;
        let schedule = self.known_schedule(project, name).await?;
        let event = changed(&schedule, format!("{} deleted the schedule {name}", actor.name));
        self.ports.store.commit(Commit::at(self.ports.clock.now()).delete(&schedule).event(event)).await?;
        Ok(Reply::Schedule(Box::new(schedule)))
    }

    async fn known_schedule(&self, project: &ProjectId, name: &str) -> Result<Schedule, Refusal> {
        let found: Option<Schedule> = self.ports.store.find(&format!("{project}/{name}")).await?;
        let fault = || Fault::not_found(format!("{project} has no schedule `{name}`"));
        found.ok_or_else(|| Refusal::Fault(fault().with_hint("`shipway schedule list` shows them")))
    }

    async fn put_schedule(&self, schedule: Schedule, message: String) -> Result<Reply, Refusal> {
        let event = changed(&schedule, message);
        self.ports.store.commit(Commit::at(self.ports.clock.now()).put(&schedule).event(event)).await?;
        Ok(Reply::Schedule(Box::new(schedule)))
    }
}

fn changed(schedule: &Schedule, message: String) -> EventBody {
    EventBody {
        project: Some(schedule.project.clone()),
        environment: Some(schedule.request.environment.clone()),
        ..EventBody::new(EventKind::ScheduleChanged, EventStatus::Ok, "schedules", message)
    }
}

/// Refuses what can't be asked for again and again.
fn refuse_unfit(order: &ScheduleOrder) -> Result<(), Refusal> {
    if let Some(why) = name_fault(&order.name) {
        return Err(conflict(format!("the name `{}` {why}", order.name), "name it like `nightly`"));
    }
    let request = &order.request;
    if request.kind != Kind::Deploy {
        let message = format!("a schedule asks for deployments, and this is a {}", request.kind.name());
        return Err(conflict(message, "leave the kind out"));
    }
    if matches!(request.source, Source::Upload(_) | Source::Path(_)) {
        let hint = "name artifacts, or register the project with a folder on the server's machine";
        return Err(conflict("its source would be gone when the schedule asks", hint));
    }
    if request.at.is_some() || request.break_glass {
        return Err(conflict("a schedule has its own times, and waits before gates", "leave both out"));
    }
    Ok(())
}
