//! Logs of deployments that stay themselves.

use shipway_core::{history::Question, id::DeploymentId, ports::Fault, retention::cut, time::Timestamp};

use super::{PAGES_COUNTED_MAX, PAGES_MAX, Pass, Swept};

/// Where the logs of a deployment lie.
pub(super) fn folder(deployment: &DeploymentId) -> String {
    format!("deployments/{deployment}")
}

impl Pass<'_> {
    /// Walks from the newest that is too old to where the last walk began.
    pub(super) async fn logs(&self) -> Result<Swept, Fault> {
        let engine = self.engine;
        let place = Some((self.project.clone(), self.environment.clone()));
        let (until, mut done) = (cut(self.now, self.rules.logs), engine.retained.of(&place));
        let since = if self.dry { Timestamp(i64::MIN) } else { done.logs };
        let after = done.logs_after.clone().filter(|_| !self.dry);
        let mut question = Question { since: Some(since), after, ..self.question(until) };
        let gone_before = cut(self.now, self.rules.history);
        let mut swept = Swept::default();
        for _ in 0..if self.dry { PAGES_COUNTED_MAX } else { PAGES_MAX } {
            let page = engine.ports.store.history(&question).await?;
            for entry in page.entries {
                if !entry.phase.is_end() {
                    done.open_since = Some(entry.created_at);
                }
                let folder = folder(&entry.id);
                // What goes whole is not counted twice.
                let counted = entry.phase.is_end() && (!self.dry || entry.created_at >= gone_before);
                let had = counted
                    && if self.dry { engine.ports.logs.holds(&folder)? } else { engine.ports.logs.remove(&folder)? };
                swept.removed.logs += u64::from(had);
            }
            question.after = page.next;
            if question.after.is_none() {
                break;
            }
        }
        swept.more = question.after.is_some();
        if !self.dry {
            done.logs_after = question.after;
            if done.logs_after.is_none() {
                done.logs = done.open_since.take().unwrap_or(until);
            }
            engine.retained.set(&place, done);
        }
        Ok(swept)
    }
}
