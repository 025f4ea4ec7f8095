//! The history of deployments: pages by filters, and what they sum up to. Not here: how it is kept (`store`).

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    deployment::Deployment,
    history::{Place, Question, Range, Sums},
    id::EnvironmentName,
    ports::Fault,
};

use crate::Engine;

/// Pages of the store that one page for a person is put together from: what filters leave out is passed over.
const PAGES_MAX: u32 = 4;

impl Engine {
    /// Deployments that fit, newest first, and where the next page goes on. A page may hold fewer than asked for, or
    /// none, while there are more.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn history(&self, mut question: Question) -> Result<(Vec<Arc<Deployment>>, Option<Place>), Fault> {
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = self.ports.store.history(&question).await?;
            question.limit -= u32::try_from(page.entries.len()).unwrap_or(u32::MAX).min(question.limit);
            for entry in page.entries {
                // One that retention removed meanwhile is not missed.
                all.extend(self.ports.store.deployment(entry.id.as_str()).await?);
            }
            question.after = page.next;
            if question.limit == 0 || question.after.is_none() {
                break;
            }
        }
        Ok((all, question.after))
    }

    /// What deployments that ended on some days sum up to, by environment.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn sums(&self, range: &Range) -> Result<BTreeMap<EnvironmentName, Sums>, Fault> {
        self.ports.store.sums(range).await
    }
}
