//! Removes the traces of instances that ended a while ago. Their logs stay for the last of them.

use std::collections::{BTreeMap, BTreeSet};

use shipway_core::{
    id::InstanceId,
    instance::Instance,
    ports::{Fault, Life},
};

use crate::Engine;

/// Ended instances whose logs stay.
const ENDED_KEPT_MAX: usize = 40;

pub(super) async fn tidy(
    engine: &Engine,
    seen: &BTreeMap<InstanceId, Life>,
    recorded: &[Instance],
) -> Result<(), Fault> {
    let recorded: BTreeSet<_> = recorded.iter().map(|instance| &instance.id).collect();
    let ended = seen.iter().filter(|(id, _)| !recorded.contains(id));
    let mut ended: Vec<_> = ended
        .filter_map(|(id, life)| match life {
            Life::Exited { at, .. } => Some((*at, id)),
            Life::Running { .. } | Life::Absent => None,
        })
        .collect();
    ended.sort();
    let surplus = ended.len().saturating_sub(ENDED_KEPT_MAX);
    for (_, id) in ended.into_iter().take(surplus) {
        engine.ports.driver.forget(id).await?;
    }
    Ok(())
}
