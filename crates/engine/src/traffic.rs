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
    id::SlotKey,
    instance::Instance,
    ports::{Clock, Fault, FaultKind, Traffic, TrafficRouter},
    release::Release,
    route::{RouteTable, World, derive},
    slot::Slot,
    store::{DocumentKind, read_body},
};
use tokio::sync::Notify;
use tracing::{debug, warn};

use crate::Engine;

/// How long a step waits for the data plane to follow.
const PUBLISH_MS_MAX: u64 = 30_000;
/// How long the writer waits before it tries again, when the data plane is not there.
const RETRY_MS: u64 = 200;
/// Rises by one explicit step after a restore of the data folder.
const EPOCH: u64 = 1;

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
    let generation = table.generation;
    engine.publisher.router.publish(Arc::new(table)).await?;
    engine.publisher.followed(generation);
    debug!(generation, "published");
    Ok(())
}

/// The table as the slots say now.
pub(crate) async fn derive_table(engine: &Engine) -> Result<RouteTable, Fault> {
    let kinds = [DocumentKind::Slot, DocumentKind::Instance];
    let (generation, bodies) = engine.ports.store.snapshot(&kinds).await?;
    let [slots, instances] = <[Vec<String>; 2]>::try_from(bodies)
        .map_err(|_| Fault::new(FaultKind::Corrupt, "a snapshot does not hold what was asked for"))?;
    let slots: Vec<Slot> = slots.iter().map(|body| read_body(body)).collect::<Result<_, _>>()?;
    let instances: Vec<Instance> = instances.iter().map(|body| read_body(body)).collect::<Result<_, _>>()?;
    let mut releases = BTreeMap::new();
    let running = instances.iter().map(|instance| &instance.release);
    for id in slots.iter().flat_map(Slot::releases).chain(running).collect::<BTreeSet<_>>() {
        let release: Release = (*engine.release(id).await?).clone();
        releases.insert(id.clone(), release);
    }
    let releases_dir = engine.settings.folders.releases();
    let world = World {
        epoch: EPOCH,
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
