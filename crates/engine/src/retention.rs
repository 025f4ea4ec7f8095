//! Removes the past of environments when it is old: deployments with all that is known of each, logs, events. The leader
//! does it bit by bit, and whoever may administer can have it done at once.
//!
//! An environment to which a deployment is under way loses no deployments, and one whose spec can't be understood loses
//! nothing. What deployments count for in statistics stays.
//!
//! Not here: what is needed however old it is (`core::retention`).

mod events;
mod logs;
mod needed;
mod uploads;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shipway_core::{
    deployment::{Kind, Request},
    event::{EventBody, EventKind, EventStatus},
    history::{Entry, Place, Question},
    id::{EnvironmentName, ProjectId},
    lease::Leases,
    ports::Fault,
    project::Project,
    retention::{Removed, RetentionSpec, cut},
    store::{Commit, DocumentKind, Guarded, course_of},
    time::Timestamp,
};
use tracing::warn;

use crate::{Engine, Refusal, Reply};

/// Deployments that are looked at together, while nobody is let in to their environment.
const PAGE: u32 = 25;
/// Deployments that are removed in one pass, but for the rest of a page.
const REMOVED_MAX: u64 = 500;
/// Pages that are looked at in one pass: more than what may be kept for being new.
const PAGES_LOOKED_MAX: u32 = 200;
/// Pages of deployments of which logs are removed in one pass.
const PAGES_MAX: u32 = 20;
/// Deployments that are looked at together to say what would go.
const PAGE_COUNTED: u32 = 500;
/// Pages that are looked at to say that.
const PAGES_COUNTED_MAX: u32 = 200;
/// Events of a deployment that are read at a time.
const EVENTS_PAGE: u32 = 500;
/// Passes that one command makes.
const PASSES_MAX: u32 = 40;

type Environment = (ProjectId, EnvironmentName);

/// How far environments were looked through, so that nothing is looked at again and again. A server that starts begins
/// anew.
#[derive(Default)]
pub(crate) struct Progress(Mutex<BTreeMap<Option<Environment>, Done>>);

#[derive(Clone, Debug, Default)]
struct Done {
    /// Logs of deployments that were asked for before that time are gone.
    logs: Timestamp,
    /// A walk over older ones that is not at its end.
    walk: Option<Walk>,
    /// No event up to this place is to go.
    events: u64,
}

/// A walk over deployments, from the newest that are too old to older ones.
#[derive(Clone, Debug)]
struct Walk {
    /// Where it began.
    until: Timestamp,
    /// Where it goes on.
    after: Option<Place>,
    /// The oldest so far that had not ended by then.
    open: Option<Timestamp>,
}

impl Progress {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Option<Environment>, Done>> {
        // Each entry is replaced whole; what is lost is looked at once more.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, place: &Option<Environment>) -> Done {
        self.all().get(place).cloned().unwrap_or_default()
    }

    fn set(&self, place: &Option<Environment>, done: Done) {
        self.all().insert(place.clone(), done);
    }
}

/// What a pass removed, or would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How much.
    pub removed: Removed,
    /// Whether there is more: a pass is bounded.
    pub more: bool,
}

impl Swept {
    fn add(&mut self, other: Self) {
        self.removed += other.removed;
        self.more |= other.more;
    }
}

/// How long the past of an environment is kept, and what of it is older.
#[derive(Clone, Debug)]
pub struct RetentionStanding {
    /// What its spec says.
    pub rules: RetentionSpec,
    /// What the next passes remove.
    pub due: Swept,
}

/// One look at an environment.
struct Pass<'a> {
    engine: &'a Engine,
    project: &'a ProjectId,
    environment: &'a EnvironmentName,
    rules: RetentionSpec,
    now: Timestamp,
    /// Nothing is removed, it is only counted.
    dry: bool,
    /// The right by which the leader does it; a person needs none.
    token: Option<u64>,
}

