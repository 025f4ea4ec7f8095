//! What each service of a deployment serves now.

use super::{Facts, Serves, Standing};
use crate::{
    id::ServiceName,
    slot::{Share, Slot},
};

/// What they serve, as far as it could be read.
pub(super) fn serving(facts: &Facts<'_>) -> Vec<Serves> {
    let mine = |slot: &&Slot| facts.deployment.course.goal.contains_key(&slot.key.service);
    facts.around.slots.iter().filter(mine).map(|slot| of_slot(facts, slot)).collect()
}

fn of_slot(facts: &Facts<'_>, slot: &Slot) -> Serves {
    let service = &slot.key.service;
    let beside = slot.candidate.as_ref().map(|candidate| {
        let version = facts.version(&candidate.release);
        match candidate.share {
            Share::Lane => format!("{version} comes, without traffic of users"),
            Share::Percent(percent) => format!("{version} takes {percent}% of the clients"),
            Share::ByInstances => format!("{version} takes traffic with {} instances", candidate.instances),
        }
    });
    Serves {
        service: service.clone(),
        is: standing(facts, slot, service),
        version: slot.live.as_ref().map(|live| facts.version(&live.release)),
        beside,
        held: slot.hold.is_some(),
    }
}

fn standing(facts: &Facts<'_>, slot: &Slot, service: &ServiceName) -> Standing {
    let parent = facts.deployment.course.parents.iter().find(|parent| parent.key == slot.key);
    let old = parent.and_then(|parent| parent.live.as_ref()).map(|live| &live.release);
    match slot.live.as_ref().map(|live| &live.release) {
        None => Standing::Nothing,
        live if live == old => Standing::Old,
        live if live == facts.coming(service) => Standing::New,
        // Before the plan is recorded there is nothing else that it could be.
        _ if facts.deployment.course.parents.is_empty() => Standing::Old,
        Some(_) => Standing::Other,
    }
}
