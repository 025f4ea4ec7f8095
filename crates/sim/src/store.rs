//! The store as one server reaches it: it may be slow, refuse, lose its answer, or be out of reach.

use futures_util::{FutureExt, future::BoxFuture, future::pending};
use shipway_core::{
    event::Event,
    history::{Page, Question, Range, Sums},
    id::EnvironmentName,
    phase::Phase,
    plan::Step,
    ports::Fault,
    store::{Body, Commit, Committed, DocumentKind, Listing, Snapshot, Store},
};
use std::{collections::BTreeMap, sync::Arc};

use shipway_store::MemoryStore;

use crate::{
    coverage::{Trouble, node},
    seen::Seen,
    watcher::{StepName, Trick},
    world::{Fate, Shared, World, give_way},
};

/// The store of one server.
pub struct ServerStore {
    /// The simulation.
    pub shared: Shared,
    /// Which server.
    pub server: usize,
    /// What all servers share.
    pub inner: Arc<MemoryStore>,
}

/// How long a slow record takes at least and at most.
const SLOW_MS: (u64, u64) = (1500, 6000);

/// What was decided about a commit before it is made.
struct Course {
    before_ms: u64,
    fate: Fate,
    /// The server ends instead of making it.
    dies: bool,
}

impl ServerStore {
    fn reached(&self) -> Result<(), Fault> {
        let world = self.shared.world();
        match world.cut_off_until_ms[self.server] > world.now_ms {
            true => Err(Fault::unavailable("the store is out of reach in the simulation")),
            false => Ok(()),
        }
    }

    /// A read takes its turn, and may be refused.
    async fn before_reading(&self) -> Result<(), Fault> {
        let (gives_way, refused) = {
            let mut world = self.shared.world();
            let share = world.chances.store_refuse;
            (world.random.per_mille(60), share > 0 && world.random.per_mille(share.div_ceil(4)))
        };
        if gives_way {
            give_way().await;
        }
        if refused {
            return Err(Fault::unavailable("the store refused to read in the simulation"));
        }
        self.reached()
    }

    async fn make(&self, commit: Commit) -> Result<Committed, Fault> {
        let stored = |key: &str| self.inner.look(|state| state.body(DocumentKind::Course, key).cloned());
        let seen = Seen::of(&commit, stored);
        let course = self.shared.world().course(self.server, &seen);
        match course.before_ms {
            0 => {}
            1 => give_way().await,
            span_ms => self.shared.sleep(span_ms).await,
        }
        if course.dies {
            self.shared.world().crash = Some(self.server);
            return pending().await;
        }
        self.reached()?;
        if course.fate == Fate::Refused {
            return Err(Fault::unavailable("the store refused to write in the simulation"));
        }
        let (committed, dies) = self.write(commit, seen)?;
        if dies {
            return pending().await;
        }
        match course.fate {
            Fate::AnswerLost => Err(Fault::unavailable("the store's answer was lost in the simulation")),
            Fate::Done | Fate::Refused => Ok(committed),
        }
    }

    /// Writes, and lets the watcher look. Says whether the server ends right after.
    fn write(&self, commit: Commit, seen: Seen) -> Result<(Committed, bool), Fault> {
        let mut world = self.shared.world();
        let world = &mut *world;
        world.tell_commit(self.server, &commit);
        let committed = match self.inner.apply(commit) {
            Ok(committed) => committed,
            Err(conflict) => {
                world.tell(|| format!("  refused: {conflict}"));
                return Err(conflict);
            }
        };
        if seen.no_course {
            world.watcher.violate("I7", || "a deployment was written whose course is not stored".into());
        }
        world.trace.mix(committed.generation);
        world.trace.mix(committed.last_event ^ world.now_ms);
        let begun: Vec<_> = seen.begun().cloned().collect();
        world.mishap_recorded(&seen);
        world.watcher.committed(seen, committed.generation, committed.last_event, &mut world.coverage);
        let dies = world.aim_at_begun(&begun);
        if dies {
            world.crash = Some(self.server);
        }
        Ok((committed, dies))
    }
}

impl World {
    fn tell_commit(&mut self, server: usize, commit: &Commit) {
        if commit.events.is_empty() {
            let what: Vec<_> = commit.puts.iter().map(|put| format!("{} {}", put.kind.name(), put.key)).collect();
            let gone: Vec<_> = commit.deletes.iter().map(|(kind, key)| format!("-{} {key}", kind.name())).collect();
            self.tell(|| format!("server {server} writes {} {}", what.join(", "), gone.join(", ")));
        }
        for event in &commit.events {
            self.tell(|| {
                let of = event.deployment.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("server {server} {of} {:?} {}", event.kind, event.message)
            });
        }
    }

    fn course(&mut self, server: usize, seen: &Seen) -> Course {
        let chances = self.chances;
        let before_ms = match self.random.below(1000) {
            n if n < chances.store_slow => self.random.between(SLOW_MS.0, SLOW_MS.1),
            n if n < 100 => self.random.between(1, 5),
            n if n < 200 => 1,
            _ => 0,
        };
        let fate = match self.random.below(1000) {
            n if n < chances.store_refuse => Fate::Refused,
            n if n < chances.store_refuse + chances.store_lose_answer => Fate::AnswerLost,
            _ => Fate::Done,
        };
        let mut course = Course { before_ms, fate, dies: false };
        let over: Vec<_> = seen.over().cloned().collect();
        for step in &over {
            self.aim_at_end(step, &mut course);
            let (fate, dies) = self.mishap_at_end(step);
            course.fate = fate.unwrap_or(course.fate);
            course.dies |= dies;
        }
        if course.fate == Fate::AnswerLost {
            for step in &over {
                self.note(step, Trouble::AnswerLost);
            }
        }
        match self.trick_of(seen) {
            Some(Trick::Fails) => course.fate = Fate::Refused,
            Some(Trick::Unanswered) => course.fate = Fate::AnswerLost,
            None => {}
        }
        if course.dies {
            self.tell(|| format!("server {server} dies before it writes this"));
        }
        course
    }