impl Pass<'_> {
    async fn run(&self) -> Result<Swept, Fault> {
        let mut swept = self.deployments().await?;
        swept.add(self.logs().await?);
        swept.add(self.events().await?);
        if !self.dry && !swept.removed.is_none() {
            self.engine.ports.store.commit(self.commit().event(self.told(swept.removed))).await?;
        }
        Ok(swept)
    }

    fn commit(&self) -> Commit {
        let commit = Commit::at(self.now);
        self.token.into_iter().fold(commit, |commit, token| commit.fence(Guarded::Leader, token))
    }

    fn told(&self, removed: Removed) -> EventBody {
        let Removed { deployments, logs, events } = removed;
        let message =
            format!("removed what is old: {deployments} deployments, the logs of {logs} more, {events} events");
        EventBody {
            project: Some(self.project.clone()),
            environment: Some(self.environment.clone()),
            details: serde_json::json!(removed),
            ..EventBody::new(EventKind::PastRemoved, EventStatus::Ok, "retention", message)
        }
    }

    fn question(&self, until: Timestamp) -> Question {
        let environment = Some(self.environment.clone());
        let page = if self.dry { PAGE_COUNTED } else { PAGE };
        Question { environment, until: Some(until), ..Question::of(self.project.clone(), page) }
    }

    async fn deployments(&self) -> Result<Swept, Fault> {
        if self.dry {
            return self.due_deployments().await;
        }
        let before = cut(self.now, self.rules.history);
        let (mut question, mut swept) = (self.question(before), Swept::default());
        let request = Request::new(self.project.clone(), self.environment.clone(), Kind::Deploy);
        for _ in 0..PAGES_LOOKED_MAX {
            // Nobody decides on what was while it goes, and nobody asks for what would need it.
            let _alone = self.engine.intake.one(&request).await;
            let page = self.engine.ports.store.history(&question).await?;
            if page.entries.is_empty() {
                return Ok(swept);
            }
            let Some(needed) = self.needed().await? else { return Ok(swept) };
            let going: Vec<_> = page.entries.into_iter().filter(|entry| needed.lets_go(entry, before)).collect();
            swept.removed.deployments += going.len() as u64;
            swept.removed.events += self.remove(&going).await?;
            question.after = page.next;
            if question.after.is_none() {
                return Ok(swept);
            }
            if swept.removed.deployments >= REMOVED_MAX {
                break;
            }
        }
        swept.more = true;
        Ok(swept)
    }

    /// How many would go, as things are now.
    async fn due_deployments(&self) -> Result<Swept, Fault> {
        let before = cut(self.now, self.rules.history);
        let (mut question, mut swept) = (self.question(before), Swept::default());
        let Some(needed) = self.needed().await? else { return Ok(swept) };
        for _ in 0..PAGES_COUNTED_MAX {
            let page = self.engine.ports.store.history(&question).await?;
            swept.removed.deployments +=
                page.entries.iter().filter(|entry| needed.lets_go(entry, before)).count() as u64;
            question.after = page.next;
            if question.after.is_none() {
                return Ok(swept);
            }
        }
        swept.more = true;
        Ok(swept)
    }

    /// Removes deployments, and says how many events went with them.
    async fn remove(&self, going: &[Entry]) -> Result<u64, Fault> {
        let mut events = 0;
        for entry in going {
            let id = entry.id.as_str();
            self.archive(entry).await?;
            // First what nobody misses when the rest stays after all.
            self.engine.ports.logs.remove(&logs::folder(&entry.id))?;
            let mut commit = self.commit();
            let store = &self.engine.ports.store;
            // What can't be read has no course that could be found.
            let body = store.get(DocumentKind::Deployment, id).await?;
            let course = body.and_then(|body| course_of(&body).ok().flatten());
            commit.deletes.extend(course.map(|course| (DocumentKind::Course, course)));
            commit.deletes.push((DocumentKind::Deployment, id.to_owned()));
            commit.deletes.push((DocumentKind::Explanation, id.to_owned()));
            commit.forgets = self.events_of(entry).await?;
            events += commit.forgets.len() as u64;
            store.commit(commit).await?;
        }
        Ok(events)
    }

    /// Writes it to a file where the spec wants that. What can't be archived is not removed.
    async fn archive(&self, entry: &Entry) -> Result<(), Fault> {
        if !self.rules.archive {
            return Ok(());
        }
        let found = self.engine.ports.store.deployment(entry.id.as_str()).await?;
        let Some(deployment) = found else { return Ok(()) };
        self.engine.ports.archives.keep(&self.engine.gather(&deployment).await?).await
    }

    async fn events_of(&self, entry: &Entry) -> Result<Vec<u64>, Fault> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let page = self.engine.ports.store.events(after, Some(entry.id.as_str()), EVENTS_PAGE).await?;
            let Some(last) = page.last() else { return Ok(all) };
            after = last.seq;
            all.extend(page.iter().map(|event| event.seq));
        }
    }
}

