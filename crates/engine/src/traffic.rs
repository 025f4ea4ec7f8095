//! The one writer of the route table: derives the whole table from all slots, and publishes the newest.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::{Either, select};
use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::SlotKey,
    instance::Instance,
    ports::{Clock, Fault, FaultKind, Traffic, TrafficRouter},
    route::{Epoch, RouteTable, World, derive},
    slot::Slot,
    store::{Body, Commit, DocumentKind, Guarded, read_all},
};
use tokio::sync::Notify;
use tracing::{debug, warn};

use crate::Engine;

/// How long a step waits for the data plane to follow.
const PUBLISH_MS_MAX: u64 = 30_000;
/// How long the writer waits before it tries again, when the data plane is not there.
const RETRY_MS: u64 = 200;

pub(crate) struct Publisher {
    router: Arc<dyn TrafficRouter>,
    wanted: Notify,
    /// The newest generation that is followed.
    followed: AtomicU64,
    /// Told when it rises. It wakes in the order of waiting, so that a simulation can be repeated.
    risen: Notify,
}

impl Publisher {
    pub(crate) fn new(router: Arc<dyn TrafficRouter>) -> Self {
        Self { router, wanted: Notify::new(), followed: AtomicU64::new(0), risen: Notify::new() }
    }

    /// Says that something changed.
    pub(crate) fn kick(&self) {
        self.wanted.notify_one();
    }

    /// Ends when the data plane follows that generation or a newer one.
    pub(crate) async fn follow(&self, clock: &dyn Clock, generation: u64) -> Result<(), Fault> {
        self.kick();
        match select(Box::pin(self.reach(generation)), clock.sleep_ms(PUBLISH_MS_MAX)).await {
            Either::Left(_) => Ok(()),
            Either::Right(_) => {
                Err(Fault::new(FaultKind::Timeout, format!("the proxy does not follow after {PUBLISH_MS_MAX} ms"))
                    .with_hint("see `shipway status` for the proxy; it goes on serving the routes that it has"))
            }
        }
    }

    async fn reach(&self, generation: u64) {
        loop {
            let mut risen = std::pin::pin!(self.risen.notified());
            // Listening begins before looking, so that nothing is missed in between.
            risen.as_mut().enable();
            if self.followed.load(Ordering::SeqCst) >= generation {
                return;
            }
            risen.await;
        }
    }

    fn followed(&self, generation: u64) {
        self.followed.store(generation, Ordering::SeqCst);
        self.risen.notify_waiters();
    }

    /// The numbers of the data plane.
    pub(crate) async fn traffic(&self) -> Result<Traffic, Fault> {
        self.router.traffic().await
    }
}

/// Publishes for as long as the engine lives.
pub(crate) async fn publish_newest(engine: Arc<Engine>) {
    let mut told = false;
    loop {
        engine.publisher.wanted.notified().await;
        while let Err(fault) = publish_once(&engine).await {
            if !told {
                warn!(%fault, "the routes can't be published yet");
            }
            told = true;
            engine.ports.clock.sleep_ms(RETRY_MS).await;
        }
        told = false;
    }
}

async fn publish_once(engine: &Engine) -> Result<(), Fault> {
    let table = derive_table(engine).await?;
    let (epoch, generation) = (table.epoch, table.generation);
    match engine.publisher.router.publish(Arc::new(table)).await {
        Err(fault) if fault.kind == FaultKind::Conflict => {
            raise_epoch(engine, epoch).await?;
            return Err(fault);
        }
        answer => answer?,
    }
    engine.publisher.followed(generation);
    debug!(generation, "published");
    Ok(())
}

/// Raises the epoch when the data plane follows a table that this store never gave out: then the store is an older one
/// that was put back, and what it says is what holds now.
async fn raise_epoch(engine: &Engine, epoch: u64) -> Result<(), Fault> {
    let followed = engine.publisher.router.traffic().await?;
    // Read after what is followed: a table that another server published meanwhile is no newer than that.
    let (generation, bodies) = engine.ports.store.snapshot(&[DocumentKind::Epoch]).await?;
    let stored = epoch_of(&bodies)?;
    if stored.number != epoch || (followed.epoch, followed.generation) <= (stored.number, generation) {
        return Ok(());
    }
    let next = Epoch { number: followed.epoch.max(stored.number) + 1, revision: stored.revision + 1 };
    let message = format!(
        "the data plane follows table {} of epoch {}, and the store stands at {generation} of epoch {}: an older store \
         was put back, and its routes hold from now on, in epoch {}",
        followed.generation, followed.epoch, stored.number, next.number
    );
    warn!("{message}");
    let event = EventBody::new(EventKind::StoreRestored, EventStatus::Warning, "server", message);
    let commit = Commit::at(engine.ports.clock.now()).put(&next).raise(Guarded::Epoch, stored.revision).event(event);
    engine.ports.store.commit(commit).await.map(|_| ())
}

/// The epoch, which is the last of a snapshot's kinds.
fn epoch_of(snapshot: &[Vec<Body>]) -> Result<Epoch, Fault> {
    let stored = snapshot.last().and_then(|bodies| bodies.first());
    Ok(stored.map(|body| body.read::<Epoch>(DocumentKind::Epoch)).transpose()?.as_deref().cloned().unwrap_or_default())
}

/// The table as the slots say now.
pub(crate) async fn derive_table(engine: &Engine) -> Result<RouteTable, Fault> {
    let kinds = [DocumentKind::Slot, DocumentKind::Instance, DocumentKind::Epoch];
    let (generation, bodies) = engine.ports.store.snapshot(&kinds).await?;
    let [slots, instances, _] = bodies.as_slice() else {
        return Err(Fault::new(FaultKind::Corrupt, "a snapshot does not hold what was asked for"));
    };
    let (slots, instances): (Vec<Arc<Slot>>, Vec<Arc<Instance>>) = (read_all(slots)?, read_all(instances)?);
    let mut releases = BTreeMap::new();
    let running = instances.iter().map(|instance| &instance.release);
    for id in slots.iter().flat_map(|slot| slot.releases()).chain(running).collect::<BTreeSet<_>>() {
        releases.insert(id.clone(), engine.release(id).await?);
    }
    let releases_dir = engine.settings.folders.releases();
    let world = World {
        epoch: epoch_of(&bodies)?.number,
        generation,
        slots: &slots,
        instances: &instances,
        releases: &releases,
        releases_dir: &releases_dir,
    };
    Ok(derive(&world))
}

/// Requests and failures of some slots, of all their releases.
pub(crate) fn sum(traffic: &Traffic, slots: &[SlotKey]) -> (u64, u64) {
    let pools: Vec<_> = slots.iter().map(ToString::to_string).collect();
    let mine = traffic.releases.iter().filter(|release| pools.contains(&release.pool));
    mine.fold((0, 0), |(requests, failed), release| (requests + release.requests, failed + release.failed))
}
