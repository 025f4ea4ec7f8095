//! Events by themselves. What is left of the sequence keeps its numbers.

use std::{collections::BTreeSet, sync::Arc};

use shipway_core::{
    event::{Event, EventKind},
    id::{EnvironmentName, ProjectId},
    ports::Fault,
    retention::{RetentionSpec, cut},
    store::{Commit, Guarded},
    time::Timestamp,
};

use super::{Environment, Pass, Swept};
use crate::{Engine, notify};

/// Events that are read at a time, and forgotten together.
const PAGE: u32 = 500;
/// Pages that are looked at in one pass.
const PAGES_MAX: u32 = 20;
/// Pages that are looked at to say what would go.
const PAGES_COUNTED_MAX: u32 = 1000;

/// What an event is of.
fn place(event: &Event) -> Option<(&ProjectId, &EnvironmentName)> {
    Some((event.body.project.as_ref()?, event.body.environment.as_ref()?))
}

/// A walk from the oldest event on.
struct Walk<'a> {
    engine: &'a Engine,
    before: Timestamp,
    dry: bool,
    fence: Option<u64>,
}

impl Walk<'_> {
    /// Forgets old events that are meant, and says from where the next walk begins.
    async fn run(&self, mut from: u64, goes: impl Fn(&Event) -> Goes) -> Result<(Swept, u64), Fault> {
        let store = &self.engine.ports.store;
        // What was not told yet is not old, whatever its age.
        let told = notify::told_until(self.engine).await?;
        let (mut after, mut swept, mut stays) = (from, Swept::default(), false);
        for _ in 0..if self.dry { PAGES_COUNTED_MAX } else { PAGES_MAX } {
            let page = store.events(after, None, PAGE).await?;
            let old: Vec<_> = page.iter().take_while(|event| event.at < self.before && event.seq <= told).collect();
            let Some(last) = old.last().map(|event| event.seq) else { return Ok((swept, from)) };
            let forgets: Vec<_> = old.iter().filter(|event| goes(event) == Goes::Now).map(|event| event.seq).collect();
            stays |= old.iter().any(|event| goes(event) == Goes::Later);
            // That something was removed is not told of what told that, or it would be told for ever.
            let counts = |event: &&&Event| goes(event) == Goes::Now && event.body.kind != EventKind::PastRemoved;
            swept.removed.events += old.iter().filter(counts).count() as u64;
            if !self.dry && !forgets.is_empty() {
                let commit = Commit { forgets, ..Commit::at(self.engine.ports.clock.now()) };
                let commit = self.fence.into_iter().fold(commit, |commit, token| commit.fence(Guarded::Leader, token));
                store.commit(commit).await?;
            }
            after = last;
            if !stays {
                from = last;
            }
            if old.len() < page.len() || page.len() < PAGE as usize {
                return Ok((swept, from));
            }
        }
        Ok((Swept { more: true, ..swept }, from))
    }
}

/// Whether an old event goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    Now,
    /// Its deployment has not ended.
    Later,
    /// Somebody else decides.
    NotMine,
}

impl Pass<'_> {
    pub(super) async fn events(&self) -> Result<Swept, Fault> {
        let engine = self.engine;
        let open = self.open().await?;
        let goes = |event: &Event| match place(event) == Some((self.project, self.environment)) {
            true if event.body.deployment.as_ref().is_some_and(|id| open.contains(id)) => Goes::Later,
            true => Goes::Now,
            false => Goes::NotMine,
        };
        let walk = Walk { engine, before: cut(self.now, self.rules.events), dry: self.dry, fence: self.token };
        let mine = Some((self.project.clone(), self.environment.clone()));
        let mut done = engine.retained.of(&mine);
        let (swept, from) = walk.run(done.events, goes).await?;
        if !self.dry {
            done.events = from;
            engine.retained.set(&mine, done);
        }
        Ok(swept)
    }
}

/// Events of no environment, or of one that nobody knows any more: they are kept for as long as is usual.
pub(super) async fn sweep_rest(
    engine: &Arc<Engine>,
    known: &[Environment],
    now: Timestamp,
    token: u64,
) -> Result<(), Fault> {
    let known: BTreeSet<_> = known.iter().map(|(project, environment)| (project, environment)).collect();
    let goes = |event: &Event| match place(event).is_some_and(|place| known.contains(&place)) {
        true => Goes::NotMine,
        false => Goes::Now,
    };
    let before = cut(now, RetentionSpec::default().events);
    let mut done = engine.retained.of(&None);
    let (_, from) = Walk { engine, before, dry: false, fence: Some(token) }.run(done.events, goes).await?;
    done.events = from;
    engine.retained.set(&None, done);
    Ok(())
}