/// A pass over every environment.
pub(crate) async fn sweep(engine: &Arc<Engine>, token: u64) -> Result<(), Fault> {
    let (now, known) = (engine.ports.clock.now(), engine.environments_with_a_past().await?);
    for (project, environment) in &known {
        let Some(rules) = engine.rules(project, environment).await? else { continue };
        let pass = Pass { engine, project, environment, rules, now, dry: false, token: Some(token) };
        // What can't be done in one environment holds up no other.
        if let Err(fault) = pass.run().await {
            warn!(%fault, %project, %environment, "what is old there could not be removed");
        }
    }
    events::sweep_rest(engine, &known, now, token).await
}

impl Engine {
    /// Environments of registered projects, and those that were before.
    async fn environments_with_a_past(&self) -> Result<Vec<Environment>, Fault> {
        let projects: Vec<Project> = self.ports.store.below("").await?;
        let of = |project: Project| project.environments.into_iter().map(move |name| (project.id.clone(), name));
        let mut all: Vec<_> = projects.into_iter().flat_map(of).collect();
        let leases: Vec<Leases> = self.ports.store.below("").await?;
        all.extend(leases.into_iter().map(|leases| (leases.project, leases.environment)));
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// What holds in an environment: what its spec says, and what is usual where no spec has it any more. None where a
    /// spec can't be understood: then nothing goes.
    async fn rules(&self, project: &ProjectId, name: &EnvironmentName) -> Result<Option<RetentionSpec>, Fault> {
        let Some(project) = self.ports.store.share::<Project>(project.as_str()).await? else {
            return Ok(Some(RetentionSpec::default()));
        };
        if !project.environments.contains(name) {
            return Ok(Some(RetentionSpec::default()));
        }
        Ok(self.environment_plan(&project, name).await.map(|plan| plan.retention.clone()))
    }

    async fn known_rules(&self, project: &ProjectId, name: &EnvironmentName) -> Result<RetentionSpec, Refusal> {
        self.known_environment(&self.known_project(project).await?, name)?;
        self.rules(project, name).await?.ok_or_else(|| {
            let hint = "`shipway check` says what is wrong with it; until then nothing is removed";
            crate::refusal::conflict(format!("what the spec says of {name} can't be understood"), hint)
        })
    }

    /// How long the past of an environment is kept, and what of it is older.
    ///
    /// # Errors
    /// There is no such environment, its spec can't be understood, or the store can't be read.
    pub async fn retention(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
    ) -> Result<RetentionStanding, Refusal> {
        let rules = self.known_rules(project, environment).await?;
        let now = self.ports.clock.now();
        let pass = Pass { engine: self, project, environment, rules: rules.clone(), now, dry: true, token: None };
        Ok(RetentionStanding { due: pass.run().await?, rules })
    }

    /// Removes what is old in an environment, as far as one command goes.
    pub(crate) async fn retain(&self, project: &ProjectId, environment: &EnvironmentName) -> Result<Reply, Refusal> {
        let rules = self.known_rules(project, environment).await?;
        let mut swept = Swept::default();
        for _ in 0..PASSES_MAX {
            let now = self.ports.clock.now();
            let pass = Pass { engine: self, project, environment, rules: rules.clone(), now, dry: false, token: None };
            let one = pass.run().await?;
            swept.more = false;
            swept.add(one);
            if !one.more {
                break;
            }
        }
        Ok(Reply::Swept(swept))
    }
}
