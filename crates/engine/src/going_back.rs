//! Requests to go back: which state, which services, and what stands against it. Not here: planning it (`core::plan`).

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    deployment::{Deployment, Kind, Request},
    id::{EnvironmentName, ProjectId, ServiceName, SlotKey},
    phase::Phase,
    slot::Slot,
    time::Timestamp,
};

use crate::{Engine, Refusal, deploy::is_past_contract, refusal::conflict};

impl Engine {
    /// Fills in what a request to go back leaves to Shipway.
    pub(crate) async fn complete_rollback(&self, request: &mut Request) -> Result<(), Refusal> {
        let slots = self.slots_of_environment(request).await?;
        let Kind::Rollback { undo, to, force, accept_contract, with_data, artifact_only, .. } = &mut request.kind
        else {
            return Ok(());
        };
        let (accepts, with_data) = (*accept_contract, *with_data);
        if with_data && *artifact_only {
            return Err(conflict("data of before does not go with today's configuration", "leave one of the two out"));
        }
        let since = match undo {
            Some(undo) => {
                let undone = self.find_deployment(undo.as_str()).await?;
                *undo = undone.id.clone();
                request.services = undone.course.parents.iter().map(|slot| slot.key.service.clone()).collect();
                refuse_written_since(&undone, &slots, *force)?;
                undone.created_at
            }
            None => {
                let state = match to {
                    Some(to) => self.find_deployment(to.as_str()).await?,
                    None => self.newest_other_state(&request.project, &request.environment).await?,
                };
                *to = Some(state.id.clone());
                let differs = |slot: &&Slot| {
                    let then = state.result.get(&slot.key.service).map(|serving| &serving.release);
                    slot.live.as_ref().map(|live| &live.release) != then
                };
                request.services = slots.iter().filter(differs).map(|slot| slot.key.service.clone()).collect();
                state.created_at.plus_ms(1)
            }
        };
        if with_data {
            return self.find_copies(request, since).await;
        }
        if accepts { Ok(()) } else { self.refuse_past_contract(request, since).await }
    }

    /// Names the copies of data that a request to go back puts back: of each service the oldest that was taken since,
    /// so that no later migration is in it.
    async fn find_copies(&self, request: &mut Request, since: Timestamp) -> Result<(), Refusal> {
        let mut found = BTreeMap::new();
        for service in &request.services {
            let Request { project, environment, .. } = request.clone();
            let slot = SlotKey { project, environment, service: service.clone() };
            let copies = self.ports.driver.data_snapshots(&slot).await?;
            let oldest = copies.into_iter().filter(|copy| copy.at >= since).min_by_key(|copy| copy.at);
            found.extend(oldest.map(|copy| (service.clone(), copy.name)));
        }
        if found.is_empty() {
            let message = format!("no data was copied since {since}, so there is none to put back");
            return Err(conflict(message, "go back without `--with-data`; `shipway snapshot list` shows all copies"));
        }
        if let Kind::Rollback { snapshots, .. } = &mut request.kind {
            *snapshots = found;
        }
        Ok(())
    }

    /// Refuses to go back over a `contract` migration: the old may not work with today's data.
    async fn refuse_past_contract(&self, request: &Request, since: Timestamp) -> Result<(), Refusal> {
        let scope = format!("{}/{}", request.project, request.environment);
        let touches = |deployment: &Deployment| {
            deployment.created_at >= since
                && is_past_contract(deployment)
                && request.services.iter().any(|service| deployment.course.goal.contains_key(service))
        };
        let stop = |deployment: &Deployment| deployment.created_at < since || touches(deployment);
        let Some(found) = self.newest_that(&scope, stop).await?.filter(|found| touches(found)) else { return Ok(()) };
        Err(Refusal::Conflict {
            message: "a `contract` migration ran since: the old may not work with today's data".into(),
            list: vec![format!("it ran in {} ({})", found.name, found.id)],
            hint: Some(
                "deploy what mends it; or add `--with-data` to put the data back too, or `--accept-contract`".into(),
            ),
        })
    }

    /// The newest completed, not quarantined state of an environment that is not the live one.
    ///
    /// # Errors
    /// There is none.
    pub async fn newest_other_state(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
    ) -> Result<Arc<Deployment>, Refusal> {
        let scope = format!("{project}/{environment}");
        let slots: Vec<Slot> = self.ports.store.below(&scope).await?;
        let live =
            |service: &ServiceName| slots.iter().find(|s| s.key.service == *service).and_then(|s| s.live.as_ref());
        let other = |deployment: &Deployment| {
            let same = |slot: &Slot| {
                let then = deployment.result.get(&slot.key.service).map(|serving| &serving.release);
                slot.live.as_ref().map(|live| &live.release) == then
            };
            let gone = deployment.result.keys().any(|service| live(service).is_none());
            let good = deployment.phase == Phase::Completed && !deployment.quarantined && !deployment.result.is_empty();
            good && (gone || !slots.iter().all(same))
        };
        if let Some(found) = self.newest_that(&scope, other).await? {
            return Ok(found);
        }
        let message = format!("{environment} has no other good state to go back to");
        let running = self.newest_that(&scope, |deployment| !deployment.phase.is_end()).await?;
        Err(match running {
            Some(running) => {
                conflict(message, format!("{0} is under way: `shipway abort {0}` takes it back", running.name))
            }
            None => {
                conflict(message, "see `shipway history`; a quarantined state can be deployed again by its version")
            }
        })
    }
}

fn refuse_written_since(undone: &Deployment, slots: &[Slot], force: bool) -> Result<(), Refusal> {
    if undone.course.parents.is_empty() {
        return Err(conflict(format!("{} has changed nothing", undone.name), "see `shipway history`"));
    }
    let mine = |slot: &&Slot| undone.course.parents.iter().any(|parent| parent.key == slot.key);
    let since = slots.iter().filter(mine).filter(|slot| {
        let unchanged = undone.course.parents.iter().any(|p| p.key == slot.key && p.revision == slot.revision);
        !unchanged && slot.written_by.as_ref() != Some(&undone.id)
    });
    let list: Vec<_> = since
        .map(|slot| {
            let by = slot.written_by.as_ref().map_or_else(|| "a repair".to_owned(), ToString::to_string);
            format!("{} was written by {by}", slot.key.service)
        })
        .collect();
    if list.is_empty() || force {
        return Ok(());
    }
    Err(Refusal::Conflict {
        message: format!("{} can't be taken back alone: services were written since", undone.name),
        list,
        hint: Some("take back the newer ones first, or use --force to put these services back all the same".into()),
    })
}