    /// What is to be done to the step whose effect this commit is: its slots are written, or its instance is ready.
    fn trick_of(&self, seen: &Seen) -> Option<Trick> {
        let commits = |step: &Step| match step {
            Step::Commit { writes, .. } => {
                writes.iter().any(|write| seen.slots.iter().any(|slot| slot.key == write.slot.key))
            }
            _ => false,
        };
        let proves = |step: &Step| match step {
            Step::Prove { instance, .. } => seen.instances.iter().any(|one| one.id == *instance),
            _ => false,
        };
        let slots = self.watcher.trick(commits).filter(|_| !seen.slots.is_empty());
        slots.or_else(|| self.watcher.trick(proves).filter(|trick| *trick == Trick::Unanswered))
    }

    fn node_of(&self, step: &StepName) -> Option<usize> {
        let watched = self.watcher.deployments.get(&step.0)?;
        watched.plans[usize::from(step.1)].get(step.2).map(|step| node(step))
    }

    fn note(&mut self, step: &StepName, trouble: Trouble) {
        if let Some(node) = self.node_of(step) {
            self.coverage.note(node, step.1, trouble);
        }
    }

    /// Takes an aim that fits.
    fn aim(&mut self, step: &StepName, trouble: Trouble) -> Option<u32> {
        let node = self.node_of(step)?;
        // A way back is worth something once there is something to go back to.
        let goes_back = self.aims.iter().any(|aim| aim.cell.back);
        let nothing_before = !self.watcher.ends.contains_key(&Phase::Completed);
        if trouble == Trouble::Failed && !step.1 && goes_back && nothing_before {
            return None;
        }
        let place = self.aims.iter().position(|aim| aim.fits(node, step.1, trouble))?;
        Some(self.aims.swap_remove(place).times)
    }

    fn aim_at_end(&mut self, step: &StepName, course: &mut Course) {
        if self.aim(step, Trouble::CrashAfter).is_some() {
            course.dies = true;
            self.note(step, Trouble::CrashAfter);
        }
        if self.aim(step, Trouble::AnswerLost).is_some() {
            course.fate = Fate::AnswerLost;
        }
        if self.aim(step, Trouble::Slow).is_some() {
            course.before_ms = self.random.between(SLOW_MS.0, SLOW_MS.1);
        }
        if course.before_ms >= SLOW_MS.0 {
            self.note(step, Trouble::Slow);
        }
    }

    /// Says whether the server ends now.
    fn aim_at_begun(&mut self, begun: &[StepName]) -> bool {
        let mut dies = false;
        for step in begun {
            dies |= self.mishap_at_begin(step);
            if let Some(times) = self.aim(step, Trouble::Failed)
                && let Some(running) = self.watcher.running.get_mut(step)
            {
                running.trick = Some(Trick::Fails);
                running.failing_after = times - 1;
            }
            if self.aim(step, Trouble::CrashBefore).is_some() {
                self.note(step, Trouble::CrashBefore);
                dies = true;
            }
        }
        dies
    }
}

impl Store for ServerStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, Fault>> {
        self.make(commit).boxed()
    }

    fn get<'a>(&'a self, kind: DocumentKind, key: &'a str) -> BoxFuture<'a, Result<Option<Body>, Fault>> {
        async move {
            self.before_reading().await?;
            self.inner.get(kind, key).await
        }
        .boxed()
    }

    fn list(&self, kind: DocumentKind, listing: Listing) -> BoxFuture<'_, Result<Vec<Body>, Fault>> {
        async move {
            self.before_reading().await?;
            self.inner.list(kind, listing).await
        }
        .boxed()
    }

    fn snapshot<'a>(&'a self, kinds: &'a [DocumentKind]) -> BoxFuture<'a, Result<Snapshot, Fault>> {
        async move {
            self.before_reading().await?;
            self.inner.snapshot(kinds).await
        }
        .boxed()
    }

    fn events<'a>(
        &'a self,
        after: u64,
        deployment: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        async move {
            self.before_reading().await?;
            self.inner.events(after, deployment, limit).await
        }
        .boxed()
    }

    fn history<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Page, Fault>> {
        async move {
            self.before_reading().await?;
            self.inner.history(question).await
        }
        .boxed()
    }

    fn sums<'a>(&'a self, range: &'a Range) -> BoxFuture<'a, Result<BTreeMap<EnvironmentName, Sums>, Fault>> {
        async move {
            self.before_reading().await?;
            self.inner.sums(range).await
        }
        .boxed()
    }

    fn last_event(&self) -> BoxFuture<'_, Result<u64, Fault>> {
        self.inner.last_event()
    }

    fn wait_event(&self, after: u64) -> BoxFuture<'_, ()> {
        self.inner.wait_event(after)
    }
}
