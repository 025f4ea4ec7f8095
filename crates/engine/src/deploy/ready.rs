//! The last look before traffic moves: what is about to take it was proven, and must still be there. Between the two
//! other members were proven, hooks ran, and people may have thought it over.

use shipway_core::{
    id::InstanceId,
    instance::{Instance, InstanceState},
    plan::SlotWrite,
    ports::Life,
    slot::{Serving, Share, Slot},
};

use super::failure::{Broken, broken};
use crate::Engine;

/// How long an instance that is not ready right now may take to be so again.
const READY_MS_MAX: u64 = 5_000;
const LOOK_MS: u64 = 50;

/// Fails when a release is about to take traffic with fewer instances than it should have. Those that were reloaded pass
/// to it by the same write.
pub(super) async fn all_that_take_traffic(
    engine: &Engine,
    writes: &[SlotWrite],
    reloaded: &[InstanceId],
) -> Result<(), Broken> {
    let until = engine.ports.clock.now().plus_ms(READY_MS_MAX);
    for (slot, serving) in writes.iter().filter_map(|write| Some((&write.slot, takes_traffic(&write.slot)?))) {
        // What serves already is replaced by the reconciler when it dies; what is coming is not.
        let stored: Option<Slot> = engine.ports.store.find(&slot.key.to_string()).await?;
        let serves = stored.and_then(|slot| slot.live).is_some_and(|live| live.release == serving.release);
        while let Some(missing) = missing(engine, slot, &serving, reloaded).await? {
            if engine.ports.clock.now() >= until || (missing.is_gone() && !serves) {
                return Err(missing.into_broken(engine, slot, &serving).await);
            }
            engine.ports.clock.sleep_ms(LOOK_MS).await;
        }
    }
    Ok(())
}

/// The release that takes more traffic by a write, with its instances.
fn takes_traffic(slot: &Slot) -> Option<Serving> {
    let comes = slot.candidate.as_ref().filter(|candidate| candidate.share != Share::Lane);
    let comes = comes.map(|one| Serving { release: one.release.clone(), instances: one.instances });
    comes.or_else(|| slot.live.clone().filter(|_| slot.candidate.is_none()))
}

/// What a release lacks.
struct Missing {
    ready: usize,
    /// One that runs no more, or is not ready.
    one: Option<(Instance, Life)>,
}

impl Missing {
    /// Whether waiting is of no use.
    fn is_gone(&self) -> bool {
        self.one.as_ref().is_none_or(|(_, life)| !matches!(life, Life::Running { .. }))
    }

    async fn into_broken(self, engine: &Engine, slot: &Slot, serving: &Serving) -> Broken {
        let (service, wanted) = (&slot.key.service, serving.instances);
        let message = format!("{service}: {} of {wanted} instances are ready to take traffic", self.ready);
        match self.one {
            Some((instance, Life::Running { .. })) => {
                broken(engine, &instance.id, &format!("{message}: {} is not ready any more", instance.id)).await
            }
            Some((instance, _)) => {
                let message = format!("{message}: {} ended after it was proven", instance.id);
                broken(engine, &instance.id, &message).await
            }
            None => Broken::release(message),
        }
    }
}

async fn missing(
    engine: &Engine,
    slot: &Slot,
    serving: &Serving,
    reloaded: &[InstanceId],
) -> Result<Option<Missing>, Broken> {
    let recorded: Vec<Instance> = engine.ports.store.below(&slot.key.to_string()).await?;
    let (mut ready, mut one) = (0, None);
    let its = |one: &Instance| one.release == serving.release || reloaded.contains(&one.id);
    for instance in recorded.into_iter().filter(its) {
        let life = engine.ports.driver.observe(&instance.id).await?;
        match (&life, instance.state) {
            (Life::Running { .. }, InstanceState::Ready) => ready += 1,
            (_, InstanceState::Draining) => {}
            _ => one = Some((instance, life)),
        }
    }
    Ok((ready < serving.instances as usize).then_some(Missing { ready, one }))
}
