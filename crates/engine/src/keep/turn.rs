//! The one way in which keepers change an instance's part in traffic.

use shipway_core::{
    event::EventBody,
    instance::{Instance, InstanceState},
    ports::{Fault, FaultKind},
    slot::Slot,
    store::{Commit, Guarded},
};

use crate::Engine;

/// How often it is tried again because somebody wrote in between.
const CONFLICTS_MAX: u32 = 10;

/// Changes an instance's state, when it still is what it was, somebody wants it, and this server still has the right.
/// Gives the generation when it did.
pub(super) async fn turn(
    engine: &Engine,
    instance: &Instance,
    from: InstanceState,
    to: InstanceState,
    event: EventBody,
    right: (Guarded, u64),
) -> Result<Option<u64>, Fault> {
    for _ in 0..CONFLICTS_MAX {
        let Some(commit) = decide(engine, instance, from, to, &event, &right).await? else { return Ok(None) };
        match engine.ports.store.commit(commit).await {
            Err(fault) if fault.kind == FaultKind::Conflict => {}
            committed => {
                engine.publisher.kick();
                return Ok(Some(committed?.generation));
            }
        }
    }
    Ok(None)
}

async fn decide(
    engine: &Engine,
    instance: &Instance,
    from: InstanceState,
    to: InstanceState,
    event: &EventBody,
    right: &(Guarded, u64),
) -> Result<Option<Commit>, Fault> {
    // Read before the instance: when a deployment lets it drain in between, the slot's revision says so.
    let slot: Option<Slot> = engine.ports.store.find(&instance.slot.to_string()).await?;
    let stored: Option<Instance> = engine.ports.store.find(instance.id.as_str()).await?;
    let Some(slot) = slot.filter(|slot| slot.wanted(&instance.release) > 0) else { return Ok(None) };
    let Some(stored) = stored.filter(|stored| stored.state == from) else { return Ok(None) };
    let commit = Commit::at(engine.ports.clock.now())
        .fence(right.0.clone(), right.1)
        .fence(Guarded::Slot(slot.key), slot.revision)
        .put(&Instance { state: to, ..stored })
        .event(event.clone());
    Ok(Some(commit))
}
