//! The history of deployments: pages by filters, and what they sum up to. Not here: how it is kept (`store`).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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

    /// The same of some environments together.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn history_of(
        &self,
        question: &Question,
        environments: &[EnvironmentName],
    ) -> Result<(Vec<Arc<Deployment>>, Option<Place>), Fault> {
        let (mut all, mut told_to) = (Vec::new(), None);
        for environment in BTreeSet::from_iter(environments) {
            let (found, next) =
                self.history(Question { environment: Some(environment.clone()), ..question.clone() }).await?;
            all.extend(found);
            told_to = told_to.max(next);
        }
        // What is older than where the shortest page ends waits for the next one: something may come in between.
        let place = |one: &Arc<Deployment>| Place { at: one.created_at, id: one.id.clone() };
        all.retain(|one| told_to.as_ref().is_none_or(|end| place(one) >= *end));
        all.sort_by_key(|one| Reverse(place(one)));
        let wanted = usize::try_from(question.limit).unwrap_or(usize::MAX);
        if all.len() > wanted {
            all.truncate(wanted);
            told_to = all.last().map(place);
        }
        Ok((all, told_to))
    }

    /// What deployments that ended on some days sum up to, by environment.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn sums(&self, range: &Range) -> Result<BTreeMap<EnvironmentName, Sums>, Fault> {
        self.ports.store.sums(range).await
    }
}
