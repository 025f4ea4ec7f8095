//! Puts drift right, once somebody asked for it: the files of the release where they lie, then its instances, one by one:
//! another is started and proven before the old one is drained and stopped. What is asked for is stored, so a server that
//! takes over goes on with it: instances that were started since are left.
//!
//! Not here: finding it (`drift`), asking for it (`crate::drift`).

use std::sync::Arc;

use shipway_core::{
    drift::Drift,
    event::{EventKind, EventStatus},
    instance::{Instance, InstanceState},
    ports::{Fault, FaultKind},
    release::Release,
    slot::Slot,
    store::{Commit, Guarded},
    strategy::StrategyKind,
};

use super::{
    memory::{Deaths, Memory},
    reconcile::{Sight, retire, said},
    replace::{self, Place},
};
use crate::Engine;

/// Begins what is asked for and not begun.
pub(super) async fn asked(engine: &Arc<Engine>, sight: &Sight, memory: &Memory) -> Result<(), Fault> {
    let drifts: Vec<Drift> = engine.ports.store.below("").await?;
    for drift in drifts.into_iter().filter(|drift| drift.repair.is_some()) {
        let slot = sight.slots.iter().find(|slot| slot.key == drift.slot);
        let Some(slot) = slot.filter(|slot| slot.releases().contains(&&drift.release)) else { continue };
        if sight.is_leased(&slot.key) || memory.busy.is(&slot.key, &drift.release) {
            continue;
        }
        let of = (slot.key.clone(), drift.release.clone());
        let work = Work::new(engine, sight, memory, slot);
        memory.busy.run(engine, of, work.run(drift));
    }
    Ok(())
}

/// Exchanges what may have read the configuration of another release, and belongs to no deployment any more: one got
/// stuck after it had told it so.
pub(super) async fn misled(engine: &Arc<Engine>, sight: &Sight, memory: &Memory) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let misled = |one: &&Instance| one.reloading.is_some() && one.state == InstanceState::Ready && sight.runs(one);
    for old in sight.instances.iter().filter(misled) {
        let slot = sight.slots.iter().find(|slot| slot.key == old.slot && slot.wanted(&old.release) > 0);
        let Some(slot) = slot.filter(|slot| !sight.is_leased(&slot.key)) else { continue };
        let idle = !memory.busy.is(&slot.key, &old.release);
        if idle && memory.deaths.may_replace(&slot.key, &old.release, now) {
            let of = (slot.key.clone(), old.release.clone());
            let (work, old) = (Work::new(engine, sight, memory, slot), old.clone());
            memory.busy.run(engine, of, async move {
                let release = work.engine.release(&old.release).await?;
                work.exchange(&release, old, 0).await.map(|_| ())
            });
        }
    }
    Ok(())
}

struct Work {
    engine: Arc<Engine>,
    slot: Slot,
    leader: u64,
    /// A deployment that came meanwhile changes them: then the slot is its own.
    leases: (Guarded, u64),
    deaths: Deaths,
}

impl Work {
    fn new(engine: &Arc<Engine>, sight: &Sight, memory: &Memory, slot: &Slot) -> Self {
        Self {
            engine: engine.clone(),
            slot: slot.clone(),
            leader: sight.leader,
            leases: sight.held.fence(&slot.key),
            deaths: memory.deaths.clone(),
        }
    }

    async fn run(self, drift: Drift) -> Result<(), Fault> {
        let (commit, event) = match self.put_right(&drift).await {
            Ok(true) => {
                let message = format!("{} is again what {} says", self.slot.key.service, drift.release.short());
                (self.commit().delete(&drift), said(&drift.slot, EventKind::DriftRepaired, EventStatus::Ok, message))
            }
            // Somebody else wrote in between: the next look goes on.
            Ok(false) => return Ok(()),
            Err(fault) => {
                let message = format!("{} could not be put right: {fault}", self.slot.key.service);
                let event = said(&drift.slot, EventKind::DriftRepairFailed, EventStatus::Failed, message);
                (self.commit().put(&Drift { repair: None, failed: Some(fault.to_string()), ..drift }), event)
            }
        };
        match self.engine.ports.store.commit(commit.event(event)).await {
            Err(fault) if fault.kind == FaultKind::Conflict => Ok(()),
            committed => {
                committed?;
                // The proxy has the folder of a static site open, and what it read of it.
                self.engine.publisher.kick();
                Ok(())
            }
        }
    }

    /// A commit that only the leader may make, while no deployment has taken the slot.
    fn commit(&self) -> Commit {
        let commit = Commit::at(self.engine.ports.clock.now()).fence(Guarded::Leader, self.leader);
        commit.fence(self.leases.0.clone(), self.leases.1)
    }

    /// Says whether all of it is right.
    async fn put_right(&self, drift: &Drift) -> Result<bool, Fault> {
        let release = self.engine.release(&drift.release).await?;
        self.engine.ports.driver.mend(&release).await?;
        let Some(repair) = &drift.repair else { return Ok(true) };
        let of_release = |one: &Instance| one.slot == drift.slot && one.release == drift.release;
        for number in 0.. {
            let instances: Vec<Instance> = self.engine.ports.store.below(&drift.slot.to_string()).await?;
            let serves = |one: &Instance| matches!(one.state, InstanceState::Ready | InstanceState::Unready);
            let mut old =
                instances.into_iter().filter(|one| of_release(one) && serves(one) && one.created_at < repair.at);
            let Some(old) = old.next() else { return Ok(true) };
            if !self.exchange(&release, old, number).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts another instance in the place of one. Says whether it did.
    async fn exchange(&self, release: &Arc<Release>, old: Instance, number: usize) -> Result<bool, Fault> {
        // What may not run beside others of its service is stopped first.
        let alone = release.serve.strategy.kind() == StrategyKind::Recreate;
        if alone {
            retire(self.engine.clone(), old.clone(), self.commit()).await?;
        }
        let now = self.engine.ports.clock.now();
        let place = Place {
            slot: self.slot.key.clone(),
            revision: self.slot.revision,
            leader: self.leader,
            deaths: self.deaths.clone(),
        };
        replace::replace(&self.engine, &place, release, now, number).await?;
        let id = replace::id(&place.slot, release, now, number);
        match self.engine.ports.store.find::<Instance>(id.as_str()).await? {
            Some(new) if new.state == InstanceState::Ready => {}
            // It was not even recorded: a deployment has written the slot.
            None if self.moved_on().await? => return Ok(false),
            _ => {
                let message = format!("{id}, started in place of {}, is not healthy", old.id);
                return Err(
                    Fault::unavailable(message).with_hint(format!("`shipway logs {}` may say why", old.slot.service))
                );
            }
        }
        if !alone {
            retire(self.engine.clone(), old.clone(), self.commit()).await?;
        }
        let left = self.engine.ports.store.find::<Instance>(old.id.as_str()).await?;
        Ok(left.is_none_or(|left| left.state == InstanceState::Draining))
    }

    async fn moved_on(&self) -> Result<bool, Fault> {
        let slot: Option<Slot> = self.engine.ports.store.find(&self.slot.key.to_string()).await?;
        Ok(slot.is_none_or(|slot| slot.revision != self.slot.revision))
    }
}
