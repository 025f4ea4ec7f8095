//! Logs of deployments that stay themselves.

use shipway_core::{
    history::{Entry, Question},
    id::DeploymentId,
    ports::Fault,
    retention::cut,
    time::Timestamp,
};

use super::{PAGES_COUNTED_MAX, PAGES_MAX, Pass, Swept, Walk};

/// Where the logs of a deployment lie.
pub(super) fn folder(deployment: &DeploymentId) -> String {
    format!("deployments/{deployment}")
}

/// Whether it had ended by then: one that waited for long has young logs.
fn ended_before(entry: &Entry, until: Timestamp) -> bool {
    entry.phase.is_end() && entry.completed_at.is_none_or(|at| at < until)
}

impl Pass<'_> {
    /// Walks from the newest that is too old to where the last walk began.
    pub(super) async fn logs(&self) -> Result<Swept, Fault> {
        if self.dry {
            return self.due_logs().await;
        }
        let (store, retained) = (&self.engine.ports.store, &self.engine.retained);
        let place = Some((self.project.clone(), self.environment.clone()));
        let mut done = retained.of(&place);
        let mut walk =
            done.walk.take().unwrap_or(Walk { until: cut(self.now, self.rules.logs), after: None, open: None });
        let question = Question { since: Some(done.logs), ..self.question(walk.until) };
        let mut swept = Swept { more: true, ..Swept::default() };
        for _ in 0..PAGES_MAX {
            let page = store.history(&Question { after: walk.after.clone(), ..question.clone() }).await?;
            for entry in page.entries {
                match ended_before(&entry, walk.until) {
                    true => swept.removed.logs += u64::from(self.engine.ports.logs.remove(&folder(&entry.id))?),
                    // Its turn comes when that is long ago: the next walk goes as far.
                    false => walk.open = Some(entry.created_at),
                }
            }
            walk.after = page.next;
            if walk.after.is_none() {
                swept.more = false;
                break;
            }
        }
        match swept.more {
            true => done.walk = Some(walk),
            false => done.logs = walk.open.unwrap_or(walk.until),
        }
        retained.set(&place, done);
        Ok(swept)
    }

    /// How many would lose their logs, but for those that go whole.
    async fn due_logs(&self) -> Result<Swept, Fault> {
        let (from, until) = (cut(self.now, self.rules.history), cut(self.now, self.rules.logs));
        let mut question = Question { since: Some(from), ..self.question(until) };
        let mut swept = Swept::default();
        for _ in 0..PAGES_COUNTED_MAX {
            let page = self.engine.ports.store.history(&question).await?;
            for entry in page.entries.iter().filter(|entry| ended_before(entry, until)) {
                swept.removed.logs += u64::from(self.engine.ports.logs.holds(&folder(&entry.id))?);
            }
            question.after = page.next;
            if question.after.is_none() {
                return Ok(swept);
            }
        }
        swept.more = true;
        Ok(swept)
    }
}
